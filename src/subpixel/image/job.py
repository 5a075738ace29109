"""One image from file to file: in memory, or row by row where it is too large for that."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import __version__
from subpixel.errors import ImageWriteError, InvalidArgument
from subpixel.image.comparison.sheet import beside_bicubic, sheet_of
from subpixel.image.files.compression_info import origin
from subpixel.image.files.formats import WRITABLE, check_pixels, default_suffix, format_of, suffix_of
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.reading import LIMIT, Opened, loaded, opened
from subpixel.image.files.row_source import push
from subpixel.image.files.rows import Rows, survey
from subpixel.image.files.writing import check_destination, check_quality, put, write
from subpixel.models.auto import Choice
from subpixel.storage.digest import digest_of
from subpixel.upscaler import SizePlan, Upscaler

__all__ = ["HUGE", "Job", "Progress", "Result"]

# Bytes of an image and its result from which they go through row by row. Below, they fit in any memory, and an image
# in one piece is a little faster.
HUGE = 256 << 20

# Is told how many rows of the result are made, and how many there will be.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Result:
    """What a job did: the file it wrote, sizes as (width, height), notes, seconds by stage, the model and why, and the
    comparison, if one was asked for."""

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    notes: tuple[str, ...]
    seconds: dict[str, float]
    choice: Choice
    comparison: Path | None = None


@dataclass(frozen=True)
class Job:
    """Upscale one image file.

    Args:
        source: the image.
        upscaler: what upscales it.
        destination: the file to write; None for ``name_x2.png`` (what the size was asked by) in ``folder``.
        folder: for a destination that was not named; None for the source's own.
        overwrite: replace a file that is there. The source itself is never replaced.
        settings: what was asked for, see :mod:`subpixel.image.batch.settings_fingerprint`; written into the result.
        compare: a file for an image that shows the plain resize beside the result, or a folder for it, where it is
            ``name_x2_comparison.png`` after the result's name; None for no such image. With one, the image and its
            result are in memory, however large they are.
        format: of a destination that was not named, as ``jpg`` or ``png``; None for that which loses nothing: PNG, TIFF
            for floating point, an animation's own.
        quality: 1 … 100, of a format that loses something; None for what is usual.
        provenance: write into the result where it comes from.
        limit: megapixels from which a source is refused.
    """

    source: Path
    upscaler: Upscaler
    destination: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    settings: str = ""
    compare: Path | None = None
    format: str | None = None
    quality: int | None = None
    provenance: bool = True
    limit: float = LIMIT

    def run(self, progress: Progress | None = None) -> Result:
        """Do it.

        Args:
            progress: is called with rows of the result made and rows in all, from the calling thread.

        Raises:
            ImageReadError: the source cannot be read.
            ImageWriteError, InvalidArgument: the destination cannot be written, or has no size to be written in.
        """
        if self.destination is not None:
            self.check(self.destination)
        found = opened(self.source, limit=self.limit)
        destination = self.destination
        if destination is None:
            destination = self.planned(self.suffix(found))
            self.check(destination)
        self.check_sheet(destination)
        height, width, channels = found.shape
        size = self.upscaler.target.size(width, height)
        check_pixels(destination, (size[1], size[0], channels), found.dtype, found.pages)
        way = self._by_rows if self.goes_by_rows(found, size) else self._in_memory
        choice, plan, notes, seconds = way(found, destination, progress or (lambda done, total: None))
        if plan.note is not None:
            notes = (*notes, plan.note)
        return Result(destination, (width, height), size, notes, seconds, choice, self.sheet(destination))

    def goes_by_rows(self, found: Opened, size: tuple[int, int]) -> bool:
        """Whether an image is too large to be in memory with its result, ``(width, height)``."""
        height, width, channels = found.shape
        pixels = height * width + size[0] * size[1]
        large = pixels * channels * found.dtype.itemsize > HUGE
        return large and self.upscaler.in_parts and self.compare is None and found.pages == 1

    def _in_memory(
        self, found: Opened, destination: Path, progress: Progress
    ) -> tuple[Choice, SizePlan, tuple[str, ...], dict[str, float]]:
        start = time.perf_counter()
        image = loaded(self.source, found)
        digest = self._digest()
        decoded = time.perf_counter()
        upscaler = self.upscaler
        first = image.frames[0]
        choice = upscaler.choose_model(first, origin(self.source))
        plan = upscaler.plan(first.shape[1], first.shape[0], choice)
        result = image.with_frames([upscaler(frame, choice) for frame in image.frames])
        computed = time.perf_counter()
        progress(len(result.pixels), len(result.pixels))
        notes = write(result, destination, **self._writing(choice, digest))
        written = time.perf_counter()
        seconds = {"read": decoded - start, "upscale": computed - decoded, "write": written - computed}
        sheet = self.sheet(destination)
        if sheet is not None:
            still = replace(image, pixels=first, pages=1)  # of an animation the first frame
            both = beside_bicubic(still, result.frames[0], choice.model)
            write(both, sheet, overwrite=self.overwrite)
            seconds["compare"] = time.perf_counter() - written
        return choice, plan, (*image.notes, *notes), seconds

    def _by_rows(
        self, found: Opened, destination: Path, progress: Progress
    ) -> tuple[Choice, SizePlan, tuple[str, ...], dict[str, float]]:
        """Reading, upscaling and writing go side by side, so their time counts as one; ``read`` is what came before."""
        start = time.perf_counter()
        upscaler = self.upscaler
        digest = self._digest()
        notes: list[str] = []
        with Rows(self.source, found, destination.absolute().parent) as rows:
            height, width, channels = rows.shape
            choice = upscaler.choose_by_source(origin(self.source), width, height)
            alpha, figure = survey(rows.blocks(), rows.shape, measure=choice is None)
            choice = choice or upscaler.choose_by_blocks(figure)
            plan = upscaler.plan(width, height, choice)
            surveyed = time.perf_counter()
            result = _counted(upscaler.stream(rows.blocks(), plan, channels, rows.dtype, alpha, choice), plan, progress)

            def save(image: Any) -> None:
                notes.extend(put(image, found.header, destination, **self._writing(choice, digest)))

            push(result, (plan.size[1], plan.size[0], channels), rows.dtype, save)
        written = time.perf_counter()
        seconds = {"read": surveyed - start, "upscale": written - surveyed, "write": 0.0}
        return choice, plan, (*found.notes, *notes), seconds

    def suffix(self, found: Opened) -> str:
        """Of a result that was not named."""
        asked = None if self.format is None else suffix_of(self.format)
        return asked or default_suffix(found.dtype, found.loader, found.pages)

    def planned(self, suffix: str | None = None) -> Path:
        """Where the result goes if nothing was said."""
        folder = self.source.parent if self.folder is None else self.folder
        if suffix is None:
            suffix = ".png" if self.format is None else suffix_of(self.format)
        return folder / f"{self.source.stem}_{self.upscaler.target.label}{suffix}"

    def would_repeat(self, result: Provenance) -> bool:
        """Whether a result of this provenance is what this job would make, given that the source is the same."""
        return (result.scale, result.version, result.settings) == (self._size, __version__, self.settings)

    @property
    def _size(self) -> str:
        """What was asked of the size: 2, 2.5, w3000, fit3840x2160."""
        return self.upscaler.target.label.removeprefix("x")

    def described(self, choice: Choice, digest: str) -> Provenance:
        """What is written into the result of where it comes from."""
        return Provenance(choice.model, self._size, __version__, digest, self.settings)

    def _digest(self) -> str:
        return digest_of(self.source) if self.provenance else ""

    def _writing(self, choice: Choice, digest: str) -> dict[str, Any]:
        """The options of ``write`` and ``put``."""
        values = self.described(choice, digest) if self.provenance else None
        return {"overwrite": self.overwrite, "quality": self.quality, "provenance": values}

    def sheet(self, destination: Path) -> Path | None:
        """Where the comparison of a result goes, if one was asked for."""
        return None if self.compare is None else sheet_of(destination, self.compare)

    def check(self, destination: Path, *, makes_folder: bool = False) -> None:
        """What can be known of a destination before the work begins.

        Args:
            destination: of the result.
            makes_folder: its folder will be made if it is not there.

        Raises:
            ImageWriteError: it is the source, exists, or cannot be written.
            InvalidArgument: a format that cannot be written, is not the one asked for, or has no quality.
        """
        self._check_place(destination, makes_folder=makes_folder)
        check_quality(format_of(destination), self.quality)
        if self.format is not None and format_of(destination) is not WRITABLE[suffix_of(self.format)]:
            raise InvalidArgument(f"{destination}: its name and the format {self.format!r} do not agree; leave one out")

    def _check_place(self, destination: Path, *, makes_folder: bool = False) -> None:
        if os.path.exists(destination) and os.path.exists(self.source) and destination.samefile(self.source):
            raise ImageWriteError(f"{destination}: is the image itself, which is never replaced; name another output")
        check_destination(destination, overwrite=self.overwrite, makes_folder=makes_folder)

    def check_sheet(self, destination: Path) -> None:
        """The same of the comparison, if one was asked for; it is not the result's own place either."""
        sheet = self.sheet(destination)
        if sheet is None:
            return
        if os.path.realpath(sheet) == os.path.realpath(destination):
            raise InvalidArgument(f"{sheet}: the result goes there; the comparison needs a name of its own")
        self._check_place(sheet)


def _counted(blocks: Iterator[NDArray[Any]], plan: SizePlan, progress: Progress) -> Iterator[NDArray[np.generic]]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        progress(done, plan.size[1])
