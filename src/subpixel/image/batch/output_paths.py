"""The paths of the results of a batch."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.image.files.formats import WRITABLE, default_suffix
from subpixel.image.files.reading import ImageHeader
from subpixel.image.output_name import output_path
from subpixel.upscaler import Target

__all__ = ["OutputPaths", "result_suffix"]


class OutputPaths:
    """The path of each result: one file, files in a folder, or a file beside each image.

    Args:
        inputs: as for :func:`subpixel.image.batch.inputs.find_images`.
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
        self.file: Path | None = None
        self.folder: Path | None = None
        if output is None:
            return
        many = len(inputs) > 1 or any(os.path.isdir(each) or _is_pattern(each) for each in inputs)
        if not output.endswith(("/", os.sep)) and not os.path.isdir(output):
            if not many:
                self.file = Path(output)
                return
            if os.path.lexists(output):
                raise InvalidArgument(f"{output}: for several images the output must be a folder, and this is a file")
            if Path(output).suffix.lower() in WRITABLE:
                raise InvalidArgument(
                    f"{output}: for several images the output must be a folder, and this is the name of an image; "
                    f"{output}{os.sep} names a folder"
                )
        self.folder = Path(output)

    def __call__(self, source: Path, subfolder: Path, header: ImageHeader | None) -> Path:
        """The path of one result, see :func:`subpixel.image.batch.plan.plan_batch`."""
        if self.file is not None:
            return self.file
        folder = None if self.folder is None else self.folder / subfolder
        suffix = self._suffix or result_suffix(header, source)
        return output_path(source, self._target, suffix, folder, self._page)

    def __str__(self) -> str:
        return "beside the images" if self.folder is None else f"in {self.folder}"


def result_suffix(header: ImageHeader | None, source: Path) -> str:
    """The suffix of the result of an image for which no format was asked; None for a header that cannot be read."""
    if header is None:
        return default_suffix(np.dtype(np.uint8))
    dtype = np.dtype(np.float32 if header.is_float else np.uint8)
    return default_suffix(dtype, header.loader, header.pages, source.suffix)


def _is_pattern(text: str) -> bool:
    return glob.has_magic(text) and not os.path.lexists(text)
