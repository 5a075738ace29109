"""EXIF and IPTC in a TIFF, which libvips neither reads nor writes completely. Classic and BigTIFF, either byte order.

A directory is parsed into entries with their values and serialised at its new offset. EXIF travels between a TIFF and
other formats as an EXIF block, which is a small TIFF itself.

Sources: TIFF 6.0, sections 2 and 8; BigTIFF's proposal; EXIF 2.32, section 4.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

__all__ = ["add_metadata", "read_exif", "read_iptc", "same_exif"]

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = {5: 4, 10: 4}  # a rational is two numbers
_IPTC = 33723
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965
_DIRECTORIES = (_EXIF, _GPS, _INTEROPERABILITY)
_SIZE = (0xA002, 0xA003)  # PixelXDimension, PixelYDimension
# Tags of the main directory that belong to EXIF: description, make, model, software, time, artist, host, copyright.
# The others describe pixels.
_OF_EXIF = (270, 271, 272, 305, 306, 315, 316, 33432)
_MOST = 16 * 1024**2  # no metadata is larger; a larger length is an error in the file


@dataclass
class _Directory:
    """Entries by tag: type, count and value in the byte order ``order``; and the directories that entries point to."""

    order: str
    entries: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    below: dict[int, _Directory] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.entries or self.below)


def read_exif(file: BinaryIO) -> bytes | None:
    """The EXIF of a TIFF as the block that other formats hold, beginning with ``Exif\\0\\0``; None if there is none.

    Raises:
        OSError: the file cannot be read.
    """
    main = _main(file)
    if main is None:
        return None
    metadata = _Directory(main.order, {t: main.entries[t] for t in _OF_EXIF if t in main.entries}, main.below)
    if not metadata:
        return None
    mark = b"II" if metadata.order == "<" else b"MM"
    return (
        b"Exif\0\0"
        + mark
        + struct.pack(metadata.order + "HI", 42, 8)
        + _serialise(metadata, 8, metadata.order, big=False)
    )


def read_iptc(file: BinaryIO) -> bytes | None:
    """The IPTC records of a TIFF, whatever the type of their tag; None if there are none.

    Raises:
        OSError: the file cannot be read.
    """
    main = _main(file)
    return main.entries[_IPTC][2] if main is not None and _IPTC in main.entries else None


def add_metadata(
    path: str | Path, block: bytes | None, records: bytes | None, size: tuple[int, int] | None = None
) -> None:
    """Add EXIF and IPTC to a TIFF of one image: a new directory is written at the end of the file.

    Args:
        path: the file.
        block: as :func:`read_exif` returns it.
        records: as :func:`read_iptc` returns them.
        size: width and height for EXIF, where it states them; None to leave them as they are.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is not a TIFF, or is too large for 32-bit offsets.
    """
    source = None if block is None else _main(io.BytesIO(block.removeprefix(b"Exif\0\0")))
    with open(path, "r+b") as file:
        head = _head(file)
        main = _main(file, whole=True)
        if head is None or main is None:
            raise ValueError("not a TIFF")
        order, big, _ = head
        for tag, (kind, count, value) in () if source is None else source.entries.items():
            if tag in _OF_EXIF and tag not in main.entries:
                main.entries[tag] = (kind, count, _reorder(kind, value, source.order if source else order, order))
        if source is not None:
            main.below |= source.below
            inner = main.below.get(_EXIF)
            for tag, length in zip(_SIZE, size or (), strict=False):
                if inner is not None and tag in inner.entries:
                    inner.entries[tag] = (4, 1, struct.pack(inner.order + "I", length))
        if records is not None:
            main.entries[_IPTC] = (7, len(records), records)
        file.seek(0, 2)
        file.write(b"\0" * (file.tell() % 2))
        start = file.tell()
        content = _serialise(main, start, order, big)
        if not big and start + len(content) >= 1 << 32:
            raise ValueError("too large for a TIFF with 32-bit offsets")
        file.write(content)
        file.seek(8 if big else 4)
        file.write(struct.pack(order + ("Q" if big else "I"), start))


def same_exif(before: bytes, after: bytes | None) -> bool:
    """Whether everything in one block but the size is in the other, whatever their byte orders."""
    one, other = (_main(io.BytesIO((block or b"").removeprefix(b"Exif\0\0"))) for block in (before, after))
    return not one or (other is not None and _within(one, other))


def _within(one: _Directory, other: _Directory) -> bool:
    for tag, (kind, count, value) in one.entries.items():
        if tag not in _SIZE and other.entries.get(tag) != (kind, count, _reorder(kind, value, one.order, other.order)):
            return False
    return all(tag in other.below and _within(below, other.below[tag]) for tag, below in one.below.items())


def _head(file: BinaryIO) -> tuple[str, bool, int] | None:
    """Byte order, whether it is a BigTIFF, offset of the first directory."""
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 42:
        return order, False, struct.unpack(order + "I", head[4:8])[0]
    if version == 43 and len(head) == 16:
        return order, True, struct.unpack(order + "Q", head[8:16])[0]
    return None


def _main(file: BinaryIO, whole: bool = False) -> _Directory | None:
    """The first directory: metadata alone, or with ``whole`` every value."""
    head = _head(file)
    if head is None:
        return None
    order, big, offset = head
    return _read(file, offset, order, big, None if whole else {*_OF_EXIF, _IPTC}, depth=0)


def _read(file: BinaryIO, offset: int, order: str, big: bool, only: set[int] | None, depth: int) -> _Directory:
    result = _Directory(order)
    file.seek(offset)
    start = file.read(8 if big else 2)
    if len(start) < (8 if big else 2):
        return result
    number = struct.unpack(order + ("Q" if big else "H"), start)[0]
    size, form = (20, "HHQ") if big else (12, "HHI")
    table = file.read(min(number, 4096) * size)
    for at in range(0, len(table) - size + 1, size):
        tag, kind, count = struct.unpack_from(order + form, table, at)
        inline = table[at + struct.calcsize("<" + form) : at + size]
        length = _SIZES.get(kind, 0) * count
        if length == 0 or ((only is not None or depth) and length > _MOST):
            continue
        value = inline[:length]
        if length > len(inline):
            file.seek(struct.unpack(order + ("Q" if big else "I"), inline)[0])
            value = file.read(length)
            if len(value) < length:
                continue
        if tag in _DIRECTORIES and kind in (4, 13, 16, 18) and count == 1 and depth < 2:
            at_byte = int.from_bytes(value, "little" if order == "<" else "big")
            if below := _read(file, at_byte, order, big, None, depth + 1):
                result.below[tag] = below
        elif only is None or tag in only:
            result.entries[tag] = (kind, count, value)
    return result


def _serialise(directory: _Directory, start: int, order: str, big: bool) -> bytes:
    """The bytes of a directory at offset ``start``, followed by its values and subdirectories."""
    width = 8 if big else 4
    pointer = (order + "Q", 16) if big else (order + "I", 4)
    tags = sorted({*directory.entries, *directory.below})
    table = struct.pack(order + ("Q" if big else "H"), len(tags))
    after = start + len(table) + len(tags) * (20 if big else 12) + width
    values = b""
    for tag in tags:
        if tag in directory.below:
            kind, count, value = pointer[1], 1, b""
        else:
            kind, count, value = directory.entries[tag]
            value = _reorder(kind, value, directory.order, order)
        table += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, count)
        if tag not in directory.below and len(value) <= width:
            table += value.ljust(width, b"\0")
            continue
        values += b"\0" * ((after + len(values)) % 2)
        offset = after + len(values)
        table += struct.pack(pointer[0], offset)
        values += _serialise(directory.below[tag], offset, order, big) if tag in directory.below else value
    return table + b"\0" * width + values


def _reorder(kind: int, value: bytes, old: str, new: str) -> bytes:
    """A value in another byte order."""
    unit = _UNITS.get(kind, _SIZES[kind])
    if old == new or unit == 1:
        return value
    return b"".join(value[k : k + unit][::-1] for k in range(0, len(value), unit))
