"""Bursts of signals at random moments: every run ends soon, with a plain exit code, one sentence and no leftovers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from video.clips import make_clip

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the state of a process is read there")

COMMAND = [sys.executable, "-m", "subpixel"]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds in which a run must end after its signals, on a busy machine.
LIMIT = 60


@dataclass(frozen=True)
class Inputs:
    folder: Path
    image: Path
    video: Path

    def command(self, kind: str, out: Path) -> list[str]:
        words = {
            "image": ["upscale", self.image, "-n", "fast", "-o", out / "image.png"],
            "folder": ["upscale", self.folder, "-n", "fast", "--processes", "2", "-o", out],
            "video": ["video", self.video, "-n", "fast", "--quiet", "-o", out / "video.mkv"],
            "stdin": ["upscale", "-", "-n", "bicubic", "-o", out / "stdin.png"],
        }[kind]
        return [*COMMAND, *map(str, words)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Each takes about a second."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "images").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1500, 3), np.uint8)
    for number in range(24):
        Image.fromarray(np.roll(noise, number, 1)[:300, :400]).save(folder / "images" / f"{number}.png")
    Image.fromarray(np.tile(noise, (2, 2, 1))).save(folder / "image.png", compress_level=1)
    video = make_clip(folder / "video.mkv", size=(320, 240), times=range(500))
    return Inputs(folder / "images", folder / "image.png", video)


def wait_for_handlers(process: subprocess.Popen[str]) -> None:
    """Wait until the process handles SIGTERM, which Python by itself does not."""
    bit = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
        if int(caught, 16) & bit:
            return
        time.sleep(0.001)


def leftovers(out: Path, temporary: Path) -> list[str]:
    """Hidden files of results and temporary folders, but for the segments that a stopped video continues after."""
    found = [str(path) for path in (*out.rglob(".*"), *out.rglob("*.part"), *temporary.iterdir())]
    journal = out / ".video.mkv.subpixel-video"
    if journal.is_dir() and len((journal / "journal.jsonl").read_text().splitlines()) > 1:
        found.remove(str(journal))
    return found


def burst(inputs: Inputs, kind: str, out: Path, dice: random.Random, count: int) -> tuple[str, int, str]:
    """Start a command, send it signals, wait for its end; returns what was sent, its exit code and its errors."""
    out.mkdir()
    temporary = out.parent / f"{out.name}.tmp"
    temporary.mkdir()
    delay, gap = dice.uniform(0, 1.3), dice.choice([0.0, 0.0005, 0.002, 0.01, 0.1])
    numbers = [dice.choice(SIGNALS) if dice.random() < 0.4 else signal.SIGINT for _ in range(count)]
    whole_group = dice.random() < 0.5  # as a terminal does
    case = f"{kind}: {[each.name for each in numbers]} after {delay:.3f} s, {gap} s apart, group {whole_group}"
    process = subprocess.Popen(
        inputs.command(kind, out),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    with process:
        try:
            wait_for_handlers(process)
            time.sleep(delay)
            for number in numbers:
                if process.poll() is None:
                    (os.killpg if whole_group else os.kill)(process.pid, number)
                time.sleep(gap)
            # Not communicate(): it would close standard input, which one of the commands waits for.
            code = process.wait(LIMIT)
            _, errors = process.communicate(timeout=LIMIT)
            assert wait_for_group(process.pid), f"{case}: a process is left"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert not leftovers(out, temporary), f"{case}: exit code {code}"
    return case, code, errors


def wait_for_group(group: int) -> bool:
    """Whether all processes of a group end."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def check(case: str, code: int, errors: str) -> None:
    assert code in (0, 130), f"{case}: exit code {code}: {errors}"
    lines = errors.splitlines()
    if code == 130:
        # A third signal may print it while the stop prints its note.
        assert lines.count("error: interrupted") == 1, f"{case}: {errors}"
        lines.remove("error: interrupted")
    assert all(line.startswith("note: ") for line in lines), f"{case}: {errors}"


def bursts(inputs: Inputs, tmp_path: Path, seed: int, number: int) -> None:
    dice = random.Random(seed)
    codes = set()
    for each in range(number):
        kind = ("folder", "video", "image", "stdin")[each % 4]
        case, code, errors = burst(inputs, kind, tmp_path / str(each), dice, dice.randint(1, 6))
        check(case, code, errors)
        codes.add(code)
    assert 130 in codes


def test_bursts_of_signals(inputs: Inputs, tmp_path: Path) -> None:
    bursts(inputs, tmp_path, 1, 8)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_bursts_of_signals(inputs: Inputs, tmp_path: Path, seed: int) -> None:
    bursts(inputs, tmp_path, 100 + seed, 50)
