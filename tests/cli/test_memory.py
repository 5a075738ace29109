"""Commands under limits of memory: each run is done, or says in one sentence that there is not enough memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers import folder_content
from video.clips import make_clip

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce this limit")

COMMANDS = {
    "png": ["upscale", "a.png", "-o", "out/a.png"],
    "webp": ["upscale", "a.png", "-o", "out/a.webp"],
    "avif": ["upscale", "a.png", "-o", "out/a.avif"],
    "reference": ["upscale", "a.png", "--backend", "reference", "-o", "out/r.png"],
    "folder": ["upscale", "images", "--processes", "2", "-o", "out"],
    "dry": ["upscale", "a.png", "--dry-run"],
    "video": ["video", "v.mkv", "--quiet", "-o", "out/v.mkv"],
    "x265": ["video", "v.mkv", "--quiet", "--encoder", "x265", "-o", "out/v.mkv"],
    "svt-av1": ["video", "v.mkv", "--quiet", "--encoder", "svt-av1", "-o", "out/v.mkv"],
    "pipe": ["video", "v.mkv", "-o", "-"],
    "models": ["models"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limits")
    (folder / "out").mkdir()
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (500, 700, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    for number in range(3):
        Image.fromarray(pixels[:200, :200]).save(folder / "images" / f"{number}.png")
    make_clip(folder / "v.mkv", size=(320, 240), times=range(12))
    return folder


def run_within(folder: Path, command: list[str], megabytes: int) -> int:
    """Run a command within a limit of addresses, check what it says and leaves, and return its exit code."""
    before = folder_content(folder / "out")
    limit = megabytes << 20
    done = subprocess.run(
        [sys.executable, "-m", "subpixel", *command, *["--overwrite"] * ("-o" in command and command[-1] != "-")],
        capture_output=True,
        check=False,
        timeout=120,
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    where = f"{command} in {megabytes} MB"
    lines = [line for line in done.stderr.decode().splitlines() if not line.startswith("note: ")]
    if done.returncode == 0:
        assert not lines, f"{where}: {lines}"
        return 0
    assert done.returncode in (1, 3), f"{where}: {done.returncode} {lines}"
    assert lines, where
    for line in lines:
        assert line.startswith("error: "), f"{where}: {lines}"
        assert "not enough memory" in line or line.endswith(" images failed"), f"{where}: {lines}"
    hidden = [name for name in folder_content(folder / "out") if name.startswith(".")]
    assert not hidden, f"{where}: {hidden}"
    assert done.returncode == 3 or folder_content(folder / "out").keys() == before.keys(), where
    return done.returncode


@pytest.mark.parametrize(
    ("name", "megabytes"), [("png", 60), ("png", 250), ("dry", 250), ("video", 330), ("x265", 400)]
)
def test_too_little_memory_is_said(folder: Path, name: str, megabytes: int) -> None:
    assert run_within(folder, COMMANDS[name], megabytes) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", COMMANDS)
def test_any_limit_of_memory(folder: Path, name: str) -> None:
    codes = [run_within(folder, COMMANDS[name], megabytes) for megabytes in range(30, 1200, 30)]
    assert codes[0] == 1
    assert codes[-5:] == [0] * 5
