"""Frames in a pipe are those of the networks, until the video ends or the reader goes away."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from subpixel.errors import Unsupported, VideoReadError, VideoWriteError
from subpixel.upscaler import Upscaler
from subpixel.video import Job, PipeOutput, Settings, TimeRange
from video.clips import CLIPS, make_clip
from video.clocks import join, timed_clip


def frames(content: bytes | Path) -> list[np.ndarray]:
    with av.open(io.BytesIO(content) if isinstance(content, bytes) else str(content)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


@pytest.fixture
def upscaler() -> Upscaler:
    return Upscaler(2, model="fast", threads=1)


@pytest.mark.parametrize("part", [None, TimeRange(Fraction(1, 6), Fraction(1, 3))])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_pipe_gets_the_frames_of_a_file(
    tmp_path: Path, upscaler: Upscaler, part: TimeRange | None, side_by_side: bool
) -> None:
    source, out = CLIPS["plain.mp4"](tmp_path / "a.mp4"), io.BytesIO()
    result = PipeOutput(source, upscaler, time_range=part, side_by_side=side_by_side).run(out)
    path = tmp_path / "b.mkv"
    Job(source, upscaler, path, Settings("ffv1"), time_range=part, side_by_side=side_by_side).run()
    found, wanted = frames(out.getvalue()), frames(path)
    assert result.frames == len(found) == len(wanted) == (12 if part is None else 4)
    assert all(map(np.array_equal, found, wanted))
    assert result.notes == ()


class Pipe(io.BytesIO):
    """A pipe that fails after some bytes."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, data: object) -> int:
        if self.tell() > 20_000:
            raise self._error
        return super().write(data)  # type: ignore[arg-type]


def test_a_closed_pipe_ends_it(tmp_path: Path, upscaler: Upscaler) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "a.mp4")
    assert 0 < PipeOutput(source, upscaler).run(Pipe(BrokenPipeError())).frames < 12


def test_another_failure_is_an_error(tmp_path: Path, upscaler: Upscaler) -> None:
    source = CLIPS["plain.mp4"](tmp_path / "a.mp4")
    with pytest.raises(VideoWriteError, match="standard output: no space left on device"):
        PipeOutput(source, upscaler).run(Pipe(OSError(28, "No space left on device")))


def test_rgb_needs_nut(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "rgb.mkv", codec="ffv1", pix_fmt="bgr0", times=range(3), format_name="matroska")
    upscaler = Upscaler(2, model="bicubic")
    with pytest.raises(Unsupported, match=r"rgb\.mkv: format='y4m' holds YUV and gray, not .*; format='nut' does"):
        PipeOutput(source, upscaler).run(io.BytesIO())
    out = io.BytesIO()
    assert PipeOutput(source, upscaler, "nut").run(out).frames == 3
    assert len(frames(out.getvalue())) == 3


def test_a_part_without_frames_is_an_error(tmp_path: Path) -> None:
    source = CLIPS["sound.mp4"](tmp_path / "video.mp4")
    late = PipeOutput(source, Upscaler(2, model="fast"), time_range=TimeRange(Fraction(100)))
    with pytest.raises(VideoReadError, match=r"there is no frame in this part of the video; it lasts \d"):
        late.run(io.BytesIO())


def test_times_that_start_again_go_on_in_a_pipe(tmp_path: Path, upscaler: Upscaler) -> None:
    """A pipe cannot be read twice, so nothing about its end is known at its beginning."""
    one = timed_clip(tmp_path / "one.ts", frames=36)
    out = io.BytesIO()
    PipeOutput(join(tmp_path / "a.ts", one, one), upscaler, "nut").run(out)
    out.seek(0)
    with av.open(out) as container:
        times = [packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size]
    assert len(times) == 72
    assert all(Fraction(1, 25) < b - a < Fraction(1, 23) for a, b in pairwise(times))
