"""Finding images: files, folders with everything below them, patterns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from subpixel.errors import ImageReadError
from subpixel.storage.inputs import Input, Sought, find_files
from subpixel.storage.suffixes import IMAGES, VIDEOS

__all__ = ["find_images"]

_SOUGHT = Sought("an image", IMAGES, ImageReadError, VIDEOS, "for videos, use subpixel video")


def find_images(inputs: Iterable[str], excluded: Path | None = None, videos: list[Path] | None = None) -> list[Input]:
    """The images that files, folders and patterns name, see :func:`subpixel.storage.inputs.find_files`.

    Args:
        inputs: paths or patterns.
        excluded: a folder inside the others that is not visited: the one for the results.
        videos: receives the files in folders that have the suffix of a video.

    >>> find_images(["no such folder/*.jpg"])[0].error
    ImageReadError('no such folder/*.jpg: no file matches')
    """
    return find_files(inputs, _SOUGHT, excluded, videos)
