"""Text chunks of a PNG: author, description, a generator's prompt. libvips writes them all in one wrong encoding."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["add_texts", "has_gray_palette", "read_texts"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_KINDS = (b"tEXt", b"zTXt", b"iTXt")
# Keywords that libvips reads and writes itself: XMP, and EXIF and others as ImageMagick writes them.
_OF_LIBVIPS = (b"XML:com.adobe.xmp\0", b"Raw profile type ")
# More text than this in all is not the description of an image.
_MOST = 16 * 1024**2


def read_texts(file: BinaryIO) -> tuple[bytes, ...]:
    """The text chunks of a PNG, each complete: length, kind, content, checksum. A truncated chunk ends the list.

    Raises:
        OSError: the file cannot be read.
    """
    texts: list[bytes] = []
    total = 0
    file.seek(0)
    if file.read(8) != _SIGNATURE:
        return ()
    while len(start := file.read(8)) == 8 and start[4:] != b"IEND":
        length = int.from_bytes(start[:4], "big")
        if start[4:] not in _KINDS or length > _MOST:
            file.seek(length + 4, os.SEEK_CUR)
            continue
        content = file.read(length + 4)
        total += len(content)
        if len(content) < length + 4 or total > _MOST:
            break
        if not content.startswith(_OF_LIBVIPS):
            texts.append(start + content)
    return tuple(texts)


def add_texts(path: str | Path, chunks: tuple[bytes, ...]) -> None:
    """Insert chunks before the end of a PNG.

    Raises:
        OSError: the file cannot be written.
        ValueError: the file does not end as a PNG does.
    """
    with open(path, "r+b") as file:
        file.seek(-len(_END), os.SEEK_END)
        if file.read() != _END:
            raise ValueError("the PNG has no end")
        file.seek(-len(_END), os.SEEK_END)
        file.write(b"".join(chunks) + _END)


def has_gray_palette(file: BinaryIO) -> bool:
    """Whether a PNG has a palette that holds nothing but grays.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    if file.read(8) != _SIGNATURE:
        return False
    while len(start := file.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND"):
        length = int.from_bytes(start[:4], "big")
        if start[4:] == b"PLTE":
            content = file.read(min(length, 768))
            return content[0::3] == content[1::3] == content[2::3]
        file.seek(length + 4, os.SEEK_CUR)
    return False
