"""What libavformat neither reads nor writes of Matroska and WebM files through PyAV.

Written are facts about tracks. libavformat takes the sample aspect ratio of the image, and the samples of a sound that
decoders skip, from fields that PyAV does not expose. So a track is first given a name with padding. In the finished
file, the elements replace the padding. Nothing outside the track's own description moves.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

__all__ = ["TrackFacts", "decoder_settings", "edit_tracks", "pad_name", "second_file", "unread_parts"]

_SEGMENT, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_NAME, _CRC, _VOID = 0x536E, 0xBF, 0xEC
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xB0, 0xBA
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_CODEC_DELAY = 0x56AA
_CODEC, _CODEC_PRIVATE = 0x86, 0x63A2

_CROPS = {0x54CC: "left", 0x54BB: "top", 0x54DD: "right", 0x54AA: "bottom"}
_CHAPTERS, _EDITION, _CHAPTER = 0x1043A770, 0x45B9, 0xB6

# How a file begins.
_SIGNATURE = bytes.fromhex("1a45dfa3")

# For an aspect: two numbers of four bytes and one of one byte; each also needs two bytes for its ID and one for its
# length. A delay needs less, and a Void element fills the rest.
_PADDING_SIZE = 2 * 7 + 4

# The largest number of four bytes.
_MOST = (1 << 32) - 1

# DisplayUnit: width and height only express a ratio.
_RATIO = 3

# The first bytes of a file, which contain the tracks: covers and fonts come after them.
_HEAD = 1 << 24

# Chapters inside of one another that are looked at.
_MOST_NESTED = 20

_PADDING = "\N{NO-BREAK SPACE}" * (_PADDING_SIZE // 2)


@dataclass(frozen=True)
class TrackFacts:
    """What is written into the description of a track.

    Args:
        aspect: width by height of a pixel; None for a track without an image.
        delay: seconds at the beginning of a sound that decoders skip, less than 4. Packets are written later by it.
    """

    aspect: Fraction | None = None
    delay: Fraction = Fraction(0)


def pad_name(name: str) -> str:
    """A track's name with the padding that :func:`edit_tracks` needs."""
    return name + _PADDING


def edit_tracks(path: Path, tracks: Mapping[int, TrackFacts]) -> None:
    """Write facts about tracks in the place of the padding of their names.

    Args:
        path: the file; the tracks' names are from :func:`pad_name`.
        tracks: by the number of the track in the file, from 0.

    Raises:
        ValueError: the file does not have the expected structure.
    """
    if not tracks:
        return
    with path.open("r+b") as file:
        head = bytearray(file.read(_HEAD))
        try:
            found = _changed_tracks(head, tracks)
        except (IndexError, KeyError):
            raise ValueError("the tracks are not described as expected") from None
        file.seek(found.start)
        file.write(head[found.start : found.end])


def _changed_tracks(head: bytearray, tracks: Mapping[int, TrackFacts]) -> _Element:
    """Change the beginning of a file in memory, and say where its tracks lie.

    Raises:
        IndexError, KeyError, ValueError: the file does not have the expected structure.
    """
    found = _inside(head, _find(head, 0, len(head), _SEGMENT), _TRACKS)
    entries = [each for each in _elements(head, found.start, found.end) if each.kind == _TRACK]
    for number, facts in tracks.items():
        entry = entries[number]
        changed = _with_facts(head, entry, facts)
        if len(changed) != entry.end - entry.start:
            raise ValueError("the length of the track's description would change")
        head[entry.start : entry.end] = changed
    first = next(_elements(head, found.start, found.end))
    if first.kind == _CRC:
        head[first.start : first.end] = zlib.crc32(head[first.end : found.end]).to_bytes(4, "little")
    return found


def second_file(file: BinaryIO, start: int, end: int) -> int | None:
    """Where a file begins that was joined to another, between two places; None if none does."""
    file.seek(start)
    found = file.read(min(end - start, _HEAD)).find(_SIGNATURE)
    return start + found if found >= 0 else None


def decoder_settings(file: BinaryIO, start: int) -> list[bytes]:
    """What decoders are told about each track of a file that begins at a place: the codec and its own data.

    Raises:
        ValueError: the file does not have the expected structure.
    """
    file.seek(start)
    head = file.read(_HEAD)
    try:
        found = _inside(head, _find(head, 0, len(head), _SEGMENT), _TRACKS)
        return [
            b"".join(
                head[each.start : each.end]
                for each in _elements(head, track.start, track.end)
                if each.kind in (_CODEC, _CODEC_PRIVATE)
            )
            for track in _elements(head, found.start, found.end)
            if track.kind == _TRACK
        ]
    except IndexError:  # the file is cut off
        raise ValueError("its tracks are not described") from None


def unread_parts(file: BinaryIO, number: int) -> list[str]:
    """Sentences about what a file says of a track and of its chapters, which libavformat leaves out.

    Args:
        file: the file.
        number: of the track in the file, from 0.
    """
    file.seek(0)
    head = file.read(_HEAD)
    notes = []
    with suppress(ValueError, IndexError):  # what is damaged says nothing
        segment = _find(head, 0, len(head), _SEGMENT)
        tracks = _inside(head, segment, _TRACKS)
        entries = [each for each in _elements(head, tracks.start, tracks.end) if each.kind == _TRACK]
        video = _inside(head, entries[number], _VIDEO)
        crops = {
            _CROPS[each.kind]: int.from_bytes(head[each.start : each.end], "big")
            for each in _elements(head, video.start, video.end)
            if each.kind in _CROPS
        }
        sides = ", ".join(f"{crops[side]} at the {side}" for side in _CROPS.values() if crops.get(side))
        if sides:
            notes.append(f"the container hides pixels at the edges ({sides}); in the result they are visible")
    with suppress(ValueError, IndexError):
        chapters = _inside(head, _find(head, 0, len(head), _SEGMENT), _CHAPTERS)
        editions = [each for each in _elements(head, chapters.start, chapters.end) if each.kind == _EDITION]
        outer = [atom for each in editions for atom in _children(head, each, _CHAPTER)]
        inner = sum(_count_inside(head, each) for each in outer)
        if len(editions) > 1:
            notes.append(f"the chapters of {len(editions)} editions become one list")
        if inner:
            notes.append(
                f"{inner} chapter{'s'[: inner > 1]} inside of other chapters {'are' if inner > 1 else 'is'} left out"
            )
    return notes


def _children(data: bytes, element: _Element, kind: int) -> list[_Element]:
    return [each for each in _elements(data, element.start, min(element.end, len(data))) if each.kind == kind]


def _count_inside(data: bytes, chapter: _Element, depth: int = 0) -> int:
    """The number of chapters inside of one."""
    inner = _children(data, chapter, _CHAPTER) if depth < _MOST_NESTED else []
    return sum(1 + _count_inside(data, each, depth + 1) for each in inner)


@dataclass(frozen=True)
class _Element:
    """An element: its ID, where its head begins, and where its content begins and ends."""

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
        # All ones mean an unknown size, as in a segment that is still being written.
        last = end if size == (1 << 7 * width) - 1 else content + size
        yield _Element(kind, start, content, last)
        start = last


def _length(first: int) -> int:
    if not first:
        raise ValueError("there is no element at this position")
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


def _with_facts(head: bytearray, entry: _Element, facts: TrackFacts) -> bytes:
    """A track's description without the padding of its name, and with the facts about it."""
    parts = []
    for element in _elements(head, entry.start, entry.end):
        content = bytes(head[element.start : element.end])
        before = bytes(head[element.head : element.start])
        if element.kind == _NAME:
            parts.append(_unpadded_name(before, content))
        elif element.kind == _VIDEO and facts.aspect is not None:
            more = _aspect_elements(head, element, facts.aspect)
            width = element.start - element.head - 1
            parts.append(b"\xe0" + _encode_size(len(content) + len(more), width) + content + more)
        else:
            parts.append(before + content)
    if facts.aspect is None:
        delay = _number_element(_CODEC_DELAY, round(facts.delay * 10**9), 4) if facts.delay else b""
        void = _PADDING_SIZE - len(delay) - 2
        parts.append(delay + bytes([_VOID]) + _encode_size(void, 1) + bytes(void))
    return b"".join(parts)


def _unpadded_name(before: bytes, content: bytes) -> bytes:
    padding = _PADDING.encode()
    if len(padding) < _PADDING_SIZE or not content.endswith(padding):
        raise ValueError("the track's name has no padding")
    name = content[: -len(padding)]
    if not name:
        size = len(before) - 2
        return bytes([_VOID]) + _encode_size(size, 1) + bytes(size)
    return before[:2] + _encode_size(len(name), len(before) - 2) + name


def _encode_size(size: int, width: int) -> bytes:
    """A size, encoded in ``width`` bytes."""
    if size >= (1 << 7 * width) - 1:
        raise ValueError("a size needs more bytes")
    return (size | 1 << 7 * width).to_bytes(width, "big")


def _aspect_elements(head: bytearray, video: _Element, aspect: Fraction) -> bytes:
    """The display size: exact in pixels if one side can keep its size, else as a ratio."""
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
        shown, unit = (wide / height).as_integer_ratio(), _RATIO
    if max(shown) > _MOST:
        ratio = Fraction(*shown)
        close = ratio.limit_denominator(max(1, int(_MOST / max(Fraction(1), ratio))))
        shown, unit = (min(max(close.numerator, 1), _MOST), close.denominator), _RATIO
    numbers = ((_DISPLAY_WIDTH, shown[0], 4), (_DISPLAY_HEIGHT, shown[1], 4), (_DISPLAY_UNIT, unit, 1))
    return b"".join(_number_element(*each) for each in numbers)


def _number_element(kind: int, number: int, size: int) -> bytes:
    """An element that holds a number of ``size`` bytes."""
    return kind.to_bytes(2, "big") + _encode_size(size, 1) + number.to_bytes(size, "big")
