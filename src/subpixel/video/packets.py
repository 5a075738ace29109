"""Packets of a video's streams as they lie in the file, for copying and for comparing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text

__all__ = ["Span", "may_be_repacked", "read_packets", "window_shift", "without_adts_header"]

# A part of a video as (start, end) in seconds.
Span = tuple[Fraction, Fraction]

# A damaged file gives an error where a packet should be; after so many in a row there is nothing more to come.
_ERRORS = 100

# How far apart in a file, in seconds, packets of one time may lie. Those who write files keep them within a few.
_APART = 60


def read_packets(container: Any, indices: set[int], window: Span | None = None) -> Iterator[Any]:
    """Packets of some streams in the file's order. What is damaged on the way is passed over.

    With a window: those whose time lies in it, moved so that it begins at 0. Images that belong to the video as a
    whole, and packets without any time, are in every window.

    Args:
        container: opened; what lies before is not read again.
        indices: of the streams.
        window: (start, end) in seconds.

    Raises:
        VideoReadError: the system cannot read the file, which is another thing than a damaged video.
    """
    if window is not None and window[0] > _APART:
        _go(container, window[0] - _APART)  # by the index of the image, while it is not discarded
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = av.stream.Discard.all
    for packet in _all(container):
        if packet.stream_index not in indices or not (packet.size or packet.pts is not None):
            continue
        if window is None:
            yield packet
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.stream.disposition & packet.stream.disposition.attached_pic:
            yield packet
            continue
        seconds = time * packet.time_base
        if seconds >= window[1] + _APART:
            return
        if window[0] <= seconds < window[1]:
            shift = window_shift(window, packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            yield packet


def window_shift(window: Span | None, time_base: Fraction) -> int:
    """How far times are moved for a window to begin at 0, in whole ticks."""
    return 0 if window is None else round(window[0] / time_base)


def without_adts_header(codec: str, content: bytes) -> bytes:
    """A packet without what some containers put around it: AAC has a header of its own in transport streams.

    Source: ISO/IEC 13818-7, 6.2 (ADTS). No packet of bare AAC begins with twelve ones: three say that it ends.
    """
    if codec == "aac" and len(content) > 9 and content[0] == 0xFF and content[1] & 0xF6 == 0xF0:
        return content[7 if content[1] & 1 else 9 :]
    return content


def may_be_repacked(codec: str) -> bool:
    """Packets of this codec may be cut elsewhere by another container; their bytes in a row stay the same."""
    return codec.startswith("pcm_")


def _go(container: Any, seconds: Fraction) -> None:
    """Go near a time; where that cannot be, all is read from the beginning."""
    try:
        container.seek(int(seconds * av.time_base))
    except av.error.FFmpegError:
        return


def _all(container: Any) -> Iterator[Any]:
    errors = 0
    while errors < _ERRORS:
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                if isinstance(error, av.error.EOFError):
                    return
                if isinstance(error, OSError):
                    raise VideoReadError(
                        f"{container.name}: cannot be read any further ({os_error_text(error)})"
                    ) from None
                errors += 1
                break
            if packet is None:
                return
            errors = 0
            yield packet
