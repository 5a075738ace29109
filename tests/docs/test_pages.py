"""Every page: its links lead somewhere, its lines fit, its Python runs, and its commands exist."""

from __future__ import annotations

import re
import shlex
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from commands import COMMANDS, parse
from docs.pages import BY_HAND, PAGES, ROOT, blocks, prose, text_of
from subpixel.compare.figures import FIGURES
from subpixel.image import ImageData, write
from subpixel.image.files.formats import Format
from subpixel.models.zoo import Entry

WIDTH = 120


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    titles = (line.lstrip("#").strip().lower() for _, line in prose(text) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    text = text_of(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", "\n".join(line for _, line in prose(text))):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{ids(page)}: {target} is not there"
        assert not anchor or anchor in anchors(text_of(path)), f"{ids(page)}: {target}: no such heading"


@pytest.mark.parametrize("page", BY_HAND, ids=ids)
def test_lines_and_cells_fit(page: Path) -> None:
    for number, line in prose(text_of(page)):
        if line.lstrip().startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            assert max(len(cell.strip()) for cell in cells) <= WIDTH, f"{ids(page)}:{number}: a cell is too long"
        else:
            assert len(line) <= WIDTH, f"{ids(page)}:{number}: {len(line)} characters"


# The brackets keep a search for these words from finding this line.
OTHER_WORDS = r"\b[f]ilms?\b|[e]nlarge\w*|\b[w]hole numbers?\b"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_one_vocabulary(page: Path) -> None:
    text = text_of(page)
    if page.name == "CHANGELOG.md":  # it has names of modules that are gone
        text = re.sub(r"`[^`\n]+`", "", text)
    found = re.findall(OTHER_WORDS, text)
    assert not found, f"{ids(page)}: {found}; the words are video, upscale, integer"


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small files of the names that the pages use; the current folder."""
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    write(ImageData(noise), tmp_path / "photo.jpg")
    with av.open(tmp_path / "video.mkv", "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, number, 1), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def programs(page: Path) -> list[tuple[int, str]]:
    """The Python blocks that are no sessions; those are doctests."""
    found = [(line, textwrap.dedent(code)) for line, code in blocks(text_of(page), "python")]
    return [(line, code) for line, code in found if not code.startswith(">>>")]


WITH_PYTHON = [page for page in BY_HAND if programs(page)]
# What stands around the lines that CONTRIBUTING.md adds to files.
AROUND = {"CONTRIBUTING.md": {"Entry": Entry, "Format": Format, "_ALL": frozenset({"icc"})}}


def test_the_pages_with_python_are_found() -> None:
    names = {ids(page) for page in WITH_PYTHON}
    assert {"README.md", "docs/python.md", "docs/start/python.md", "docs/explanation/borders.md"} <= names


@pytest.mark.parametrize("page", WITH_PYTHON, ids=ids)
def test_python_runs(page: Path, stand_ins: Path) -> None:
    """From the top, one block after another, as a reader would paste them."""
    names: dict[str, Any] = dict(AROUND.get(page.name, {}))
    for line, code in programs(page):
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)


def commands(text: str) -> list[tuple[int, list[str]]]:
    """``(line, words)`` of each command of the shell blocks, pipes and redirections taken apart."""
    found = []
    for first, code in blocks(text, "sh"):
        for number, line in enumerate(code.splitlines(), first):
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>;&")
            lexer.commenters, lexer.whitespace_split = "#", True
            words: list[str] = []
            for token in [*lexer, "|"]:
                if token in ("|", "&&", ";"):
                    found.append((number, words))
                    words = []
                else:
                    words.append(token)
    return [(number, words) for number, words in map(without_environment, found) if words]


def without_environment(command: tuple[int, list[str]]) -> tuple[int, list[str]]:
    number, words = command
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return number, words


def without_redirections(words: list[str]) -> list[str]:
    while len(words) > 2 and words[-2] in ("<", ">"):
        words = words[:-2]
    return words


def check(words: list[str]) -> None:
    """Parses a command of this package as its own command line would, without running it."""
    try:
        parse(without_redirections(words)[1:])
    except Exception as stop:
        if type(stop).__name__ != "Exit":  # --help
            raise


@pytest.mark.parametrize("page", BY_HAND, ids=ids)
def test_commands_are_valid(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), re.M))
    for line, words in commands(text_of(page)):
        if words[0] == "make":
            unknown = {word for word in words[1:] if "=" not in word} - targets
            assert not unknown, f"{ids(page)}:{line}: make has no {unknown}"
        if words[0].endswith("python"):
            assert (ROOT / words[1]).is_file() or words[1] == "-m", f"{ids(page)}:{line}: no file {words[1]}"
        if words[0].endswith("subpixel"):
            try:
                check(words)
            except Exception as error:
                raise AssertionError(f"{ids(page)}:{line}: {' '.join(words)}: {error}") from error


def test_a_wrong_command_would_be_found() -> None:
    assert len(commands(text_of(ROOT / "docs" / "images.md"))) >= 8
    check(["subpixel", "upscale", "a.jpg", "-s", "2.5", "<", "b.jpg"])
    for wrong in (["fly"], ["upscale", "a.jpg", "--scael", "2"], ["video", "a.mkv", "-s", "two"]):
        with pytest.raises((AssertionError, Exception), match=r"no command|No such option|is not a number"):
            check(["subpixel", *wrong])


def options_on_page() -> dict[str, set[str]]:
    """The options of each command, by the tables of docs/command-line.md."""
    text = text_of(ROOT / "docs" / "command-line.md")
    sections = re.split(r"^## subpixel ([\w ]+)$", text, flags=re.M)[1:]
    tables = {}
    for name, section in zip(sections[::2], sections[1::2], strict=True):
        section = re.split(r"^## ", section, flags=re.M)[0]
        cells = re.findall(r"^\| (`-.*?) \|", section, re.M)
        tables[name] = {word for cell in cells for word in re.findall(r"(?<![\w-])--?[a-z][\w-]*", cell)}
    return tables


def test_every_option_is_on_the_page_and_no_other() -> None:
    page = options_on_page()
    assert list(page) == list(COMMANDS)
    for name, command in COMMANDS.items():
        params = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        options = {text for p in params for text in (*p.opts, *p.secondary_opts)}
        assert page[name] == options, name


def test_every_figure_of_the_laboratory_is_on_its_page() -> None:
    text = text_of(ROOT / "docs" / "laboratory.md")
    assert re.findall(r"^### ([\w-]+)$", text, re.M) == list(FIGURES)
    shown = re.findall(r"\(images/laboratory/([\w-]+)\.png\)", text)
    assert shown[: len(FIGURES)] == list(FIGURES)
    assert {name.split("-")[0] for name in shown[len(FIGURES) :]} == {"decoder", "spaces"}


@pytest.mark.parametrize("kind", ["nearest", "subpixel", "unpool"])
def test_the_laboratory_tells_what_the_run_measured(kind: str) -> None:
    """Its table is that of the data beside it."""
    text = text_of(ROOT / "docs" / "laboratory.md")
    measured = (ROOT / "docs" / "laboratory" / "decoder.md").read_text(encoding="utf-8")
    title = {"nearest": "Nearest + conv", "subpixel": "Sub-pixel conv", "unpool": "Max unpooling"}[kind]
    row = {"nearest": "nearest + convolution", "subpixel": "sub-pixel convolution", "unpool": "max unpooling"}[kind]
    figures = re.findall(rf"^\| {re.escape(title)} .*$", measured, re.M)
    (ours,) = re.findall(rf"^\| {re.escape(row)} \|.*$", text, re.M)
    intervals = r"[\d.]+ \([\d.]+ … [\d.]+\)"
    assert re.findall(intervals, ours) == [each for line in figures for each in re.findall(intervals, line)]
