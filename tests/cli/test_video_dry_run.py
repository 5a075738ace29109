"""``subpixel video --dry-run`` ends with the exit code of the run, names the same losses, and writes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cli.conftest import Done
from cli.test_dry_run_agrees import flag, option, outcome
from helpers import folder_content
from subpixel.video import probe
from video.clips import CLIPS, NOT_VIDEOS

Run = Callable[..., Done]

SOURCES = ("sound.mp4", "rich.mkv", "interlaced.mp4", "one_frame.mp4", "still.mp4", "gray.mkv", "hdr.mp4", "late.mkv")
BAD = ("truncated.mkv", "garbage.mp4", "words.mp4", "sound.m4a", "none.mkv", "folder")
OUTPUTS = (
    *(None, "out.mkv", "out.mp4", "out.webm", "out.mov", "out.nut", "out.gif", "out", "taken.mkv", "folder"),
    *("sound.mp4", "none/out.mkv", "sound.mp4/out.mkv", f"{'n' * 251}.mkv", f"{'n' * 252}.mkv"),
)
OPTIONS = (
    option("-s", 2, 3, 0, 2.25, 0.5, 1, 65),
    option("--width", 101, 0),
    option("--fit", "120x90", "120"),
    option("--encoder", "x264", "hevc", "ffv1", "vp9", "prores", "mpeg9"),
    option("--crf", 10, 99),
    option("--pix-fmt", "yuv444p", "gbrp", "nv13"),
    option("--encoder-options", "tune=grain", "tune", "nothing=1"),
    option("--start", 0, "0.2", 100, "half"),
    option("--end", "0.1", 50, 0),
    option("--preview", "0.2", 9, 0),
    option("--target-fps", 10),
    option("-n", "bicubics", "fast"),
    flag("--realtime"),
    flag("--side-by-side"),
    flag("--deinterlace"),
    flag("--overwrite"),
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for name in [*SOURCES, *BAD]:
        makers = CLIPS | NOT_VIDEOS
        if name in makers:
            makers[name](folder / name)
    (folder / "folder").mkdir()
    (folder / "taken.mkv").write_text("something else")
    return folder


COMMANDS = given(
    source=st.sampled_from([*SOURCES, *SOURCES, *BAD]),
    output=st.sampled_from(OUTPUTS),
    options=st.lists(st.one_of(*OPTIONS), max_size=3).map(lambda lists: [word for words in lists for word in words]),
)
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(SETTINGS, max_examples=20, derandomize=True)
@COMMANDS
@example("sound.mp4", None, ["--start", "100"])
@example("interlaced.mp4", None, [])
@example("sound.mp4", f"{'n' * 252}.mkv", [])
@example("rich.mkv", "out.mp4", [])
def test_exit_codes_agree(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    output: str | None,
    options: list[str],
) -> None:
    compare(inputs, tmp_path_factory, monkeypatch, source, output, options)


@pytest.mark.long
@settings(SETTINGS, max_examples=1000)
@COMMANDS
def test_exit_codes_agree_for_many_options(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    output: str | None,
    options: list[str],
) -> None:
    compare(inputs, tmp_path_factory, monkeypatch, source, output, options)


def compare(
    inputs: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    output: str | None,
    options: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(inputs, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    command = ["video", source, "-n", "bicubic", *options, *([] if output is None else ["-o", output])]
    before = folder_content(folder)
    dry, dry_text = outcome([*command, "--dry-run"])
    assert folder_content(folder) == before
    code, text = outcome([*command, "--quiet"])
    assert code == dry, f"{command}\n--- dry run: {dry}\n{dry_text}\n--- run: {code}\n{text}"
    # What the run says besides comes from frames that only the run decodes.
    said = [line for line in dry_text.splitlines() if line.startswith(("note: ", "error: "))]
    assert said == [line for line in text.splitlines() if line in said]
    shutil.rmtree(folder)


def test_it_says_what_would_be_done(tmp_path: Path, run: Run) -> None:
    source = CLIPS["rich.mkv"](tmp_path / "rich.mkv")
    done = run("video", source, "--dry-run")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"{source}  48×32 → {tmp_path / 'rich_x2.mkv'}  96×64  about 12 frames"
    assert lines[1].strip() == "Matroska, encoded by x264, yuv420p"
    kept = [str(stream) for stream in probe(source).others]
    assert lines[2].strip() == f"copied: {', '.join(kept)}, {len(probe(source).chapters)} chapters"
    assert "auto: fast-compressed (lossy h264); about " in lines[3]
    assert [path.name for path in tmp_path.iterdir()] == ["rich.mkv"]
    done = run("video", source, "--dry-run", "--quiet", "-o", tmp_path / "out.mp4")
    assert done.out == ""
    assert "attachment" in done.err


def test_a_finished_video_is_done_before(tmp_path: Path, run: Run) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "plain.mp4")
    assert run("video", source, "--dry-run", "--quiet").code == 0
    assert run("video", source, "--quiet").code == 0
    assert run("video", source, "--dry-run").out.splitlines()[0].endswith("96×64  done before")
    assert run("video", source, "--dry-run", "--crf", 30).code == run("video", source, "--crf", 30).code == 1


def test_a_pipe_is_planned_if_a_file_is_written(tmp_path: Path) -> None:
    source = CLIPS["plain.mkv"](tmp_path / "plain.mkv")
    command = [sys.executable, "-m", "subpixel", "video", "-", "--dry-run"]
    run = {"input": source.read_bytes(), "capture_output": True, "env": {**os.environ, "TMPDIR": str(tmp_path)}}
    done = subprocess.run([*command, "-o", tmp_path / "out.mkv"], check=False, **run)  # type: ignore[call-overload]
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"standard input  48×32 → {tmp_path / 'out.mkv'}  96×64  about 12 frames")
    refused = subprocess.run(command, check=False, **run)  # type: ignore[call-overload]
    assert refused.returncode == 2
    assert b"--dry-run" in refused.stderr
    assert refused.stderr.count(b"\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["plain.mkv"]
