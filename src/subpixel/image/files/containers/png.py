"""Texts of a PNG: author, description, the words a generator was given. libvips writes them in one wrong encoding."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["add_texts", "has_gray_palette", "texts"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_KINDS = (b"tEXt", b"zTXt", b"iTXt")
# What libvips reads and writes by itself under these words: XMP, and EXIF and others as ImageMagick writes them.
_OTHERWISE = (b"XML:com.adobe.xmp\0", b"Raw profile type ")
# Texts of more than this in all are no description of an image.
_MOST = 16 * 1024**2


def texts(path: str | Path) -> tuple[bytes, ...]:
    """The chunks of text of a PNG, each whole: length, kind, content, checksum. None of a file that is cut short.

    Raises:
        OSError: the file cannot be read.
    """
    found: list[bytes] = []
    total = 0
    with open(path, "rb") as file:
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
            if not content.startswith(_OTHERWISE):
                found.append(start + content)
    return tuple(found)


def add_texts(path: str | Path, chunks: tuple[bytes, ...]) -> None:
    """Put chunks before the end of a PNG.

    Raises:
        OSError: the file cannot be written.
        ValueError: it does not end as a PNG does.
    """
    with open(path, "r+b") as file:
        file.seek(-len(_END), os.SEEK_END)
        if file.read() != _END:
            raise ValueError("no end of a PNG")
        file.seek(-len(_END), os.SEEK_END)
        file.write(b"".join(chunks) + _END)


def has_gray_palette(path: str | Path) -> bool:
    """Whether a PNG has a palette, and that of nothing but grays.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(8) != _SIGNATURE:
            return False
        while len(start := file.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND"):
            length = int.from_bytes(start[:4], "big")
            if start[4:] == b"PLTE":
                content = file.read(min(length, 768))
                return content[0::3] == content[1::3] == content[2::3]
            file.seek(length + 4, os.SEEK_CUR)
    return False
