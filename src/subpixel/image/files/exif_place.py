"""Where the EXIF block of a written file lies, and putting it there.

libvips would write EXIF through libexif, which drops every entry that it does not know. So the block is written here as
it is: a segment of a JPEG, a chunk of a PNG, and in WebP and AVIF in place of the block that libvips wrote.

Sources: EXIF 2.32, section 4.5; PNG, third edition; Google's container specification of WebP; ISO/IEC 23008-12, A.2.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers import isobmff, png, webp
from subpixel.image.files.containers.in_place import replace_part
from subpixel.image.files.containers.isobmff_items import replace_item
from subpixel.image.files.containers.jpeg_segments import read_segments
from subpixel.image.files.formats import Format

__all__ = ["NEEDS_BLOCK", "read_block", "write_block"]

# Formats in which libvips must write a block, so that there is a place for another one.
NEEDS_BLOCK = ("WebP", "AVIF")
_PREFIX = b"Exif\0\0"
_SCAN = 0xDA


def read_block(file: BinaryIO, form: Format) -> bytes | None:
    """The EXIF block of a written file, without ``Exif`` before it; None if there is none. A TIFF has no block.

    Raises:
        OSError: the file cannot be read.
    """
    place = _place(file, form)
    if place is None:
        return None
    file.seek(place[0])
    return file.read(place[1]).removeprefix(_PREFIX)


def write_block(path: Path, form: Format, block: bytes) -> None:
    """Write an EXIF block into a file that libvips has written.

    Args:
        path: the file.
        form: its format, not TIFF.
        block: without ``Exif`` before it.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is not as libvips writes it.
    """
    if form.name == "PNG":
        png.insert_chunks(path, (png.chunk(b"eXIf", block),))
        return
    with open(path, "r+b") as file:
        if form.name == "JPEG":
            content = _PREFIX + block
            replace_part(file, 2, 0, b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content)
        elif form.name == "WebP":
            _write_webp(file, block)
        else:
            replace_item(file, "Exif", struct.pack(">I", len(_PREFIX)) + _PREFIX + block)


def _write_webp(file: BinaryIO, block: bytes) -> None:
    place = _webp_place(file)
    if place is None:
        raise ValueError("the WebP has no place for EXIF")
    at, length = place
    file.seek(4)
    if int.from_bytes(file.read(4), "little") + 8 != file.seek(0, os.SEEK_END):
        raise ValueError("the WebP has another size than it states")
    replace_part(file, at - 4, 4 + length + length % 2, struct.pack("<I", len(block)) + block + bytes(len(block) % 2))
    size = file.seek(0, os.SEEK_END)
    file.seek(4)
    file.write(struct.pack("<I", size - 8))


def _place(file: BinaryIO, form: Format) -> tuple[int, int] | None:
    """Offset and length of the block."""
    if form.name == "JPEG":
        for segment in read_segments(file):
            if segment.marker == _SCAN:
                return None
            if segment.content.startswith(_PREFIX):
                return segment.end - len(segment.content), len(segment.content)
    elif form.name == "PNG":
        return png.chunk_place(file, b"eXIf")
    elif form.name == "WebP":
        return _webp_place(file)
    elif form.name == "AVIF":
        return _avif_place(file)
    return None


def _webp_place(file: BinaryIO) -> tuple[int, int] | None:
    return next(((at, length) for kind, at, length in webp.chunks(file) if kind == b"EXIF"), None)


def _avif_place(file: BinaryIO) -> tuple[int, int] | None:
    contents = isobmff.read_contents(file)
    number = next((item.number for item in contents.items.values() if item.kind == "Exif"), None)
    places = contents.places.get(number or 0, [])
    if len(places) != 1:
        return None
    at, length = places[0]
    file.seek(at)
    skipped = 4 + int.from_bytes(file.read(4), "big")  # a number of bytes before the TIFF header
    return at + skipped, max(0, length - skipped)
