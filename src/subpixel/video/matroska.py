"""The shape of the pixels in a Matroska or WebM file, written where libavformat, as it can be reached, leaves it out.

The writer takes the shape from a field that no caller of PyAV can set. So the image's track gets a name that is
longer than it should be, and in the finished file the room becomes DisplayWidth and DisplayHeight: nothing moves that
lies outside of the track's own description.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

__all__ = ["pad_name", "set_aspect"]

_SEGMENT, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_NAME, _CRC, _VOID = 0x536E, 0xBF, 0xEC
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xB0, 0xBA
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2

# Two numbers of four bytes and one of one byte, each with its identity of two bytes and its length of one.
_ROOM = 2 * 7 + 4

# DisplayUnit: width and height are a ratio only.
_RATIO = 3

# The head of a file, tracks included, lies within this many bytes: covers and fonts come after the tracks.
_HEAD = 1 << 24

_PADDING = "\N{NO-BREAK SPACE}" * (_ROOM // 2)


def pad_name(name: str) -> str:
    """A track's name with the room that `set_aspect` needs after it."""
    return name + _PADDING


def set_aspect(path: Path, track: int, aspect: Fraction) -> None:
    """Write the shape of a track's pixels into the room after its name.

    Args:
        path: the file, whose track was named by `padded`.
        track: its number in the file, from 0.
        aspect: width by height of a pixel.

    Raises:
        ValueError: the file is not laid out as expected.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD))
        tracks = _inside(head, _find(head, 0, len(head), _SEGMENT), _TRACKS)
        entries = [each for each in _elements(head, tracks.start, tracks.end) if each.kind == _TRACK]
        entry = entries[track]
        changed = _with_aspect(head, entry, aspect)
        if len(changed) != entry.end - entry.start:
            raise ValueError("the track's description does not keep its length")
        head[entry.start : entry.end] = changed
        first = next(_elements(head, tracks.start, tracks.end))
        if first.kind == _CRC:
            head[first.start : first.end] = zlib.crc32(head[first.end : tracks.end]).to_bytes(4, "little")
        file.seek(tracks.start)
        file.write(head[tracks.start : tracks.end])


@dataclass(frozen=True)
class _Element:
    """Where an element begins with its identity, and where its content lies."""

    kind: int
    head: int
    start: int
    end: int


def _elements(data: bytes | bytearray, start: int, end: int) -> Iterator[_Element]:
    while start < end:
        length = _length(data[start])
        kind = int.from_bytes(data[start : start + length], "big")
        size, width = _size(data, start + length)
        content = start + length + width
        # A size of all ones is unknown: of a segment that is being written.
        last = end if size == (1 << 7 * width) - 1 else content + size
        yield _Element(kind, start, content, last)
        start = last


def _length(first: int) -> int:
    if not first:
        raise ValueError("no element begins here")
    return 9 - first.bit_length()


def _size(data: bytes | bytearray, at: int) -> tuple[int, int]:
    width = _length(data[at])
    return int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1), width


def _find(data: bytes | bytearray, start: int, end: int, kind: int) -> _Element:
    for element in _elements(data, start, end):
        if element.kind == kind:
            return element
    raise ValueError(f"element {kind:X} is missing")


def _inside(data: bytes | bytearray, outer: _Element, kind: int) -> _Element:
    return _find(data, outer.start, outer.end, kind)


def _with_aspect(head: bytearray, entry: _Element, aspect: Fraction) -> bytes:
    """A track's description with its name cut, and the shape after what else is said of its image."""
    parts = []
    for element in _elements(head, entry.start, entry.end):
        content = bytes(head[element.start : element.end])
        before = bytes(head[element.head : element.start])
        if element.kind == _NAME:
            parts.append(_shortened(before, content))
        elif element.kind == _VIDEO:
            more = _shape(head, element, aspect)
            width = element.start - element.head - 1
            parts.append(b"\xe0" + _sized(len(content) + len(more), width) + content + more)
        else:
            parts.append(before + content)
    return b"".join(parts)


def _shortened(before: bytes, content: bytes) -> bytes:
    padding = _PADDING.encode()
    if len(padding) < _ROOM or not content.endswith(padding):
        raise ValueError("the track's name has no room after it")
    name = content[: -len(padding)]
    if not name:
        room = len(before) - 2
        return bytes([_VOID]) + _sized(room, 1) + bytes(room)
    return before[:2] + _sized(len(name), len(before) - 2) + name


def _sized(size: int, width: int) -> bytes:
    """A length in so many bytes."""
    if size >= (1 << 7 * width) - 1:
        raise ValueError("a length does not fit")
    return (size | 1 << 7 * width).to_bytes(width, "big")


def _shape(head: bytearray, video: _Element, aspect: Fraction) -> bytes:
    """Exactly in pixels where one of the sides can stay; else as a ratio."""
    sides = {each.kind: each for each in _elements(head, video.start, video.end)}
    width, height = (
        int.from_bytes(head[sides[kind].start : sides[kind].end], "big") for kind in (_PIXEL_WIDTH, _PIXEL_HEIGHT)
    )
    wide, high = width * aspect, height / aspect
    if wide.denominator == 1:
        shown, unit = (wide.numerator, height), 0
    elif high.denominator == 1:
        shown, unit = (width, high.numerator), 0
    else:
        ratio = wide / height
        shown, unit = (ratio.numerator, ratio.denominator), _RATIO
    numbers = ((_DISPLAY_WIDTH, shown[0], 4), (_DISPLAY_HEIGHT, shown[1], 4), (_DISPLAY_UNIT, unit, 1))
    return b"".join(
        kind.to_bytes(2, "big") + _sized(size, 1) + number.to_bytes(size, "big") for kind, number, size in numbers
    )
