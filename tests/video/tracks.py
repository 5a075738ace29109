"""Upscaled images for tests of muxing: small frames at the source's times, encoded on the spot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from numpy.typing import NDArray

from subpixel.video.containers import container_of
from subpixel.video.formats import layout_of, planes_of
from subpixel.video.stream_selection import StreamSelection, select_streams
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import VideoFile, open_video
from video import clips

__all__ = ["Encoded", "decoded", "packet_times", "select", "times_of"]


def select(video: VideoFile, name: str | Path, codec: str, time_range: TimeRange | None = None) -> StreamSelection:
    """The streams of a video that go into a file of that name."""
    with open_video(video.path) as source:
        return select_streams(video, source, container_of(name), codec, time_range)


def times_of(path: Path) -> list[int]:
    """The times of a video's frames, in its image's ticks."""
    with av.open(str(path), metadata_errors="replace") as container:
        times = []
        for packet in container.demux(container.streams.video[0]):
            try:
                times += [each.pts for each in packet.decode()]
            except av.error.FFmpegError:
                continue
    return times


def packet_times(video: VideoFile) -> list[int]:
    """The times of the packets of a video's image, in its ticks and in order."""
    with open_video(video.path) as container:
        return sorted(p.pts for p in container.demux(container.streams[video.main]) if p.pts is not None and p.size)


def decoded(path: Path) -> list[tuple[Fraction, list[NDArray[Any]]]]:
    """The frames of a video, each with its time in seconds and its planes."""
    with av.open(str(path), metadata_errors="replace") as container:
        main = next(s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
        layout = layout_of(main.codec_context.pix_fmt, path)
        found = []
        for packet in container.demux(main):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            found += [(f.pts * main.time_base, [p.copy() for p in planes_of(f, layout)]) for f in frames]
        return found


@dataclass
class Encoded:
    """A Track of frames of twice the video's size, of its pixel format where the encoder has it."""

    video: VideoFile
    times: Sequence[int]
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        return 2 * self.video.stream.size[0], 2 * self.video.stream.size[1]

    def _set_up(self, context: Any) -> None:
        video_stream = self.video.stream
        context.width, context.height = self.size
        context.pix_fmt = self.pix_fmt
        context.time_base = video_stream.time_base
        context.framerate = video_stream.rate or Fraction(24)
        if video_stream.aspect is not None:
            context.sample_aspect_ratio = video_stream.aspect
        tags = video_stream.tags
        context.color_primaries, context.color_trc, context.colorspace = tags.primaries, tags.transfer, tags.matrix
        context.color_range = {None: 0, False: 1, True: 2}[tags.full_range]

    def add_to(self, container: Any) -> Any:
        defaults = {"preset": "ultrafast"} if self.codec.startswith("libx26") else {}
        stream = container.add_stream(self.codec, rate=24, options={**defaults, **self.options})
        self._set_up(stream.codec_context)
        stream.time_base = self.video.stream.time_base
        self._stream = stream
        return stream

    def packets(self) -> Iterator[Any]:
        base: Fraction = self.video.stream.time_base
        for number, time in enumerate(self.times):
            each = clips.frame(number, self.size, self.pix_fmt)
            each.pts, each.time_base = time, base
            yield from self._timed(self._stream.encode(each))
        yield from self._timed(self._stream.encode(None))

    def _timed(self, packets: Sequence[Any]) -> Iterator[Any]:
        for packet in packets:
            if not packet.duration:
                packet.duration = round(1 / ((self.video.stream.rate or 24) * self.video.stream.time_base))
            yield packet
