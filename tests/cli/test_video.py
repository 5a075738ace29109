"""The command line of videos: what it prints, its exit codes, its pipes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from subpixel.cli import main
from subpixel.models import Model, save
from subpixel.models.recurrent import recurrent
from subpixel.video import TimeRange, probe
from subpixel.video.time_range import requested_range
from video.clips import CLIPS, NOT_VIDEOS, make_clip


def frames_in(data: bytes) -> list[Any]:
    with av.open(io.BytesIO(data)) as container:
        return list(container.decode(video=0))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return CLIPS["sound.mp4"](tmp_path / "video.mp4")


def test_a_video_is_upscaled_beside_itself(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(plain)]) == 0
    out = plain.with_name("video_x2.mp4")
    values = capsys.readouterr().out
    assert f"{plain} → {out}  96×64  12 frames in " in values
    assert "auto: fast-compressed (lossy h264)" in values
    assert [s.kind for s in probe(out).streams] == ["video", "audio"]


def test_again_it_is_done_and_the_file_stays(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = plain.with_name("video_x2.mp4")
    assert main(["video", str(plain), "-n", "fast"]) == 0
    before = out.read_bytes()
    capsys.readouterr()
    assert main(["video", str(plain), "-n", "fast"]) == 0
    assert capsys.readouterr().out == f"{plain} → {out}  96×64  done before\n"
    assert main(["video", str(plain), "-n", "fast", "--crf", "30"]) == 1
    wanted = "video_x2.mp4: exists already, made from this video with other settings; --overwrite replaces it\n"
    assert capsys.readouterr().err.endswith(wanted)
    assert out.read_bytes() == before
    assert main(["video", str(plain), "-n", "fast", "--overwrite", "--quiet"]) == 0


def test_a_preview_neither_blocks_the_video_nor_counts_as_it(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(plain), "--preview", "0.25", "-n", "fast"]) == 0
    assert main(["video", str(plain), "-n", "fast"]) == 0
    assert main(["video", str(plain), "--preview", "0.25", "-n", "fast", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" → ")[1].split()[0] for line in lines] == [
        str(plain.with_name("video_x2_preview.mp4")),
        str(plain.with_name("video_x2.mp4")),
    ]
    assert probe(plain.with_name("video_x2.mp4")).stream.size == (96, 64)


@pytest.mark.parametrize("name", NOT_VIDEOS)
def test_what_is_no_video_is_one_line(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = NOT_VIDEOS[name](tmp_path / name)
    assert main(["video", str(path)]) == 1
    values = capsys.readouterr().err
    assert values.startswith(f"error: {path}: ")
    assert values.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--start", "half"], "'half' is not a time. Use for example 90, 1:30 or 0:01:30.5."),
        (["--start", "3", "--end", "2"], "--end 2: a time after --start 3 is needed"),
        (["--preview", "5", "--end", "9"], "--preview and --end contradict each other"),
        (["--target-fps", "30"], "--target-fps needs --realtime and a rate above 0"),
        (["--encoder", "mpeg9"], "Unknown encoder 'mpeg9'. Choices: x264"),
        (["--crf", "99"], "--crf 99: encoder x264 accepts 0 to 51"),
        (["--encoder-options", "tune"], "'tune' is not name=value"),
        (["-o", "out.gif"], "the suffix .gif is not supported for videos; use one of .mp4"),
        (["--encoder", "prores", "-o", "out.webm"], "WebM cannot hold an image encoded by prores_ks; QuickTime"),
        (["-n", "srgan"], "srgan"),
        (["-s", "65"], "--scale 65: a number above 0 and up to 64 is needed"),
        (["-s", "0"], "--scale 0: a number above 0 and up to 64 is needed"),
        (["-s", "-2"], "--scale -2: a number above 0 and up to 64 is needed"),
        (["-s", "nan"], "--scale nan: a number above 0 and up to 64 is needed"),
        (["-s", "inf"], "--scale inf: a number above 0 and up to 64 is needed"),
        (["-s", "two"], "'two' is not a number. Use for example 2 or 2.5."),
        (["-s", "1", "-n", "fast"], "--scale 1: this network makes images larger and does not clean them"),
        (["-s", "4.5", "-n", "recurrent"], "model 'recurrent' reads several frames and does not run twice"),
        (["-s", "2", "--width", "96"], "--scale 2, --width 96: only one of --scale, --width, --height and --fit is"),
        (["--width", "96", "--height", "64"], "--fit WxH takes a box"),
        (["--width", "0"], "--width 0: an integer of pixels of at least 1 is needed"),
        (["--width", "96.5"], "96.5"),
        (["--fit", "1920"], "'1920' is not a width and a height. Use for example 3840x2160."),
        (["--fit", "0x9"], "an integer of pixels of at least 1 is needed"),
        (["--width", "4000"], "--width 4000: 83.33 times the 48×32 of the video; up to 64 times is possible"),
        (["-o", ""], "error: --output is empty; name a file or a folder."),
    ],
)
def test_wrong_use_is_an_error(plain: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(plain), *words]) == 2
    values = capsys.readouterr().err
    assert text in values
    assert values.count("\n") == 1
    assert [path.name for path in plain.parent.iterdir()] == ["video.mp4"]


def test_a_preview_shows_both_sides(plain: Path) -> None:
    assert main(["video", str(plain), "--start", "0:00.1", "--preview", "0.25", "--quiet"]) == 0
    result = probe(plain.with_name("video_x2_preview.mp4"))
    assert result.stream.size == (2 * 96, 64)
    assert result.duration is not None
    assert result.duration < Fraction(2, 5)


def test_a_preview_of_a_short_video_begins_at_its_beginning(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(plain), "--preview", "5", "--quiet"]) == 0
    preview = plain.with_name("video_x2_preview.mp4")
    assert probe(preview).stream.size == (2 * 96, 64)
    assert sorted(path.name for path in plain.parent.iterdir()) == ["video.mp4", preview.name]
    assert main(["video", str(plain), "--start", "100"]) == 1
    assert "there is no frame in this part of the video; it lasts 0.5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("length", "start", "expected"),
    [(None, None, (0, 3)), (Fraction(8), None, (5, 8)), (Fraction(7), None, (0, 3)), (Fraction(7), 2, (2, 5))],
)
def test_where_a_preview_begins(length: Fraction | None, start: int | None, expected: tuple[int, int]) -> None:
    part = requested_range(None if start is None else Fraction(start), None, 3.0, length)
    assert part == TimeRange(Fraction(expected[0]), Fraction(expected[1]))


def test_losses_are_reported_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = CLIPS["rich.mkv"](tmp_path / "rich.mkv")
    assert main(["video", str(source), "-o", str(tmp_path / "out.mp4")]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert any("attachment" in note and ".mkv" in note for note in notes)
    assert all(note.startswith("note: ") for note in notes)


@pytest.mark.parametrize(("form", "name"), [("y4m", "yuv4mpegpipe"), ("nut", "nut")])
def test_frames_go_into_a_pipe(plain: Path, capfdbinary: pytest.CaptureFixture[bytes], form: str, name: str) -> None:
    assert main(["video", str(plain), "-o", "-", "-f", form, "-n", "fast"]) == 0
    data = capfdbinary.readouterr().out
    frames = frames_in(data)
    assert len(frames) == 12
    assert (frames[0].width, frames[0].height) == (96, 64)
    with av.open(io.BytesIO(data)) as container:
        assert container.format.name == name


def test_frames_come_from_a_pipe(plain: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "subpixel", "video"]
    first = subprocess.run([*command, plain, "-o", "-", "-n", "fast"], capture_output=True, check=True)
    second = subprocess.run([*command, "-", "-n", "fast"], input=first.stdout, capture_output=True, check=True)
    frames = frames_in(second.stdout)
    assert len(frames) == 12
    assert (frames[0].width, frames[0].height) == (192, 128)
    out = tmp_path / "out.mkv"
    subprocess.run([*command, "-", "-o", out, "-n", "fast"], input=first.stdout, capture_output=True, check=True)
    assert probe(out).stream.size == (192, 128)
    named = subprocess.run([*command, "-", "-o", out], input=b"no video", capture_output=True, check=False)
    assert named.returncode == 1
    assert named.stderr.decode().startswith("error: standard input: not a readable video")
    broken = subprocess.run([*command, "-"], input=b"no video", capture_output=True, check=False)
    assert broken.returncode == 1
    assert broken.stderr.decode().startswith("error: ")
    assert broken.stderr.count(b"\n") == 1


def test_a_closed_pipe_is_no_error(plain: Path) -> None:
    command = f"{sys.executable} -m subpixel video {plain} -o - | head -c 100 > /dev/null; echo ${{PIPESTATUS[0]}}"
    if not os.path.exists("/bin/bash"):
        pytest.skip("there is no bash here")
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr


def test_play_says_what_is_missing_and_shows_with_what_is_there(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    assert main(["play", str(plain)]) == 2
    assert capsys.readouterr().err == "error: no video player found: install mpv or ffplay\n"
    (folder / "mpv").write_text(f"#!/bin/sh\n/bin/cat > {tmp_path}/shown\n")
    (folder / "mpv").chmod(0o755)
    assert main(["play", str(plain), "--side-by-side", "--every-frame"]) == 0
    frames = frames_in((tmp_path / "shown").read_bytes())
    assert (len(frames), frames[0].width, frames[0].height) == (12, 192, 64)
    assert "12 frames in " in capsys.readouterr().err
    assert main(["play", str(plain), "--fit", "120x90", "--side-by-side"]) == 0
    frames = frames_in((tmp_path / "shown").read_bytes())
    assert (len(frames), frames[0].width, frames[0].height) == (12, 240, 80)


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        (["-s", "2.25"], "video_x2.25.mp4", (108, 72)),
        (["--width", "120"], "video_w120.mp4", (120, 80)),
        (["--height", "120"], "video_h120.mp4", (180, 120)),
        (["--fit", "120x200"], "video_fit120x200.mp4", (120, 80)),
    ],
)
def test_a_video_of_any_size(
    plain: Path, words: list[str], name: str, size: tuple[int, int], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["video", str(plain), *words]) == 0
    out = plain.with_name(name)
    told = capfdbinary.readouterr()
    assert f"{plain} → {out}  {size[0]}×{size[1]}  12 frames in " in told.out.decode()
    assert "note: " not in told.err.decode()
    assert probe(out).stream.size == size
    assert [s.kind for s in probe(out).streams] == ["video", "audio"]
    for form in ("y4m", "nut"):
        assert main(["video", str(plain), *words, "-o", "-", "-f", form]) == 0
        frames = frames_in(capfdbinary.readouterr().out)
        assert (len(frames), frames[0].width, frames[0].height) == (12, *size)


def test_a_dry_run_of_any_size(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["video", str(plain), "--width", "101", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert "48×32" in told.out
    assert "102×68" in told.out
    assert "note: " in told.err
    assert "101×67 became 102×68: pixel format yuv420p needs even sides" in told.err
    assert main(["video", str(plain), "--width", "24", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert "auto: resize (no network is needed)" in told.out
    assert "24×16 is not larger than the video: its frames are resized, and no network runs" in told.err
    assert [path.name for path in plain.parent.iterdir()] == ["video.mp4"]


def test_a_network_that_reads_several_frames_is_named_as_any_other(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = recurrent(2, width=8, middle=1, state=4)
    weights = {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()}
    path = tmp_path / "mine.safetensors"
    save(Model("mine", spec, weights), path)
    assert main(["video", str(plain), "-n", str(path)]) == 0
    assert probe(plain.with_name("video_x2.mp4")).stream.size == (96, 64)
    assert main(["video", str(plain), "-n", str(path), "-o", str(tmp_path / "b.mp4"), "--strength", "0.5"]) == 2
    assert "error: --strength 0.5: model 'mine' reads several frames and has no such option" in capsys.readouterr().err
    image = tmp_path / "image.png"
    Image.new("L", (8, 8)).save(image)
    assert main(["upscale", str(image), "-n", str(path)]) == 2
    assert capsys.readouterr().err == (
        "error: model 'mine' is for videos and does not upscale images; model 'fast' does\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM there")
def test_a_stopped_run_says_how_to_resume_and_resumes(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "video.mp4", size=(160, 120), times=range(600))
    out, folder = tmp_path / "out.mp4", tmp_path / ".out.mp4.subpixel-video"
    command = [sys.executable, "-m", "subpixel", "video", str(source), "-o", str(out), "-n", "fast", "--quiet"]
    # The first segment has 240 frames. Before it is complete there is nothing to resume from.
    for awaited, kept in (("000000.part", False), ("000001.part", True)):
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            while not (folder / awaited).exists():
                assert running.poll() is None
                time.sleep(0.01)
            running.terminate()
            _, errors = running.communicate(timeout=60)
        assert running.returncode == 130
        assert ("run the same command again to resume" in errors) == kept
        assert errors.endswith("error: interrupted\n")
        assert not out.exists()
        assert folder.exists() == kept
        assert not list(folder.glob("*.part"))
    assert main(command[3:]) == 0
    assert probe(out).stream.size == (320, 240)
