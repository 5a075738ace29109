"""The documentation site: every command and public name is on it, and it loads nothing from elsewhere."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

import subpixel
from commands import COMMANDS
from docs.pages import ROOT, text_of
from subpixel.cli.help import panels

PARTS = ROOT / "docs" / "site"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_mkdocs = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings")),
    reason="the site needs mkdocs; `make docs` installs it",
)


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A file of docs/site that needs no mkdocs."""
    monkeypatch.syspath_prepend(str(PARTS))
    return importlib.import_module(name)


# --- what the pages are made from ---


def public_modules() -> set[str]:
    """The modules right below the package that say what they offer; the command line is no library."""
    source = Path(subpixel.__file__).parent
    found = {"subpixel"}
    for path in [*source.glob("[!_]*.py"), *source.glob("*/__init__.py")]:
        name = path.parent.name if path.name == "__init__.py" else path.stem
        offers = any(
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            for node in ast.parse(path.read_text(encoding="utf-8")).body
        )
        found |= {f"subpixel.{name}"} if offers and name != "cli" else set()
    return found


def test_every_public_module_has_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = part("module_pages", monkeypatch)
    assert set(modules.MODULES) == public_modules()
    assert len(modules.pages()) == len(modules.MODULES)


def test_every_public_name_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = part("module_pages", monkeypatch)
    texts = dict(zip(modules.MODULES, modules.pages().values(), strict=True))
    for name, text in texts.items():
        for public in importlib.import_module(name).__all__:
            entry = rf"^      heading: {re.escape(name)}\.{public}$|^## `?{public}`?$"
            assert re.search(entry, text, re.M), f"{name}.{public}"


def test_every_command_has_a_page_with_every_option(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = part("command_pages", monkeypatch).pages()
    assert len(pages) == len(COMMANDS) + 1
    for name, command in COMMANDS.items():
        page = pages[f"reference/commands/{name.replace(' ', '-')}.md"]
        assert page.startswith(f"# subpixel {name}\n")
        with command.make_context(f"subpixel {name}", [], resilient_parsing=True) as context:
            rows = [row for title in panels(command, context).values() for row in title]
        assert rows
        for label, _ in rows:
            assert all(f"`{word}`" in page for word in label.split(", ")), f"{name}: {label}"
    index = pages["reference/commands/index.md"]
    assert all(f"[`{name}`]({name.replace(' ', '-')}.md)" in index for name in COMMANDS)


@pytest.mark.parametrize("name", ["command_pages", pytest.param("docstrings", marks=needs_mkdocs)])
def test_examples_are_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = doctest.testmod(part(name, monkeypatch))
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(
    ("path", "link", "moved"),
    [
        ("index.md", "docs/images.md#size", "images.md#size"),
        ("index.md", "docs/images/a.webp", "images/a.webp"),
        ("index.md", "examples", "examples.md"),
        ("index.md", "ARCHITECTURE.md", "project/architecture.md"),
        ("project/changelog.md", "docs/images.md", "../images.md"),
        ("project/contributing.md", "ARCHITECTURE.md", "architecture.md"),
        ("images.md", "formats.md", "formats.md"),
        ("laboratory.md", "../examples/laboratory.ipynb", "examples.md"),
        ("guides/training.md", "../../examples/train_on_own_photos.py", "../examples.md#train_on_own_photospy"),
        ("start/image.md", "../../README.md#install", "../index.md#install"),
        ("start/image.md", "#a-folder", "#a-folder"),
        ("start/image.md", "https://example.org/a.md", "https://example.org/a.md"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(
    path: str, link: str, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = part("outside_pages", monkeypatch).with_links_of_the_site
    assert change(f"See [it]({link}).", path) == f"See [it]({moved})."
    code = f"```\n[it]({link})\n```"
    assert change(code, path) == code


# --- figures that explanations repeat ---


@pytest.mark.parametrize("name", ["README.md", "docs/explanation/speed.md", "docs/peers.md"])
def test_figures_of_explanations_are_those_of_the_measurements(name: str) -> None:
    """Times, sizes and dB: in cells of tables, and before their unit in sentences."""
    text = text_of(ROOT / name).replace("**", "")
    measured = " ".join(text_of(ROOT / "docs" / page) for page in ("performance.md", "models.md"))
    figures = re.findall(r"(?<=\| )[\d.]+(?= \|)", text)
    if name != "README.md":  # its times are rounded
        figures += re.findall(r"([\d.]+)\s(?:ms|MiB|frames)\b", text)
    assert len(figures) > 8
    for figure in figures:
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d,]|\.\d)", measured), f"{name}: {figure}"


# --- the site itself ---


class Loads(HTMLParser):
    """What a page loads when it is opened, where its links lead, and the ids in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        self.links += [given["href"]] if tag == "a" and given.get("href") else []
        if tag == "link" and given.get("rel") in ("prev", "next", "canonical"):
            return
        names = {"script": ["src"], "link": ["href"], "img": ["src", "srcset"], "iframe": ["src"]}
        names |= {"source": ["src", "srcset"], "video": ["src", "poster"], "object": ["data"]}
        self.addresses += [given[name] for name in names.get(tag, []) if name in given]


def outside(addresses: list[str]) -> list[str]:
    return [each for each in addresses if re.match(r"\s*([a-z]+:)?//", each)]


def test_what_comes_from_elsewhere_would_be_found() -> None:
    page = '<script src="//a.org/x.js"></script><img src="a.png"><link rel="stylesheet" href="https://b.org/x.css">'
    assert outside(Loads(page).addresses) == ["//a.org/x.js", "https://b.org/x.css"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@needs_mkdocs
@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        addresses = Loads(text_of(page)).addresses
        assert addresses
        assert not outside(addresses), f"{page.relative_to(site)}: {outside(addresses)}"
        for address in addresses:
            path = re.split(r"[?#]", address)[0]
            if page.name != "404.html" and not address.startswith("data:"):
                assert (page.parent / path).is_file(), f"{page.relative_to(site)}: {address} is not there"
    for sheet in site.rglob("*.css"):
        text = text_of(sheet)
        found = re.findall(r"url\(\s*[\"']?([^\"')]+)", text) + re.findall(r"@import\s*[\"']([^\"']+)", text)
        assert not outside(found), f"{sheet.relative_to(site)}: {outside(found)}"


@needs_mkdocs
@pytest.mark.slow
def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {path: Loads(text_of(path)) for path in site.rglob("*.html") if path.name != "404.html"}
    for page, loads in pages.items():
        for link in loads.links:
            if link.startswith(("http://", "https://")):
                continue
            name, _, fragment = link.partition("#")
            path = (page.parent / name).resolve() if name else page
            path = path / "index.html" if path.is_dir() else path
            assert path.is_file(), f"{page.relative_to(site)}: {link} is not there"
            if fragment and path in pages:
                assert unquote(fragment) in pages[path].ids, f"{page.relative_to(site)}: {link}: no such place"


@needs_mkdocs
@pytest.mark.slow
def test_every_name_and_command_is_on_the_site(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in part("module_pages", monkeypatch).MODULES:
        page = "index" if name == "subpixel" else name.removeprefix("subpixel.")
        ids = Loads(text_of(site / "reference" / "python" / f"{page}.html")).ids
        for public in importlib.import_module(name).__all__:
            # A name that stands on an earlier page has a heading that leads there.
            assert {f"{name}.{public}", public.lower()} & ids, f"{name}.{public}"
    for name in COMMANDS:
        text = text_of(site / "reference" / "commands" / f"{name.replace(' ', '-')}.html")
        assert re.search(rf"<h1[^>]*>subpixel {name}<", text), name


@needs_mkdocs
@pytest.mark.slow
def test_docstrings_are_drawn(site: Path) -> None:
    """Nothing of their source is left: no roles, no sessions outside of blocks."""
    for page in (site / "reference" / "python").glob("*.html"):
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", text_of(page), flags=re.S)
        left = re.findall(r":(?:attr|class|data|exc|func|meth|mod):.{20}|&gt;&gt;&gt; .{20}|``.{20}", text)
        assert not left, f"{page.name}: {left}"


@needs_mkdocs
@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_the_search_works_from_files(site: Path, tmp_path: Path) -> None:
    address = f"{(site / 'index.html').as_uri()}?q=checkerboard"
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    command += ["--disable-background-networking", "--virtual-time-budget=60000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"(\d+) matching documents", done.stdout)
    assert found, done.stderr[-2000:]
    assert int(found[1]) > 1
