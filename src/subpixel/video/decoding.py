"""A video's frames, one after the other, with their times; what is damaged is noted and left out, and moves nothing."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import av.filter

from subpixel.errors import Unsupported, VideoReadError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.video_file import VideoFile, open_video

__all__ = ["Damage", "DecodedFrame", "decoded", "read_frames", "timed"]

# Frames before the first one asked for that go through a filter, so that it comes out as in an undisturbed run: bwdif
# looks at one to each side.
_LEAD = 3
# Places of damage that are told one by one.
_TOLD = 5


@dataclass(frozen=True)
class DecodedFrame:
    """A frame and its time in units of the stream's time base; times grow from frame to frame."""

    frame: Any
    time: int


@dataclass
class Damage:
    """What was wrong with a video while it was decoded."""

    lost: list[Fraction | None] = field(default_factory=list)
    marred: list[Fraction] = field(default_factory=list)
    moved: int = 0
    ended: str = ""

    def forget(self) -> None:
        """What was told is not so: it is looked at again."""
        self.lost, self.marred, self.moved, self.ended = [], [], 0, ""

    def notes(self) -> Iterator[str]:
        """In sentences."""
        if self.lost:
            yield f"{len(self.lost)} damaged packets gave no frame ({_places(self.lost)}); the others keep their times"
        if self.marred:
            yield f"{len(self.marred)} frames are damaged in the source ({_places(self.marred)})"
        if self.moved:
            yield f"{self.moved} frames had no time, or one before that of the frame in front; they follow it closely"
        if self.ended:
            yield self.ended


def read_frames(
    video: VideoFile, damage: Damage, *, start: int | None = None, deinterlace: bool = False
) -> Generator[DecodedFrame]:
    """Frames of a video in the order of showing.

    Args:
        video: the video.
        damage: is told what is wrong with it.
        start: the time of the first frame wanted, in units of its time base; None for all.
        deinterlace: make whole frames of interlaced ones (bwdif, a frame for a frame).

    Raises:
        VideoReadError: the file cannot be opened, or frames change their size or format.
        Unsupported: an interlaced frame, where ``deinterlace`` is False.
    """
    if start is not None:
        entered = _entered(video, damage, start, deinterlace)
        if entered is not None:
            yield from entered
            return
    for each in _read(video, damage, None, deinterlace):
        if start is None or each.time >= start:
            yield each


def _entered(video: VideoFile, damage: Damage, start: int, deinterlace: bool) -> Iterator[DecodedFrame] | None:
    """Frames from ``start`` on, found by an index; None where the file cannot be entered somewhat before it."""
    frames = _read(video, damage, _before(start, video), deinterlace)
    try:
        first = next(frames, None)
    except av.error.FFmpegError:  # no index, or one that cannot be used
        first = None
    if first is None or first.time > start:
        damage.forget()
        return None
    return (each for each in chain([first], frames) if each.time >= start)


def _read(video: VideoFile, damage: Damage, entry: int | None, deinterlace: bool) -> Iterator[DecodedFrame]:
    with open_video(video.path) as container:
        stream = container.streams[video.main]
        if entry is not None:
            container.seek(entry, stream=stream)
        yield from timed(decoded(container, stream, damage), stream, video, damage, deinterlace=deinterlace)


def timed(
    frames: Iterator[Any], stream: Any, video: VideoFile, damage: Damage, *, deinterlace: bool = False
) -> Iterator[DecodedFrame]:
    """Frames that :func:`decoded` gives with their times; errors and arguments as of :func:`read_frames`."""
    yield from _whole_frames(_with_times(frames, video, damage), stream, video, deinterlace)


def _before(start: int, video: VideoFile) -> int:
    """Somewhat before a time, so that the frames in front of it are decoded, too."""
    rate = video.stream.rate or Fraction(25)
    return start - round(2 * _LEAD / rate / video.stream.time_base)


def decoded(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """Frames of a stream as libavcodec gives them, from where its container stands."""
    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    reached = Fraction(0)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            if not isinstance(error, av.error.EOFError):
                damage.ended = f"the video cannot be read on after {float(reached):.2f} s ({os_error_text(error)})"
            break
        if packet is None:
            break
        try:
            frames = packet.decode()
        except av.error.EOFError:
            continue
        except av.error.FFmpegError:
            damage.lost.append(None if packet.pts is None else packet.pts * packet.time_base)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage.marred.append(Fraction(0) if frame.pts is None else frame.pts * stream.time_base)
            if frame.pts is not None:
                reached = frame.pts * stream.time_base
            yield frame


def _with_times(frames: Iterator[Any], video: VideoFile, damage: Damage) -> Iterator[DecodedFrame]:
    video_stream, last = video.stream, None
    step = max(1, round(1 / ((video_stream.rate or Fraction(25)) * video_stream.time_base)))
    for number, frame in enumerate(frames):
        if (frame.width, frame.height) != video_stream.size or frame.format.name != video_stream.pix_fmt:
            raise VideoReadError(
                f"{video.path}: frame {number} is {frame.width}×{frame.height} {frame.format.name}, the first one "
                f"{video_stream.size[0]}×{video_stream.size[1]} {video_stream.pix_fmt}; "
                "a video of one size and format is needed"
            )
        time = frame.pts
        if time is None:
            time = 0 if last is None else last + step
            damage.moved += 1
        elif last is not None and time <= last:
            time = last + 1
            damage.moved += 1
        last = time
        yield DecodedFrame(frame, time)


def _whole_frames(
    frames: Iterator[DecodedFrame], stream: Any, video: VideoFile, deinterlace: bool
) -> Iterator[DecodedFrame]:
    if deinterlace:
        yield from _filtered(frames, stream, video)
        return
    for number, each in enumerate(frames):
        if each.frame.interlaced_frame:
            raise Unsupported(
                f"{video.path}: frame {number} is interlaced; --deinterlace makes whole frames of its fields first"
            )
        yield each


def _filtered(frames: Iterator[DecodedFrame], stream: Any, video: VideoFile) -> Iterator[DecodedFrame]:
    """Through bwdif, which leaves alone what is not interlaced. Its frames come late, in order, and none is dropped."""
    graph = av.filter.Graph()
    source = graph.add_buffer(template=stream, time_base=stream.time_base)
    # A frame for each frame; whatever the container says of which field comes first, the frames know.
    middle = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    graph.link_nodes(source, middle, graph.add("buffersink")).configure()
    times: list[int] = []

    def ready() -> Iterator[DecodedFrame]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield DecodedFrame(frame, times.pop(0))

    for each in frames:
        times.append(each.time)
        each.frame.pts = each.time
        graph.push(each.frame)
        yield from ready()
    graph.push(None)
    yield from ready()


def _places(times: list[Any]) -> str:
    messages = [("somewhere" if t is None else f"{float(t):.2f} s") for t in times[:_TOLD]]
    return ", ".join([*messages, *(["…"] if len(times) > _TOLD else [])])
