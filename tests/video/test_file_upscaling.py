"""One call upscales one video file."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from subpixel import video
from subpixel.errors import InvalidArgument, VideoWriteError
from subpixel.upscaler import Upscaler
from video.clips import CLIPS


def test_the_result_is_that_of_a_job(tmp_path: Path) -> None:
    source = CLIPS["sound.mp4"](tmp_path / "a.mp4")
    calls: list[tuple[int, int | None]] = []
    result = video.upscale_file(
        str(source), scale=3, model="bicubic", encoder="ffv1", destination=tmp_path / "b.mkv", progress=calls_of(calls)
    )
    job = video.Job(source, Upscaler(3, model="bicubic"), tmp_path / "c.mkv", video.Settings("ffv1"))
    assert (result.destination, result.size_out, result.frames) == (tmp_path / "b.mkv", (144, 96), 12)
    assert job.run().frames == 12
    one, other = (list(frames(tmp_path / name)) for name in ("b.mkv", "c.mkv"))
    assert one == other
    assert calls[-1] == (12, 12)


def calls_of(calls: list[tuple[int, int | None]]) -> video.job.Progress:
    return lambda done, total: calls.append((done, total))


def frames(path: Path) -> list[bytes]:

    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def test_every_argument_arrives(tmp_path: Path) -> None:
    source = CLIPS["sound.mp4"](tmp_path / "a.mp4")
    result = video.upscale_file(
        source,
        model="fast",
        backend="reference",
        precision="f32",
        threads=1,
        strength=0.5,
        encoder="x265",
        crf=30,
        preset="ultrafast",
        pix_fmt="yuv420p10le",
        encoder_options="tune=grain",
        start=0.125,
        end=0.25,
        side_by_side=True,
    )
    found = video.probe(result.destination)
    assert result.destination == tmp_path / "a_x2.mp4"
    assert (result.frames, found.stream.size, found.stream.pix_fmt, found.codec) == (
        3,
        (192, 64),
        "yuv420p10le",
        "hevc",
    )
    with pytest.raises(VideoWriteError, match=r"exists already, made from .*; overwrite=True replaces it"):
        video.upscale_file(source)
    assert video.upscale_file(source, overwrite=True).frames == 12
    with pytest.raises(InvalidArgument, match="end=1: a time after start=2 is needed"):
        video.upscale_file(source, start=2, end=1)
    interlaced = CLIPS["interlaced.mp4"](tmp_path / "b.mp4")
    assert video.upscale_file(interlaced, deinterlace=True, model="bicubic").frames == 8
