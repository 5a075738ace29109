"""Where the parts of a TIFF lie: whether its pixels are in the file, and what lies behind all that it refers to.

Sources: as in :mod:`subpixel.image.files.containers.tiff_directory`; EXIF 2.32, section 4.6.3 (directories of EXIF).
"""

from __future__ import annotations

import os
from typing import BinaryIO

from subpixel.image.files.containers.tiff_directory import Directory, Layout, walk
from subpixel.image.files.containers.tiff_images import TiffImages
from subpixel.image.files.containers.trailing import describe_trailing

__all__ = ["find_damage", "list_extent"]

# Offsets and lengths of strips and tiles, of the image in JPEG that thumbnails of EXIF have, and of free space.
_PIECES = ((273, 279), (324, 325), (513, 514), (288, 289))
# Directories below others: SubIFDs, EXIF, GPS, interoperability, global parameters.
_BELOW = (330, 34665, 34853, 40965, 400)
# Tags without which pixels cannot be read: bits, strips, tiles, formats of samples, palette.
_OF_PIXELS = (258, 273, 279, 320, 324, 325, 339)
_PADDING = 16
# Tags whose numbers are all read, and how many may be read of a file: thousands of directories may claim millions each.
_COUNTED = {*_BELOW, *(tag for pair in _PIECES for tag in pair)}
_MOST_NUMBERS = 1 << 22


def find_damage(images: TiffImages, file: BinaryIO) -> str | None:
    """Why the pixels of the main image cannot be complete, in a phrase; None if nothing proves it.

    Raises:
        OSError: the file cannot be read.
    """
    directory = images.main.directory
    if not directory.complete:
        return "the directory of the TIFF is cut short"
    size = file.seek(0, os.SEEK_END)
    if any(one.at + one.length > size for tag, one in directory.entries.items() if tag in _OF_PIXELS):
        return "numbers in the directory of the TIFF lie behind the end of the file"
    for offsets, lengths in _PIECES[:2]:
        pairs = zip(directory.numbers(file, offsets), directory.numbers(file, lengths), strict=False)
        outside = [number for number, (offset, length) in enumerate(pairs, 1) if length and offset >= size]
        if outside:
            kind = "strip" if offsets == 273 else "tile"
            return f"{kind} {outside[0]} lies behind the end of the file" + (
                f", and {len(outside) - 1} more" if len(outside) > 1 else ""
            )
    return None


def list_extent(images: TiffImages, file: BinaryIO) -> tuple[str, ...]:
    """What is not stored of the main image, and what lies behind everything, one sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    notes = []
    lengths = images.main.directory.numbers(file, 325) or images.main.directory.numbers(file, 279)
    empty = sum(not length for length in lengths)
    if empty:
        verbs = "is not stored: it is" if empty == 1 else "are not stored: they are"
        notes.append(f"{empty} of {len(lengths)} strips or tiles {verbs} read as zeros")
    end = _end(images, file)
    if images.stack == 1 and end is not None:
        file.seek(end)
        some = file.read(1 << 16)
        trailing = describe_trailing(file, end) if len(some) > _PADDING and any(some) else None
        notes += [] if trailing is None else [trailing]
    return tuple(notes)


def _end(images: TiffImages, file: BinaryIO) -> int | None:
    """The offset behind all that directories refer to; None if a directory is cut short, or to find it takes long."""
    visited = set[int]()
    layout = images.first.layout
    end, waiting, numbers = 16, [layout.first], 0
    while waiting:
        for directory in walk(file, layout, waiting.pop(), visited):
            numbers += sum(directory.entries[tag].count for tag in _COUNTED & directory.entries.keys())
            if not directory.complete or numbers > _MOST_NUMBERS:
                return None
            end = max(end, _end_of_directory(directory, layout, file))
            waiting += [int(offset) for tag in _BELOW for offset in directory.numbers(file, tag)]
    return end


def _end_of_directory(directory: Directory, layout: Layout, file: BinaryIO) -> int:
    head, entry, pointer = (8, 20, 8) if layout.big else (2, 12, 4)
    end = directory.offset + head + entry * directory.count + pointer
    end = max([end, *(one.at + one.length for one in directory.entries.values())])
    for offsets, lengths in _PIECES:
        pairs = zip(directory.numbers(file, offsets), directory.numbers(file, lengths), strict=False)
        end = max([end, *(int(offset + length) for offset, length in pairs)])
    return end
