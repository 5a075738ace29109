"""Pipes in place of files, and closed standard streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import save_image
from subpixel.image import read, upscale_file
from subpixel.video import probe
from video.clips import make_clip

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
Run = Callable[..., Any]
COMMAND = [sys.executable, "-m", "subpixel"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_image(Path("a.png"), np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3))
    make_clip(Path("a.ts"), times=range(4), format_name="mpegts")
    os.mkfifo("fifo")
    return tmp_path


def feed(name: str, content: bytes) -> threading.Thread:
    """Write to a FIFO in another thread."""

    def write() -> None:
        with open(name, "wb") as file:
            file.write(content)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def drain(name: str) -> tuple[threading.Thread, list[bytes]]:
    content: list[bytes] = []
    thread = threading.Thread(target=lambda: content.append(Path(name).read_bytes()), daemon=True)
    thread.start()
    return thread, content


def shell(script: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """A script of bash, in which ``$S`` is the command."""
    env = {**os.environ, "S": " ".join(COMMAND)}
    return subprocess.run(["bash", "-c", script], env=env, check=False, capture_output=True, timeout=120, **options)


def test_an_image_from_a_fifo_and_into_one(here: Path, run: Run) -> None:
    assert run("upscale", "a.png", "-o", "b.png").code == 0
    feed("fifo", Path("a.png").read_bytes())
    done = run("upscale", "fifo", "-o", "c.png")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("fifo → c.png")
    assert Path("c.png").read_bytes() == Path("b.png").read_bytes()
    thread, content = drain("fifo")
    assert run("upscale", "a.png", "-o", "fifo").code == 0
    thread.join(10)
    assert content == [Path("b.png").read_bytes()]
    feed("fifo", Path("a.png").read_bytes())
    assert upscale_file("fifo", "d.png").size_out == (24, 16)
    feed("fifo", Path("a.png").read_bytes())
    assert read("fifo").pixels.shape == (8, 12, 3)


def test_a_video_from_a_fifo_and_into_one(here: Path, run: Run) -> None:
    assert run("video", "a.ts", "-o", "b.mkv", "--encoder", "ffv1").code == 0
    feed("fifo", Path("a.ts").read_bytes())
    done = run("video", "fifo", "-o", "c.mkv", "--encoder", "ffv1")
    assert (done.code, done.err) == (0, "")
    assert probe("c.mkv").stream == probe("b.mkv").stream
    for form in ("y4m", "nut"):
        thread, content = drain("fifo")
        assert run("video", "a.ts", "-o", "fifo", "-f", form).code == 0
        thread.join(10)
        assert content[0].startswith({"y4m": b"YUV4MPEG2", "nut": b"nut/multimedia"}[form])


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null"])
@pytest.mark.parametrize("command", ["upscale", "video"])
def test_devices_are_refused(here: Path, run: Run, command: str, name: str) -> None:
    source = "a.png" if command == "upscale" else "a.ts"
    done = run(command, name, "-o", "out.mkv")
    assert (done.code, "this is a device, not a" in done.err) == (1, True)
    done = run(command, source, "-o", name, "--overwrite")
    assert (done.code, "is a device; the name of a file is needed" in done.err) == (1, True)


def test_a_pipe_among_several_inputs_fails_alone(here: Path, run: Run) -> None:
    done = run("upscale", "fifo", "a.png", "/dev/zero", "-o", "out/")
    assert done.code == 3
    assert done.err.count("error: ") == 3  # two files, and the summary
    assert [path.name for path in Path("out").iterdir()] == ["a_x2.png"]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no paths of descriptors")
def test_the_shell_names_pipes_by_descriptor(here: Path) -> None:
    """All in one script, since each process takes long to start."""
    script = """
    $S upscale <(cat a.png) -o >(cat > 1.png) && sleep 0.5 &&
    $S upscale /dev/stdin -o /dev/stdout < a.png > 2.png &&
    cat a.ts | $S video /dev/stdin -o /dev/stdout -f nut | head -c 20 > 3.nut; echo ${PIPESTATUS[@]}
    cat /dev/zero | $S video - -o 4.mkv; echo $?
    """
    done = shell(script)
    assert done.stdout.splitlines() == [b"0 0 0", b"1"]
    assert done.stderr.startswith(b"error: standard input: not a readable video")
    assert done.stderr.count(b"\n") == 1
    assert Path("1.png").read_bytes() == Path("2.png").read_bytes()
    assert Path("3.nut").read_bytes() == b"nut/multimedia conta"


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [
        ("2>&-", "upscale a.png b.png --processes 2 --quiet", 0),
        ("0<&- 1>&- 2>&-", "video a.ts", 0),
        ("2>&-", "upscale none.png", 1),
    ],
)
def test_closed_streams_change_no_file(here: Path, closed: str, arguments: str, code: int) -> None:
    Path("b.png").write_bytes(Path("a.png").read_bytes())
    done = shell(f"$S {arguments} {closed}")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")
    images, videos = list(here.glob("*_x2.png")), list(here.glob("*_x2.mkv"))
    assert (len(images), len(videos)) == ((0, 1) if "video" in arguments else (2 * (code == 0), 0))
    assert all(read(path).pixels.shape == (16, 24, 3) for path in images)
    assert all(probe(path).stream.size == (96, 64) for path in videos)


@pytest.mark.parametrize("command", ["upscale a.png -o -", "video a.ts -o -", "upscale - -o b.png", "video - -o b.mkv"])
def test_a_closed_stream_is_no_input_and_no_output(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(sys, "__stdin__", None)
    monkeypatch.setattr(sys, "__stdout__", None)
    done = run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: -: standard ")
    assert done.err.endswith("put is closed\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "arguments", ["upscale fifo -o b.png", "upscale a.png -o fifo", "video fifo -o b.mkv", "video a.ts -o fifo"]
)
def test_a_signal_ends_every_wait_for_a_pipe(here: Path, run: Run, arguments: str, number: int) -> None:
    before = sorted(os.listdir())
    old = signal.signal(number, signal.default_int_handler)  # if it comes too early, it ends no process
    try:
        threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
        done = run(*arguments.split())
    finally:
        signal.signal(number, old)
    assert done.code == 130
    assert done.err.endswith("error: interrupted\n")
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("stalled", ["writer", "reader"])
@pytest.mark.parametrize("form", ["y4m", "nut"])
def test_a_signal_ends_a_video_that_waits_in_the_middle(here: Path, run: Run, stalled: str, form: str) -> None:
    """The wait is in another thread than the one that is interrupted."""
    other = os.open("fifo", os.O_RDWR)  # it keeps the pipe open, and neither reads nor writes
    if stalled == "writer":
        os.write(other, Path("a.ts").read_bytes())
        arguments = ["fifo", "-o", "-"]
        os.mkfifo("out")
        arguments[2], (_, _) = "out", drain("out")
    else:
        arguments = ["a.ts", "-s", "8", "-o", "fifo"]
    try:
        threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
        done = run("video", *arguments, "-f", form)
    finally:
        os.close(other)
    assert (done.code, done.err) == (130, "error: interrupted\n")
