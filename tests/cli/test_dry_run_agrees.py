"""``--dry-run`` ends with the exit code of the run, whatever the options."""

from __future__ import annotations

import shutil
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers import folder_content, random_image, save_image
from subpixel.cli import main

SOURCES = ("rgb.png", "alpha.png", "wide.tif", "float.tif", "gray.jpg", "text.png", "none.png", "folder", "taken.png")
# Names of results: short, taken, too long for the file system or for what is added, in folders that are not there.
OUTPUTS = (
    None,
    "out.png",
    "out.jpg",
    "out.gif",
    "out.xyz",
    "out",
    "out/",
    "folder",
    "folder/",
    "taken.png",
    "rgb.png",
    "rgb.png/a.png",
    "none/a.png",
    "none/",
    f"{'n' * 251}.png",
    f"{'n' * 252}.png",
    f"{'ö' * 130}.webp",
    f"{'n' * 256}/",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    save_image(folder / "rgb.png", random_image((6, 9, 3), np.uint8))
    save_image(folder / "alpha.png", random_image((6, 9, 4), np.uint8))
    save_image(folder / "wide.tif", random_image((6, 9, 3), np.uint16))
    save_image(folder / "float.tif", random_image((6, 9, 3), np.float32))
    save_image(folder / "gray.jpg", random_image((6, 9), np.uint8))
    save_image(folder / "taken.png", random_image((3, 4, 3), np.uint8))
    (folder / "text.png").write_text("no image")
    (folder / "folder").mkdir()
    for name in ("one.png", "two.png", f"{'n' * 249}.png"):
        save_image(folder / "folder" / name, random_image((4, 5, 3), np.uint8))
    return folder


def flag(name: str) -> st.SearchStrategy[list[str]]:
    return st.sampled_from([[], [], [], [name]])


def option(name: str, *values: object) -> st.SearchStrategy[list[str]]:
    return st.one_of(st.just([]), st.sampled_from([[name, str(value)] for value in values]))


OPTIONS = (
    option("-s", 1, 2, 2.5, 0, 65, "nan", 0.01),
    option("--width", 20, 0, 100000),
    option("--height", 3, -1),
    option("--fit", "30x30", "0x1", "70000x70000"),
    option("-f", "jpg", "jpeg", "webp", "tif", "avif", "gif", "bmp"),
    option("-q", 0, 1, 80, 101),
    option("-t", 0, 64),
    option("-n", "bicubic", "bicubics", "fast"),
    option("--precision", "f32", "f3"),
    option("--strength", 0.5, 2),
    option("--limit", 0.00001, 1, "nan", "inf", 0, -1),
    option("--compare", "compare.png", "folder", "none/c.png", "rgb.png", "compare.xyz", f"{'n' * 252}.png"),
    option("--background", "white", "purplish"),
    option("--depth", 8, 7),
    flag("--overwrite"),
    flag("--skip-existing"),
    flag("--ensemble"),
)


COMMANDS = given(
    sources=st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3, unique=True),
    output=st.sampled_from(OUTPUTS),
    options=st.lists(st.one_of(*OPTIONS), max_size=4).map(lambda lists: [word for words in lists for word in words]),
)
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(SETTINGS, max_examples=30, derandomize=True)
@COMMANDS
@example(["rgb.png"], f"{'n' * 252}.png", [])
@example(["folder"], "out/", [])
@example(["folder", "rgb.png"], f"{'n' * 256}/", [])
@example(["rgb.png"], None, ["--limit", "nan"])
def test_exit_codes_agree(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    output: str | None,
    options: list[str],
) -> None:
    compare(inputs, tmp_path_factory, monkeypatch, sources, output, options)


@pytest.mark.long
@settings(SETTINGS, max_examples=1000)
@COMMANDS
def test_exit_codes_agree_for_many_options(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    output: str | None,
    options: list[str],
) -> None:
    compare(inputs, tmp_path_factory, monkeypatch, sources, output, options)


def compare(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    output: str | None,
    options: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    command = ["upscale", *sources, *options, "-j", "1", "--processes", "1"]
    command += [] if output is None else ["-o", output]
    before = folder_content(folder)
    dry, dry_text = outcome([*command, "--dry-run"])
    assert folder_content(folder) == before
    code, text = outcome(command)
    assert code == dry, f"{command}\n--- dry run: {dry}\n{dry_text}\n--- run: {code}\n{text}"
    shutil.rmtree(folder)


def outcome(command: list[str]) -> tuple[int, str]:
    text = StringIO()
    with warnings.catch_warnings(), redirect_stdout(text), redirect_stderr(text):
        warnings.resetwarnings()
        return main(command), text.getvalue()
