"""The frames of a video in order, with their times. Damaged frames are noted and left out; no other frame moves."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import av.filter

from subpixel.errors import Unsupported, VideoReadError
from subpixel.storage.memory import is_memory_error
from subpixel.storage.os_errors import os_error_text
from subpixel.video.frame import Frame
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import VideoFile, open_video

__all__ = ["Damage", "decode_packets", "frames_in_range", "frames_with_times", "read_frames"]

# Frames decoded before the first one that is needed, so that a filter gives the same frame as in an uninterrupted run:
# bwdif reads one frame to each side.
_LEAD = 3
# Damaged places that a note lists.
_LISTED = 5


@dataclass
class Damage:
    """What was found wrong with a video while it was decoded."""

    lost_packets: list[Fraction | None] = field(default_factory=list)
    damaged_frames: list[Fraction] = field(default_factory=list)
    moved_frames: int = 0
    read_error: str = ""

    def clear(self) -> None:
        """Forget everything, before the video is decoded again."""
        self.lost_packets, self.damaged_frames, self.moved_frames, self.read_error = [], [], 0, ""

    def notes(self) -> Iterator[str]:
        """A sentence for each kind of damage."""
        if self.lost_packets:
            count, times = len(self.lost_packets), _format_times(self.lost_packets)
            yield f"{count} damaged packets gave no frame ({times}); the other frames keep their times"
        if self.damaged_frames:
            yield f"{len(self.damaged_frames)} frames are damaged in the source ({_format_times(self.damaged_frames)})"
        if self.moved_frames:
            yield (
                f"{self.moved_frames} frames had no time, or one that is not after the frame before; "
                "each was placed right after the frame before"
            )
        if self.read_error:
            yield self.read_error


def read_frames(
    video: VideoFile, damage: Damage, *, start: int | None = None, deinterlace: bool = False
) -> Generator[Frame]:
    """The frames of a video in presentation order.

    Args:
        video: the video.
        damage: receives what is wrong with the video.
        start: the time of the first frame to return, in units of the video's time base; None for all frames.
        deinterlace: turn interlaced frames into progressive ones (bwdif, one frame for each).

    Raises:
        VideoReadError: the file cannot be opened, or its frames change size or format.
        Unsupported: an interlaced frame, if ``deinterlace`` is False.
    """
    if start is not None:
        frames = _seek_frames(video, damage, start, deinterlace)
        if frames is not None:
            yield from frames
            return
    for frame in _open_frames(video, damage, None, deinterlace):
        if start is None or frame.time >= start:
            yield frame


def frames_in_range(frames: Iterator[Frame], time_range: TimeRange | None, time_base: Fraction) -> Iterator[Frame]:
    """The frames whose time lies in a range; all of them if the range is None."""
    first = None if time_range is None else time_range.first_tick(time_base)
    for frame in frames:
        if time_range is not None and time_range.ends_by(frame.time * time_base):
            return
        if first is None or frame.time >= first:
            yield frame


def _seek_frames(video: VideoFile, damage: Damage, start: int, deinterlace: bool) -> Iterator[Frame] | None:
    """Frames from ``start`` on, reached by seeking; None if the file cannot seek to a place before ``start``."""
    frames = _open_frames(video, damage, _seek_time(start, video), deinterlace)
    try:
        first = next(frames, None)
    except av.error.FFmpegError:  # no index, or one that cannot be used
        first = None
    if first is None or first.time > start:
        damage.clear()
        return None
    return (frame for frame in chain([first], frames) if frame.time >= start)


def _open_frames(video: VideoFile, damage: Damage, seek_time: int | None, deinterlace: bool) -> Iterator[Frame]:
    with open_video(video.path) as container:
        stream = container.streams[video.main]
        if seek_time is not None:
            container.seek(seek_time, stream=stream)
        decoded = decode_packets(container, stream, damage)
        yield from frames_with_times(decoded, stream, video, damage, deinterlace=deinterlace)


def frames_with_times(
    decoded: Iterator[Any], stream: Any, video: VideoFile, damage: Damage, *, deinterlace: bool = False
) -> Iterator[Frame]:
    """Frames from those that :func:`decode_packets` gives; arguments and errors as in :func:`read_frames`."""
    frames = _timed_frames(decoded, video, damage)
    return _deinterlace(frames, stream) if deinterlace else _progressive(frames, video)


def _seek_time(start: int, video: VideoFile) -> int:
    """A time somewhat before ``start``, so that the frames before it are decoded too."""
    rate = video.stream.rate or Fraction(25)
    return start - round(2 * _LEAD / rate / video.stream.time_base)


def decode_packets(container: Any, stream: Any, damage: Damage) -> Iterator[Any]:
    """The frames of a stream as libavcodec gives them, from the container's current position on."""
    stream.thread_type = "AUTO"
    packets = container.demux(stream)
    reached = Fraction(0)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            if is_memory_error(error):
                raise
            if not isinstance(error, av.error.EOFError):
                damage.read_error = (
                    f"the video cannot be read further than {float(reached):.2f} s ({os_error_text(error)})"
                )
            break
        if packet is None:
            break
        try:
            frames = packet.decode()
        except av.error.EOFError:
            continue
        except av.error.FFmpegError as error:
            if is_memory_error(error):
                raise
            damage.lost_packets.append(None if packet.pts is None else packet.pts * packet.time_base)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage.damaged_frames.append(Fraction(0) if frame.pts is None else frame.pts * stream.time_base)
            if frame.pts is not None:
                reached = frame.pts * stream.time_base
            yield frame


def _timed_frames(decoded: Iterator[Any], video: VideoFile, damage: Damage) -> Iterator[Frame]:
    video_stream, last = video.stream, None
    step = max(1, round(1 / ((video_stream.rate or Fraction(25)) * video_stream.time_base)))
    for number, frame in enumerate(decoded):
        if (frame.width, frame.height) != video_stream.size or frame.format.name != video_stream.pix_fmt:
            raise VideoReadError(
                f"{video.path}: frame {number} is {frame.width}×{frame.height} {frame.format.name}, but the first one "
                f"is {video_stream.size[0]}×{video_stream.size[1]} {video_stream.pix_fmt}; "
                "a video of one size and format is needed"
            )
        time = frame.pts
        if time is None:
            time = 0 if last is None else last + step
            damage.moved_frames += 1
        elif last is not None and time <= last:
            time = last + 1
            damage.moved_frames += 1
        last = time
        yield Frame(frame, time)


def _progressive(frames: Iterator[Frame], video: VideoFile) -> Iterator[Frame]:
    for number, frame in enumerate(frames):
        if frame.source.interlaced_frame:
            raise Unsupported(f"{video.path}: frame {number} is interlaced; deinterlace=True makes it progressive")
        yield frame


def _deinterlace(frames: Iterator[Frame], stream: Any) -> Iterator[Frame]:
    """Frames through bwdif, which changes only interlaced ones. It delays frames, but drops and reorders none."""
    graph = av.filter.Graph()
    source = graph.add_buffer(template=stream, time_base=stream.time_base)
    # One frame for each frame. The frames themselves say which field comes first, whatever the container says.
    middle = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    graph.link_nodes(source, middle, graph.add("buffersink")).configure()
    times: list[int] = []

    def ready() -> Iterator[Frame]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield Frame(frame, times.pop(0))

    for frame in frames:
        times.append(frame.time)
        frame.source.pts = frame.time
        graph.push(frame.source)
        yield from ready()
    graph.push(None)
    yield from ready()


def _format_times(times: list[Any]) -> str:
    texts = [("at an unknown time" if time is None else f"{float(time):.2f} s") for time in times[:_LISTED]]
    return ", ".join([*texts, *(["…"] if len(times) > _LISTED else [])])
