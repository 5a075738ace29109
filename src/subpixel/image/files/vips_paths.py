"""File names for libvips, which takes UTF-8 only and reads options out of a name that ends in a bracket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["for_libvips"]


@contextmanager
def for_libvips(path: str | Path) -> Iterator[str]:
    """A name for a file that exists, good while the context lasts.

    Any other name goes through the folder's or the file's descriptor, which Linux offers as a path; where there are
    such names and no such paths, libvips says that it finds no file.

    >>> with for_libvips("a.png") as name:
    ...     name
    'a.png'
    """
    text = str(path)
    if _is_plain(text):
        yield text
        return
    # The format is chosen by the suffix where a file is written, so its own name is kept if it can be.
    parent, name = os.path.split(text)
    by_folder = _is_plain(name)
    handle = os.open((parent or os.curdir) if by_folder else text, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{handle}/{name}" if by_folder else f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _is_plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not text.endswith("]")
