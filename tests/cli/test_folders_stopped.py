"""``subpixel upscale`` killed, interrupted, run twice or short of disk space; and with standard streams."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from subpixel.storage.locks import claim

Run = Callable[..., Any]
COMMAND = [sys.executable, "-m", "subpixel", "upscale", "-n", "bicubic", "-j", "2"]
COUNT = 24
WAITED = re.compile(r"(note: waiting for \d+ images? that another process is upscaling\n)?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images in two folders; each takes some hundredths of a second."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "below").mkdir()
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (120, 160, 3), np.uint8)
        Image.fromarray(pixels).save(folder / ("below" if number % 2 else "") / f"{number}.png", compress_level=1)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, including hidden ones."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], text=True, start_new_session=True, **streams, **options)


def wait_for_results(out: Path, running: subprocess.Popen[str], count: int) -> None:
    end = time.monotonic() + 60
    while running.poll() is None and time.monotonic() < end:
        if sum(not path.name.startswith(".") for path in out.rglob("*.png")) >= count:
            return
        time.sleep(0.005)


def kill_and_resume(run: Run, folder: Path, tmp_path: Path, times: int, processes: int) -> None:
    before = content(folder)
    command = (folder, "-o", tmp_path / "out")
    assert run(*COMMAND[3:], folder, "-o", tmp_path / "undisturbed", "--processes", 1).code == 0
    expected = content(tmp_path / "undisturbed")
    assert len(expected) == COUNT
    moments = random.Random(times)
    for number in range(times):
        with start(*command, "--processes", processes) as running:
            wait_for_results(tmp_path / "out", running, (number + 1) * COUNT // (times + 2))
            time.sleep(moments.uniform(0, 0.03))
            with suppress(ProcessLookupError):  # it was faster
                os.killpg(running.pid, signal.SIGKILL)
        # Whatever has its final name is complete.
        found = content(tmp_path / "out")
        assert {name: found[name] for name in found if "/." not in f"/{name}"}.items() <= expected.items()
    done = run(*COMMAND[3:], *command)
    # The kernel may still be ending a killed worker, whose claims are waited for; then a note says so.
    assert done.code == 0
    assert WAITED.fullmatch(done.err)
    assert content(tmp_path / "out") == expected
    assert content(folder) == before


@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_and_resumed_run_equals_an_undisturbed_one(
    run: Run, folder: Path, tmp_path: Path, processes: int
) -> None:
    kill_and_resume(run, folder, tmp_path, 1, processes)


@pytest.mark.long
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_a_run_killed_ten_times_equals_an_undisturbed_one(
    run: Run, folder: Path, tmp_path: Path, processes: int
) -> None:
    kill_and_resume(run, folder, tmp_path, 10, processes)


@pytest.mark.parametrize(("number", "processes"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_an_interrupt_leaves_complete_results_and_a_hint_to_resume(
    folder: Path, tmp_path: Path, number: signal.Signals, processes: int
) -> None:
    held = tmp_path / "out" / "8_x2.png"  # so that the run cannot end before it is stopped
    held.parent.mkdir()
    with claim(held), start(folder, "-o", tmp_path / "out", "--processes", processes) as running:
        wait_for_results(tmp_path / "out", running, 2)
        running.send_signal(number)
        try:
            _, errors = running.communicate(timeout=60)
        finally:
            running.kill()  # does nothing if it has ended; else the test would wait for it
    *_, note, last = errors.splitlines()
    assert running.returncode == 130
    assert last == "error: interrupted"
    assert note.startswith("note: ")
    assert note.endswith(f" of {COUNT} images are done; run the same command again to resume")
    left = content(tmp_path / "out")
    assert 0 < len(left) < COUNT
    assert not [name for name in left if "/." in f"/{name}"]
    for name in left:
        with Image.open(tmp_path / "out" / name) as image:
            assert image.convert("RGB").size == (320, 240)


def test_two_runs_on_one_folder_share_the_work(folder: Path, run: Run, tmp_path: Path) -> None:
    runs = [start(folder, "-o", tmp_path / "out", "--json") for _ in range(2)]
    outputs = [running.communicate(timeout=120) for running in runs]
    assert [running.returncode for running in runs] == [0, 0], outputs
    lines = [json.loads(line) for output, _ in outputs for line in output.splitlines()]
    assert len(lines) == 2 * COUNT
    assert {line["status"] for line in lines} <= {"done", "skipped"}
    done = [line["destination"] for line in lines if line["status"] == "done"]
    assert len(done) == len(set(done)) == COUNT
    assert run(*COMMAND[3:], folder, "-o", tmp_path / "alone").code == 0
    assert content(tmp_path / "out") == content(tmp_path / "alone")


# Disk space


@pytest.fixture
def limited() -> Iterator[None]:
    """Limit the size of files to 40,000 bytes, as if the disk were full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_file_size_limit_is_one_sentence_and_leaves_nothing(
    run: Run, limited: None, tmp_path: Path, suffix: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (75, 110, 3), np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "large.png")
    Image.fromarray(pixels[:9, :9]).save(tmp_path / "in" / "small.png")
    before = content(tmp_path / "in")
    done = run(*COMMAND[3:], tmp_path / "in", "-f", suffix, "-o", tmp_path / "out")
    assert done.code == 3, done.err
    first, _ = done.err.splitlines()
    assert first == f"error: {tmp_path}/out/large_x2.{suffix}: cannot be written: file too large"
    assert sorted(content(tmp_path / "out")) == [f"small_x2.{suffix}"]
    assert content(tmp_path / "in") == before


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "large.png")
    Image.fromarray(pixels[:9, :9]).save(tmp_path / "in" / "small.png")
    # A private disk of 64 KiB that disappears with the shell.
    script = 'mount -t tmpfs -o size=64k none out || exit 77; "$@"; echo "code $?"; ls -A out'
    command = ["unshare", "-m", "sh", "-c", script, "sh", *COMMAND, "in", "-o", "out"]
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not here, which mounts a small disk")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    if "code" not in done.stdout:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    assert done.stderr.splitlines() == [
        "note: out: 66 kB are free, and the results may need 180 kB or more",
        "error: out/large_x2.png: cannot be written: no space left on device",
        "error: stopped, since nothing more can be written to out: 1 of 2 images were not upscaled; run the same "
        "command again to resume",
        "error: 1 of 2 images failed",
    ]
    assert done.stdout.splitlines()[-1] == "code 1"


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EFBIG"])
@pytest.mark.parametrize("where", ["claim", "move"])
def test_only_errors_of_the_disk_stop_a_batch(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, where: str
) -> None:
    code = getattr(errno, number)

    def fail(path: Any, *_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code), str(path))

    if where == "move":
        monkeypatch.setattr("subpixel.image.files.writing._move_into_place", fail)
    else:
        monkeypatch.setattr("subpixel.storage.locks._open_locked", fail)
    done = run(*COMMAND[3:], folder, "-o", tmp_path / "out", "--processes", 1)
    assert done.code == 1
    lines = done.err.splitlines()
    reason = os.strerror(code).lower()
    stops = number != "EFBIG"
    assert len(lines) == (3 if stops else COUNT + 1)
    assert f"{COUNT - 1} of {COUNT} images were not upscaled" in lines[1] or not stops
    # The folder of a claim, not the claim, whose name is hidden.
    place = tmp_path / "out" if where == "claim" else tmp_path / "out" / "0_x2.png"
    assert lines[0] in (f"error: {place}: {reason}", f"error: {place}: cannot be written: {reason}")
    assert not [name for name in content(tmp_path / "out") if "subpixel-" in name]


# Standard streams


def test_an_image_through_standard_streams_has_the_bytes_of_the_file(run: Run, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 15, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=60)
    assert run(*COMMAND[3:], tmp_path / "a.jpg").code == 0
    assert run(*COMMAND[3:], tmp_path / "a.jpg", "-f", "webp").code == 0
    before = content(tmp_path)
    options: dict[str, Any] = {"capture_output": True, "check": False, "timeout": 120, "cwd": tmp_path}
    with open(tmp_path / "a.jpg", "rb") as file:
        done = subprocess.run([*COMMAND, "-", "-f", "webp", "-v"], stdin=file, **options)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == before["a_x2.webp"]
    done = subprocess.run([*COMMAND, "a.jpg", "-o", "-"], **options)
    assert (done.returncode, done.stdout) == (0, before["a_x2.png"])
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "given", "code", "text"),
    [
        (["-"], b"not an image", 1, "error: standard input: not an image"),
        (["-"], b"", 1, "error: standard input: "),
        (["-", "a.png"], b"", 2, "one image"),
        (["-", "-o", "."], b"", 2, "no name"),
        (["a.png", "-o", "-", "--json"], b"", 2, "--json"),
    ],
)
def test_streams_that_fail_write_nothing_there(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    given: bytes,
    code: int,
    text: str,
) -> None:
    (tmp_path / "given").write_bytes(given)
    monkeypatch.chdir(tmp_path)
    with open("given", encoding="latin-1") as file:
        monkeypatch.setattr(sys, "stdin", file)
        done = run(*COMMAND[3:], *arguments)
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert str(tmp_path) not in done.err
    assert "subpixel-" not in done.err
