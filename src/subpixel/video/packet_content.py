"""What a packet holds, whatever the container frames it with: some containers frame the same content otherwise.

Sources: ISO/IEC 13818-7, 6.2 (ADTS); ITU-T H.264 and H.265, annex B, and ISO/IEC 14496-15 (lengths before NAL units);
AV1 Bitstream & Decoding Process Specification, 5.3 (OBUs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["content_of", "may_be_repacked"]

_NAL_CODECS = {"h264", "hevc", "vvc"}
_START_CODE = re.compile(rb"\x00{2,}\x01")
# OBUs that writers may leave out: temporal delimiters, repeated frame headers, tile lists, padding.
_OPTIONAL_OBUS = {2, 7, 8, 15}


def content_of(codec: str, packet: bytes) -> bytes:
    """The content of a packet without what containers frame it with.

    That is the header that AAC has in transport streams, what separates NAL units (H.264, H.265), and OBUs of AV1 that
    only separate others.

    Args:
        codec: libavcodec's name of the format.
        packet: its bytes.

    >>> content_of("h264", bytes([0, 0, 0, 1, 9, 16])) == content_of("h264", bytes([0, 0, 0, 2, 9, 16]))
    True
    """
    if codec == "aac":
        return _without_adts_header(packet)
    if codec in _NAL_CODECS:
        units = _by_start_codes(packet) if _START_CODE.match(packet) else _by_lengths(packet)
        return packet if units is None else b"\0\0\1".join(unit.rstrip(b"\0") for unit in units)
    if codec == "av1":
        return b"".join(_obus(packet))
    return packet


def may_be_repacked(codec: str) -> bool:
    """Whether another container may split this codec's bytes into other packets; their sequence stays the same."""
    return codec.startswith("pcm_")


def _without_adts_header(packet: bytes) -> bytes:
    """Raw AAC never begins with twelve ones: its first three ones mean the end."""
    if len(packet) > 9 and packet[0] == 0xFF and packet[1] & 0xF0 == 0xF0:
        return packet[7 if packet[1] & 1 else 9 :]
    return packet


def _by_start_codes(packet: bytes) -> list[bytes]:
    return _START_CODE.split(packet)[1:]


def _by_lengths(packet: bytes) -> list[bytes] | None:
    """NAL units after their lengths in four bytes; None if the lengths do not add up."""
    units, at = [], 0
    while at + 4 <= len(packet):
        length = int.from_bytes(packet[at : at + 4], "big")
        units.append(packet[at + 4 : at + 4 + length])
        at += 4 + length
    return units if at == len(packet) else None


def _obus(packet: bytes) -> Iterator[bytes]:
    """The OBUs of a packet but for those that may be left out; what cannot be divided further comes whole."""
    at = 0
    while at < len(packet):
        kind, has_size = packet[at] >> 3 & 15, packet[at] & 2
        start = at + (2 if packet[at] & 4 else 1)
        size, start = _leb128(packet, start) if has_size else (len(packet) - start, start)
        if kind not in _OPTIONAL_OBUS:
            yield bytes([packet[at] & ~2]) + packet[start : start + size]
        at = start + size


def _leb128(packet: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for number, byte in enumerate(packet[at : at + 8]):
        value |= (byte & 127) << 7 * number
        if not byte & 128:
            return value, at + number + 1
    return len(packet), at
