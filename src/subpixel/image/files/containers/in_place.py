"""Replacing a part of a file by one of another length."""

from __future__ import annotations

import os
from typing import BinaryIO

__all__ = ["replace_part"]

_BLOCK = 1 << 20


def replace_part(file: BinaryIO, at: int, length: int, new: bytes) -> None:
    """Replace a part of a file in place. What follows is moved.

    Args:
        file: open for reading and writing.
        at: offset of the part.
        length: its length in bytes.
        new: what takes its place.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the part does not lie in the file, which stays as it is.
    """
    delta, size = len(new) - length, file.seek(0, os.SEEK_END)
    if not 0 <= at <= at + length <= size:
        raise ValueError("a part of the file is cut short")
    starts = range(at + length, size, _BLOCK)
    for start in reversed(starts) if delta > 0 else starts if delta < 0 else ():
        file.seek(start)
        block = file.read(min(_BLOCK, size - start))
        file.seek(start + delta)
        file.write(block)
    file.truncate(size + delta)
    file.seek(at)
    file.write(new)
