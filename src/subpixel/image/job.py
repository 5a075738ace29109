"""One picture from file to file."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from subpixel import __version__
from subpixel.errors import ImageWriteError
from subpixel.image.formats import default_suffix
from subpixel.image.origin import origin
from subpixel.image.provenance import Provenance, digest_of
from subpixel.image.reading import read
from subpixel.image.writing import check_destination, write
from subpixel.models.auto import Choice
from subpixel.upscaler import Upscaler

__all__ = ["Job", "Result"]


@dataclass(frozen=True)
class Result:
    """What a job did: the file it wrote, sizes as (width, height), notes, seconds by stage, the model and why."""

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    notes: tuple[str, ...]
    seconds: dict[str, float]
    choice: Choice


@dataclass(frozen=True)
class Job:
    """Enlarge one picture file.

    Args:
        source: the picture.
        upscaler: what enlarges it.
        destination: the file to write; None for ``name_x2.png`` (the scale's number) in ``folder``.
        folder: for a destination that was not named; None for the source's own.
        overwrite: replace a file that is there. The source itself is never replaced.
        settings: what was asked for, see :func:`subpixel.image.settings.settings_of`; it is written into the result.
    """

    source: Path
    upscaler: Upscaler
    destination: Path | None = None
    folder: Path | None = None
    overwrite: bool = False
    settings: str = ""

    def run(self) -> Result:
        """Do it.

        Raises:
            ImageReadError: the source cannot be read.
            ImageWriteError, InvalidArgument: the destination cannot be written.
        """
        start = time.perf_counter()
        if self.destination is not None:
            self._check(self.destination)
        picture = read(self.source)
        digest = digest_of(self.source)
        destination = self.destination
        if destination is None:
            destination = self.planned(default_suffix(picture.pixels.dtype))
            self._check(destination)
        loaded = time.perf_counter()
        choice = self.upscaler.choose(picture.pixels, origin(self.source))
        made = self.upscaler(picture.pixels, choice)
        computed = time.perf_counter()
        made_of = Provenance(choice.model, str(self.upscaler.scale), __version__, digest, self.settings)
        write(replace(picture, pixels=made), destination, overwrite=self.overwrite, provenance=made_of)
        written = time.perf_counter()
        return Result(
            destination,
            (picture.pixels.shape[1], picture.pixels.shape[0]),
            (made.shape[1], made.shape[0]),
            picture.notes,
            {"read": loaded - start, "upscale": computed - loaded, "write": written - computed},
            choice,
        )

    def planned(self, suffix: str = ".png") -> Path:
        """Where the result goes if nothing was said."""
        folder = self.source.parent if self.folder is None else self.folder
        return folder / f"{self.source.stem}_x{self.upscaler.scale}{suffix}"

    def would_repeat(self, made: Provenance) -> bool:
        """Whether a result of this provenance is what this job would make, given that the source is the same."""
        return (made.scale, made.version, made.settings) == (str(self.upscaler.scale), __version__, self.settings)

    def _check(self, destination: Path) -> None:
        if os.path.exists(destination) and os.path.exists(self.source) and destination.samefile(self.source):
            raise ImageWriteError(f"{destination}: is the picture itself, which is never replaced; name another output")
        check_destination(destination, overwrite=self.overwrite)
