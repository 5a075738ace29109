"""What libvips writes though nobody stated it, and its removal: a resolution, and EXIF.

libvips' default of a pixel per millimetre becomes 25.4 dpi in a file, and its EXIF always has a resolution, a colour
space and a position of chroma. A reader takes them for facts. EXIF is written by
:mod:`subpixel.image.files.exif_place`.

Sources: JFIF 1.02; PNG, third edition; TIFF 6.0, section 3.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers import png
from subpixel.image.files.containers.in_place import replace_part
from subpixel.image.files.formats import Format

__all__ = ["kept_by_libvips", "remove_defaults"]


def kept_by_libvips(*, exif: bool) -> str:
    """The option ``keep`` of libvips' writers: everything, or everything but EXIF."""
    return "all" if exif else "xmp:iptc:icc:other"


def remove_defaults(path: Path, form: Format, *, resolution: bool, exif: bool, aspect: tuple[int, int] | None) -> None:
    """Replace what libvips states of a resolution by itself with what the source states.

    Args:
        path: the file that libvips has written.
        form: its format.
        resolution: whether there is one.
        exif: whether EXIF is written.
        aspect: pixels across and down that are equally long, where there is no resolution; None if unknown.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it is not as libvips writes it.
    """
    with open(path, "r+b") as file:
        if form.name == "JPEG" and (aspect is not None or not exif):
            # A JPEG has JFIF or EXIF, or both; libvips writes neither here. Version 1.02, no unit, no preview.
            density = struct.pack(">HH", *(aspect or (1, 1)))
            replace_part(file, 2, 0, b"\xff\xe0\0\x10JFIF\0\1\2\0" + density + b"\0\0")
        elif form.name == "TIFF" and not resolution:
            _set_tiff_aspect(file, aspect or (1, 1))
        elif form.name == "PNG" and not resolution:
            png.remove_chunk(file, b"pHYs")


def _set_tiff_aspect(file: BinaryIO, aspect: tuple[int, int]) -> None:
    """Unit 1 (none) and pixels across and down in the first directory."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", head, 2)[0] == 43
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    file.seek(start)
    (count,) = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))
    size, value_at = (20, 12) if big else (12, 8)
    table = file.read(size * count)
    start += 8 if big else 2
    for at in range(0, len(table), size):
        (tag,) = struct.unpack_from(order + "H", table, at)
        if tag in (282, 283):
            if not big:
                file.seek(struct.unpack_from(order + "I", table, at + value_at)[0])
            else:
                file.seek(start + at + value_at)
            file.write(struct.pack(order + "II", aspect[tag - 282], 1))
        elif tag == 296:
            file.seek(start + at + value_at)
            file.write(struct.pack(order + "H", 1))
