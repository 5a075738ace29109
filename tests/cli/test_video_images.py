"""``subpixel video`` from images and to images, on the command line."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import subpixel
from cli.conftest import Done
from cli.outcomes import assert_one_error
from helpers import folder_content
from subpixel.video import probe
from subpixel.video.images.frame_rate import parse_rate
from video import clips
from video.images.test_stills import sequence

Run = Callable[..., Done]
VIDEO = ("video", "-n", "bicubic")


def test_images_become_a_video_and_a_video_images(run: Run, tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 4)
    made = run(*VIDEO, f"{folder}/%04d.png", "--rate", "23.976", "-o", tmp_path / "film.mp4")
    assert (made.code, "80×48" in made.out, "4 frames" in made.out) == (0, True, True)
    stream = probe(tmp_path / "film.mp4").stream
    assert (stream.pix_fmt, stream.rate) == ("yuv420p", parse_rate("23.976"))
    back = run(*VIDEO, tmp_path / "film.mp4", "-o", f"{tmp_path}/out/%03d.png", "--start-number", "0")
    assert back.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000.png", "001.png", "002.png", "003.png"]
    again = run(*VIDEO, tmp_path / "film.mp4", "-o", f"{tmp_path}/out/%03d.png", "--start-number", "0")
    assert "done before" in again.out


def test_the_rate_that_is_printed_makes_the_video_again(run: Run, tmp_path: Path) -> None:
    source = clips.make_clip(tmp_path / "in.mp4", times=range(5))
    done = run(*VIDEO, source, "-o", f"{tmp_path}/out/%d.png", "-s", "1.5")
    found = re.search(r"(--rate [\d.]+) would make a video of these images", done.err)
    assert found
    assert run(*VIDEO, tmp_path / "out", *found[1].split(), "-o", tmp_path / "again.mkv").code == 0
    assert probe(tmp_path / "again.mkv").stream.rate == probe(source).stream.rate


def test_the_advice_about_missing_images_works(run: Run, tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 4)
    (folder / "0002.png").unlink()
    refused = run(*VIDEO, f"{folder}/%04d.png", "--rate", "24", "-o", tmp_path / "film.mkv")
    assert_one_error(refused, 1)
    assert "image 2 of 1 to 4 is missing" in refused.err
    assert "name the folder" in refused.err
    done = run(*VIDEO, folder, "--rate", "24", "-o", tmp_path / "film.mkv")
    assert done.code == 0
    assert "1 number is missing" in done.err


def test_the_advice_about_transparency_works(run: Run, tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 2, channels=4)
    done = run(*VIDEO, folder, "--rate", "24", "-o", tmp_path / "film.mkv")
    found = re.search(r"as in -o frames/(\S+), keep it", done.err)
    assert found
    assert run(*VIDEO, folder, "-o", f"{tmp_path}/out/{found[1]}").code == 0
    assert subpixel.image.read(tmp_path / "out" / "0001.png").pixels.shape[2] == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("in.mp4 --rate 24 -o out.mkv", "has times of its own"),
        ("frames --rate twelve -o out.mkv", "is not a rate"),
        ("in.mp4 --start-number 3 -o out.mkv", "--start-number is for images"),
        ("in.mp4 --crf 20 -o out/%d.png", "--crf is for videos"),
        ("in.mp4 --realtime -o out/%d.png", "--realtime is for videos"),
        ("in.mp4 -o out/%d_%d.png", "one number is needed"),
        ("frames --side-by-side -o out/%d.png", "--side-by-side is for videos"),
        ("frames --rate 24 -o out/%d.png", "there is no rate"),
        ("frames -o frames/x%d.png", "lie among the images"),
        ("frames/%d.png -o out.mkv", "no image has such a name"),
        ("nowhere/%d.png -o out.mkv", "there is no folder"),
    ],
)
def test_what_does_not_fit_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    clips.make_clip(tmp_path / "in.mp4", times=range(2))
    sequence(tmp_path / "frames", 2)
    before = folder_content(tmp_path)
    for extra in ((), ("--dry-run",)):
        done = run(*VIDEO, *arguments.split(), *extra)
        assert done.code in (1, 2)
        assert text in done.err
        assert "Traceback" not in done.err
    assert folder_content(tmp_path) == before


@pytest.mark.parametrize("output", ["film.mkv", "out/%d.png"])
@pytest.mark.parametrize("source", ["in.mp4", "frames"])
def test_a_dry_run_writes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, output: str
) -> None:
    monkeypatch.chdir(tmp_path)
    clips.make_clip(tmp_path / "in.mp4", times=range(3))
    sequence(tmp_path / "frames", 3)
    before = folder_content(tmp_path)
    dry = run(*VIDEO, source, "-o", output, "--dry-run")
    assert (dry.code, "Nothing was written" in dry.out, "about 3 frames" in dry.out) == (0, True, True)
    assert folder_content(tmp_path) == before
    done = run(*VIDEO, source, "-o", output)
    assert done.code == 0
    assert set(dry.err.splitlines()) <= set(done.err.splitlines())
    assert "done before" in run(*VIDEO, source, "-o", output, "--dry-run").out


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_goes_on(run: Run, tmp_path: Path, end: signal.Signals) -> None:
    source = clips.make_clip(tmp_path / "in.mp4", size=(320, 180), times=range(48))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "subpixel", *VIDEO, str(source), "-j", "2", "-o"]
    running = subprocess.Popen([*command, f"{out}/%d.png"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    limit = time.monotonic() + 120
    while time.monotonic() < limit and running.poll() is None and len([*out.glob("[0-9]*.png")]) < 4:
        time.sleep(0.005)
    running.send_signal(end)
    _, printed = running.communicate()
    there = {path.name: path.read_bytes() for path in out.glob("[0-9]*.png")}
    assert there
    if end == signal.SIGINT and len(there) < 48:
        assert running.returncode == 130
        assert "run the same command again to resume" in printed
        assert len(there) == len([*out.iterdir()])
    finished = run(*VIDEO, source, "-o", f"{out}/%d.png")
    assert (finished.code, "48 frames" in finished.out or "done before" in finished.out) == (0, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()}.items() >= there.items()
    assert len([*out.iterdir()]) == 48
    run(*VIDEO, source, "-o", f"{tmp_path}/whole/%d.png")
    assert folder_content(out) == folder_content(tmp_path / "whole")
