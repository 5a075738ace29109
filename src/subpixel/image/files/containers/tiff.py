"""EXIF, IPTC and other tags of a TIFF that libvips neither reads nor writes completely.

A directory is parsed into entries with their values and serialised at its new offset. EXIF travels between a TIFF and
other formats as an EXIF block, which is a small TIFF itself.

Sources: TIFF 6.0, sections 2 and 8; BigTIFF's proposal; EXIF 2.32, section 4.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers.tiff_directory import (
    LONGEST,
    Directory,
    Layout,
    read_directory,
    read_layout,
    reorder,
)
from subpixel.image.files.containers.tiff_images import TiffImages
from subpixel.image.files.containers.tiff_inventory import IN_EXIF, IN_TIFF, INVENTORY, OF_PIXELS, name_of

__all__ = [
    "INVENTORY",
    "Tags",
    "add_metadata",
    "holds_exif",
    "list_losses",
    "list_parts",
    "pack_tags",
    "read_blob",
    "read_exif",
    "read_iptc",
    "read_tags",
    "replace_strips",
    "unpack_tags",
]

# Types, counts and values by tag, in little-endian order.
Tags = Mapping[int, tuple[int, int, bytes]]

_DESCRIPTION, _ICC, _XMP, _IPTC, _PHOTOSHOP = 270, 34675, 700, 33723, 34377
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965
_DIRECTORIES = (_EXIF, _GPS, _INTEROPERABILITY)
# Descriptions for programs, which state the size of the old pixels or how many images follow: those of OME, ImageJ,
# tifffile and Aperio.
_FOR_PROGRAMS = (b"ImageJ=", b"Aperio ", b'{"shape":', b"<OME", b"shape=(")


@dataclass
class _Values:
    """Entries by tag: type, count and value in the byte order ``order``; and the directories that entries point to."""

    order: str
    entries: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    below: dict[int, _Values] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.entries or self.below)


def read_exif(file: BinaryIO, images: TiffImages | None = None) -> bytes | None:
    """The EXIF of a TIFF as the block that other formats hold, beginning with ``Exif\\0\\0``; None if there is none.

    Args:
        file: the file.
        images: the images in it, if it has been read before: EXIF is that of the main image, and what it lacks that of
            the first.

    Raises:
        OSError: the file cannot be read.
    """
    main = _main(file, IN_EXIF, images)
    if not main:
        return None
    if _for_programs(main):
        del main.entries[_DESCRIPTION]
    if not main:
        return None
    mark = b"II" if main.order == "<" else b"MM"
    return b"Exif\0\0" + mark + struct.pack(main.order + "HI", 42, 8) + _serialise(main, 8, main.order, big=False)


def read_iptc(file: BinaryIO, images: TiffImages | None = None) -> bytes | None:
    """The IPTC records of a TIFF, whatever the type of their tag; None if there are none. Arguments as above.

    Raises:
        OSError: the file cannot be read.
    """
    main = _main(file, {_IPTC}, images, below=False)
    return main.entries[_IPTC][2] if main is not None and _IPTC in main.entries else None


def read_tags(file: BinaryIO, images: TiffImages | None = None) -> Tags:
    """The tags that only a TIFF holds and that a result keeps. Arguments as above.

    Raises:
        OSError: the file cannot be read.
    """
    main = _main(file, IN_TIFF, images, below=False)
    if main is None:
        return {}
    return {
        tag: (kind, count, reorder(kind, value, main.order, "<")) for tag, (kind, count, value) in main.entries.items()
    }


def read_blob(file: BinaryIO, images: TiffImages, tag: int) -> bytes | None:
    """The bytes of a tag of the main image, or else of the first: XMP, Photoshop's resources, a profile.

    Raises:
        OSError: the file cannot be read.
    """
    return images.main.directory.value(file, tag) or images.first.value(file, tag)


def list_parts(file: BinaryIO, images: TiffImages) -> list[str]:
    """The names of the tags of the main image, and of what the first image says of the whole file.

    Raises:
        OSError: the file cannot be read.
    """
    tags = set(images.main.directory.entries)
    if images.first is not images.main.directory:
        tags |= set(images.first.entries) & (IN_EXIF | IN_TIFF | set(_DIRECTORIES) | {_ICC, _XMP, _IPTC, _PHOTOSHOP})
    return [name_of(tag) for tag in sorted(tags)]


def list_losses(file: BinaryIO, images: TiffImages) -> tuple[str, ...]:
    """What every result will lack of a file, one sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    losses = (*images.notes, *INVENTORY.losses(list_parts(file, images)))
    main = _main(file, {_DESCRIPTION}, images, below=False)
    if main is not None and _for_programs(main):
        losses = (*losses, "the description (270 ImageDescription) states the size of the old pixels: it is not kept")
    return losses


def pack_tags(tags: Tags) -> bytes:
    """Tags as bytes, for a field of a header."""
    return b"".join(struct.pack("<HHQI", tag, *entry[:2], len(entry[2])) + entry[2] for tag, entry in tags.items())


def unpack_tags(packed: bytes | None) -> Tags:
    """The tags that :func:`pack_tags` packed.

    >>> unpack_tags(pack_tags({285: (2, 5, b"page\\0")}))
    {285: (2, 5, b'page\\x00')}
    """
    tags: dict[int, tuple[int, int, bytes]] = {}
    while packed:
        tag, kind, count, length = struct.unpack_from("<HHQI", packed)
        tags[tag] = (kind, count, packed[16 : 16 + length])
        packed = packed[16 + length :]
    return tags


def add_metadata(
    path: str | Path,
    block: bytes | None,
    records: bytes | None,
    tags: Tags | None = None,
) -> None:
    """Add EXIF, IPTC and tags to a TIFF of one image: a new directory is written at the end of the file.

    Args:
        path: the file.
        block: as :func:`read_exif` returns it.
        records: as :func:`read_iptc` returns them.
        tags: as :func:`read_tags` returns them.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is not a TIFF, or is too large for 32-bit offsets.
    """
    source = None if block is None else _of_block(block)
    with open(path, "r+b") as file:
        layout = read_layout(file)
        main = _main(file, None)
        if layout is None or main is None:
            raise ValueError("not a TIFF")
        order = layout.order
        for tag, (kind, count, value) in () if source is None else source.entries.items():
            if tag not in main.entries:
                main.entries[tag] = (kind, count, reorder(kind, value, source.order if source else order, order))
        if source is not None:
            main.below |= source.below
        if records is not None:
            main.entries[_IPTC] = (7, len(records), records)
        for tag, (kind, count, value) in (tags or {}).items():
            main.entries[tag] = (kind, count, reorder(kind, value, "<", order))
        file.seek(0, 2)
        _write_directory(file, layout, main)


def replace_strips(path: str | Path, strips: Iterable[tuple[int, bytes]], height: int) -> None:
    """Write a TIFF of one image anew with other strips; its directory is kept.

    Args:
        path: the file.
        strips: rows and content of each, from the top; all but the last have as many rows.
        height: the rows of all.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is not a TIFF, or becomes too large for 32-bit offsets.
    """
    with open(path, "r+b") as file:
        layout = read_layout(file)
        main = _main(file, None)
        if layout is None or main is None:
            raise ValueError("not a TIFF")
        head = 16 if layout.big else 8
        file.seek(head)
        offsets, lengths, rows = [], [], height
        for number, (count, content) in enumerate(strips):
            rows = count if number == 0 else rows
            offsets.append(file.tell())
            lengths.append(len(content))
            file.write(content)
        for tag, numbers in {257: [height], 273: offsets, 278: [rows], 279: lengths}.items():
            kind, letter = (16, "Q") if layout.big and tag in (273, 279) else (4, "I")
            if letter == "I" and max(numbers) >= 1 << 32:
                raise ValueError("too large for a TIFF with 32-bit offsets")
            main.entries[tag] = (kind, len(numbers), struct.pack(f"{layout.order}{len(numbers)}{letter}", *numbers))
        _write_directory(file, layout, main)
        file.truncate()


def holds_exif(file: BinaryIO, block: bytes) -> bool:
    """Whether everything in an EXIF block is in a TIFF of one image, whatever their byte orders.

    Raises:
        OSError: the file cannot be read.
    """
    wanted, there = _of_block(block), _main(file, None)
    return not wanted or (there is not None and _within(wanted, there))


def _within(one: _Values, other: _Values) -> bool:
    for tag, (kind, count, value) in one.entries.items():
        if other.entries.get(tag) != (kind, count, reorder(kind, value, one.order, other.order)):
            return False
    return all(tag in other.below and _within(below, other.below[tag]) for tag, below in one.below.items())


def _of_block(block: bytes) -> _Values | None:
    """What a block says of an image, whatever its pixels."""
    values = _main(io.BytesIO(block.removeprefix(b"Exif\0\0")), None)
    if values is not None:
        values.entries = {tag: entry for tag, entry in values.entries.items() if tag not in OF_PIXELS}
    return values


def _for_programs(main: _Values) -> bool:
    start = main.entries.get(_DESCRIPTION, (0, 0, b""))[2][:4096]
    return start.startswith(_FOR_PROGRAMS) or b"<OME" in start


def _main(
    file: BinaryIO, only: Set[int] | None, images: TiffImages | None = None, *, below: bool = True
) -> _Values | None:
    """Values of the main image's directory, and with ``below`` those of the directories that it points to.

    Args:
        file: the file.
        only: these tags of the main directory; None for all.
        images: the images in it; None if there is only one. What the main image lacks is taken from the first.
        below: whether to read EXIF, GPS and interoperability.
    """
    if images is not None:
        main = _load(file, images.main.directory, only, below)
        if images.first is not images.main.directory:
            first = _load(file, images.first, only, below)
            main = _Values(main.order, first.entries | main.entries, first.below | main.below)
        return main
    layout = read_layout(file)
    if layout is None:
        return None
    directory = read_directory(file, layout, layout.first)
    return _Values(layout.order) if directory is None else _load(file, directory, only, below)


def _load(file: BinaryIO, directory: Directory, only: Set[int] | None, below: bool, depth: int = 0) -> _Values:
    layout = directory.layout
    result = _Values(layout.order)
    longest = LONGEST if only is not None or depth else 1 << 40
    for tag, entry in directory.entries.items():
        if tag in _DIRECTORIES and entry.kind in (4, 13, 16, 18) and entry.count == 1 and depth < 2:
            lower = read_directory(file, layout, directory.integer(file, tag)) if below else None
            if lower is not None and (values := _load(file, lower, None, below, depth + 1)):
                result.below[tag] = values
        elif only is None or tag in only:
            value = directory.value(file, tag, longest)
            if value is not None:
                result.entries[tag] = (entry.kind, entry.count, value)
    return result


def _write_directory(file: BinaryIO, layout: Layout, main: _Values) -> None:
    """Write the main directory at the position of the file, and stay behind it."""
    file.write(b"\0" * (file.tell() % 2))
    start = file.tell()
    content = _serialise(main, start, layout.order, layout.big)
    if not layout.big and start + len(content) >= 1 << 32:
        raise ValueError("too large for a TIFF with 32-bit offsets")
    file.write(content)
    file.seek(8 if layout.big else 4)
    file.write(struct.pack(layout.pointer, start))
    file.seek(start + len(content))


def _serialise(directory: _Values, start: int, order: str, big: bool) -> bytes:
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
            value = reorder(kind, value, directory.order, order)
        table += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, count)
        if tag not in directory.below and len(value) <= width:
            table += value.ljust(width, b"\0")
            continue
        values += b"\0" * ((after + len(values)) % 2)
        offset = after + len(values)
        table += struct.pack(pointer[0], offset)
        values += _serialise(directory.below[tag], offset, order, big) if tag in directory.below else value
    return table + b"\0" * width + values
