"""The suite ``video``: videos to a file and into a pipe, and the decoder, engine and encoder alone."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.results import Fact, Group
from subpixel.image.synthetic import photograph
from subpixel.upscaler import Upscaler
from subpixel.video import Job, PipeOutput, Settings, TimeRange, VideoFile, probe
from subpixel.video.container_input import file_url
from subpixel.video.decoding import Damage, read_frames
from subpixel.video.encoders import choose_encoding
from subpixel.video.formats import Layout, layout_of
from subpixel.video.frame import Frame
from subpixel.video.frame_upscalers import frame_upscaler

__all__ = ["videos"]

_MODEL, _SCALE = "fast", 2
# Frames of a call. More would take minutes and measure the same.
_FRAMES = 120
_RATE = 24
# (width, height) of the video for the file and of the one for the pipe.
_SIZES = ((854, 480), (960, 540))


def videos(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite: ``options.data`` or a generated video to a file, and another one into a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = _SIZES
        yield _file(options, options.data or _make_clip(Path(folder) / "video.mp4", first), Path(folder))
        yield _pipe(options, _make_clip(Path(folder) / "second.mp4", second))


def _file(options: BenchOptions, source: Path, folder: Path) -> Group:
    video, upscaler = probe(source), Upscaler(_SCALE, model=_MODEL, threads=options.threads)
    layout = layout_of(video.stream.pix_fmt, source)
    time_range = TimeRange(Fraction(0), _FRAMES / (video.stream.rate or Fraction(_RATE)))
    frames = list(islice(read_frames(video, Damage()), _FRAMES))
    upscaled = _upscale(upscaler, video, layout, frames)
    job = Job(
        source, upscaler, folder / "result.mp4", Settings(preset="veryfast"), overwrite=True, time_range=time_range
    )
    calls: dict[str, Callable[[], Any]] = {
        "Job": job.run,
        "decoder alone": partial(_decode, video),
        "engine alone": lambda: _upscale(upscaler, video, layout, frames),
        "encoder alone": lambda: _encode(video, upscaled, options.threads),
    }
    entries: list[tuple[str, str, str | None]] = [("Job", "ours", None)]
    entries += [(name, "ceiling", None) for name in calls if name != "Job"]
    (w, h), n = video.stream.size, len(frames)
    title = f"{n} frames of a video of {w}×{h} ×{_SCALE} by {_MODEL}, x264 veryfast, file to file"
    notes = [
        f"{'A generated video' if options.data is None else source.name}. Each part alone has all threads.",
        "Job also writes segments, joins them and verifies the file.",
    ]
    group = measure_group(options, "video", title, calls, entries, notes)
    alone = sum(group.entry(name).time.median for name in calls if name != "Job")
    job_time = group.entry("Job").time.median
    facts = [Fact(e.name, 1000 * n / e.time.median, "frames a second") for e in group.entries]
    facts.append(Fact("Job, relative to decoder, engine and encoder in sequence", job_time / alone, "×"))
    return replace(group, facts=tuple(facts))


def _pipe(options: BenchOptions, source: Path) -> Group:
    upscaler = Upscaler(_SCALE, model=_MODEL, threads=options.threads)
    output = PipeOutput(source, upscaler)
    video = probe(source)
    calls: dict[str, Callable[[], Any]] = {
        "PipeOutput, y4m": lambda: output.run(_NullPipe()),
        "decoder alone": partial(_decode, video),
    }
    entries: list[tuple[str, str, str | None]] = [("PipeOutput, y4m", "ours", None), ("decoder alone", "ceiling", None)]
    (w, h) = video.stream.size
    title = f"{_FRAMES} frames of a video of {w}×{h} ×{_SCALE} by {_MODEL} into a pipe"
    group = measure_group(options, "pipe", title, calls, entries)
    return replace(
        group, facts=tuple(Fact(e.name, 1000 * _FRAMES / e.time.median, "frames a second") for e in group.entries)
    )


def _decode(video: VideoFile) -> None:
    for _ in islice(read_frames(video, Damage()), _FRAMES):
        pass


def _upscale(upscaler: Upscaler, video: VideoFile, layout: Layout, frames: list[Frame]) -> list[Any]:
    frames_upscaler = frame_upscaler([upscaler.network()], video, layout)
    return [each.result for frame in frames for each in frames_upscaler.push(frame)]


def _encode(video: VideoFile, frames: list[Any], threads: int) -> None:
    layout = layout_of(frames[0].format.name, video.path)
    encoding = choose_encoding("x264", layout, "x264", threads, preset="veryfast")
    video_stream = replace(video.stream, size=(frames[0].width, frames[0].height), pix_fmt=layout.name)
    context = encoding.context(video_stream)
    step = round(1 / ((video.stream.rate or Fraction(_RATE)) * video.stream.time_base))
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number * step, video.stream.time_base
        context.encode(frame)
    context.encode(None)


def _make_clip(path: Path, size: tuple[int, int]) -> Path:
    """A video of a window that moves over a generated photograph, as hard to encode as a slow pan."""
    width, height = size
    large = photograph(height + 200, width + 200, 3)
    with av.open(file_url(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=_RATE, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(_FRAMES):
            top, left = (int(99 * (1 + np.sin(number / r))) for r in (31, 23))
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(large[top : top + height, left : left + width]), format="rgb24"
            )
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


class _NullPipe(io.BytesIO):
    """A pipe whose reader never waits."""

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes
