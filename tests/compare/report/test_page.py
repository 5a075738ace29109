"""The page as a file: it parses, holds every method and figure, and nothing from outside; names cannot break it."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from compare.report.made import HOSTILE, METHODS, Part, results_of
from subpixel.compare import Results
from subpixel.compare.report import write_report
from subpixel.errors import InvalidArgument, MissingExtra

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Every element with its attributes; it fails where an end tag is missing or has no start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(next(text for text in self.texts["script"] if text.startswith("{")))
        return found


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(HOSTILE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, results: Results) -> Path:
    target = tmp_path_factory.mktemp("report")
    figure = target / "made.png"
    pyvips.Image.new_from_array(np.zeros((20, 30, 3), np.uint8)).pngsave(str(figure))
    decoder = Part(
        "Some <b>words</b>.\n\n| upsampler | IoU |\n| --- | ---: |\n| **nearest** & co | 50.0 |\n| last | 49.0 |\n",
        {"ranking": figure},
    )
    write_report(target, results, decoder=decoder, figures=[figure], captions={"made": ("<i>Made</i>", "About it.")})
    return target


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_comes_from_outside(page: Page, text: str) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "poster", "data"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#")), (tag, attributes)
    assert not re.search(r"https?://|url\(|@import", text)


def test_ids_are_unique_and_labels_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    assert all("alt" in attributes for attributes in page.all("img"))


def test_every_method_is_there(page: Page, results: Results) -> None:
    named = [attributes["data-method"] for _, attributes in page.elements if "data-method" in attributes]
    assert sorted(named) == sorted(METHODS)
    reasons = " ".join(page.texts["li"])
    assert results["recurrent"].reason in reasons
    marks = [attributes for attributes in page.all("span") if attributes.get("class") == "mark"]
    assert len(marks) == sum(one.sees_truth for one in results.measured) == 2


def test_figures_are_those_of_the_results(text: str, results: Results) -> None:
    for method in results.measured:
        row = re.search(rf'<tr data-method="{method.name}">(.*?)</tr>', text, re.S)
        assert row is not None
        values = re.findall(r'<td class="number" data-value="([^"]*)"', row[1])
        assert float(values[0]) == method.psnr_y
        assert float(values[4]) == method.checkerboard
        assert float(values[5]) == method.milliseconds
    strong = re.search(r'<tr data-method="fast">.*?<td class="number"[^>]*><strong>([\d.]+)</strong>', text, re.S)
    assert strong is not None
    assert strong[1] == f"{results['fast'].psnr_y:.2f}"


def test_pixels_are_those_of_the_results(page: Page, results: Results) -> None:
    data = page.data
    images = []
    for address in data["images"]:
        content = base64.b64decode(address.removeprefix("data:image/webp;base64,"))
        images.append(pyvips.Image.new_from_buffer(content, "").numpy())
    first, second, *tiles = data["tiles"]
    assert first["truth"]
    assert second["small"]
    assert (images[first["image"]] == results.truth).all()
    assert (images[second["image"]] == results.small).all()
    assert len(tiles) == len(results.measured)
    order = sorted(results.measured, key=lambda one: tiles_of(page).index(one.title + " *" * one.sees_truth))
    for tile, method in zip(tiles, order, strict=True):
        assert (images[tile["image"]] == method.image).all(), method.name
    assert data["detail"] == vars(results.detail)
    assert len(images) < len(tiles) + 2  # pixel shuffle gives the reference, which is there once


def tiles_of(page: Page) -> list[str]:
    canvases = page.all("canvas")
    return [one["aria-label"].removesuffix(", the chosen place") for one in canvases]


def test_charts_and_parts_are_there(page: Page, folder: Path) -> None:
    for name in ("psnr-time", "psnr-multiply-adds", "checkerboard", "loss"):
        assert (folder / f"chart-{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert any(attributes.get("id") == f"chart-{name}" for attributes in page.all("figure"))
    assert {"crops.png", "errors.png"} <= {path.name for path in folder.iterdir()}
    assert page.texts["h3"].count("<i>Made</i>") == 1  # escaped: it is text
    assert "Some <b>words</b>." in page.texts["p"]
    assert "nearest & co" in page.texts["th"]


def test_a_hostile_name_is_text(page: Page, text: str) -> None:
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert all(attributes["src"].startswith("data:") for attributes in page.all("img"))
    assert any(HOSTILE in part for part in page.texts["title"])
    assert "<img src=x" not in text
    policy = next(one["content"] for one in page.all("meta") if "http-equiv" in one)
    assert policy.startswith("default-src 'none'")


def test_without_a_reference(tmp_path: Path) -> None:
    path = write_report(tmp_path, results_of(reference=False))
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.data["tiles"][0]["truth"]
    assert page.data["tiles"][0]["small"]
    assert not any(one.get("value") == "errors" for one in page.all("input"))
    assert not (tmp_path / "errors.png").exists()
    assert not (tmp_path / "chart-psnr-time.png").exists()


def test_networks_alone(tmp_path: Path) -> None:
    path = write_report(tmp_path, spaces=Part("# A title\n\n- one\n- two\n"))
    page = Page(path.read_text(encoding="utf-8"))
    assert "A title" in page.texts["h3"]
    assert not page.all("canvas")
    with pytest.raises(InvalidArgument, match="nothing to report"):
        write_report(tmp_path)


def test_the_same_results_give_the_same_page(tmp_path: Path, results: Results, text: str) -> None:
    one, other = (write_report(tmp_path / name, results).read_bytes() for name in ("a", "b"))
    assert one == other


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named(
    package: str, tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    if package == "matplotlib":
        monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
        monkeypatch.setitem(__import__("sys").modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingExtra, match=rf"{package}: pip install 'subpixel\[compare\]'"):
        write_report(tmp_path / "new", results)


def test_results_write_their_report(tmp_path: Path, results: Results) -> None:
    path = results.to_html(tmp_path)
    assert path.name == "report.html"
    assert (tmp_path / "results.json").is_file()
