"""Ray itself: few small pictures and a short clip, lost workers and interrupts. And what is said without Ray."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cluster.commands_run import Command, wait_until
from helpers import save_image
from subpixel.cli import main
from video.clips import make_clip

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed; pip install 'subpixel[cluster]' brings it"
)


def test_without_ray_the_extra_is_named(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    code = f"""
import sys
sys.modules["ray"] = None  # an import of it now raises ImportError
from subpixel.cli import main
sys.exit(main(["cluster", "images", {str(tmp_path / "a.png")!r}, "-o", {str(tmp_path / "out")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: subpixel cluster needs ray: pip install 'subpixel[cluster]'\n"
    assert os.listdir(tmp_path / "out") == []


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(2)
    for number in range(count):
        save_image(folder / f"{number:03}.png", rng.integers(0, 255, (40, 60, 3), np.uint8))
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_ray
def test_images_on_ray_after_an_interrupt(tmp_path: Path) -> None:
    folder, out = pictures(tmp_path / "photos", 12), tmp_path / "many"
    assert main(["upscale", str(folder), "-o", f"{tmp_path / 'one'}/", "--quiet"]) == 0
    first = Command("cluster", "images", folder, "-o", out, "--workers", 1, "--ship")
    wait_until(lambda: out.is_dir() and any(path.suffix == ".png" and path.name[0] != "." for path in out.iterdir()))
    first.process.send_signal(signal.SIGINT)
    assert first.end() in (130, 0)  # it may be at its end
    if first.process.returncode:
        assert "run the same command again to resume" in first.err
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    second = Command("cluster", "images", folder, "-o", out, "--workers", 2)
    assert second.end() == 0, second.err
    assert content(out) == content(tmp_path / "one")


@needs_ray
def test_a_video_on_ray_whose_worker_is_killed(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "video.mp4", size=(160, 96), times=range(600), options={"preset": "medium"})
    assert main(["video", str(source), "-o", str(tmp_path / "one.mp4"), "-j", "1", "--quiet", "-n", "high"]) == 0
    many = Command("cluster", "video", source, "-o", tmp_path / "many.mp4", "--workers", 1, "-n", "high")
    wait_until(lambda: list(tmp_path.glob(".many.mp4.subpixel-video/parts/attempt-*")))
    assert many.kill_worker() is not None
    assert many.end() == 0, many.err
    assert "was lost; another takes its place" in many.err
    assert (tmp_path / "many.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.mp4", "one.mp4", "video.mp4"]
