"""What a transport stream says of its streams, from its beginning to its end.

libavformat takes the kind of a stream from its first description. Files that were joined, and recordings of a channel
that changed, go on with another kind under the same number, whose packets the first decoder cannot decode.

Source: ISO/IEC 13818-1, 2.4.3.2 (packets), 2.4.4.3 (program association), 2.4.4.8 (program map).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["StreamChange", "stream_changes"]

_SYNC, _PACKET = 0x47, 188
# Plain packets, those with a time stamp before them, and those with codes against errors behind them.
_LENGTHS = (_PACKET, 192, 204)
_CHUNK = 1 << 20
_ASSOCIATION, _MAP = 0, 2  # tables
# Kinds of streams by their number.
_KINDS = {
    0x01: "MPEG-1 video",
    0x02: "MPEG-2 video",
    0x10: "MPEG-4 video",
    0x1B: "H.264",
    0x24: "H.265",
    0x33: "H.266",
    0xEA: "VC-1",
    0x03: "MPEG audio",
    0x04: "MPEG audio",
    0x0F: "AAC",
    0x11: "AAC (LATM)",
    0x81: "AC-3",
    0x87: "E-AC-3",
}
# Kinds that one decoder decodes.
_ALIKE = {0x02: 0x01, 0x04: 0x03}


@dataclass(frozen=True)
class StreamChange:
    """A stream that is described as another kind than at first, or for the first time when others already run.

    Args:
        number: of the stream.
        place: in the file, of the packet that says so.
        before: the kind that it had; empty if it begins there.
        after: the kind that it has from there on.
    """

    number: int
    place: int
    before: str
    after: str


def stream_changes(path: Path) -> Iterator[StreamChange]:
    """The changes in a transport stream, each once.

    Raises:
        OSError: the file cannot be read.
    """
    maps: set[int] = set()
    kinds: dict[int, int] = {}
    read: set[int] = set()  # maps
    for place, number, payload in _tables(path, maps):
        if number == 0:
            maps |= set(_programs(payload))
            continue
        again, streams = number in read, list(_streams(payload))
        read |= {number} if streams else set()
        for stream, kind in streams:
            if again and stream not in kinds:
                yield StreamChange(stream, place, "", _name(kind))
            first = kinds.setdefault(stream, kind)
            if _ALIKE.get(first, first) != _ALIKE.get(kind, kind):
                kinds[stream] = kind
                yield StreamChange(stream, place, _name(first), _name(kind))


def _name(kind: int) -> str:
    return _KINDS.get(kind, f"kind {kind:#04x}")


def _tables(path: Path, maps: set[int]) -> Iterator[tuple[int, int, bytes]]:
    """Place, stream number and payload of packets in which a table begins. Longer tables are cut at their packet."""
    with open(path, "rb") as file:
        place = 0
        while True:
            file.seek(place)
            data = np.frombuffer(file.read(_CHUNK), np.uint8)
            found = _alignment(data)
            if found is None:
                if len(data) < _CHUNK:
                    return
                place += _CHUNK - 5 * max(_LENGTHS)
                continue
            offset, length = found
            count = (len(data) - offset - _PACKET) // length + 1
            packets = np.lib.stride_tricks.as_strided(data[offset:], (count, _PACKET), (length, 1))
            head = packets[:, :4].astype(np.uint16)
            numbers = (head[:, 1] & 31) << 8 | head[:, 2]
            starts = (head[:, 0] == _SYNC) & (head[:, 1] & 0x40 > 0)
            for row in np.flatnonzero(starts & (numbers < 0x1FFF)):
                number = int(numbers[row])
                if number == 0 or number in maps:
                    yield place + offset + int(row) * length, number, packets[row].tobytes()
            if len(data) < _CHUNK:
                return
            place += offset + count * length


def _alignment(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[int, int] | None:
    """Where the first packet begins, and the bytes from one to the next; None if there are no packets."""
    for offset in np.flatnonzero(data[: 4 * max(_LENGTHS)] == _SYNC):
        for length in _LENGTHS:
            signs = data[offset : offset + 5 * length : length]
            if len(data) - offset >= _PACKET and (signs == _SYNC).all():
                return int(offset), length
    return None


def _section(packet: bytes, table: int) -> bytes:
    """The table that begins in a packet, without its check sum; empty if it is another one."""
    start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
    if start >= _PACKET or not packet[3] & 0x10:
        return b""
    start += 1 + packet[start]
    section = packet[start:]
    if len(section) < 12 or section[0] != table or not section[5] & 1:  # not in force yet
        return b""
    return section[: 3 + ((section[1] & 15) << 8 | section[2]) - 4]


def _programs(packet: bytes) -> Iterator[int]:
    """The numbers of program maps."""
    section = _section(packet, _ASSOCIATION)
    for at in range(8, len(section) - 3, 4):
        if section[at : at + 2] != b"\0\0":
            yield (section[at + 2] & 31) << 8 | section[at + 3]


def _streams(packet: bytes) -> Iterator[tuple[int, int]]:
    """Number and kind of each stream of a program."""
    section = _section(packet, _MAP)
    if len(section) < 12:  # another table, or one that says it is shorter
        return
    at = 12 + ((section[10] & 15) << 8 | section[11])
    while at + 5 <= len(section):
        yield (section[at + 1] & 31) << 8 | section[at + 2], section[at]
        at += 5 + ((section[at + 3] & 15) << 8 | section[at + 4])
