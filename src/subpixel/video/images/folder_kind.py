"""What a folder is, where videos are expected: the images of one video, or several videos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from subpixel.storage.suffixes import IMAGES, VIDEOS

__all__ = ["FolderKind", "folder_kind"]

FolderKind = Literal["images", "videos", "neither"]


def folder_kind(folder: str | os.PathLike[str]) -> FolderKind:
    """Whether a folder holds videos, or still images and no video.

    Suffixes decide. Hidden files do not count, nor does what lies in folders inside.

    Raises:
        OSError: it cannot be listed.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("1.png", "2.png", "notes.txt"):
    ...         Path(folder, name).touch()
    ...     folder_kind(folder)
    'images'
    """
    suffixes = {
        Path(entry.name).suffix.lower()
        for entry in os.scandir(folder)
        if not entry.name.startswith(".") and not entry.is_dir()
    }
    if suffixes & VIDEOS:
        return "videos"
    return "images" if suffixes & IMAGES else "neither"
