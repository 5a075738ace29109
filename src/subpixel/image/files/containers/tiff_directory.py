"""The directories of a TIFF: what each entry is and where its value lies. Classic and BigTIFF, either byte order.

Values are read when they are asked for, so a directory with a hundred thousand strip offsets costs no more than its
table.

Sources: TIFF 6.0, section 2; "The BigTIFF File Format" (Aware Systems); Adobe PageMaker 6.0 TIFF Technical Notes,
"TIFF Trees", for directories below others.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

__all__ = [
    "LONGEST",
    "SIGNATURES",
    "SIZES",
    "Directory",
    "Entry",
    "Layout",
    "read_directory",
    "read_layout",
    "reorder",
    "walk",
]

# The first bytes of a file.
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


# Bytes of a value by its type.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = {5: 4, 10: 4}  # a rational is two numbers
_LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
LONGEST = 16 * 1024**2  # no metadata is larger; a larger length is an error in the file
_LARGE = 1 << 20  # bytes of a value
_MOST_ENTRIES = 4096
_MOST_DIRECTORIES = 20_000  # of a chain; a file with more says nothing about this one's images


@dataclass(frozen=True)
class Layout:
    """How a file is laid out.

    Args:
        order: the byte order, ``<`` or ``>``.
        big: whether it is a BigTIFF.
        first: the offset of the first directory.
    """

    order: str
    big: bool
    first: int

    @property
    def pointer(self) -> str:
        """The struct format of an offset."""
        return self.order + ("Q" if self.big else "I")


@dataclass(frozen=True)
class Entry:
    """An entry of a directory: the type and the count of its value, the value's offset and its length in bytes."""

    kind: int
    count: int
    at: int
    length: int


@dataclass(frozen=True)
class Directory:
    """A directory.

    Args:
        layout: of the file.
        offset: of the directory.
        entries: by tag.
        following: the offset of the next directory in its chain, 0 at the end.
        count: the number of entries that it states.
        complete: whether the file has them all.
    """

    layout: Layout
    offset: int
    entries: dict[int, Entry]
    following: int
    count: int = 0
    complete: bool = True

    def value(self, file: BinaryIO, tag: int, longest: int = LONGEST) -> bytes | None:
        """The bytes of a value; None if it is missing, cut short or longer than ``longest``."""
        entry = self.entries.get(tag)
        if entry is None or not 0 < entry.length <= longest:
            return None
        if entry.length > _LARGE and entry.at + entry.length > file.seek(0, os.SEEK_END):
            return None  # before as much is allocated
        file.seek(entry.at)
        content = file.read(entry.length)
        return content if len(content) == entry.length else None

    def numbers(self, file: BinaryIO, tag: int) -> tuple[float, ...]:
        """The numbers of a value, integers or floats; empty if it is missing or no number."""
        content = self.value(file, tag)
        letter = _LETTERS.get(self.entries[tag].kind) if content is not None else None
        if content is None or letter is None:
            return ()
        return struct.unpack(f"{self.layout.order}{self.entries[tag].count}{letter}", content)

    def integer(self, file: BinaryIO, tag: int, default: int = 0) -> int:
        """The first integer of a value."""
        entry = self.entries.get(tag)
        if entry is None or entry.count < 1 or _LETTERS.get(entry.kind, "f") in "fd":
            return default
        file.seek(entry.at)
        content = file.read(SIZES[entry.kind])
        if len(content) < SIZES[entry.kind]:
            return default
        return int(struct.unpack(self.layout.order + _LETTERS[entry.kind], content)[0])

    def text(self, file: BinaryIO, tag: int, longest: int = LONGEST) -> str:
        """A text without what follows its first zero; empty if it is missing, or has more than ``longest`` bytes."""
        return (self.value(file, tag, longest) or b"").partition(b"\0")[0].decode("utf-8", "replace").strip()


def read_layout(file: BinaryIO) -> Layout | None:
    """The layout of a file; None if it is no TIFF.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 42:
        return Layout(order, False, struct.unpack(order + "I", head[4:8])[0])
    if version == 43 and len(head) == 16:
        return Layout(order, True, struct.unpack(order + "Q", head[8:16])[0])
    return None


def read_directory(file: BinaryIO, layout: Layout, offset: int) -> Directory | None:
    """The directory at an offset; None if there is none. Entries of unknown types are left out.

    Raises:
        OSError: the file cannot be read.
    """
    if not 0 < offset < 1 << 63:
        return None
    order, big = layout.order, layout.big
    file.seek(offset)
    start = file.read(8 if big else 2)
    if len(start) < (8 if big else 2):
        return None
    number = struct.unpack(order + ("Q" if big else "H"), start)[0]
    size, form, width = (20, "HHQ", 8) if big else (12, "HHI", 4)
    table = file.read(min(number, _MOST_ENTRIES) * size + width)
    entries = {}
    for at in range(0, min(number * size, len(table) - size + 1), size):
        tag, kind, count = struct.unpack_from(order + form, table, at)
        length = SIZES.get(kind, 0) * count
        if length == 0:
            continue
        inline = at + size - width
        where = (
            offset + len(start) + inline if length <= width else struct.unpack_from(layout.pointer, table, inline)[0]
        )
        if where < 1 << 63:
            entries[tag] = Entry(kind, count, where, length)
    end = table[number * size : number * size + width]
    following = struct.unpack(layout.pointer, end)[0] if len(end) == width else 0
    complete = len(table) >= min(number, _MOST_ENTRIES) * size
    return Directory(layout, offset, entries, following, number, complete)


def walk(file: BinaryIO, layout: Layout, offset: int, visited: set[int]) -> Iterator[Directory]:
    """A chain of directories from an offset on. One that was visited ends it, so no chain is endless.

    Args:
        file: the file.
        layout: of the file.
        offset: of the first directory.
        visited: offsets of directories that were read before; those read here are added.

    Raises:
        OSError: the file cannot be read.
    """
    while offset not in visited and len(visited) < _MOST_DIRECTORIES:
        directory = read_directory(file, layout, offset)
        if directory is None:
            return
        visited.add(offset)
        yield directory
        offset = directory.following


def reorder(kind: int, value: bytes, old: str, new: str) -> bytes:
    """A value in another byte order."""
    unit = _UNITS.get(kind, SIZES[kind])
    if old == new or unit == 1:
        return value
    return b"".join(value[k : k + unit][::-1] for k in range(0, len(value), unit))
