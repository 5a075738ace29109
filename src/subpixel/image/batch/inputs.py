"""Finding images: files, folders with all below them, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import ImageReadError
from subpixel.storage.os_errors import os_error_text

__all__ = ["IMAGES", "Found", "find"]

# What counts as an image within a folder. A file that is named is tried whatever it is called.
_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".heic", ".heif", ".jxl", ".jp2")
_EXACT = (".png", ".tif", ".tiff", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm")
IMAGES = frozenset((*_LOSSY, *_EXACT))


@dataclass(frozen=True)
class Found:
    """An image that was asked for.

    Args:
        path: where it is.
        below: its folder, seen from the folder that was named; empty for a file that was named itself.
        named: it was named itself.
        error: why it, or a whole folder, cannot be looked at.
    """

    path: Path
    below: Path = Path()
    named: bool = False
    error: ImageReadError | None = None


def find(inputs: Iterable[str], without: Path | None = None) -> list[Found]:
    """The images that files, folders and patterns mean, each once, in an order that depends on their names alone.

    Within a folder hidden files and folders are left out, and what no suffix of :data:`IMAGES` says to be a
    image. Links are followed; a folder that several paths lead to is visited once, so that loops end.

    Args:
        inputs: paths, and patterns (``*``, ``?``, ``[…]``, ``**`` for any depth) where no path is called so.
        without: a folder within the others that is not visited: that of the results.

    >>> find(["no such folder/*.jpg"])[0].error
    ImageReadError('no such folder/*.jpg: no file of such a name')
    """
    found: dict[str, Found] = {}
    for each in inputs:
        for item in _of_one(each, without):
            found.setdefault(os.path.abspath(item.path), item)
    return list(found.values())


def _of_one(text: str, without: Path | None) -> Iterator[Found]:
    if not text:
        yield Found(Path(), named=True, error=ImageReadError("an empty name is no image"))
        return
    if os.path.lexists(text) or not glob.has_magic(text):
        yield from _of_path(Path(text), without)
        return
    matches = sorted(glob.glob(text, recursive=True), key=os.fsencode)
    if not matches:
        yield Found(Path(text), named=True, error=ImageReadError(f"{text}: no file of such a name"))
    for match in matches:
        # ``**`` meets every folder and then every file in it; a pattern for files means files.
        if not (os.path.isdir(match) and "**" in text):
            yield from _of_path(Path(match), without)


def _of_path(path: Path, without: Path | None) -> Iterator[Found]:
    if not os.path.isdir(path):
        yield Found(path, named=True)
        return
    seen = set()
    if without is not None and os.path.isdir(without) and not os.path.samefile(without, path):
        seen.add(_identity(without))
    empty = True
    for item in _within(path, Path(), seen):
        empty = False
        yield item
    if empty:
        yield Found(path, error=ImageReadError(f"{path}: no image lies in this folder, by the suffixes"))


def _within(folder: Path, below: Path, seen: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        identity = _identity(folder)
        if identity in seen:
            return
        seen.add(identity)
        names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=os.fsencode)
    except OSError as error:
        yield Found(folder, below, error=ImageReadError(f"{folder}: {os_error_text(error)}"))
        return
    folders = [name for name in names if os.path.isdir(folder / name)]  # unlike an entry's is_dir it raises nothing
    for name in names:
        if os.path.splitext(name)[1].lower() in IMAGES and _may_be_read(folder / name):
            yield Found(folder / name, below)
    # Where a folder and a link to it both lie, the results are to lie under the folder's own name.
    for name in sorted(folders, key=lambda name: os.path.islink(folder / name)):
        yield from _within(folder / name, below / name, seen)


def _may_be_read(path: Path) -> bool:
    """A file, or a link that leads nowhere, which is to be reported; no folder, and nothing that never ends."""
    return os.path.isfile(path) or not os.path.exists(path)


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
