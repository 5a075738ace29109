"""The paths of the results of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from subpixel.image.files.formats import WRITABLE, default_suffix
from subpixel.image.files.reading import ImageHeader
from subpixel.image.output_name import output_path
from subpixel.storage.output_place import OutputPlace
from subpixel.upscaler import Target

__all__ = ["OutputPaths", "result_suffix"]


class OutputPaths:
    """The path of each result: one file, files in a folder, or a file beside each image.

    Args:
        inputs: as for :func:`subpixel.storage.inputs.find_files`.
        output: the file for one image; a folder, which need not exist if it ends in a slash or if there are several
            images; None for a file beside each image.
        target: the size of the results, for their names.
        suffix: of the results, as ``.png``; None for a format that loses nothing.
        page: which image of each file was asked for, for their names; None for the main one.

    Attributes:
        file: the one file, or None.
        folder: the folder, or None.

    Raises:
        InvalidArgument: there are several images and the output cannot be a folder.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        output: str | None,
        target: Target,
        suffix: str | None = None,
        page: int | None = None,
    ) -> None:
        self._target, self._suffix, self._page = target, suffix, page
        self._place = OutputPlace.of(inputs, output, "an image", "images", WRITABLE)
        self.file, self.folder = self._place.file, self._place.folder

    def __call__(self, source: Path, subfolder: Path, header: ImageHeader | None) -> Path:
        """The path of one result, see :func:`subpixel.image.batch.plan.plan_batch`."""
        if self.file is not None:
            return self.file
        folder = None if self.folder is None else self.folder / subfolder
        suffix = self._suffix or result_suffix(header, source)
        return output_path(source, self._target, suffix, folder, self._page)

    def __str__(self) -> str:
        return str(self._place)


def result_suffix(header: ImageHeader | None, source: Path) -> str:
    """The suffix of the result of an image for which no format was asked; None for a header that cannot be read."""
    if header is None:
        return default_suffix(np.dtype(np.uint8))
    dtype = np.dtype(np.float32 if header.is_float else np.uint8)
    return default_suffix(dtype, header.loader, header.pages, source.suffix)
