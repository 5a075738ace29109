"""Entries of an EXIF block: which there are, and removing some without moving the others.

A block is a small TIFF, sometimes behind ``Exif`` and two zeros. Its maker's notes often hold offsets, so nothing in it
is moved.

Sources: EXIF 2.32, section 4.6; TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import NamedTuple

__all__ = ["EXIF", "MAIN", "RESOLUTION", "entries_of", "with_number", "without_entries"]

# The directories: the main one by 0, the one below it by the tag that points to it.
MAIN, EXIF = 0, 34665
# XResolution, YResolution, ResolutionUnit.
RESOLUTION = frozenset({(MAIN, 282), (MAIN, 283), (MAIN, 296)})
_PREFIX = b"Exif\0\0"


class _Directory(NamedTuple):
    kind: int
    start: int  # offset of the number of entries
    entries: int


def entries_of(block: bytes | None) -> frozenset[tuple[int, int]]:
    """Directory (:data:`MAIN` or :data:`EXIF`) and tag of each entry. A damaged block gives those that can be read.

    >>> sorted(entries_of(b"II*\\0\\x08\\0\\0\\0\\1\\0\\x0f\\1\\2\\0\\4\\0\\0\\0abc\\0\\0\\0\\0\\0"))
    [(0, 271)]
    """
    block = (block or b"").removeprefix(_PREFIX)
    return frozenset(
        (directory.kind, tag) for directory in _directories(block) for tag, _ in _entries(block, directory)
    )


def without_entries(block: bytes, unwanted: Collection[tuple[int, int]]) -> bytes:
    """A block of the same length without some entries. An EXIF directory without entries is removed too.

    Args:
        block: the block.
        unwanted: directory and tag of each.
    """
    prefix = _PREFIX if block.startswith(_PREFIX) else b""
    result = bytearray(block.removeprefix(_PREFIX))
    order = _order(result)
    if order is None:
        return block
    unwanted = set(unwanted)
    for directory in reversed(list(_directories(bytes(result)))):  # the lower one first
        old = bytes(result)
        rest = [entry for tag, entry in _entries(old, directory) if (directory.kind, tag) not in unwanted]
        if directory.kind == EXIF and not rest:
            unwanted.add((MAIN, EXIF))
        end = directory.start + 2 + 12 * directory.entries
        following = old[end : end + 4]  # the offset of the next directory
        new = struct.pack(order + "H", len(rest)) + b"".join(rest) + following
        result[directory.start : end + len(following)] = new.ljust(end + len(following) - directory.start, b"\0")
    return prefix + bytes(result)


def with_number(block: bytes, entry: tuple[int, int], number: int) -> bytes:
    """A block with another number in an entry, if it has that entry.

    Args:
        block: the block.
        entry: directory and tag; its value is one integer of 16 or 32 bits.
        number: the new value.
    """
    prefix = _PREFIX if block.startswith(_PREFIX) else b""
    result = bytearray(block.removeprefix(_PREFIX))
    order = _order(result)
    for directory in _directories(bytes(result)):
        for k, (tag, found) in enumerate(_entries(bytes(result), directory)):
            letter = {3: "H", 4: "I"}.get(struct.unpack_from(f"{order}H", found, 2)[0])
            if (directory.kind, tag) == entry and letter is not None:
                struct.pack_into(f"{order}{letter}", result, directory.start + 2 + 12 * k + 8, number)
    return prefix + bytes(result)


def _order(block: bytes | bytearray) -> str | None:
    return {b"II": "<", b"MM": ">"}.get(bytes(block[:2])) if len(block) >= 8 else None


def _directories(block: bytes) -> Iterator[_Directory]:
    order = _order(block)
    if order is None:
        return
    kind, (start,) = MAIN, struct.unpack_from(order + "I", block, 4)
    while start + 2 <= len(block):
        (count,) = struct.unpack_from(order + "H", block, start)
        directory = _Directory(kind, start, min(count, (len(block) - start - 2) // 12))
        yield directory
        below = next((entry for tag, entry in _entries(block, directory) if tag == EXIF), None)
        if kind == EXIF or below is None:
            return
        kind, (start,) = EXIF, struct.unpack_from(order + "I", below, 8)


def _entries(block: bytes, directory: _Directory) -> Iterator[tuple[int, bytes]]:
    order = _order(block) or "<"
    for at in range(directory.start + 2, directory.start + 2 + 12 * directory.entries, 12):
        yield struct.unpack_from(order + "H", block, at)[0], block[at : at + 12]
