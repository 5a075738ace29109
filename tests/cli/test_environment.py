"""Surroundings that lack something: few open files, no home, no temporary folder, no current folder, no locale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import random_image, save_image
from subpixel.image import read
from video.clips import make_clip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="these are surroundings of Unix"),
]
COMMAND = [sys.executable, "-m", "subpixel"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Two images and a clip."""
    for name in ("a", "b"):
        save_image(tmp_path / f"{name}.png", random_image((8, 12, 3), np.uint8))
    make_clip(tmp_path / "a.mkv", times=range(4))
    return tmp_path


def call(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    options.setdefault("stdin", subprocess.DEVNULL)
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, **options)


def assert_one_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode not in (0, None)
    assert done.returncode > 0, f"a signal ended it: {done.returncode}"
    assert done.stderr.startswith("error: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("most", [24, 32, 64])
def test_few_open_files(here: Path, most: int) -> None:
    """What needs more than there may be says so, and leaves nothing half-written."""
    import resource

    for words, result in (
        (["upscale", "a.png", "-o", "large.png"], "large.png"),
        (["upscale", "a.png", "b.png", "-n", "bicubic", "--processes", "2", "-o", "out/"], "out/b_x2.png"),
        (["video", "a.mkv", "-o", "large.mkv"], "large.mkv"),
    ):
        done = call(
            *words, cwd=here, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        )  # fmt: skip
        if done.returncode:
            assert_one_sentence(done, "too many open files")
            assert not (here / result).exists()
        else:
            assert (done.stderr, (here / result).exists()) == ("", True)
    assert not [name for name in os.listdir(here) if ".subpixel-" in name]


def test_the_advice_for_too_few_open_files_is_right(here: Path) -> None:
    """A limit at which nothing can be opened, then the one of the message."""
    shell = f"ulimit -n {{}}; exec {' '.join(COMMAND)} upscale a.png b.png -n bicubic --processes 2 -o out/"
    done = subprocess.run(
        ["sh", "-c", shell.format(16)], cwd=here, capture_output=True, text=True, check=False, timeout=240
    )  # fmt: skip
    assert_one_sentence(done, "too many open files for one process")
    advice = re.search(r"`ulimit -n (\d+)`", done.stderr)
    assert advice is not None
    done = subprocess.run(
        ["sh", "-c", shell.format(advice[1])], cwd=here, capture_output=True, text=True, check=False, timeout=240
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_home_and_a_temporary_folder_that_cannot_be_written(here: Path) -> None:
    """Not even by root: they are below a file."""
    nowhere = str(here / "a.png" / "folder")
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), nowhere)
    environment = {**os.environ, **places}
    for words in (
        ["upscale", "a.png", "-o", "large.png", "--compare", "sheet.png"],
        ["video", "a.mkv", "-o", "large.mkv"],
        ["doctor"],
        ["models"],
    ):
        done = call(*words, cwd=here, env=environment)
        assert (done.returncode, done.stderr) == (0, ""), words
    with (here / "a.png").open("rb") as pipe:
        done = subprocess.run(
            ["sh", "-c", f"cat | {' '.join(COMMAND)} upscale - -n bicubic -o piped.png"],
            cwd=here, env=environment, stdin=pipe, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_no_temporary_folder_at_all_is_one_sentence(here: Path) -> None:
    code = "import sys, tempfile; tempfile.tempdir = sys.argv.pop(1); from subpixel.cli import run; sys.exit(run())"
    words = [here / "missing", "upscale", "-", "-n", "bicubic", "-o", "large.png"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=here, input=(here / "a.png").read_bytes(),
        capture_output=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1
    text = done.stderr.decode()
    assert text.startswith(f"error: {here / 'missing'}"), text
    assert text.endswith(": no such file or directory\n")
    assert text.count("\n") == 1
    assert not (here / "large.png").exists()


def test_a_current_folder_that_was_removed(here: Path) -> None:
    """What has whole paths works; what needs the folder says so."""

    def gone(*words: object) -> subprocess.CompletedProcess[str]:
        (here / "gone").mkdir()
        shell = f"cd gone && rmdir ../gone && exec {' '.join([*COMMAND, *map(str, words)])}"
        return subprocess.run(["sh", "-c", shell], cwd=here, capture_output=True, text=True, check=False, timeout=240)

    for words in (
        ["upscale", here / "a.png", "-n", "bicubic", "-o", here / "large.png"],
        ["video", here / "a.mkv", "-o", here / "large.mkv"],
        ["models"],
        ["doctor"],
    ):
        done = gone(*words)
        assert (done.returncode, done.stderr) == (0, ""), words
    folder = "the current folder was removed; change to another one"
    assert_one_sentence(gone("upscale", "a.png"), folder)
    several = ["upscale", here / "a.png", here / "b.png", "-n", "bicubic", "--processes", 2, "-o", f"{here / 'out'}/"]
    assert_one_sentence(gone(*several), folder)


def test_a_server_in_a_folder_that_was_removed(here: Path) -> None:
    pytest.importorskip("fastapi", reason="subpixel[web] is not installed")
    (here / "gone").mkdir()
    shell = f"cd gone && rmdir ../gone && exec {' '.join(COMMAND)} serve --port 0 --data {here / 'data'}"
    done = subprocess.run(["sh", "-c", shell], cwd=here, capture_output=True, text=True, check=False, timeout=240)
    assert_one_sentence(done, "the current folder was removed; change to another one")


@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C"}, {}, {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_names_without_a_locale(here: Path, variables: dict[str, str]) -> None:
    """Also names that are no UTF-8 at all."""
    names = ["ö 图 🙂.png", os.fsdecode(b"\xff\xfe.png")]
    try:
        for name in names:
            shutil.copy(here / "a.png", here / name)
    except OSError:
        pytest.skip("this file system allows only names in UTF-8")
    unset = ("LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = call("upscale", *names, "-n", "bicubic", "-o", "out/", cwd=here, env={**environment, **variables})
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(os.listdir(here / "out")) == sorted(f"{name.removesuffix('.png')}_x2.png" for name in names)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams(here: Path, closed: str) -> None:
    """Nothing that is opened takes the number of a stream, into which messages would be written."""
    for words, result in (
        ("upscale a.png b.png -n bicubic --processes 2 -o out/", "out/b_x2.png"),
        ("video a.mkv -o large.mkv", "large.mkv"),
        ("upscale a.png -n bicubic -o large.png", "large.png"),
    ):
        done = subprocess.run(
            ["bash", "-c", f"exec {' '.join(COMMAND)} {words} {closed}"], cwd=here, capture_output=True, text=True,
            check=False, timeout=240,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert (here / result).stat().st_size > 0
    assert read(here / "large.png").pixels.shape == (16, 24, 3)
    done = subprocess.run(
        ["bash", "-c", f"exec {' '.join(COMMAND)} upscale none.png {closed}"], cwd=here, capture_output=True,
        check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1
