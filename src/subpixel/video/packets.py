"""The packets of a video's streams as they lie in the file, to be copied and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from subpixel.errors import VideoReadError
from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import input_name, packets_of
from subpixel.video.time_range import Span
from subpixel.video.timeline import Timeline, is_packet

__all__ = ["INTERLEAVING", "WHOLE", "demux", "read_packets", "seek"]

# Every packet, with its time as it is.
WHOLE = Span()

# A damaged file gives an error in the place of a packet. After this many errors in a row, reading stops.
_MAX_ERRORS = 100

# The largest distance in a file, in seconds of play, between packets of the same time. Muxers keep it to a few seconds.
INTERLEAVING = 60


def read_packets(
    container: Any,
    indices: set[int],
    span: Span = WHOLE,
    before: Counter[int] | None = None,
    timeline: Timeline | None = None,
) -> Iterator[Any]:
    """Packets of some streams that lie in a span, in the file's order, moved so that its zero becomes 0.

    Cover images and packets without a time belong to every span. Damaged packets are skipped. Packets that an edit list
    hides are left out, but for those before 0, which prepare a decoder for what follows, and those of video streams,
    which others depend on. A subtitle that ends before 0 is left out; one that is shown at 0 begins there.

    Args:
        container: an open container; it is read from its current position on.
        indices: of the streams.
        span: the part to read.
        before: counts the subtitles that end before 0, by the index of their stream.
        timeline: corrections of the file's times, which come before everything else; None for none.

    Raises:
        VideoReadError: the system cannot read the file. Damage in the video itself raises nothing.
    """
    timeline = timeline or Timeline()
    clock = timeline.clock()
    if span.start is not None and span.start > INTERLEAVING and timeline.is_identity:
        seek(container, span.start - INTERLEAVING)  # while the image, whose index is used, is not discarded
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = av.stream.Discard.all
    for packet in demux(container):
        if packet.stream_index not in indices or not is_packet(packet):
            continue
        if clock.correct(packet) is None:
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.stream.disposition & packet.stream.disposition.attached_pic:
            yield packet
            continue
        seconds = time * packet.time_base
        if span.ends_by(seconds - INTERLEAVING):
            return
        if not span.contains(seconds) or (_is_hidden(packet) and seconds >= span.zero):
            continue
        _shift(packet, span)
        if packet.stream.type != "subtitle" or packet.pts is None or packet.pts >= 0 or _cut(packet):
            yield packet
        elif before is not None:
            before[packet.stream_index] += 1


def _is_hidden(packet: Any) -> bool:
    return bool(packet.is_discard) and packet.stream.type != "video"


def _shift(packet: Any, span: Span) -> None:
    shift = span.shift(packet.time_base)
    packet.pts = None if packet.pts is None else packet.pts - shift
    packet.dts = None if packet.dts is None else packet.dts - shift


def _cut(packet: Any) -> bool:
    """Let a subtitle that begins before 0 begin at 0; False if it has ended by then."""
    end = packet.pts + (packet.duration or 0)
    if end <= 0:
        return False
    packet.pts, packet.duration = 0, end
    packet.dts = None if packet.dts is None else max(0, packet.dts)
    return True


def seek(container: Any, seconds: Fraction) -> None:
    """Seek to about a time. If the file cannot seek, it is read from the beginning."""
    try:
        container.seek(int(seconds * av.time_base))
    except av.error.FFmpegError:
        return


def demux(
    container: Any, stream: Any = None, on_error: Callable[[av.error.FFmpegError], None] = lambda error: None
) -> Iterator[Any]:
    """All packets from a container's current position on, past the places that cannot be read.

    Args:
        container: an open container.
        stream: the stream to read; None for all.
        on_error: called at each such place. After many in a row, reading ends.

    Raises:
        VideoReadError: the system cannot read the file.
    """
    errors = 0
    while errors < _MAX_ERRORS:
        packets = packets_of(container, stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                if isinstance(error, av.error.EOFError):
                    return
                # A damaged length, too, asks for more memory than there is.
                if is_memory_error(error) and is_memory_tight():
                    raise
                if isinstance(error, OSError):
                    name = input_name(container)
                    raise VideoReadError(f"{name}: cannot be read further ({os_error_text(error)})") from None
                errors += 1
                on_error(error)
                break
            if packet is None:
                return
            errors = 0
            yield packet
