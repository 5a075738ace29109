"""One image from file to file: in memory, or row by row if it is too large for that."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel import __version__
from subpixel.errors import ImageWriteError, InvalidArgument
from subpixel.image.files.formats import WRITABLE, check_pixels, default_suffix, format_of, suffix_of
from subpixel.image.files.limits import LIMIT, check_limit, check_page
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.read_errors import check_read
from subpixel.image.files.reading import (
    ImageFile,
    ImageHeader,
    load_pixels,
    open_image,
    reopen,
)
from subpixel.image.files.row_source import save_rows
from subpixel.image.files.rows import ImageRows, inspect_rows
from subpixel.image.files.wide_files import blank_image, is_wide
from subpixel.image.files.writing import check_destination, check_quality, write, write_vips_image
from subpixel.image.float_range import FloatRange
from subpixel.image.missing_data import MissingData, missing_value
from subpixel.image.opacity import is_opaque
from subpixel.image.output_name import output_path, sheet_path
from subpixel.image.output_pixels import Colour, OutputPixels
from subpixel.models.auto import Choice
from subpixel.storage.digest import digest_of
from subpixel.storage.memory import TILE_HELP, memory_errors, memory_left, require_memory
from subpixel.upscaler import SizePlan, Upscaler

__all__ = ["HUGE", "Job", "Progress", "Result"]

# Bytes of an image and its result from which they are processed row by row. Smaller ones fit in any memory, and an
# image in one piece is a little faster.
HUGE = 256 << 20

# Called with the number of rows of the result that are done, and the number of all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Result:
    """What a job did.

    Args:
        destination: the file that was written.
        size_in: ``(width, height)`` of the image, upright.
        size_out: ``(width, height)`` of the result.
        notes: what was converted or could not be kept, one sentence each.
        seconds: time of each stage: ``read``, ``upscale``, ``write`` and ``compare``.
        choice: the model, and why it was chosen; ``resize`` or ``none`` where no network ran.
        comparison: the comparison that was written; None for none.
        upscaled: whether a network ran; otherwise the image was only resized.
    """

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    notes: tuple[str, ...]
    seconds: dict[str, float]
    choice: Choice
    comparison: Path | None = None
    upscaled: bool = True


@dataclass(frozen=True)
class _Outcome:
    """What both ways of processing return: in memory and row by row."""

    choice: Choice
    plan: SizePlan
    notes: tuple[str, ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Job:
    """Upscale one image file.

    Args:
        source: the image.
        upscaler: upscales it.
        destination: the file to write; None for ``name_x2.png`` (after the size that was asked for) in ``folder``.
        folder: for a result without a destination; None for the folder of the source.
        overwrite: replace an existing file. The source itself is never replaced.
        settings: everything that was asked for besides the size, see
            :func:`subpixel.image.batch.settings_fingerprint.settings_fingerprint`; written into the result.
        compare: a file for a comparison of the bicubic resize and the result, or a folder, where it is named after the
            result: ``name_x2_comparison.png``; None for no comparison. With one, the image and its result are in
            memory, however large they are.
        format: of a result without a destination, as ``jpg`` or ``png``; None for a format that loses nothing: PNG,
            TIFF for floating point, the same format for an animation.
        quality: 1 … 100, of a lossy format; None for its default.
        background: the colour that transparent pixels are laid on, as ``"white"``, ``"#rrggbb"`` or ``(r, g, b)`` of
            0 … 255; None to keep transparency.
        depth: 8 to round to 8 bits per sample; None for those of the image.
        provenance: write into the result how it was made.
        limit: largest source in megapixels.
        page: which image to upscale of a TIFF or HEIF that holds several, from 1; None for the main one.
        header: the source, if it is open already. It is opened again if the file has changed.

    Raises:
        InvalidArgument: an option is out of range, or they contradict each other.
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
    background: Colour | None = None
    depth: int | None = None
    provenance: bool = True
    limit: float = LIMIT
    page: int | None = None
    header: ImageHeader | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_limit(self.limit)
        check_page(self.page)
        check_quality(None if self.format is None else WRITABLE[suffix_of(self.format)], self.quality)
        OutputPixels.of(self.background, self.depth)

    def run(self, progress: Progress | None = None) -> Result:
        """Read, upscale and write.

        Args:
            progress: called with the rows of the result that are done and the rows of all, in the calling thread.

        Raises:
            ImageReadError: the source cannot be read, or changed while it was read.
            ImageWriteError: the destination exists or cannot be written.
            InvalidArgument: the destination's format cannot hold the result, or the size is impossible.
            OutOfMemory: there is not enough memory.
        """
        with memory_errors(str(self.source), TILE_HELP):
            return self._run(progress)

    def _run(self, progress: Progress | None) -> Result:
        if self.destination is not None:
            self.check(self.destination)
        with self.open() as file:
            destination = self.destination
            if destination is None:
                destination = self.default_destination(file)
                self.check(destination)
            self.check_comparison(destination)
            job, file = self.without_opaque_alpha(file, destination)
            height, width, channels = file.shape
            size = self.upscaler.target.size(width, height)
            channels, dtype = job.output_pixels.form(channels, file.dtype)
            check_pixels(destination, (size[1], size[0], channels), dtype, file.pages)
            self.check_memory(file, destination)
            process = job._by_rows if self.needs_rows(file, size) else job._in_memory
            outcome = process(file, destination, progress or (lambda done, total: None))
        notes = outcome.notes if outcome.plan.note is None else (*outcome.notes, outcome.plan.note)
        comparison = self.comparison_path(destination)
        upscaled = bool(outcome.plan.factors)
        return Result(destination, (width, height), size, notes, outcome.seconds, outcome.choice, comparison, upscaled)

    @property
    def output_pixels(self) -> OutputPixels:
        """How pixels are converted before they are written.

        Raises:
            InvalidArgument: no such colour, or another depth.
        """
        return OutputPixels.of(self.background, self.depth)

    def without_opaque_alpha(self, file: ImageFile, destination: Path) -> tuple[Job, ImageFile]:
        """The job without transparency, if the format has none and the image is opaque; and the file to read.

        Raises:
            ImageReadError: the image is damaged or truncated.
            ImageWriteError: there is no space for a temporary file.
        """
        channels, dtype = self.output_pixels.form(file.shape[2], file.dtype)
        form = format_of(destination)
        if form.alpha or channels not in (2, 4) or file.pages > 1 or dtype.name not in form.dtypes:
            return self, file
        folder = destination.absolute().parent
        opaque = is_opaque(file, folder if folder.is_dir() else Path(tempfile.gettempdir()))
        # Any colour: none of it is seen.
        return replace(self, background="white") if opaque else self, reopen(file)

    def open(self) -> ImageFile:
        """The source, opened once for all that is read from it.

        Raises:
            ImageReadError: it cannot be read.
        """
        return open_image(self.source, limit=self.limit, header=self.header, page=self.page)

    def needs_rows(self, file: ImageFile, size: tuple[int, int]) -> bool:
        """Whether an image and its result of ``(width, height)`` are too large for memory."""
        height, width, channels = file.shape
        pixels = height * width + size[0] * size[1]
        large = pixels * channels * file.dtype.itemsize > HUGE
        return large and self.upscaler.in_parts and self.compare is None and file.pages == 1 and file.decoder is None

    def check_memory(self, file: ImageFile, destination: Path) -> None:
        """Check that a limit of this process leaves enough memory.

        Raises:
            OutOfMemory: it does not.
        """
        if memory_left() is None:
            return
        from subpixel.image.estimate import addresses_needed  # which imports this module

        require_memory(addresses_needed(self, file, destination), str(self.source), TILE_HELP, kind="image")

    def _in_memory(self, file: ImageFile, destination: Path, progress: Progress) -> _Outcome:
        start = time.perf_counter()
        digest = self._digest(file)  # first, so that it tells whether the content was the same at the end
        image = load_pixels(file)
        read = time.perf_counter()
        upscaler = self.upscaler
        first = image.frames[0]
        choice = upscaler.choose_model(first, file.compression)
        plan = upscaler.plan(first.shape[1], first.shape[0], choice)
        missing, values = self._missing_data(file, plan), FloatRange()
        frames = image.frames if missing is None else [missing.fill_image(first)]
        frames = [upscaler.upscale_array(frame, choice, plan) for frame in values.measure(frames)]
        if missing is not None:
            frames = list(missing.restore(frames))
        large = frames[0]
        result = image.with_frames([self.output_pixels.convert(frame) for frame in frames])
        choice = plan.ran(choice)
        upscaled = time.perf_counter()
        progress(len(result.pixels), len(result.pixels))
        notes = write(result, destination, **self._write_options(file, choice, digest))
        written = time.perf_counter()
        seconds = {"read": read - start, "upscale": upscaled - read, "write": written - upscaled}
        comparison = self.comparison_path(destination)
        if comparison is not None:
            still = replace(image, pixels=first, pages=1)  # of an animation the first frame
            from subpixel.image.comparison.sheet import beside_bicubic  # only where a sheet is wanted

            both = beside_bicubic(still, large, choice.model)
            write(both, comparison, overwrite=self.overwrite)
            seconds["compare"] = time.perf_counter() - written
        found = () if missing is None else missing.notes
        return _Outcome(choice, plan, (*image.notes, *found, *values.notes, *notes), seconds)

    def _by_rows(self, file: ImageFile, destination: Path, progress: Progress) -> _Outcome:
        """Reading, upscaling and writing overlap, so their time counts as one; ``read`` is the time before."""
        start = time.perf_counter()
        upscaler = self.upscaler
        digest = self._digest(file)
        notes = [*file.check_pixel_data()]
        with ImageRows(file, destination.absolute().parent) as rows:
            height, width, channels = rows.shape
            choice = upscaler.choose_by_source(file.compression, width, height)
            alpha, traces = inspect_rows(rows.blocks(), rows.shape, measure=choice is None)
            choice = choice or upscaler.choose_by_traces(traces, file.compression)
            plan = upscaler.plan(width, height, choice)
            inspected = time.perf_counter()
            result_channels, dtype = self.output_pixels.form(channels, rows.dtype)
            missing, values = self._missing_data(file, plan), FloatRange()
            source = values.measure(rows.blocks() if missing is None else missing.fill(rows.blocks()))
            result = upscaler.stream(source, plan, channels, rows.dtype, alpha, choice)
            result = _report(result if missing is None else missing.restore(result), plan, progress)
            save = partial(write_vips_image, header=file.metadata, path=destination)
            form, row = format_of(destination), plan.size[0] * result_channels * dtype.itemsize
            choice = plan.ran(choice)
            options = self._write_options(file, choice, digest)
            shape = plan.size[1], plan.size[0], result_channels
            converted = self.output_pixels.convert_all(result)
            if is_wide(form, row):
                notes.extend(save(blank_image(shape, dtype), rows=converted, **options))
            else:
                save_rows(converted, shape, dtype, lambda image: notes.extend(save(image, **options)))
        seconds = {"read": inspected - start, "upscale": time.perf_counter() - inspected, "write": 0.0}
        found = () if missing is None else missing.notes
        return _Outcome(choice, plan, (*file.notes, *found, *values.notes, *notes), seconds)

    @staticmethod
    def _missing_data(file: ImageFile, plan: SizePlan) -> MissingData | None:
        """What handles missing data; None if there can be none."""
        value = missing_value(file.metadata, file.dtype)
        if value is None and file.dtype != np.float32:
            return None
        height, width, channels = file.shape
        sizes, colours = ((height, width), (plan.size[1], plan.size[0])), channels - (channels in (2, 4))
        return MissingData(np.nan if value is None else value, *sizes, colours, stated=value is not None)

    def default_destination(self, file: ImageFile) -> Path:
        """The destination of a result that was not named."""
        _, dtype = self.output_pixels.form(file.shape[2], file.dtype)
        suffix = (
            default_suffix(dtype, file.loader, file.pages, self.source.suffix)
            if self.format is None
            else suffix_of(self.format)
        )
        return output_path(self.source, self.upscaler.target, suffix, self.folder, self.page)

    def matches(self, provenance: Provenance) -> bool:
        """Whether a result of this provenance is what this job would write, if the source is the same."""
        own = (self._size, __version__, self.settings)
        return (provenance.scale, provenance.version, provenance.settings) == own

    @property
    def _size(self) -> str:
        """The size that was asked for: 2, 2.5, w3000, fit3840x2160."""
        return self.upscaler.target.label.removeprefix("x")

    def source_digest(self) -> str:
        """SHA-256 of the source.

        Raises:
            OSError: it cannot be read.
        """
        if self.header is not None and self.header.file.is_current:
            return self.header.file.digest
        return digest_of(self.source)

    def _digest(self, file: ImageFile) -> str:
        return file.file.digest if self.provenance else ""

    def _write_options(self, file: ImageFile, choice: Choice, digest: str) -> dict[str, Any]:
        """The options of ``write`` and ``write_vips_image``. Nothing is written of a source that changed meanwhile."""
        provenance = None
        if self.provenance:
            provenance = Provenance(choice.model, self._size, __version__, digest, self.settings)
        return {
            "overwrite": self.overwrite,
            "quality": self.quality,
            "provenance": provenance,
            "confirm": partial(check_read, file.file),
        }

    def comparison_path(self, destination: Path) -> Path | None:
        """The file for the comparison of a result; None if there is none."""
        return None if self.compare is None else sheet_path(destination, self.compare)

    def check(self, destination: Path, *, makes_folder: bool = False) -> None:
        """Check a destination before any work.

        Args:
            destination: of the result.
            makes_folder: its folder will be created if it does not exist.

        Raises:
            ImageWriteError: it is the source, exists, or cannot be written.
            InvalidArgument: its format cannot be written, differs from ``format``, or has no quality.
        """
        self._check_file(destination, makes_folder=makes_folder)
        check_quality(format_of(destination), self.quality)
        if self.format is not None and format_of(destination) is not WRITABLE[suffix_of(self.format)]:
            raise InvalidArgument(f"{destination}: this name and format={self.format!r} contradict each other")

    def _check_file(self, destination: Path, *, makes_folder: bool = False) -> None:
        if os.path.exists(destination) and os.path.exists(self.source) and destination.samefile(self.source):
            raise ImageWriteError(f"{destination}: the output is the input file; choose another output")
        check_destination(destination, overwrite=self.overwrite, makes_folder=makes_folder)

    def check_comparison(self, destination: Path) -> None:
        """Check the file for the comparison likewise; it must not be the destination either."""
        comparison = self.comparison_path(destination)
        if comparison is None:
            return
        if os.path.realpath(comparison) == os.path.realpath(destination):
            raise InvalidArgument(f"{comparison}: the comparison and the result have the same name; choose another")
        self._check_file(comparison)


def _report(blocks: Iterator[NDArray[Any]], plan: SizePlan, progress: Progress) -> Iterator[NDArray[np.generic]]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        progress(done, plan.size[1])
