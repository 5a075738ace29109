"""What the commands say of flat parts that are resized plainly, and how ``--exact`` ends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Done
from subpixel.image import ImageData, write
from subpixel.models import find, save
from subpixel.upscaler import Upscaler
from subpixel.video import PipeOutput
from video.clips import CLIPS

Run = Callable[..., Done]

NOTE = "flat parts are resized plainly, which costs 0.008 dB and 2 codes of 255 at most"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "fast.safetensors"
    save(replace(find("fast", 2), flat={"threshold": 9, "loss_db": 0.0081, "largest_codes": 2}), path)
    return path


def test_a_dry_run_says_what_flat_parts_cost(tmp_path: Path, model: Path, run: Run) -> None:
    image = tmp_path / "image.png"
    write(ImageData(np.zeros((20, 30, 3), np.uint8)), image)
    assert f"    {NOTE}" in run("upscale", image, "-n", model, "--dry-run").out.splitlines()
    assert json.loads(run("upscale", image, "-n", model, "--dry-run", "--json").out)["flat"] == [NOTE]
    assert "flat parts" not in run("upscale", image, "-n", model, "--dry-run", "--exact").out
    video = CLIPS["rich.mkv"](tmp_path / "rich.mkv")
    assert f"    {NOTE}" in run("video", video, "-n", model, "--dry-run").out.splitlines()
    assert "flat parts" not in run("video", video, "-n", model, "--dry-run", "--exact").out


def test_a_file_without_figures_promises_none() -> None:
    assert replace(find("fast", 2), flat={"threshold": 9}).flat_note == "flat parts are resized plainly"
    assert replace(find("fast", 2), flat=None).flat_note == ""


@pytest.mark.parametrize("exact", [False, True])
def test_play_computes_everything_if_asked(
    exact: bool, tmp_path: Path, model: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Upscaler] = []
    monkeypatch.setenv("PATH", str(tmp_path))
    player = tmp_path / "mpv"
    player.write_text("#!/bin/sh\n/bin/cat > /dev/null\n")
    player.chmod(0o755)
    whole = PipeOutput.run
    monkeypatch.setattr(PipeOutput, "run", lambda self, out: (taken.append(self.upscaler), whole(self, out))[1])
    video = CLIPS["still.mp4"](tmp_path / "still.mp4")
    done = run("play", video, "-n", model, *["--exact"] * exact)
    assert done.code == 0, done.err
    assert taken[0].exact == exact
