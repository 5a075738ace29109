"""A video that was stopped is resumed, to the frames and bytes of an uninterrupted run."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subpixel.errors import VideoWriteError
from subpixel.storage.locks import scratch_path
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings, encode_segments
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.frame import Frame
from subpixel.video.frame_work import frame_work
from subpixel.video.pipeline import DEPTH
from subpixel.video.segments import SegmentWriter
from video.clips import make_clip
from video.tracks import decoded


@pytest.fixture(scope="module")
def fast() -> Upscaler:
    return Upscaler(2, model="fast", threads=2)


class Stop(Exception):
    pass


def long_video(path: Path) -> Path:
    """A clip whose result is 108 columns wide.

    The vector code of x264's macroblock tree reads memory that it never set at widths of other than a multiple of 8
    macroblocks. It is switched off, or two runs would differ in some bytes.
    """
    return make_clip(path, size=(54, 34), times=range(50), options={"preset": "medium", "bf": "2", "g": "12"})


def test_a_stopped_run_is_resumed_to_the_bytes_of_an_uninterrupted_one(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 8)
    source = long_video(tmp_path / "video.mp4")
    whole = tmp_path / "whole.mp4"
    Job(source, fast, whole).run()
    out = tmp_path / "out.mp4"
    for stops_at in (5, 20, 40):

        def progress(done: int, total: int | None, stops_at: int = stops_at) -> None:
            assert total == 50
            if done == stops_at:
                raise Stop

        with pytest.raises(Stop):
            Job(source, fast, out).run(progress)
        assert not out.exists()
    folder = scratch_path(out, "video")
    assert len((folder / "journal.jsonl").read_text().splitlines()) > 3
    result = Job(source, fast, out).run()
    assert 32 <= result.resumed < 50
    assert out.read_bytes() == whole.read_bytes()
    assert not folder.exists()


def test_a_full_segment_is_kept_while_the_next_frame_is_computed(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a slow network, the wait for the next frame is long. A complete segment must not depend on it."""
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 8)
    source, out = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4"
    journal, push, count = scratch_path(out, "video") / "journal.jsonl", SegmentEncoder._push, 0

    def stopped_at_17(self: SegmentEncoder, frame: Frame) -> list[Frame]:
        nonlocal count
        count += 1
        end = time.monotonic() + 60
        while count == 17:  # the network works on it until somebody loses patience
            if len(journal.read_text().splitlines()) == 3 or time.monotonic() > end:
                raise Stop
            time.sleep(0.01)
        return push(self, frame)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentEncoder, "_push", stopped_at_17)
        with pytest.raises(Stop):
            Job(source, fast, out).run()
    assert Job(source, fast, out).run().resumed == 16


def test_slow_networks_have_shorter_segments_and_resume_to_the_same_bytes(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments follow from the work, not from time, so an interrupted run has those of an uninterrupted one."""
    work = frame_work(fast.networks([2], fast.choose_by_codec(None, 2.0)), (54, 34))
    assert work == 54 * 34 * 12496
    monkeypatch.setattr("subpixel.video.frame_work._MOST_WORK", 20.5 * work)
    monkeypatch.setattr("subpixel.video.frame_work._FEWEST", 5)
    source, out, whole = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4", tmp_path / "whole.mp4"
    Job(source, fast, whole).run()

    def progress(done: int, total: int | None) -> None:
        if done == 45:
            raise Stop

    with pytest.raises(Stop):
        Job(source, fast, out).run(progress)
    assert Job(source, fast, out).run().resumed == 40
    assert out.read_bytes() == whole.read_bytes()


def test_with_a_slow_encoder_no_more_than_its_segment_is_made_again(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 8)
    source, out, whole = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4", tmp_path / "whole.mp4"
    Job(source, fast, whole).run()
    add, upscaled, encoded = SegmentWriter.add, threading.Semaphore(0), 0
    push = SegmentEncoder._push

    def counted(self: SegmentEncoder, frame: Frame) -> list[Frame]:
        results = push(self, frame)
        upscaled.release()
        return results

    def stuck_at_24(self: SegmentWriter, frame: Any, moment: int) -> None:
        nonlocal encoded
        encoded += 1
        if encoded == 24:  # the last frame of its segment, while the queue behind it is full
            for _ in range(24 + DEPTH):
                assert upscaled.acquire(timeout=60)
            raise Stop
        add(self, frame, moment)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentEncoder, "_push", counted)
        patch.setattr(SegmentWriter, "add", stuck_at_24)
        with pytest.raises(Stop):
            Job(source, fast, out).run()
    assert Job(source, fast, out).run().resumed == 16
    assert out.read_bytes() == whole.read_bytes()


def test_a_video_whose_last_segment_is_full_is_known_to_be_complete(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 25)
    source, out = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4"

    def fail(*_: Any, **__: Any) -> list[str]:
        raise VideoWriteError("stopped before the file is written")

    with monkeypatch.context() as patch:
        patch.setattr("subpixel.video.job.mux_video", fail)
        with pytest.raises(VideoWriteError, match="stopped before"):
            Job(source, fast, out).run()
        patch.setattr(encode_segments, "read_frames", fail)  # nothing is decoded again
        with pytest.raises(VideoWriteError, match="stopped before"):
            Job(source, fast, out).run()
    assert Job(source, fast, out).run().resumed == 50
    assert len(decoded(out)) == 50


def test_other_settings_begin_anew(tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 8)
    source, out = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4"

    def progress(done: int, total: int | None) -> None:
        if done == 30:
            raise Stop

    with pytest.raises(Stop):
        Job(source, fast, out).run(progress)
    assert Job(source, fast, out, Settings(crf=30)).run().resumed == 0


def test_if_seeking_gives_another_frame_the_video_is_decoded_from_its_beginning(
    tmp_path: Path, fast: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_segments, "SEGMENT_FRAMES", 8)
    source, out, whole = long_video(tmp_path / "video.mp4"), tmp_path / "out.mp4", tmp_path / "whole.mp4"
    Job(source, fast, whole).run()

    def progress(done: int, total: int | None) -> None:
        if done == 20:
            raise Stop

    with pytest.raises(Stop):
        Job(source, fast, out).run(progress)
    read_frames, starts = encode_segments.read_frames, []

    def with_wrong_seek(*args: Any, start: int | None, **more: Any) -> Iterator[Frame]:
        starts.append(start)
        frames = read_frames(*args, start=start, **more)
        if start is not None:  # the right times, with the images of later frames
            frames = (replace(one, source=other.source) for one, other in pairwise(frames))
        yield from frames

    monkeypatch.setattr(encode_segments, "read_frames", with_wrong_seek)
    assert Job(source, fast, out).run().resumed == 16
    assert [start is None for start in starts] == [False, True]
    assert out.read_bytes() == whole.read_bytes()


CODE = """
import sys
from pathlib import Path
from subpixel.upscaler import Upscaler
from subpixel.video import Job, encode_segments
encode_segments.SEGMENT_FRAMES = 8
if __name__ == "__main__":
    result = Job(Path(sys.argv[1]), Upscaler(2, model="fast", threads=2), Path(sys.argv[2]), overwrite=True).run()
    print(result.resumed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 there")
def test_killed_at_random_moments_it_has_the_frames_of_an_uninterrupted_run(tmp_path: Path) -> None:
    source = long_video(tmp_path / "video.mkv")
    whole, out = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    command = [sys.executable, "-c", CODE, str(source)]
    begun = time.monotonic()
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    took = time.monotonic() - begun
    rng = random.Random(4)
    killed, journal = 0, scratch_path(out, "video")
    for _ in range(10):
        with subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL) as process:
            # The first run is killed after its work began, and the others also while they start.
            while process.poll() is None and not journal.exists():
                time.sleep(0.005)
            time.sleep(took * rng.uniform(0, 0.8))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
    subprocess.run([*command, str(out)], check=True, capture_output=True)
    assert killed > 0
    for (a, one), (b, other) in zip(decoded(whole), decoded(out), strict=True):
        assert a == b
        assert all(map(np.array_equal, one, other))
    left = [path.name for path in tmp_path.iterdir()]
    assert sorted(left) == ["out.mkv", "video.mkv", "whole.mkv"]


def test_a_full_disk_is_an_error_after_which_the_job_is_resumed(tmp_path: Path, fast: Upscaler) -> None:
    resource = pytest.importorskip("resource")
    source, out = long_video(tmp_path / "video.mp4"), tmp_path / "out.mkv"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        with pytest.raises(VideoWriteError, match="cannot be written"):
            Job(source, fast, out, Settings("ffv1")).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not out.exists()
    Job(source, fast, out, Settings("ffv1")).run()
    assert len(decoded(out)) == 50
