"""Paths for libvips, which takes UTF-8 only and parses options from a name that ends in a bracket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["vips_path"]


@contextmanager
def vips_path(path: str | Path) -> Iterator[str]:
    """A path that libvips can open for an existing file, valid inside the context.

    A name that libvips cannot take is replaced with a path through the descriptor of the folder or of the file, which
    Linux offers. Without such paths libvips reports that there is no file.

    >>> with vips_path("a.png") as name:
    ...     name
    'a.png'
    """
    text = str(path)
    if _is_plain(text):
        yield text
        return
    # libvips chooses the format by the suffix when it writes, so the file keeps its name if possible.
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
