"""EXIF's height in an animated WebP: libvips always writes the height of all frames together.

Sources: Google's container specification of WebP; EXIF 2.32, section 4.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

__all__ = ["set_exif_height"]

_EXIF, _HEIGHT = 34665, 0xA003  # the EXIF directory, and PixelYDimension in it
_NUMBERS = {3: "H", 4: "I"}  # the types that it may have


def set_exif_height(path: str | Path, height: int) -> None:
    """Correct the height in EXIF, if there is one.

    Raises:
        OSError: the file cannot be read or written.
    """
    with open(path, "r+b") as file:
        start = _exif(file)
        if start is None:
            return
        file.seek(start)
        head = file.read(8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            return
        main = _value(file, order, start, struct.unpack_from(order + "I", head, 4)[0], _EXIF)
        if main is None:
            return
        offset, form = main
        file.seek(offset)
        inner = struct.unpack(order + form, file.read(struct.calcsize(form)))[0]
        found = _value(file, order, start, inner, _HEIGHT)
        if found is not None:
            offset, form = found
            file.seek(offset)
            file.write(struct.pack(order + form, height))


def _exif(file: BinaryIO) -> int | None:
    """Offset of the EXIF block, after the signature that some writers put before it."""
    file.seek(12)
    while len(chunk := file.read(8)) == 8:
        size = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"EXIF":
            start = file.tell()
            return start + 6 if file.read(6) == b"Exif\0\0" else start
        file.seek(size + size % 2, 1)
    return None


def _value(file: BinaryIO, order: str, start: int, offset: int, tag: int) -> tuple[int, str] | None:
    """Offset in the file and struct format of a directory entry that holds one number."""
    file.seek(start + offset)
    count = file.read(2)
    if len(count) < 2:
        return None
    for _ in range(struct.unpack(order + "H", count)[0]):
        entry = file.read(12)
        if len(entry) < 12:
            return None
        found, kind, values = struct.unpack_from(order + "HHI", entry)
        if found == tag and values == 1 and kind in _NUMBERS:
            return file.tell() - 4, _NUMBERS[kind]
    return None
