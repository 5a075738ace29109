"""One picture from file to file: in memory, or row by row where it is too large for that."""

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
from subpixel.image.compare import beside_bicubic, sheet_of
from subpixel.image.formats import default_suffix
from subpixel.image.origin import origin
from subpixel.image.provenance import Provenance, digest_of
from subpixel.image.pushing import push
from subpixel.image.reading import Opened, opened, read
from subpixel.image.rows import Rows, survey
from subpixel.image.writing import check_destination, check_pixels, put, write
from subpixel.models.auto import Choice
from subpixel.upscaler import Enlarger, Plan, Upscaler

__all__ = ["HUGE", "Job", "Progress", "Result"]

# Bytes of a picture and its result from which they go through row by row. Below, they fit in any memory, and a picture
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
    """Enlarge one picture file.

    Args:
        source: the picture.
        upscaler: what enlarges it, an Enlarger or an Upscaler.
        destination: the file to write; None for ``name_x2.png`` (what the size was asked by) in ``folder``.
        folder: for a destination that was not named; None for the source's own.
        overwrite: replace a file that is there. The source itself is never replaced.
        settings: what was asked for, see :func:`subpixel.image.settings.settings_of`; it is written into the result.
        compare: a file for a picture that shows the plain resize beside the result, or a folder for it, where it is
            ``name_x2_comparison.png`` after the result's name; None for no such picture. With one, the picture and its
            result are in memory, however large they are.
    """

    source: Path
    upscaler: Enlarger | Upscaler
    destination: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    settings: str = ""
    compare: Path | None = None

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
        found = opened(self.source)
        destination = self.destination
        if destination is None:
            destination = self.planned(default_suffix(found.dtype))
            self.check(destination)
        self.check_sheet(destination)
        height, width, channels = found.shape
        size = self.enlarger.target.size(height, width)
        check_pixels(destination, (*size, channels), found.dtype)
        way = self._by_rows if self.goes_by_rows(found, size) else self._in_memory
        choice, plan, notes, seconds = way(found, destination, progress or (lambda done, total: None))
        if plan.note is not None:
            notes = (*notes, plan.note)
        return Result(destination, (width, height), (size[1], size[0]), notes, seconds, choice, self.sheet(destination))

    def goes_by_rows(self, found: Opened, size: tuple[int, int]) -> bool:
        """Whether a picture is too large to be in memory with its result, ``(height, width)``."""
        height, width, channels = found.shape
        pixels = height * width + size[0] * size[1]
        large = pixels * channels * found.dtype.itemsize > HUGE
        return large and self.enlarger.in_parts and self.compare is None

    def _in_memory(
        self, _: Opened, destination: Path, progress: Progress
    ) -> tuple[Choice, Plan, tuple[str, ...], dict[str, float]]:
        start = time.perf_counter()
        picture = read(self.source)
        digest = digest_of(self.source)
        loaded = time.perf_counter()
        enlarger = self.enlarger
        choice = enlarger.choose(picture.pixels, origin(self.source))
        plan = enlarger.plan(picture.pixels.shape[0], picture.pixels.shape[1], choice)
        made = enlarger(picture.pixels, choice)
        computed = time.perf_counter()
        progress(len(made), len(made))
        provenance = self._provenance(choice, digest)
        write(replace(picture, pixels=made), destination, overwrite=self.overwrite, provenance=provenance)
        written = time.perf_counter()
        seconds = {"read": loaded - start, "upscale": computed - loaded, "write": written - computed}
        sheet = self.sheet(destination)
        if sheet is not None:
            both = beside_bicubic(picture, made, f"{choice.model} {enlarger.target.label}")
            write(both, sheet, overwrite=self.overwrite)
            seconds["compare"] = time.perf_counter() - written
        return choice, plan, picture.notes, seconds

    def _by_rows(
        self, found: Opened, destination: Path, progress: Progress
    ) -> tuple[Choice, Plan, tuple[str, ...], dict[str, float]]:
        """Reading, enlarging and writing go side by side, so their time counts as one; ``read`` is what came before."""
        start = time.perf_counter()
        enlarger = self.enlarger
        digest = digest_of(self.source)
        with Rows(self.source, found, destination.absolute().parent) as rows:
            height, width, channels = rows.shape
            choice = enlarger.chosen(origin(self.source), height, width)
            alpha, figure = survey(rows.blocks(), rows.shape, measure=choice is None)
            choice = choice or enlarger.measured(figure)
            plan = enlarger.plan(height, width, choice)
            surveyed = time.perf_counter()
            made = _counted(enlarger.stream(rows.blocks(), rows.shape, rows.dtype, alpha, choice), plan, progress)

            def save(image: Any) -> None:
                provenance = self._provenance(choice, digest)
                put(image, found.header, destination, overwrite=self.overwrite, provenance=provenance)

            push(made, (*plan.size, channels), rows.dtype, save)
        written = time.perf_counter()
        seconds = {"read": surveyed - start, "upscale": written - surveyed, "write": 0.0}
        return choice, plan, found.notes, seconds

    @property
    def enlarger(self) -> Enlarger:
        """What enlarges the picture."""
        return Enlarger.of(self.upscaler) if isinstance(self.upscaler, Upscaler) else self.upscaler

    def planned(self, suffix: str = ".png") -> Path:
        """Where the result goes if nothing was said."""
        folder = self.source.parent if self.folder is None else self.folder
        return folder / f"{self.source.stem}_{self.enlarger.target.label}{suffix}"

    def would_repeat(self, made: Provenance) -> bool:
        """Whether a result of this provenance is what this job would make, given that the source is the same."""
        return (made.scale, made.version, made.settings) == (self._size, __version__, self.settings)

    @property
    def _size(self) -> str:
        """What was asked of the size: 2, 2.5, w3000, fit3840x2160."""
        return self.enlarger.target.label.removeprefix("x")

    def _provenance(self, choice: Choice, digest: str) -> Provenance:
        return Provenance(choice.model, self._size, __version__, digest, self.settings)

    def sheet(self, destination: Path) -> Path | None:
        """Where the comparison of a result goes, if one was asked for."""
        return None if self.compare is None else sheet_of(destination, self.compare)

    def check(self, destination: Path, *, makes_folder: bool = False) -> None:
        """What can be known of a destination before the work begins.

        Args:
            destination: of the result, or of the comparison.
            makes_folder: its folder will be made if it is not there.

        Raises:
            ImageWriteError: it is the source, exists, or cannot be written.
            InvalidArgument: a format that cannot be written.
        """
        if os.path.exists(destination) and os.path.exists(self.source) and destination.samefile(self.source):
            raise ImageWriteError(f"{destination}: is the picture itself, which is never replaced; name another output")
        check_destination(destination, overwrite=self.overwrite, makes_folder=makes_folder)

    def check_sheet(self, destination: Path) -> None:
        """The same of the comparison, if one was asked for; it is not the result's own place either."""
        sheet = self.sheet(destination)
        if sheet is None:
            return
        if os.path.realpath(sheet) == os.path.realpath(destination):
            raise InvalidArgument(f"{sheet}: the result goes there; the comparison needs a name of its own")
        self.check(sheet)


def _counted(blocks: Iterator[NDArray[Any]], plan: Plan, progress: Progress) -> Iterator[NDArray[np.generic]]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        progress(done, plan.size[0])
