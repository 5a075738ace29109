"""Files on the disk: what they take, where a file with several names counts once, and writing them for good."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["bytes_freed", "bytes_used", "flush_file"]


def _files(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(place, name))
            except FileNotFoundError:
                continue  # removed meanwhile


def bytes_used(*folders: Path) -> int:
    """The bytes of all files below some folders."""
    sizes = {(each.st_dev, each.st_ino): each.st_size for folder in folders for each in _files(folder)}
    return sum(sizes.values())


def bytes_freed(path: Path) -> int:
    """The bytes that are free once a file or a folder is removed: those of files without another name."""
    found = _files(path) if path.is_dir() else iter([os.lstat(path)])
    return sum(each.st_size for each in found if each.st_nlink == 1)


def flush_file(path: Path) -> None:
    """Wait until the content of a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
