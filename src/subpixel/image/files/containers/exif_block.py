"""Entries of an EXIF block: which there are.

A block is a small TIFF, sometimes behind ``Exif`` and two zeros.

Sources: EXIF 2.32, section 4.6; TIFF 6.0, section 2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["EXIF", "MAIN", "RESOLUTION", "entries_of"]

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
