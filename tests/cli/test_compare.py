"""``subpixel compare``: what it writes and prints, what it refuses, and what it does without an extra."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from helpers import save_image
from subpixel.errors import InvalidArgument, MissingExtra

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
Run = Callable[..., Any]
FEW = ["--methods", "nearest,bilinear,max-unpooling", "--methods", "fast"]


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    about: str


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands for the figures: one that is drawn, one that needs torch, and one that the image is too small for."""
    module = ModuleType("subpixel.compare.figures")
    known = ("shuffle", "weights", "large")
    module.FIGURES = {name: Figure(name, f"Title of {name}", "About it.") for name in known}  # type: ignore[attr-defined]

    def draw(name: str, image: np.ndarray, folder: Path, *, seed: int, threads: int) -> Path:
        if name == "weights":
            raise MissingExtra("training needs torch: pip install 'subpixel[train]'")
        if name == "large":
            raise InvalidArgument("an image of 48×40 is too small: 64×64 is needed")
        assert image.shape[2] in (1, 3)
        folder.mkdir(parents=True, exist_ok=True)
        return save_image(folder / f"{name}.png", np.zeros((4, 6, 3), np.uint8))

    module.draw = draw  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "subpixel.compare.figures", module)
    return module


@pytest.fixture
def photo(tmp_path: Path, figures: ModuleType) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    return save_image(tmp_path / "photo.png", noise.repeat(4, 0).repeat(4, 1))


def test_a_report(run: Run, photo: Path) -> None:
    done = run("compare", photo, *FEW)
    assert done.code == 0
    folder = photo.parent / "photo_compare"
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "report.md", "report.json", "results.csv", "results.json", "results.md"} <= names
    assert {"crops.png", "errors.png", "chart-checkerboard.png", "run.json"} <= names
    images = {path.name for path in (folder / "images").iterdir()}
    assert images == {"small.png", "reference.png"} | {
        f"{name}{end}.png" for name in ("nearest", "bilinear", "max-unpooling", "fast") for end in ("", "_error")
    }
    head, rule, *rows = done.out.splitlines()
    assert head.startswith("| method ")
    assert set(rule) <= set("|-: ")
    assert {row.split()[1] for row in rows[:4]} == {"Nearest", "Bilinear", "Max", "fast"}
    assert "reads the reference" in done.out
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Title of shuffle" in page
    assert "Title of weights" not in page
    notes = [line for line in done.err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2
    assert "not every figure was drawn: training needs torch" in notes[0]
    assert "the figure 'large' was not drawn: an image of 48×40 is too small" in notes[1]
    assert done.err.splitlines()[-1] == f"{folder / 'report.html'}: written"


def test_a_finished_report_is_read_and_others_are_left_alone(run: Run, photo: Path, tmp_path: Path) -> None:
    first = run("compare", photo, *FEW, "--json")
    folder = photo.parent / "photo_compare"
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    again = run("compare", photo, *FEW, "--json")
    assert again.out == first.out
    assert "done before" in again.err
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    data = json.loads(again.out)
    assert [one["name"] for one in data["comparison"]["methods"]] == ["nearest", "bilinear", "max-unpooling", "fast"]
    assert {one["verdict"] for one in data["claims"]} <= {"supported", "refuted", "no difference", "not measured"}

    other = run("compare", photo, *FEW, "-s", 3)
    assert other.code == 2
    assert other.err == (
        f"error: {folder}: it holds a report with other settings; --overwrite replaces the files of the same names\n"
    )
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert run("compare", photo, *FEW, "-s", 3, "--overwrite").code == 0
    assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["scale"] == 3

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    refused = run("compare", photo, *FEW, "-o", tmp_path / "mine")
    assert (refused.code, [path.name for path in (tmp_path / "mine").iterdir()]) == (2, ["notes.txt"])
    assert "it is not empty" in refused.err


def test_a_stopped_run_goes_on(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.compare import laboratory

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(laboratory, "write_report", interrupt)
        assert run("compare", photo, *FEW).code == 130
    folder = photo.parent / "photo_compare"
    assert not json.loads((folder / "run.json").read_text(encoding="utf-8"))["done"]
    assert run("compare", photo, *FEW).code == 0
    assert (folder / "report.html").is_file()
    assert not [path for path in folder.rglob(".*")]


def test_one_figure(run: Run, photo: Path, tmp_path: Path) -> None:
    done = run("compare", photo, "--figure", "shuffle", "-o", tmp_path / "f")
    assert (done.code, done.out) == (0, f"{tmp_path / 'f' / 'shuffle.png'}\n")
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["shuffle.png"]
    again = run("compare", photo, "--figure", "shuffle", "-o", tmp_path / "f")
    assert again.code == 2
    assert "exists already; --overwrite replaces it" in again.err
    assert run("compare", photo, "--figure", "shuffle", "-o", tmp_path / "f", "--overwrite").code == 0
    unknown = run("compare", photo, "--figure", "shufle")
    assert unknown.code == 2
    assert "Did you mean 'shuffle'? Choices: shuffle, weights, large." in unknown.err
    assert run("compare", photo, "--figure", "weights").err.endswith("pip install 'subpixel[train]'\n")


def test_what_an_image_loses_is_said(run: Run, tmp_path: Path, figures: ModuleType) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (40, 48, 4), np.uint16)
    path = save_image(tmp_path / "deep.png", deep)
    done = run("compare", path, "--methods", "nearest")
    assert f"note: {path}: alpha is ignored\n" in done.err
    assert f"note: {path}: 16 bits are reduced to 8\n" in done.err
    from subpixel.compare.image_input import read_image

    assert (read_image(path)[0] == np.rint(deep[..., :3] / 257).astype(np.uint8)).all()


def test_without_a_reference(run: Run, photo: Path) -> None:
    done = run("compare", photo, *FEW, "--no-reference")
    assert "PSNR" not in done.out
    assert "Max unpooling did not run: it needs the reference" in done.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "an image is needed, or --decoder or --lr-hr; see `subpixel compare --help`"),
        (["{photo}", "-s", "5"], "--scale 5: 2, 3, 4 or 8 is needed"),
        (["{photo}", "-s", "two"], "is not an integer"),
        (["{photo}", "--degradation", "bicubik"], "Unknown degradation 'bicubik'. Did you mean 'bicubic'?"),
        (["{photo}", "--methods", "fast,fats"], "Unknown method 'fats'. Did you mean 'fast'? Choices: nearest,"),
        (["{photo}", "--methods", ","], "at least one name is needed"),
        (["{photo}", "--size", "7"], "--size 7: at least 8 pixels are needed at ×2"),
        (["{photo}", "-o", "{photo}"], "a report is a folder, and this is a file"),
        (["{photo}", "-o", "{photo}/below"], "is not a folder"),
        (["{folder}/none.png"], "none.png: no such file"),
        (["{folder}"], "is a folder"),
        (["{folder}/dot.png"], "an image of 1×1 is too small to compare upsamplers: 15×15 pixels are needed at ×2"),
        (["{folder}/dot.png", "--decoder"], "an image of 1×1 is too small to compare upsamplers"),
        (["{folder}/text.png"], "text.png: "),
        (["--lr-hr", "-s", "8"], "--scale 8: "),
        (["--decoder", "--seeds", "1"], "--seeds 1: "),
        (["{photo}", "--decoder", "--minutes", "0"], "--minutes 0.0: a positive number is needed"),
        (["{photo}", "--decoder", "--data", "{folder}", "--masks", "{folder}"], ""),
        (["--lr-hr", "--data", "{folder}"], "text.png: not an image"),
        (["{photo}", "--data", "{folder}"], "--data works only with --decoder and --lr-hr"),
        (["--masks", "{folder}", "--lr-hr", "--data", "{folder}"], "--masks works only with --decoder"),
        (["--decoder", "--data", "{folder}/none"], "none: no such folder"),
        (["--decoder", "--figure", "shuffle"], "--figure needs an image"),
        (["{photo}", "--seed", "-1"], "--seed -1"),
    ],
)
def test_wrong_use_is_one_sentence(
    run: Run, photo: Path, look: Callable[[], Any], arguments: list[str], text: str
) -> None:
    save_image(photo.parent / "dot.png", np.zeros((1, 1, 3), np.uint8))
    (photo.parent / "text.png").write_text("no image", encoding="utf-8")
    before = look()
    done = run("compare", *(word.format(photo=photo, folder=photo.parent) for word in arguments))
    assert done.code in (1, 2)
    assert text.format(folder=photo.parent) in done.err
    assert done.err.count("\n") == 1
    assert done.err.startswith("error: ")
    assert look() == before


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_an_extra_the_rest_is_written(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, figures: ModuleType, package: str
) -> None:
    figures.FIGURES = {}
    for name in [name for name in sys.modules if name.split(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    done = run("compare", photo, *FEW)
    assert done.code == 0
    assert done.err.count("note: ") == 1
    assert f"{package}: pip install 'subpixel[compare]'" in done.err
    folder = photo.parent / "photo_compare"
    assert not (folder / "report.html").exists()
    assert {"report.json", "results.csv", "results.json", "results.md", "images"} <= {
        path.name for path in folder.iterdir()
    }
    monkeypatch.undo()


class _Trained:
    """Stands for the results of decoders."""

    budgets = ()
    pictures: dict[str, Path] = {}  # noqa: RUF012

    def to_markdown(self) -> str:
        return "| upsampler | IoU |\n| --- | --- |\n| nearest | 50 |\n"

    def to_dict(self) -> dict[str, Any]:
        return {"iou": 50}


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The calls of a stand-in for the decoders."""
    calls: list[dict[str, Any]] = []
    module = ModuleType("subpixel.compare.decoder")

    def compare_decoders(folder: Path, **options: Any) -> _Trained:
        calls.append({"folder": folder, **options})
        options["progress"]("5 of 70")
        if options["seeds"] == 1:
            raise MissingExtra("training needs torch: pip install 'subpixel[train]'")
        return _Trained()

    module.compare_decoders = compare_decoders  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "subpixel.compare.decoder", module)
    return calls


def test_decoders_alone(run: Run, tmp_path: Path, decoder: list[dict[str, Any]]) -> None:
    done = run("compare", "--decoder", "-o", tmp_path / "d", "--minutes", "2", "--data", tmp_path, "-j", 1)
    assert done.code == 0
    assert done.out == _Trained().to_markdown()
    (call,) = decoder
    del call["progress"]
    assert call == {
        "folder": tmp_path / "d" / "decoder",
        "data": tmp_path,
        "masks": None,
        "minutes": 2.0,
        "seeds": 5,
        "seed": 0,
        "threads": 1,
    }
    assert "The upsampler inside a decoder" in (tmp_path / "d" / "report.html").read_text(encoding="utf-8")


def test_an_image_is_compared_even_if_decoders_cannot_be(run: Run, photo: Path, decoder: list[dict[str, Any]]) -> None:
    done = run("compare", photo, *FEW, "--decoder", "--seeds", 1)
    assert done.code == 1
    assert done.err.splitlines()[-1] == "error: training needs torch: pip install 'subpixel[train]'"
    folder = photo.parent / "photo_compare"
    assert (folder / "report.html").is_file()
    assert not json.loads((folder / "run.json").read_text(encoding="utf-8"))["done"]
    alone = run("compare", "--decoder", "--seeds", 1, "-o", photo.parent / "alone")
    assert alone.code == 1


def test_trainings_that_cannot_begin_leave_no_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    done = run("compare", "--lr-hr", "--data", tmp_path / "images", "-o", tmp_path / "out")
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert not (tmp_path / "out").exists()
