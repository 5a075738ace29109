"""An EXIF block for another image: orientation, sizes, resolution and preview change, every other byte stays.

Maker's notes often hold offsets from the start of the block, so nothing is moved except the main directory, which goes
to the end if it grows. Entries that no library knows are kept like any other.

Sources: EXIF 2.32, section 4.6; TIFF 6.0, section 2.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

from subpixel.image.files.containers.exif_places import Geometry, change_place
from subpixel.image.files.containers.tiff_directory import SIZES

__all__ = ["EMPTY", "change_exif", "maker_notes_are_bound", "pixel_aspect", "take_values"]

# A block without entries.
EMPTY = b"II*\0\x08\0\0\0\0\0\0\0\0\0"

_PREFIX = b"Exif\0\0"
_EXIF, _GPS, _INTEROPERABILITY, _MAKER_NOTE = 34665, 34853, 40965, 37500
_ORIENTATION, _X, _Y, _UNIT = 274, 282, 283, 296
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_PREVIEW, _PREVIEW_LENGTH = 513, 514
# Directories of a chain of offsets, of which there are four: a damaged block may have any number.
_MOST_DIRECTORIES = 16
_INCHES = {2: 1.0, 3: 2.54}  # pixels per inch for one per unit
# How maker's notes begin whose offsets count from their own start. Sources: ExifTool's documentation of maker notes.
_UNBOUND = (
    b"Nikon\0\2",
    b"FUJIFILM",
    b"Apple iOS",
    b"OLYMPUS\0",
    b"OM SYSTEM",
    b"LEICA\0\2",
    b"PENTAX \0",
    b"GENERALE",
)

# Tag, the 12 bytes of the entry.
_Entry = tuple[int, bytes]
_Range = tuple[int, int]


def change_exif(
    block: bytes,
    geometry: Geometry,
    density: tuple[float, float] | None,
    aspect: tuple[int, int] | None = None,
) -> tuple[bytes, tuple[str, ...]]:
    """An EXIF block for a result, and the names of entries that are left out because they would be false.

    Args:
        block: of the source, with or without ``Exif`` and two zeros before it, which stay.
        geometry: of the result over the source.
        density: pixels per inch across and down; None if the result states no resolution. One without a unit, which is
            an aspect ratio, is kept.
        aspect: pixels across and down that are equally long, to state if there is no density; None for nothing.
    """
    prefix = _PREFIX if block.startswith(_PREFIX) else b""
    body = bytearray(block.removeprefix(_PREFIX))
    order = _order(body)
    if order is None:
        return block, ()
    (start,) = struct.unpack_from(order + "I", body, 4)
    entries, following = _read(body, order, start)
    _remove_preview(body, order, start, following)
    number = struct.Struct(order + "HHII")
    fields, lost = _change_places(body, order, entries, geometry)
    size, turned = geometry.size, geometry.turned
    room = len(entries)
    if _ORIENTATION in fields:
        fields[_ORIENTATION] = struct.pack(order + "HHIHH", _ORIENTATION, _SHORT, 1, 1, 0)
    for tag, length in zip((256, 257), size, strict=True):
        if tag in fields:
            fields[tag] = number.pack(tag, _LONG, 1, length)
    if _EXIF in fields:
        (below,) = struct.unpack_from(order + "I", fields[_EXIF], 8)
        inner, end = _read(body, order, below)
        changed, more = _change_places(body, order, inner, geometry)
        lost += more
        for tag in changed.keys() & {0xA002, 0xA003}:
            changed[tag] = number.pack(tag, _LONG, 1, size[tag - 0xA002])
        if changed != dict(inner):
            _write_directory(body, order, below, len(inner), changed, end)
    _set_resolution(body, order, fields, density, aspect, turned=turned)
    table = struct.pack(order + "H", len(fields)) + b"".join(fields[tag] for tag in sorted(fields)) + bytes(4)
    if start + 2 + 12 * room > len(body):
        room = 0  # the block is cut short
    if len(fields) <= room:
        body[start : start + len(table)] = table
    else:
        body += bytes(len(body) % 2)
        struct.pack_into(order + "I", body, 4, len(body))
        body += table
    return prefix + bytes(body), tuple(lost)


def _change_places(
    body: bytearray, order: str, entries: list[_Entry], geometry: Geometry
) -> tuple[dict[int, bytes], list[str]]:
    """Entries by tag, with places in the result, and the names of those that are left out."""
    fields, lost = {}, []
    for tag, entry in entries:
        changed, name = change_place(body, order, tag, entry, geometry)
        if changed is not None:
            fields[struct.unpack_from(order + "H", changed)[0]] = changed
        elif name is not None:
            lost.append(name)
    return fields, lost


def _write_directory(
    body: bytearray, order: str, start: int, room: int, fields: dict[int, bytes], following: int
) -> None:
    """Entries in the place of a directory that had at least as many."""
    table = struct.pack(order + "H", len(fields)) + b"".join(fields[tag] for tag in sorted(fields))
    table += struct.pack(order + "I", following)
    end = min(start + 2 + 12 * room + 4, len(body))
    body[start:end] = table.ljust(end - start, b"\0")[: end - start]


def take_values(block: bytes, tags: Collection[int]) -> tuple[bytes, dict[int, bytes]]:
    """A block without some entries of its main directory, and the bytes of their values.

    Args:
        block: with or without ``Exif`` and two zeros before it, which stay.
        tags: of the entries.

    >>> block = b"II*\\0\\x08\\0\\0\\0\\1\\0\\xbc\\2\\1\\0\\3\\0\\0\\0abc\\0\\0\\0\\0\\0"
    >>> take_values(block, {700})[1]
    {700: b'abc'}
    """
    prefix = _PREFIX if block.startswith(_PREFIX) else b""
    body = bytearray(block.removeprefix(_PREFIX))
    order = _order(body)
    if order is None:
        return block, {}
    (start,) = struct.unpack_from(order + "I", body, 4)
    entries, following = _read(body, order, start)
    taken = {}
    for tag, entry in entries:
        if tag not in tags or tag in taken:
            continue
        _, kind, count, at = struct.unpack(order + "HHII", entry)
        length = SIZES.get(kind, 0) * count
        taken[tag] = entry[8 : 8 + length] if length <= 4 else bytes(body[at : at + length])
        if 4 < length <= len(body) - at:
            body[at : at + length] = bytes(length)
    if taken:
        rest = {tag: entry for tag, entry in entries if tag not in taken}
        _write_directory(body, order, start, len(entries), rest, following)
    return (prefix + bytes(body) if taken else block), taken


def pixel_aspect(block: bytes | None) -> Fraction | None:
    """Pixels across for a pixel down, where EXIF states a resolution without a unit (1); None if square or not stated.

    >>> pixel_aspect(None)
    """
    body = (block or b"").removeprefix(_PREFIX)
    order = _order(body)
    if order is None:
        return None
    fields = dict(_read(body, order, struct.unpack_from(order + "I", body, 4)[0])[0])
    across, down = (_rational(body, order, fields.get(tag)) for tag in (_X, _Y))
    if _unit(order, fields) != 1 or not across or not down or across == down:
        return None
    return across / down


def maker_notes_are_bound(block: bytes | None) -> bool:
    """Whether a block has maker's notes that may hold offsets from its start, so that they mean nothing elsewhere."""
    body = (block or b"").removeprefix(_PREFIX)
    order = _order(body)
    if order is None:
        return False
    fields = dict(_read(body, order, struct.unpack_from(order + "I", body, 4)[0])[0])
    if _EXIF not in fields:
        return False
    below = dict(_read(body, order, struct.unpack_from(order + "I", fields[_EXIF], 8)[0])[0])
    if _MAKER_NOTE not in below:
        return False
    count, at = struct.unpack_from(order + "II", below[_MAKER_NOTE], 4)
    return bool(count > 16 and not body[at : at + 16].startswith(_UNBOUND))


def _order(body: bytes | bytearray) -> str | None:
    return {b"II": "<", b"MM": ">"}.get(bytes(body[:2])) if len(body) >= 8 else None


def _read(body: bytes | bytearray, order: str, start: int) -> tuple[list[_Entry], int]:
    """Entries of a directory, and the offset of the next one; nothing of what lies outside of the block."""
    if start + 2 > len(body):
        return [], 0
    (count,) = struct.unpack_from(order + "H", body, start)
    count = min(count, (len(body) - start - 2) // 12)
    places = range(start + 2, start + 2 + 12 * count, 12)
    end = start + 2 + 12 * count
    following = struct.unpack_from(order + "I", body, end)[0] if end + 4 <= len(body) else 0
    return [(struct.unpack_from(order + "H", body, at)[0], bytes(body[at : at + 12])) for at in places], following


def _rational(body: bytes | bytearray, order: str, entry: bytes | None) -> Fraction | None:
    if entry is None:
        return None
    _, kind, count, at = struct.unpack(order + "HHII", entry)
    if kind != _RATIONAL or count != 1 or at + 8 > len(body):
        return None
    numerator, denominator = struct.unpack_from(order + "II", body, at)
    return Fraction(numerator, denominator) if denominator else None


def _unit(order: str, fields: dict[int, bytes]) -> int:
    return int(struct.unpack_from(order + "H", fields[_UNIT], 8)[0]) if _UNIT in fields else 2


def _set_resolution(
    body: bytearray,
    order: str,
    fields: dict[int, bytes],
    density: tuple[float, float] | None,
    aspect: tuple[int, int] | None,
    *,
    turned: bool,
) -> None:
    stated = tuple(_rational(body, order, fields.get(tag)) for tag in ((_Y, _X) if turned else (_X, _Y)))
    unit = _unit(order, fields)
    same = density is not None and all(
        each is not None and math.isclose(each * Fraction(_INCHES.get(unit, 0.0)), dpi, rel_tol=1e-3)
        for each, dpi in zip(stated, density, strict=True)
    )
    if same or (density is None and unit == 1 and {_X, _Y} <= fields.keys()):  # every byte as it is, at most exchanged
        if turned and {_X, _Y} <= fields.keys():
            across, down = fields[_X], fields[_Y]
            fields[_X], fields[_Y] = across[:2] + down[2:], down[:2] + across[2:]
        return
    for tag in (_X, _Y, _UNIT):
        fields.pop(tag, None)
    wanted = density or aspect
    if wanted is None:
        return
    fields[_UNIT] = struct.pack(order + "HHIHH", _UNIT, _SHORT, 1, 2 if density else 1, 0)
    for tag, number in zip((_X, _Y), wanted, strict=True):
        body += bytes(len(body) % 2)
        fields[tag] = struct.pack(order + "HHII", tag, _RATIONAL, 1, len(body))
        value = Fraction(number).limit_denominator(1000)
        body += struct.pack(order + "II", value.numerator, value.denominator)


def _ranges(body: bytearray, order: str, start: int) -> Iterator[_Range]:
    """Where a directory, its values and those below it lie."""
    waiting, visited = [start], set[int]()
    while waiting and len(visited) < _MOST_DIRECTORIES:
        start = waiting.pop()
        if start in visited:
            continue
        visited.add(start)
        entries, _ = _read(body, order, start)
        yield start, start + 2 + 12 * len(entries) + 4
        for tag, entry in entries:
            _, kind, count, at = struct.unpack(order + "HHII", entry)
            length = SIZES.get(kind, 0) * count
            if length > 4:
                yield at, at + length
            if tag in (_EXIF, _GPS, _INTEROPERABILITY):
                waiting.append(at)


def _merged(ranges: Iterable[_Range]) -> list[_Range]:
    """Ranges in order, those that overlap joined to one."""
    merged: list[_Range] = []
    for begin, end in sorted(ranges):
        if merged and begin < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif begin < end:
            merged.append((begin, end))
    return merged


def _remove_preview(body: bytearray, order: str, start: int, following: int) -> None:
    """Clear the preview of the old pixels; cut it off if it lies at the end, where it nearly always does."""
    if not following:
        return
    used = _merged(_ranges(body, order, start))
    unused = list(_ranges(body, order, following))
    fields = dict(_read(body, order, following)[0])
    if _PREVIEW in fields and _PREVIEW_LENGTH in fields:
        at, length = (struct.unpack_from(order + "I", fields[tag], 8)[0] for tag in (_PREVIEW, _PREVIEW_LENGTH))
        unused.append((at, at + length))

    def is_free(begin: int, end: int) -> bool:
        before = bisect_left(used, (end, 0)) - 1  # the last one that begins before the end
        return before < 0 or used[before][1] <= begin

    cut = [(begin, min(end, len(body))) for begin, end in unused]
    for begin, end in reversed(_merged(each for each in cut if is_free(*each))):
        body[begin:end] = bytes(end - begin)
        if end >= len(body) - 1:
            del body[begin:]
