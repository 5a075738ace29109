"""Finding images: files, folders with everything below them, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import ImageReadError
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.suffixes import IMAGES, VIDEOS

__all__ = ["Input", "find_images"]


@dataclass(frozen=True)
class Input:
    """An image that was found.

    Args:
        path: of the image.
        subfolder: its folder relative to the folder that was named; empty for a file that was named itself.
        named: whether the file was named itself.
        error: why the path, or a whole folder, cannot be read.
    """

    path: Path
    subfolder: Path = Path()
    named: bool = False
    error: ImageReadError | None = None


def find_images(inputs: Iterable[str], excluded: Path | None = None, videos: list[Path] | None = None) -> list[Input]:
    """The images that files, folders and patterns name, each once, in an order that depends on their names alone.

    In a folder, hidden files and folders are ignored, and files without the suffix of an image. Links are followed.
    Pipes and devices are errors: reading one may never end. A folder that several paths lead to is visited once, so
    loops end.

    Args:
        inputs: paths, or patterns (``*``, ``?``, ``[…]``, ``**`` for any depth) where no such path exists.
        excluded: a folder inside the others that is not visited: the one for the results.
        videos: receives the files in folders that have the suffix of a video.

    >>> find_images(["no such folder/*.jpg"])[0].error
    ImageReadError('no such folder/*.jpg: no file matches')
    """
    images: dict[str, Input] = {}
    videos = [] if videos is None else videos
    for each in inputs:
        for item in _expand(each, excluded, videos):
            images.setdefault(os.path.abspath(item.path), item)
    return list(images.values())


def _expand(text: str, excluded: Path | None, videos: list[Path]) -> Iterator[Input]:
    if not text:
        yield Input(Path(), named=True, error=ImageReadError("an empty name is not an image"))
        return
    if os.path.lexists(text) or not glob.has_magic(text):
        yield from _visit(Path(text), excluded, videos)
        return
    matches = sorted(glob.glob(text, recursive=True), key=os.fsencode)
    if not matches:
        yield Input(Path(text), named=True, error=ImageReadError(f"{text}: no file matches"))
    for match in matches:
        # ``**`` matches every folder and also every file in it; the files are enough.
        if not (os.path.isdir(match) and "**" in text):
            yield from _visit(Path(match), excluded, videos)


def _visit(path: Path, excluded: Path | None, videos: list[Path]) -> Iterator[Input]:
    kind = file_kind(path)
    if kind in ("pipe", "device"):
        yield Input(path, named=True, error=_not_a_file(path))
        return
    if kind != "folder":
        missing = None if os.path.lexists(path) else ImageReadError(f"{path}: no such file or directory")
        yield Input(path, named=True, error=missing)
        return
    visited = set()
    if excluded is not None and os.path.isdir(excluded) and not os.path.samefile(excluded, path):
        visited.add(_identity(excluded))
    empty, before = True, len(videos)
    for item in _visit_folder(path, Path(), visited, videos):
        empty = False
        yield item
    if empty:
        hint = "; for videos, use subpixel video" if len(videos) > before else ""
        yield Input(path, error=ImageReadError(f"{path}: no file in this folder has the suffix of an image{hint}"))


def _visit_folder(folder: Path, subfolder: Path, visited: set[tuple[int, int]], videos: list[Path]) -> Iterator[Input]:
    try:
        identity = _identity(folder)
        if identity in visited:
            return
        visited.add(identity)
        names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=os.fsencode)
    except OSError as error:
        yield Input(folder, subfolder, error=ImageReadError(f"{folder}: {os_error_text(error)}"))
        return
    folders = [name for name in names if os.path.isdir(folder / name)]  # unlike DirEntry.is_dir, this raises nothing
    for name in names:
        suffix = os.path.splitext(name)[1].lower()
        if suffix not in IMAGES:
            if suffix in VIDEOS:
                videos.append(folder / name)
            continue
        kind = file_kind(folder / name)
        if kind in ("file", "missing"):  # a broken link is an error to report
            yield Input(folder / name, subfolder)
        elif kind != "folder":
            yield Input(folder / name, subfolder, error=_not_a_file(folder / name))
    # Links come last, so that images of a folder with a link beside it are found under the folder's own name.
    for name in sorted(folders, key=lambda name: os.path.islink(folder / name)):
        yield from _visit_folder(folder / name, subfolder / name, visited, videos)


def _not_a_file(path: Path) -> ImageReadError:
    if file_kind(path) == "device":
        return ImageReadError(f"{path}: this is a device, not an image")
    return ImageReadError(f"{path}: this is a pipe; a pipe is read only if it is the one input")


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
