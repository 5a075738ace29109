"""``subpixel video`` on several inputs: destinations, failures, resuming, JSON, times of files."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.conftest import Done
from subpixel.cli.video_reporting import VideoReporter
from subpixel.errors import VideoWriteError
from subpixel.storage.locks import scratch_path
from subpixel.storage.os_errors import write_errors_as
from subpixel.video import Pace, probe
from subpixel.video.segments import Journal, SegmentWriter
from video.clips import make_clip
from video.tracks import decoded

Run = Callable[..., Done]
Look = Callable[[], dict[str, Any]]
FRAMES = 6


@pytest.fixture
def video(run: Run) -> Run:
    """The command with the cheapest network and an encoder that always gives the same bytes."""
    return lambda *arguments: run("video", "-n", "bicubic", "-j", 1, "--encoder", "ffv1", *arguments)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with three videos, a file that is none, and files that are not looked at."""
    folder = tmp_path / "in"
    for name in ("a.mkv", "sub/b.nut", "sub/deep down/c.mkv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_clip(folder / name, times=range(FRAMES), format_name="nut" if name.endswith("nut") else None)
    (folder / "sub" / "bad.mp4").write_text("no video")
    (folder / "notes.txt").write_text("not looked at")
    shutil.copy(folder / "a.mkv", folder / ".hidden.mkv")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def objects(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def of(found: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [one for one in found if one["event"] == event]


# Destinations


def test_a_bad_file_costs_no_other_and_subfolders_are_kept(video: Run, clips: Path, tmp_path: Path, look: Look) -> None:
    out = tmp_path / "made" / "out"
    done = video(clips, "-o", out)
    assert done.code == 3
    assert files(out) == ["a_x2.mkv", "sub/b_x2.nut", "sub/deep down/c_x2.mkv"]
    assert all(probe(out / name).stream.size == (96, 64) for name in files(out))
    first, last = done.err.splitlines()
    assert first.startswith(f"error: {clips / 'sub' / 'bad.mp4'}: ")
    assert last == "error: 1 of 4 videos failed"
    *lines, summary = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["[1/4]", "[2/4]", "[4/4]"]
    assert summary.startswith("3 done, 0 done before, 1 failed of 4  ")
    assert summary.endswith(f"  in {out}")
    before = look()
    for more in ([], ["--overwrite"]):
        done = video(clips, "-o", out, *more)
        assert done.code == 3
        assert done.out.count("done before\n") == 3
        assert "0 done, 3 done before, 1 failed of 4" in done.out
        assert look() == before


def test_results_beside_the_videos_are_not_inputs(video: Run, clips: Path) -> None:
    (clips / "sub" / "bad.mp4").unlink()
    for _ in range(2):
        assert video(clips).code == 0
        assert [name for name in files(clips) if "_x2" in name] == [
            "a_x2.mkv",
            "sub/b_x2.nut",
            "sub/deep down/c_x2.mkv",
        ]
    assert video(clips / "sub" / "**" / "*.mkv", "--quiet").code == 0
    assert video(clips, "-s", 3, "--quiet").code == 0
    names = ["a_x2.mkv", "a_x3.mkv", "sub/b_x2.nut", "sub/b_x3.nut", "sub/deep down/c_x2.mkv", "sub/deep down/c_x3.mkv"]
    assert [name for name in files(clips) if "_x" in name] == names


def test_patterns_files_and_a_folder_for_one_video(video: Run, clips: Path, tmp_path: Path) -> None:
    done = video(clips / "*.mkv", clips / "sub" / "b.nut", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert files(tmp_path / "out") == ["a_x2.mkv", "b_x2.nut"]
    assert video(clips / "a.mkv", "-o", f"{tmp_path / 'other'}{os.sep}").code == 0
    assert files(tmp_path / "other") == ["a_x2.mkv"]
    # Of several, a finished one is kept with --overwrite, so that a stopped run goes on; a single one is made again.
    again = video(clips / "a.mkv", "-o", tmp_path / "other" / "a_x2.mkv", "--overwrite")
    assert "done before" not in again.out


@pytest.mark.parametrize(
    ("output", "words"), [("file.txt", "this is a file"), ("out.mkv", "this is the name of a video")]
)
def test_an_output_for_several_videos_that_is_not_a_folder(
    video: Run, look: Look, clips: Path, tmp_path: Path, output: str, words: str
) -> None:
    (tmp_path / "file.txt").write_text("precious")
    before = look()
    done = video(clips, "-o", tmp_path / output)
    assert done.code == 2
    assert f"for several videos the output must be a folder, and {words}" in done.err
    assert look() == before


def test_two_videos_with_one_result_are_refused_before_any_work(
    video: Run, look: Look, clips: Path, tmp_path: Path
) -> None:
    shutil.copy(clips / "a.mkv", clips / "a.avi")  # its result is a_x2.mkv too
    before = look()
    done = video(clips, "-o", tmp_path / "out")
    assert done.code == 2
    assert (
        f"{clips / 'a.avi'} and {clips / 'a.mkv'} would both be written to {tmp_path / 'out' / 'a_x2.mkv'}" in done.err
    )
    done = video(clips / "a.mkv", clips / "sub" / ".." / "a.avi")
    assert done.code == 2
    assert look() == before
    # Other containers have results of their own.
    (clips / "a.avi").unlink()
    make_clip(clips / "a.nut", times=range(FRAMES))
    assert video(clips / "a.mkv", clips / "a.nut", "--quiet").code == 0
    assert {"a_x2.mkv", "a_x2.nut"} <= set(files(clips))


def test_the_name_of_a_result_among_the_inputs(video: Run, clips: Path) -> None:
    done = video(clips / "a.mkv", clips / "large.mp4")
    assert done.code == 2
    assert f"To write there, use -o: `subpixel video {clips / 'a.mkv'} -o {clips / 'large.mp4'}`" in done.err


def test_a_folder_without_videos_names_the_other_command(video: Run, photo: Path) -> None:
    outer = photo.parent.rename(photo.parent.parent / "inner").parent / "outer"  # by itself it would be one video
    outer.mkdir()
    (outer.parent / "inner").rename(outer / "photos")
    done = video(outer)
    assert done.code == 1
    text = f"{outer}: no file in this folder has the suffix of a video; for images, use subpixel upscale"
    assert done.err == f"error: {text}\n"


def test_pipes_and_several_inputs_do_not_go_together(video: Run, clips: Path) -> None:
    for arguments in (["-", clips / "a.mkv"], [clips, "-o", "-"]):
        done = video(*arguments)
        assert done.code == 2
        assert "only one video" in done.err
    for option in ("--json", "--copy-time"):
        done = video(clips / "a.mkv", "-o", "-", option)
        assert (done.code, done.out) == (2, "")
        assert f"{option} is for files" in done.err


def test_a_pipe_has_neither_a_name_nor_a_time(clips: Path, tmp_path: Path) -> None:
    data = (clips / "a.mkv").read_bytes()
    command = [sys.executable, "-m", "subpixel", "video", "-n", "bicubic", "-"]
    for more, words in (
        (["-o", f"{tmp_path}{os.sep}"], b"has no name, so the output must be a file"),
        (["-o", str(tmp_path / "out.mkv"), "--copy-time"], b"--copy-time needs a file as input"),
    ):
        done = subprocess.run([*command, *more], input=data, capture_output=True, check=False)
        assert done.returncode == 2
        assert words in done.stderr
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out.mkv"), "--json"], input=data, capture_output=True, check=True
    )
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == {"standard input"}


# Interrupts


def test_an_interrupted_batch_goes_on_in_the_middle_of_a_video(
    video: Run, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subpixel.video.encode_segments.SEGMENT_FRAMES", 2)
    (clips / "sub" / "bad.mp4").unlink()
    assert video(clips, "-o", tmp_path / "whole").code == 0
    add, count = SegmentWriter.add, 0

    def interrupted(self: SegmentWriter, frame: Any, time: int) -> None:
        nonlocal count
        count += 1
        if count == FRAMES + 4:
            raise KeyboardInterrupt
        add(self, frame, time)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentWriter, "add", interrupted)
        done = video(clips, "-o", tmp_path / "out")
    assert done.code == 130
    assert done.err.splitlines() == [
        "note: 1 of 3 videos are done; run the same command again to resume",
        "error: interrupted",
    ]
    assert Journal.has_segments(scratch_path(tmp_path / "out" / "sub" / "b_x2.nut", "video"))
    done = video(clips, "-o", tmp_path / "out", "--json")
    assert done.code == 0
    ends = of(objects(done), "end")
    assert [one["status"] for one in ends] == ["skipped", "done", "done"]
    assert [one["resumed"] for one in ends] == [FRAMES, 2, 0]
    assert ends[0]["why"] == "done before"
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    for name in files(tmp_path / "out"):
        for (a, one), (b, other) in zip(
            decoded(tmp_path / "out" / name), decoded(tmp_path / "whole" / name), strict=True
        ):
            assert a == b
            assert all(map(np.array_equal, one, other))


def test_a_full_disk_ends_the_batch(video: Run, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: SegmentWriter, frame: Any, time: int) -> None:
        with write_errors_as(VideoWriteError, self.journal.result):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(SegmentWriter, "add", full)
        done = video(clips, "-o", tmp_path / "out")
    assert done.code == 1
    assert "a_x2.mkv: cannot be written: no space left on device" in done.err
    assert f"stopped, since nothing more can be written to {tmp_path / 'out'}: 3 of 4 videos were not" in done.err
    assert files(tmp_path / "out") == []
    assert video(clips, "-o", tmp_path / "out").out.count(" frames in ") == 3


# JSON


def test_json_describes_each_video(video: Run, clips: Path, tmp_path: Path) -> None:
    done = video(clips, "-o", tmp_path / "out", "--json")
    assert done.code == 3
    found = objects(done)
    assert [one["event"] for one in found] == ["start", "end", "start", "end", "end", "start", "end"]
    start, end = found[:2]
    result = tmp_path / "out" / "a_x2.mkv"
    assert start == {
        "event": "start",
        "source": str(clips / "a.mkv"),
        "destination": str(result),
        "size_in": [48, 32],
        "size_out": [96, 64],
        "frames": FRAMES,
        "resumed": 0,
        "container": "Matroska",
        "encoder": "ffv1",
        "pix_fmt": "yuv420p",
        "copied": [],
        "model": "bicubic",
        "why": "",
        "notes": [],
    }
    assert (end["destination"], end["status"], end["error"]) == (str(result), "done", None)
    assert (end["size_in"], end["size_out"]) == ([48, 32], [96, 64])
    assert (end["frames"], end["resumed"], end["model"], end["notes"]) == (FRAMES, 0, "bicubic", [])
    assert set(end["worked"]) == {"decode", "upscale", "encode"}
    assert 0 < max(end["worked"].values()) <= end["seconds"]
    bad = found[4]
    assert (bad["source"], bad["status"]) == (str(clips / "sub" / "bad.mp4"), "failed")
    assert f"error: {bad['error']}" in done.err
    assert "3 done, 0 done before, 1 failed of 4" in done.err
    stated = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-of", "json", "-show_streams", result]
    (stream,) = json.loads(subprocess.run(stated, capture_output=True, check=True).stdout)["streams"]
    assert [stream["width"], stream["height"]] == end["size_out"]
    assert (int(stream["nb_read_frames"]), stream["codec_name"]) == (end["frames"], start["encoder"])


def test_the_error_of_one_video_is_also_that_of_the_command(run: Run, clips: Path) -> None:
    done = run("video", clips / "sub" / "bad.mp4", "--json")
    assert done.code == 1
    (end,) = objects(done)
    assert (end["event"], end["status"]) == ("end", "failed")
    assert done.err == f"error: {end['error']}\n"
    (clips / "a_x2.mkv").write_text("precious")
    done = run("video", clips / "a.mkv", "--json")
    assert "--overwrite replaces it" in objects(done)[-1]["error"]


def test_progress_is_printed_at_most_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    reporter = VideoReporter(1, as_json=True, now=lambda: now)
    reporter.begin("a.mkv")
    for frames, now in ((1, 0.5), (2, 0.9), (3, 1.0), (4, 1.9), (5, 2.5)):
        reporter.pace(Pace(frames, None, now, 2.00049, None, {"decode": 0.12345, "upscale": 1.0}))
    reporter.finish()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["frames_done"] for one in lines] == [3, 5]
    assert lines[0] == {
        "event": "progress",
        "source": "a.mkv",
        "frames_done": 3,
        "frames": None,
        "rate": 2.0,
        "left": None,
        "busy": {"decode": 0.123, "upscale": 1.0},
    }


# Dry runs


def test_a_dry_run_adds_up_and_writes_nothing(video: Run, clips: Path, tmp_path: Path, look: Look) -> None:
    assert video(clips / "a.mkv", "-o", f"{tmp_path / 'out'}{os.sep}", "--quiet").code == 0
    before = look()
    command = (clips, "-o", tmp_path / "out", "--dry-run")
    done = video(*command)
    assert done.code == 3
    assert look() == before
    lines = done.out.splitlines()
    assert lines[0] == f"[1/4] {clips / 'a.mkv'} → {tmp_path / 'out' / 'a_x2.mkv'}  96×64  done before"
    assert lines[1].startswith(
        f"[2/4] {clips / 'sub' / 'b.nut'}  48×32 → {tmp_path / 'out' / 'sub' / 'b_x2.nut'}  96×64"
    )
    assert lines[-2].startswith(f"2 to do, one after another: about {2 * FRAMES} frames, ")
    assert lines[-1].startswith("Nothing was written. The time is an estimate")
    assert "bad.mp4" in done.err
    assert done.err.endswith("error: 1 of 4 videos would fail\n")
    found = objects(video(*command, "--json"))
    assert look() == before
    assert [one["event"] for one in found] == ["plan"] * 4
    assert [one["status"] for one in found] == ["skipped", "planned", "failed", "planned"]
    assert [one.get("frames") for one in found] == [FRAMES, FRAMES, None, FRAMES]
    assert found[1]["seconds"] > 0
    assert found[1]["bytes"] > 0
    assert (found[1]["encoder"], found[1]["pix_fmt"], found[1]["container"]) == ("ffv1", "yuv420p", "NUT")
    assert f"error: {found[2]['error']}" in done.err


# Times of files


def test_results_get_the_time_of_their_videos(video: Run, clips: Path, tmp_path: Path) -> None:
    source, nanoseconds = clips / "a.mkv", 981_173_106_123_456_700
    os.utime(source, ns=(0, nanoseconds))
    out = tmp_path / "out.mkv"
    assert video(source, "-o", out).code == 0
    assert out.stat().st_mtime_ns > nanoseconds
    assert "done before" in video(source, "-o", out, "--copy-time").out
    assert out.stat().st_mtime_ns == nanoseconds
    assert video(source, "-o", tmp_path / "other.mkv", "--copy-time").code == 0
    assert (tmp_path / "other.mkv").stat().st_mtime_ns == nanoseconds
    assert source.stat().st_mtime_ns == nanoseconds
