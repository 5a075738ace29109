"""The packets of a video's streams as they lie in the file, to be copied and compared."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import input_name
from subpixel.video.time_range import TimeRange, range_shift

__all__ = ["may_be_repacked", "read_packets", "without_adts_header"]

# A damaged file gives an error in the place of a packet. After this many errors in a row, reading stops.
_MAX_ERRORS = 100

# The largest distance in a file, in seconds of play, between packets of the same time. Muxers keep it to a few seconds.
_INTERLEAVING = 60


def read_packets(container: Any, indices: set[int], time_range: TimeRange | None = None) -> Iterator[Any]:
    """Packets of some streams, in the file's order. Damaged packets are skipped.

    With a time range, only packets whose time lies in it, moved so that the range begins at 0. Cover images and packets
    without a time belong to every range.

    Args:
        container: an open container; it is read from its current position on.
        indices: of the streams.
        time_range: the part to read; None for all.

    Raises:
        VideoReadError: the system cannot read the file. Damage in the video itself raises nothing.
    """
    if time_range is not None and time_range.start > _INTERLEAVING:
        _seek(container, time_range.start - _INTERLEAVING)  # while the image, whose index is used, is not discarded
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = av.stream.Discard.all
    for packet in _demux(container):
        if packet.stream_index not in indices or not (packet.size or packet.pts is not None):
            continue
        if time_range is None:
            yield packet
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None or packet.stream.disposition & packet.stream.disposition.attached_pic:
            yield packet
            continue
        seconds = time * packet.time_base
        if time_range.ends_by(seconds - _INTERLEAVING):
            return
        if time_range.contains(seconds):
            shift = range_shift(time_range, packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            yield packet


def without_adts_header(codec: str, content: bytes) -> bytes:
    """A packet without the header that AAC has in transport streams; any other packet as it is.

    Source: ISO/IEC 13818-7, 6.2 (ADTS). Raw AAC never begins with twelve ones: its first three ones mean the end.
    """
    if codec == "aac" and len(content) > 9 and content[0] == 0xFF and content[1] & 0xF6 == 0xF0:
        return content[7 if content[1] & 1 else 9 :]
    return content


def may_be_repacked(codec: str) -> bool:
    """Whether another container may split this codec's bytes into other packets; their sequence stays the same."""
    return codec.startswith("pcm_")


def _seek(container: Any, seconds: Fraction) -> None:
    """Seek to about a time. If the file cannot seek, it is read from the beginning."""
    try:
        container.seek(int(seconds * av.time_base))
    except av.error.FFmpegError:
        return


def _demux(container: Any) -> Iterator[Any]:
    errors = 0
    while errors < _MAX_ERRORS:
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                if isinstance(error, av.error.EOFError):
                    return
                if isinstance(error, OSError):
                    name = input_name(container)
                    raise VideoReadError(f"{name}: cannot be read further ({os_error_text(error)})") from None
                errors += 1
                break
            if packet is None:
                return
            errors = 0
            yield packet
