"""Where results go."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyvips

from subpixel.errors import InvalidArgument
from subpixel.image.files.formats import WRITABLE, default_suffix
from subpixel.image.files.source_metadata import frames_of, loader_of
from subpixel.image.job import Job

__all__ = ["Places"]


class Places:
    """The destinations that an output means for some inputs: a file, a folder, or a place beside each image.

    Args:
        inputs: as for :func:`subpixel.image.batch.inputs.find`.
        output: a file's path for one image; a folder's, which need not exist where it cannot mean a file (it ends in
            a slash, or there are several images); None for a place beside each image.
        make_job: the Job of ``(source, upscaler, folder=…)``, which names what was not named.
        suffix: of results that are not named; None for that of what their pixels need, and an animation its own.

    Attributes:
        file: the one file, or None.
        folder: the folder, or None.

    Raises:
        InvalidArgument: a folder is needed and the output cannot be one; a suffix that cannot be written.
    """

    def __init__(
        self, inputs: Sequence[str], output: str | None, make_job: Callable[..., Job], suffix: str | None = None
    ) -> None:
        self._make_job, self._suffix = make_job, suffix
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
                raise InvalidArgument(f"{output}: with more than one image the output must be a folder, not a file")
            if Path(output).suffix.lower() in WRITABLE:
                raise InvalidArgument(
                    f"{output}: is called like an image, and with more than one the output must be a folder; "
                    f"{output}{os.sep} would be one"
                )
        self.folder = Path(output)

    def __call__(self, source: Path, below: Path, header: pyvips.Image | None) -> Path:
        """Where the result of an image goes, see :func:`subpixel.image.batch.plan.plan`."""
        if self.file is not None:
            return self.file
        wide = header is not None and header.format in ("float", "double")
        loader = loader_of(header)
        pages = frames_of(header)
        suffix = self._suffix or default_suffix(np.dtype(np.float32 if wide else np.uint8), loader, pages)
        folder = None if self.folder is None else self.folder / below
        return self._make_job(source, folder=folder).planned(suffix)

    def __str__(self) -> str:
        return "beside the images" if self.folder is None else f"in {self.folder}"


def _is_pattern(text: str) -> bool:
    return glob.has_magic(text) and not os.path.lexists(text)
