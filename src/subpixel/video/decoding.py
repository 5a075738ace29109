"""The frames of a video in order, with their times. Damaged frames are noted and left out; no other frame moves.

All frames are given in the size and format of the first one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, groupby
from typing import Any

import av
import av.filter

from subpixel.errors import Unsupported
from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.video.frame import Frame
from subpixel.video.image_changes import ImageKind, fit_note
from subpixel.video.image_fit import fit_frame
from subpixel.video.lost_frames import LostFrames
from subpixel.video.packets import demux
from subpixel.video.side_data import lost_side_data
from subpixel.video.time_range import Span
from subpixel.video.timeline import Timeline, is_packet
from subpixel.video.video_file import VideoFile, open_video

__all__ = [
    "Damage",
    "decode_packets",
    "frames_in_span",
    "frames_with_times",
    "interlaced_frame",
    "progressive_frames",
    "read_frames",
]

# Frames decoded before the first one that is needed, so that a filter gives the same frame as in an uninterrupted run:
# bwdif reads one frame to each side.
_LEAD = 3
# Seconds between a frame and one that has no better place than right after it: Matroska tells no smaller ones apart.
_DISTANCE = Fraction(1, 1000)
# Seconds by which the times of frames run back if their clock starts again; less is carelessness.
_RESTART = Fraction(1)
# Containers that store when a packet is decoded, but not when its frame is shown.
_WITHOUT_PTS = {"avi"}
# Damaged places that a note lists.
_LISTED = 5


@dataclass
class Damage:
    """What was found wrong with a video while it was decoded. Times are in seconds on the clock of the file.

    Args:
        lost_packets: times of packets that gave no frame.
        damaged_frames: times of frames that the decoder repaired as well as it could.
        unreadable: times before the places at which the file cannot be read.
        moved_frames: how many frames had no time of their own.
        fitted: a sentence for each size and format of frames that had to be fitted to the first frame.
        losses: what is attached to frames after the first, and lost.
        zero: the time from which notes count.
    """

    lost_packets: list[Fraction | None] = field(default_factory=list)
    damaged_frames: list[Fraction] = field(default_factory=list)
    unreadable: list[Fraction] = field(default_factory=list)
    moved_frames: int = 0
    fitted: dict[tuple[tuple[int, int], str], str] = field(default_factory=dict)
    losses: dict[str, None] = field(default_factory=dict)
    zero: Fraction = Fraction(0)

    def clear(self) -> None:
        """Forget everything, before the video is decoded again."""
        self.lost_packets, self.damaged_frames, self.unreadable = [], [], []
        self.moved_frames, self.fitted, self.losses = 0, {}, {}

    def notes(self) -> Iterator[str]:
        """A sentence for each kind of damage."""
        if self.lost_packets:
            count, times = len(self.lost_packets), self._format(self.lost_packets)
            yield f"{count} damaged packet{_s(count)} gave no frame ({times}); the other frames keep their times"
        if self.damaged_frames:
            count, times = len(self.damaged_frames), self._format(self.damaged_frames)
            yield f"{count} frame{_s(count)} {'are' if count > 1 else 'is'} damaged in the source ({times})"
        if self.moved_frames:
            count = self.moved_frames
            yield (
                f"{count} frame{_s(count)} had no time, or one that is not after the frame before, and "
                f"{'were' if count > 1 else 'was'} placed right after it"
            )
        if self.unreadable:
            count, times = len(self.unreadable), self._format(self.unreadable)
            yield f"{count} place{_s(count)} of the file cannot be read (after {times})"
        yield from self.fitted.values()
        yield from self.losses

    def _format(self, times: Sequence[Fraction | None]) -> str:
        listed = [
            "at an unknown time" if time is None else f"{float(time - self.zero):.2f} s" for time in times[:_LISTED]
        ]
        return ", ".join([*listed, *(["…"] if len(times) > _LISTED else [])])


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
        VideoReadError, ImageReadError: the file, or an image of a sequence, cannot be opened or read.
    """
    if video.images is not None:
        from subpixel.video.images.stills import sequence_frames  # libvips is loaded where there are images

        yield from sequence_frames(video, damage.losses, start)
        return
    if start is not None:
        frames = _seek_frames(video, damage, start, deinterlace)
        if frames is not None:
            yield from frames
            return
    for frame in _open_frames(video, damage, None, start, deinterlace):
        if start is None or frame.time >= start:
            yield frame


def frames_in_span(frames: Iterator[Frame], span: Span, time_base: Fraction) -> Iterator[Frame]:
    """The frames whose time lies in a span."""
    first = span.first_tick(time_base)
    for frame in frames:
        if span.ends_by(frame.time * time_base):
            return
        if first is None or frame.time >= first:
            yield frame


def progressive_frames(frames: Iterator[Frame], video: VideoFile, deinterlaced: bool = False) -> Iterator[Frame]:
    """The frames as they are, if none is interlaced.

    Args:
        frames: the frames.
        video: their video.
        deinterlaced: whether interlaced frames were to be made progressive.

    Raises:
        Unsupported: an interlaced frame.
    """
    for frame in frames:
        if frame.interlaced and deinterlaced:
            size = f"{frame.source.width}×{frame.source.height} {frame.source.format.name}"
            raise Unsupported(f"{video.path}: interlaced frames of {size} cannot be made progressive")
        if frame.interlaced:
            raise interlaced_frame(video, frame.time * video.stream.time_base)
        yield frame


def interlaced_frame(video: VideoFile, time: Fraction) -> Unsupported:
    """The error for an interlaced frame at a time, in seconds on the clock of the file."""
    seconds = float(time - video.first)
    return Unsupported(
        f"{video.path}: the frame at {seconds:.2f} s is interlaced; deinterlace=True makes it progressive"
    )


def _seek_frames(video: VideoFile, damage: Damage, start: int, deinterlace: bool) -> Iterator[Frame] | None:
    """Frames from ``start`` on, reached by seeking; None if the file cannot seek to a place before ``start``."""
    frames = _open_frames(video, damage, _seek_time(start, video), start, deinterlace)
    try:
        first = next(frames, None)
    except av.error.FFmpegError:  # no index, or one that cannot be used
        first = None
    if first is None or first.time > start:
        damage.clear()
        return None
    return (frame for frame in chain([first], frames) if frame.time >= start)


def _open_frames(
    video: VideoFile, damage: Damage, seek_time: int | None, start: int | None, deinterlace: bool
) -> Iterator[Frame]:
    damage.zero = video.first
    with open_video(video.path) as container:
        stream, first = container.streams[video.main], 0
        if seek_time is not None:
            if video.timeline.is_identity:
                container.seek(seek_time, stream=stream)
            else:  # the file's own times lead nowhere
                first = video.timeline.key_frame_before(seek_time)
        decoded = decode_packets(container, stream, damage, video.timeline, first, start)
        yield from frames_with_times(decoded, stream, video, damage, deinterlace=deinterlace)


def frames_with_times(
    decoded: Iterator[Any], stream: Any, video: VideoFile, damage: Damage, *, deinterlace: bool = False
) -> Iterator[Frame]:
    """Frames from those that :func:`decode_packets` gives; arguments and errors as in :func:`read_frames`."""
    frames = _timed_frames(decoded, video, damage)
    return _fitted_frames(_deinterlace(frames, stream) if deinterlace else frames, stream, video, damage)


def _seek_time(start: int, video: VideoFile) -> int:
    """A time somewhat before ``start``, so that the frames before it are decoded too."""
    rate = video.stream.rate or Fraction(25)
    return start - round(2 * _LEAD / rate / video.stream.time_base)


def decode_packets(
    container: Any,
    stream: Any,
    damage: Damage,
    timeline: Timeline | None = None,
    first: int = 0,
    start: int | None = None,
) -> Iterator[Any]:
    """The frames of a stream as libavcodec gives them, from the container's current position on.

    Args:
        container: an open container.
        stream: the stream.
        damage: receives what cannot be read or decoded.
        timeline: the corrections of times; None for none. The container must then be at its beginning.
        first: the number of the first packet to decode, if there are corrections.
        start: the time of the first frame that is needed, in ticks; damage before it is not noted. None for all.
    """
    stream.thread_type = "AUTO"
    clock = (timeline or Timeline()).clock()
    times = _PresentationTimes() if container.format.name in _WITHOUT_PTS else None
    missing = LostFrames(stream.codec_context.codec.canonical_name, times is None)
    reached = Fraction(0)

    def note_error(error: Exception) -> None:
        if damage.unreadable[-1:] != [reached]:  # many in a row are one place
            damage.unreadable.append(reached)

    def note_lost(ticks: Iterable[int]) -> None:
        damage.lost_packets += [each * stream.time_base for each in ticks if start is None or each >= start]

    for packet in demux(container, stream, note_error):
        if is_packet(packet):
            number = clock.correct(packet)
            if number is None or number < first:
                continue
        elif packet.pts is not None or packet.dts is not None:
            continue  # a decoder would take it for the end of the video
        missing.add(packet)
        try:
            frames = packet.decode()
        except av.error.EOFError:
            continue
        except av.error.FFmpegError as error:
            if is_memory_error(error) and is_memory_tight():  # damaged numbers, too, ask for too much
                raise
            if packet.pts is None:
                damage.lost_packets.append(None)
            elif not missing.counts:
                note_lost([packet.pts])
            continue
        for frame in frames:
            note_lost(missing.before(frame))
            if times is not None:
                frame.pts = times.of(frame)
            early = start is not None and frame.pts is not None and frame.pts < start
            if frame.is_corrupt and not early:
                damage.damaged_frames.append(Fraction(0) if frame.pts is None else frame.pts * stream.time_base)
            if frame.pts is not None:
                reached = frame.pts * stream.time_base
            yield frame
    note_lost(missing.at_the_end())


class _PresentationTimes:
    """The times of frames in a container that has only times of decoding.

    libavformat guesses times of presentation, and confuses those of B-frames. A decoder gives its frames in order, one
    for each packet after the first, so they are as far apart as the times at which their packets were decoded.
    """

    def __init__(self) -> None:
        self._delay: int | None = None
        self._last: int | None = None

    def of(self, frame: Any) -> int | None:
        if frame.dts is None:  # held back at the end, when no packet follows; a tick is a frame
            self._last = frame.pts if self._last is None else self._last + 1
        elif frame.pts is not None:
            self._delay = frame.pts - frame.dts if self._delay is None else self._delay
            self._last = frame.dts + self._delay
        return self._last


def _timed_frames(decoded: Iterator[Any], video: VideoFile, damage: Damage) -> Iterator[Frame]:
    video_stream, last = video.stream, None
    step = max(1, round(1 / ((video_stream.rate or Fraction(25)) * video_stream.time_base)))
    distance = max(1, -(-_DISTANCE // video_stream.time_base))
    restart, shift = _RESTART / video_stream.time_base, 0
    for frame in decoded:
        time = None if frame.pts is None else frame.pts + shift
        if time is None:
            time = 0 if last is None else last + step
            damage.moved_frames += 1
        elif last is not None and time < last - restart:  # in a pipe, where nothing is known in advance
            shift += last + step - time
            time = last + step
            damage.moved_frames += 1
        elif last is not None and time <= last:
            time = last + distance
            damage.moved_frames += 1
        last = time
        damage.losses.update(dict.fromkeys(loss for loss in lost_side_data(frame) if loss not in video.losses))
        yield Frame(frame, time, bool(frame.interlaced_frame))


def _fitted_frames(frames: Iterator[Frame], stream: Any, video: VideoFile, damage: Damage) -> Iterator[Frame]:
    """The frames, those that are not like the first one resized and converted."""
    first = video.stream
    for frame in frames:
        source = frame.source
        if (source.width, source.height) != first.size or source.format.name != first.pix_fmt:
            aspect = stream.codec_context.sample_aspect_ratio or first.aspect or Fraction(1)
            kind = ImageKind((source.width, source.height), source.format.name, aspect)
            if (kind.size, kind.pix_fmt) not in damage.fitted:
                time = frame.time * first.time_base
                damage.fitted[kind.size, kind.pix_fmt] = fit_note(video, time, kind)
            fitted = fit_frame(source, aspect, first)
            fitted.duration = source.duration
            frame.source = fitted
        yield frame


def _deinterlace(frames: Iterator[Frame], stream: Any) -> Iterator[Frame]:
    """Frames through bwdif, which changes only interlaced ones; a filter for each run of frames of one kind."""
    for _, run in groupby(frames, lambda each: (each.source.width, each.source.height, each.source.format.name)):
        yield from _deinterlace_run(run, stream.time_base)


def _deinterlace_run(frames: Iterator[Frame], time_base: Fraction) -> Iterator[Frame]:
    first = next(frames)
    graph, frames = _deinterlacer(first.source, time_base), chain([first], frames)
    yield from frames if graph is None else _filtered(frames, graph)


def _deinterlacer(like: Any, time_base: Fraction) -> Any:
    """A filter for frames like one; None if it does not take such frames, as those of less than four rows."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=like.width, height=like.height, format=like.format, time_base=time_base)
    # One frame for each frame. The frames themselves say which field comes first, whatever the container says.
    middle = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
    try:
        graph.link_nodes(source, middle, graph.add("buffersink")).configure()
    except (ValueError, av.error.FFmpegError) as error:
        if is_memory_error(error) and is_memory_tight():
            raise
        return None
    return graph


def _filtered(frames: Iterator[Frame], graph: Any) -> Iterator[Frame]:
    """Frames of one kind through a filter. It delays frames, but drops and reorders none."""
    times: list[int] = []
    pix_fmt = ""

    def ready() -> Iterator[Frame]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if frame.format.name != pix_fmt:  # the filter does not take all formats
                frame = frame.reformat(format=pix_fmt)
            yield Frame(frame, times.pop(0))

    for frame in frames:
        pix_fmt = frame.source.format.name
        times.append(frame.time)
        frame.source.pts = frame.time
        graph.push(frame.source)
        yield from ready()
    graph.push(None)
    yield from ready()


def _s(count: int) -> str:
    return "s" if count != 1 else ""
