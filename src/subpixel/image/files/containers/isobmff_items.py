"""Replacing the content of an item of a written HEIF file.

Source: ISO/IEC 14496-12, section 8.11.3 (``iloc``).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from subpixel.image.files.containers.isobmff import read_contents

__all__ = ["replace_item"]


def replace_item(file: BinaryIO, kind: str, content: bytes) -> None:
    """Replace the content of the only item of a kind. It goes to the end of the file, so that nothing is moved.

    Args:
        file: as libvips writes it, open for reading and writing.
        kind: the type of the item, as ``Exif``.
        content: the new one.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: there is no such item, or it is not stored in one piece.
    """
    contents = read_contents(file)
    numbers = [item.number for item in contents.items.values() if item.kind == kind]
    places = contents.places.get(numbers[0], []) if len(numbers) == 1 else []
    if len(places) != 1:
        raise ValueError(f"the file has no item {kind} in one piece")
    old, length = places[0]
    end = file.seek(0, os.SEEK_END)
    if old + length > end:
        raise ValueError(f"the data of the item {kind} end behind the file")
    file.seek(0)
    try:
        at, base = _extent(file.read(old), numbers[0])
        place = struct.pack(">II", end + 8 - base, len(content))
    except (IndexError, struct.error):
        raise ValueError("the table of places of the file is damaged") from None
    file.seek(old)
    file.write(bytes(length))
    file.seek(end)
    file.write(struct.pack(">I4s", len(content) + 8, b"mdat") + content)
    file.seek(at)
    file.write(place)


def _extent(head: bytes, number: int) -> tuple[int, int]:
    """Where ``iloc`` states offset and length of an item, of 32 bits each, and what the offset is counted from."""
    start = head.find(b"iloc") + 4
    version, sizes, base_size = head[start], head[start + 4], head[start + 5] >> 4
    if start < 4 or version or sizes != 0x44 or base_size not in (0, 4):
        raise ValueError("the file has another table of places")
    at = start + 8
    for _ in range(int.from_bytes(head[start + 6 : start + 8], "big")):
        item = int.from_bytes(head[at : at + 2], "big")
        base = int.from_bytes(head[at + 4 : at + 4 + base_size], "big")
        count = int.from_bytes(head[at + 4 + base_size : at + 6 + base_size], "big")
        at += 6 + base_size
        if item == number and count == 1:
            return at, base
        at += 8 * count
    raise ValueError("the file has no place for the item")
