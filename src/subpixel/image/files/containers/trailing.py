"""Bytes after the end of an image: a motion photo's video, an appended archive. Every viewer ignores them."""

from __future__ import annotations

import os
from typing import BinaryIO

__all__ = ["describe_trailing"]

# First bytes of what programs append, and where they stand.
_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "a video or an AVIF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x89PNG", "a PNG"),
    (0, b"\xff\xd8\xff", "a JPEG"),
    (0, b"GIF8", "a GIF"),
    (0, b"RIFF", "a RIFF file"),
    (0, b"%PDF", "a PDF"),
)


def describe_trailing(file: BinaryIO, end: int) -> str | None:
    """A note about the bytes after an image; None if there are none.

    Args:
        file: the file.
        end: offset of the first byte after the image.

    Raises:
        OSError: the file cannot be read.

    >>> import io
    >>> describe_trailing(io.BytesIO(b"image" + b"PK\\x03\\x04" + bytes(4)), 5)
    '8 bytes after the end of the image (a ZIP archive) are not kept'
    """
    file.seek(end)
    start = file.read(16)
    if not start:
        return None
    count = file.seek(0, os.SEEK_END) - end
    kind = next((f" ({name})" for at, mark, name in _KINDS if start[at : at + len(mark)] == mark), "")
    amount, verb = ("1 byte", "is") if count == 1 else (f"{count:,} bytes", "are")
    return f"{amount} after the end of the image{kind} {verb} not kept"
