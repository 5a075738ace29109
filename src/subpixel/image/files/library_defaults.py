"""What libvips writes though nobody stated it, and its removal: a resolution, and entries of EXIF.

libvips' default of a pixel per millimetre becomes 25.4 dpi in a file, and its EXIF always has a resolution, a colour
space and a position of chroma. A reader takes them for facts.

Sources: JFIF 1.02; PNG, third edition; TIFF 6.0, section 3; EXIF 2.32; Google's container specification of WebP.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers import isobmff, png
from subpixel.image.files.containers.exif_block import EXIF, MAIN, RESOLUTION, entries_of, without_entries
from subpixel.image.files.containers.in_place import replace_part
from subpixel.image.files.containers.jpeg_segments import read_segments
from subpixel.image.files.formats import Format

__all__ = ["kept_by_libvips", "remove_defaults"]

# Entries that libvips adds: the resolution, YCbCrPositioning; ExifVersion, ComponentsConfiguration, FlashpixVersion,
# ColorSpace, PixelXDimension, PixelYDimension. The last two are true of the result.
_SIZE = frozenset({(EXIF, 40962), (EXIF, 40963)})
_ADDED = RESOLUTION | _SIZE | {(MAIN, 531), (MAIN, 274)} | {(EXIF, tag) for tag in (36864, 37121, 40960, 40961)}
# Formats whose resolution libvips writes into EXIF only.
_IN_EXIF = ("JPEG", "WebP", "AVIF")
# A JPEG has JFIF or EXIF; libvips writes EXIF only. Version 1.02, square pixels of no stated size, no preview.
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\2\0\0\1\0\1\0\0"
_SCAN = 0xDA


def kept_by_libvips(form: Format, exif: bytes | None, *, resolution: bool) -> str:
    """The option ``keep`` of libvips' writers: everything, or everything but EXIF, which it would invent.

    Args:
        form: the format to write.
        exif: of the source.
        resolution: whether the source states one.
    """
    needed = bool(entries_of(exif)) or (resolution and form.name in _IN_EXIF)
    return "all" if needed else "xmp:iptc:icc:other"


def remove_defaults(path: Path, form: Format, exif: bytes | None, *, resolution: bool) -> None:
    """Remove from a file that libvips has written what it added by itself.

    Args:
        path: the file.
        form: its format.
        exif: of the source; None if there was none.
        resolution: whether the source states one.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it is not as libvips writes it.
    """
    with open(path, "r+b") as file:
        if not resolution:
            if form.name == "TIFF":
                _clear_tiff_resolution(file)
            elif form.name == "PNG":
                png.remove_chunk(file, b"pHYs")
        place = _exif_place(file, form)
        if place is None:
            if form.name == "JPEG":
                replace_part(file, 2, 0, _JFIF)
            return
        at, length = place
        file.seek(at)
        block = file.read(length)
        found = entries_of(block)
        stated = entries_of(exif) - RESOLUTION  # one that is not kept is libvips' default in the result
        stated |= (_SIZE if stated else frozenset()) | (RESOLUTION if resolution else frozenset())
        unwanted = (found & _ADDED) - stated
        changed = without_entries(block, unwanted)
        if changed != block:
            file.seek(at)
            file.write(changed)
            if form.name == "PNG":
                file.write(struct.pack(">I", zlib.crc32(b"eXIf" + changed)))


def _clear_tiff_resolution(file: BinaryIO) -> None:
    """Unit 1 (none) and 1:1 in the first directory."""
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
            file.write(struct.pack(order + "II", 1, 1))
        elif tag == 296:
            file.seek(start + at + value_at)
            file.write(struct.pack(order + "H", 1))


def _exif_place(file: BinaryIO, form: Format) -> tuple[int, int] | None:
    """Offset and length of the EXIF block; None if there is none, or where libvips does not write it."""
    if form.name == "JPEG":
        for segment in read_segments(file):
            if segment.marker == _SCAN:
                return None
            if segment.content.startswith(b"Exif\0\0"):
                return segment.end - len(segment.content), len(segment.content)
    elif form.name == "PNG":
        return png.chunk_place(file, b"eXIf")
    elif form.name == "WebP":
        return _webp_place(file)
    elif form.name == "AVIF":
        return _avif_place(file)
    return None


def _webp_place(file: BinaryIO) -> tuple[int, int] | None:
    end = file.seek(0, os.SEEK_END)
    at = 12
    while at + 8 <= end:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"EXIF":
            return at + 8, length
        at += 8 + length + length % 2
    return None


def _avif_place(file: BinaryIO) -> tuple[int, int] | None:
    contents = isobmff.read_contents(file)
    number = next((item.number for item in contents.items.values() if item.kind == "Exif"), None)
    places = contents.places.get(number or 0, [])
    if len(places) != 1:
        return None
    at, length = places[0]
    file.seek(at)
    skipped = 4 + int.from_bytes(file.read(4), "big")  # a number of bytes before the TIFF header
    file.seek(at + 4)
    if file.read(6) == b"Exif\0\0":
        return at + 4, length - 4
    return at + skipped, length - skipped
