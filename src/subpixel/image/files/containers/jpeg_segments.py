"""The segments of a JPEG from its start to its end, those between scans too, and where it ends.

Source: ITU-T T.81, annex B (markers, entropy-coded segments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

__all__ = ["END", "Segment", "end_without_last_codes", "is_cut_short", "read_segments", "shorter_side"]

END, _START, _SCAN = 0xD9, 0xD8, 0xDA

# In the data of a scan, FF is followed by 00, by a restart marker, or by a marker that may come between scans.
_MARKER = re.compile(rb"\xff[\xc4\xcc\xd8-\xdf\xe0-\xef\xfe]")
_BLOCK = 1 << 16
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = (0xC2, 0xCA)
# Bytes of data at the end of a scan that are left out, and those that are looked at: FF may fill any space there.
_LEFT_OUT, _TAIL = 2, 1 << 16
# Files have a few dozen segments, those with large profiles a few hundred.
_MOST = 20_000


class Segment(NamedTuple):
    """A marker and what follows it.

    Args:
        marker: its second byte.
        content: without the two bytes of length; nothing for a scan and for the end.
        end: offset in the file of what follows.
    """

    marker: int
    content: bytes
    end: int


def read_segments(file: BinaryIO, start: int = 0) -> Iterator[Segment]:
    """The segments in order. The last is the end of the image (:data:`END`), unless the file is truncated.

    The data of scans is only searched for markers: about a millisecond for 2 MB.

    Args:
        file: the file.
        start: offset of the image in it.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(start)
    if file.read(2) != b"\xff\xd8":
        return
    blocks = _Blocks(file)
    position: int | None = start + 2
    scanned = False
    for _ in range(_MOST):
        if scanned and position is not None:
            position = blocks.find_marker(position)
        if position is None:
            return
        file.seek(position)
        head = file.read(4)
        if len(head) < 2 or head[0] != 0xFF:
            return
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker in (END, _START):  # another start: this image has no end
            yield Segment(END, b"", position + (2 if marker == END else 0))
            return
        length = max(2, int.from_bytes(head[2:], "big"))
        position += 2 + length
        scanned |= marker == _SCAN
        yield Segment(marker, b"" if marker == _SCAN else file.read(length - 2), position)


def end_without_last_codes(file: BinaryIO) -> int | None:
    """The offset at which a JPEG of one scan lacks its last codes; None for one of several scans, or without an end.

    Codes that are right need all of their data, so a JPEG that can be decoded up to there is damaged.

    Raises:
        OSError: the file cannot be read.
    """
    segments = [*read_segments(file)]
    scans = [segment.end for segment in segments if segment.marker == _SCAN]
    if len(scans) != 1 or segments[-1].marker != END or any(one.marker in _PROGRESSIVE for one in segments):
        return None
    start = max(scans[0], segments[-1].end - 2 - _TAIL)
    file.seek(start)
    data = file.read(max(0, segments[-1].end - 2 - start)).rstrip(b"\xff")  # a second start may follow at once
    for _ in range(_LEFT_OUT):
        data = data[: -2 if data.endswith(b"\xff\0") else -1]
    return start + len(data) if data else None


def is_cut_short(file: BinaryIO) -> bool:
    """Whether a JPEG has no end.

    Raises:
        OSError: the file cannot be read.
    """
    last: Segment | None = None
    for last in read_segments(file):
        if last.marker == END:
            return False
    file.seek(0 if last is None else last.end)
    before = b""
    while block := file.read(_BLOCK):  # decoders may pass what ends the list of segments
        if b"\xff\xd9" in before + block:
            return False
        before = block[-1:]
    return True


def shorter_side(file: BinaryIO) -> int:
    """The shorter side of the image in pixels; 1 if no frame states it.

    Raises:
        OSError: the file cannot be read.
    """
    for segment in read_segments(file):
        if segment.marker in _FRAMES and len(segment.content) >= 5:
            return max(1, min(int.from_bytes(segment.content[at : at + 2], "big") for at in (1, 3)))
    return 1


class _Blocks:
    """Large pieces of a file, each read once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._start, self._block = file, 0, b""

    def find_marker(self, position: int) -> int | None:
        """Offset of the next marker in the data of a scan; None if there is none."""
        while True:
            if not self._start <= position < self._start + len(self._block) - 1:
                self._file.seek(position)
                self._start, self._block = position, self._file.read(_BLOCK)
                if len(self._block) < 2:
                    return None
            found = _MARKER.search(self._block, position - self._start)
            if found is not None:
                return self._start + found.start()
            position = self._start + len(self._block) - 1  # the last byte may be the first of a marker
