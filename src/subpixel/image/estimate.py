"""Estimating a job from the header of its image and a short trial. Nothing is written.

Pixels are decoded only where they decide whether the job can succeed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import SubpixelError
from subpixel.image.comparison.sheet import bicubic
from subpixel.image.files.formats import WRITABLE, Format, check_pixels, default_suffix
from subpixel.image.files.output_metadata import prepare_metadata
from subpixel.image.files.reading import ImageFile
from subpixel.image.files.rows import ImageRows, inspect_rows
from subpixel.image.job import Job
from subpixel.image.memory_need import MemoryNeed, encoder_memory, memory_by_rows, memory_in_one_piece
from subpixel.image.result_bytes import expected_bytes
from subpixel.image.synthetic import photograph
from subpixel.models.auto import Choice, Source
from subpixel.models.spandrel_models import SpandrelModel
from subpixel.ops.compression_traces import Traces
from subpixel.storage.memory import stack_size
from subpixel.upscaler import SizePlan, Target, Upscaler

__all__ = ["Estimate", "SpeedTrials", "addresses_needed", "estimate_job"]

# Addresses that libraries reserve and hardly use, besides the stacks of their threads: measured.
_RESERVED = 40_000_000

# Sides of the images of a trial. The next one is upscaled if the trial then takes at most this many seconds, assuming
# that it takes four times as long as the last.
_TRIAL_SIDES = (16, 32, 64, 128, 256)
_TRIAL_SECONDS = 1.0


@dataclass(frozen=True)
class Estimate:
    """What a job would do.

    Args:
        source: the image.
        destination: the file to be written; None if the image cannot be read and no destination was given.
        size_in: ``(width, height)`` of the image, upright; None if it cannot be read.
        size_out: ``(width, height)`` of the result; None if this size is impossible.
        channels: 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
        dtype: ``uint8``, ``uint16`` or ``float32``.
        orientation: 1 … 8, as in EXIF.
        clean: the name of the model for clean images.
        choice: the model; None if the image's pixels decide between ``clean`` and its variant for compressed images.
        memory: in bytes, the most that the process takes, with Python and its libraries.
        seconds: for reading, upscaling and writing, by the trial.
        bytes_out: of the result's file, within a factor of two for most images; None if it cannot be told so closely.
        bytes_most: of the result's pixels, not compressed: its file is hardly ever larger.
        notes: what would be converted, one sentence each.
        comparison: the file for the comparison, if one was asked for.
        flat: what flat parts cost that are resized plainly, a few words for each network.
        problems: the errors of the job, in order.
    """

    source: Path
    destination: Path | None
    size_in: tuple[int, int] | None = None
    size_out: tuple[int, int] | None = None
    channels: int = 0
    dtype: str = ""
    orientation: int = 1
    clean: str = ""
    choice: Choice | None = None
    memory: int = 0
    seconds: float = 0.0
    bytes_out: int | None = None
    bytes_most: int = 0
    notes: tuple[str, ...] = ()
    comparison: Path | None = None
    flat: tuple[str, ...] = ()
    problems: tuple[SubpixelError, ...] = ()


@dataclass(frozen=True)
class _Encoding:
    """How a result is written: its format, whether the source was lossy, and the quality that was asked for."""

    suffix: str
    lossy: bool = False
    quality: int | None = None

    @property
    def form(self) -> Format:
        return WRITABLE[self.suffix]

    def options(self) -> dict[str, Any]:
        return self.form.options(self.lossy, self.quality, 0)

    @classmethod
    def of(cls, job: Job, suffix: str, source: Source) -> _Encoding:
        return cls(suffix, source.codec is not None, job.quality)


class SpeedTrials:
    """Seconds per pixel on this machine, measured once for each kind of work."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[Any, ...], float] = {}

    def __call__(
        self, job: Job, plan: SizePlan, choice: Choice | None, channels: int, dtype: np.dtype[Any], encoding: _Encoding
    ) -> float:
        """Seconds per pixel for reading, upscaling and writing an image like a photograph.

        Args:
            job: its networks are run, and its source's format is read if it can be written.
            plan: for the size.
            choice: the model; None to measure the pixels as well.
            channels: of the image.
            dtype: of the image.
            encoding: of the result.
        """
        read_as = job.source.suffix.lower()
        model = None if choice is None else choice.model
        # With a width or a box the ratio differs from image to image, and the time per pixel hardly.
        ratio = float(f"{_ratio(plan):.2g}")
        key = id(job.upscaler), plan.factors, ratio, model, channels, dtype.name, read_as, encoding, job.compare is None
        if key not in self._seconds:
            self._seconds[key] = _measure(job, plan, choice, channels, dtype, read_as, encoding)
        return self._seconds[key]


def estimate_job(job: Job, trials: SpeedTrials | None = None, *, makes_folder: bool = False) -> Estimate:
    """Estimate a job without running it.

    Args:
        job: the job.
        trials: shared by several jobs, so that each kind of work is measured once.
        makes_folder: the folder of the result will be created if it does not exist.

    Returns:
        The estimate. Errors are not raised: they are in ``problems``. A file that is cut short is one of them; other
        damage shows only when pixels are decoded, and a full disk only when it is written to.
    """
    problems: list[SubpixelError] = []
    named = job.destination
    if named is not None:
        _collect(problems, lambda: job.check(named, makes_folder=makes_folder))
    try:
        file = job.open()
    except SubpixelError as error:
        return Estimate(job.source, named, problems=(*problems, error))
    with file:
        destination = named or job.default_destination(file)
        if named is None:
            _collect(problems, lambda: job.check(destination, makes_folder=makes_folder))
        _collect(problems, lambda: job.check_comparison(destination))
        if not problems:
            _collect(problems, lambda: job.check_memory(file, destination))
            if problems:
                return Estimate(job.source, destination, problems=tuple(problems))
        return _estimate(job, file, destination, trials or SpeedTrials(), problems)


def _estimate(
    job: Job, file: ImageFile, destination: Path, trials: SpeedTrials, problems: list[SubpixelError]
) -> Estimate:
    upscaler, suffix = job.upscaler, destination.suffix.lower()
    height, width, channels = file.shape
    estimate = Estimate(
        job.source,
        destination,
        (width, height),
        channels=channels,
        dtype=file.dtype.name,
        orientation=file.orientation,
        clean=upscaler.clean_model.name,
        comparison=job.comparison_path(destination),
    )
    try:
        size = upscaler.target.size(width, height)
        if suffix in WRITABLE:
            job, file = job.without_opaque_alpha(file, destination)
        kinds, dtype = job.output_pixels.form(channels, file.dtype)
        if suffix in WRITABLE:  # else this is a problem already
            _collect(problems, lambda: check_pixels(destination, (size[1], size[0], kinds), dtype, file.pages))
        # If it cannot be written as asked, the time of a format that loses nothing is measured.
        encoding = _Encoding.of(job, suffix if not problems else default_suffix(dtype), file.compression)
        choice = upscaler.choose_by_source(file.compression, width, height)
        if choice is None and upscaler.target.scale == 1:
            choice = _choice_by_pixels(upscaler, file)  # without anything to clean the job fails
        plan = upscaler.plan(width, height, choice)
    except SubpixelError as error:
        return replace(estimate, problems=(*problems, error))
    notes = (*file.notes, *_losses(file, kinds, dtype, encoding.form), *([plan.note] if plan.note else []))
    if isinstance(upscaler.clean_model, SpandrelModel):
        notes = (*notes, f"the memory of {upscaler.clean_model.name} itself is unknown and not included")
    return replace(
        estimate,
        size_out=size,
        choice=choice if plan.factors else plan.ran(upscaler.choose_by_traces(Traces())),
        memory=_memory(job, file, plan, encoding).total,
        bytes_out=_bytes_out(job, file, size, kinds, dtype, encoding),
        bytes_most=size[0] * size[1] * kinds * dtype.itemsize * file.pages,
        seconds=trials(job, plan, choice, channels, file.dtype, encoding) * height * width * file.pages,
        notes=notes,
        flat=tuple(upscaler.flat_notes(plan, choice)),
        problems=tuple(problems),
    )


def _bytes_out(
    job: Job, file: ImageFile, size: tuple[int, int], channels: int, dtype: np.dtype[Any], encoding: _Encoding
) -> int | None:
    """About how large the result's file will be, for an ordinary image written as usual."""
    height, width, bands = file.shape
    kept = (channels, dtype) == (bands, file.dtype) and dtype == np.uint8 and channels in (1, 3)
    if not kept or file.pages > 1 or job.quality is not None:
        return None
    before, after = height * width, size[0] * size[1]
    return expected_bytes(file.compression, file.loader, file.file.size, before, after, encoding.suffix)


def _choice_by_pixels(upscaler: Upscaler, file: ImageFile) -> Choice:
    """The model that the pixels of an image call for. Its pixels are decoded."""
    with ImageRows(file, Path(tempfile.gettempdir())) as rows:
        _, traces = inspect_rows(rows.blocks(), rows.shape, measure=True)
    return upscaler.choose_by_traces(traces, file.compression)


def _measure(
    job: Job,
    plan: SizePlan,
    choice: Choice | None,
    channels: int,
    dtype: np.dtype[Any],
    read_as: str,
    encoding: _Encoding,
) -> float:
    """Seconds per additional pixel, without the fixed cost of a call."""
    upscaler = job.upscaler
    unchanged = not plan.factors and not plan.resizes  # a width, say, that the image has already
    if upscaler.target.scale is None and not unchanged:
        upscaler = upscaler.with_target(Target(_ratio(plan)))
    times: list[tuple[int, float]] = []
    for side in _TRIAL_SIDES:
        pixels = _convert(photograph(side, side), channels, dtype)
        if unchanged and job.upscaler.target.scale is None:
            upscaler = upscaler.with_target(Target(width=side))
        encoded = _encode(pixels, _Encoding(_readable(read_as, channels, dtype)))

        def once(upscaler: Upscaler = upscaler, pixels: NDArray[Any] = pixels, encoded: bytes = encoded) -> float:
            return _time_once(job, upscaler, choice, pixels, encoded, encoding)

        if not times:
            once()  # starts threads and loads code
        times.append((side**2, once()))
        if sum(seconds for _, seconds in times) + 4 * times[-1][1] > _TRIAL_SECONDS:
            break
    (few, first), (many, last) = times[0], times[-1]
    whole = last / many
    # If other work on the machine delayed the first, a part of the whole is closer.
    return max((last - first) / (many - few), whole / 4) if many > few else whole


def _time_once(
    job: Job, upscaler: Upscaler, choice: Choice | None, pixels: NDArray[Any], encoded: bytes, encoding: _Encoding
) -> float:
    start = time.perf_counter()
    pyvips.Image.new_from_buffer(encoded, "").numpy()
    result = upscaler(pixels, choice)
    if job.compare is not None and result.dtype == np.uint8:
        bicubic(pixels, (result.shape[0], result.shape[1]))
    _encode(job.output_pixels.convert(result), encoding)
    return time.perf_counter() - start


def _ratio(plan: SizePlan) -> float:
    """How many times larger, by the longer side, where rounding matters least."""
    return max(plan.size) / max(plan.source)


def addresses_needed(job: Job, file: ImageFile, destination: Path) -> int:
    """The addresses in bytes that a job takes beyond those in use: its memory, and what libraries reserve.

    Args:
        job: the job.
        file: its source.
        destination: of its result.
    """
    height, width, _ = file.shape
    choice = job.upscaler.choose_by_source(file.compression, width, height)
    encoding = _Encoding.of(job, destination.suffix.lower(), file.compression)
    # libvips has as many threads as there are processors for reading, and again for writing.
    threads = job.upscaler.threads + 2 * (os.cpu_count() or 1)
    need = _memory(job, file, job.upscaler.plan(width, height, choice), encoding)
    return need.work + _RESERVED + threads * stack_size()


def _memory(job: Job, file: ImageFile, plan: SizePlan, encoding: _Encoding) -> MemoryNeed:
    channels, dtype = job.output_pixels.form(file.shape[2], file.dtype)
    encoder = encoder_memory(encoding.form, encoding.options(), plan.size, channels, dtype, file.pages)
    if job.needs_rows(file, plan.size):
        return memory_by_rows(file, job.upscaler, plan, encoding.form, encoder)
    return memory_in_one_piece(file, job.upscaler, plan, encoder, compare=job.compare is not None)


def _collect(problems: list[SubpixelError], check: Callable[[], Any]) -> None:
    try:
        check()
    except SubpixelError as error:
        problems.append(error)


def _convert(rgb: NDArray[np.uint8], channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An image with these channels, of this dtype; its alpha is not opaque."""
    if channels < 3:
        rgb = rgb[..., :1]
    if channels in (2, 4):
        rgb = np.concatenate([rgb, rgb[..., :1]], axis=2)
    result: NDArray[Any] = np.ascontiguousarray(rgb, dtype)
    if dtype == np.float32:
        result /= 255
    elif dtype == np.uint16:
        result *= 257
    return result


def _readable(suffix: str, channels: int, dtype: np.dtype[Any]) -> str:
    """The format to read in a trial: the source's if it can be written, or one that loses nothing."""
    try:
        check_pixels(Path(f"trial{suffix}"), (1, 1, channels), dtype)
    except SubpixelError:
        return default_suffix(dtype)
    return suffix


def _encode(pixels: NDArray[Any], encoding: _Encoding) -> bytes:
    image = prepare_metadata(pyvips.Image.new_from_array(pixels), None, encoding.form).image
    content: bytes = image.write_to_buffer(encoding.form.suffixes[0], **encoding.options())
    return content


def _losses(file: ImageFile, channels: int, dtype: np.dtype[Any], form: Format) -> tuple[str, ...]:
    """Notes about what a format cannot hold, from a result of one pixel per frame."""
    blank = pyvips.Image.black(1, file.pages, bands=channels)
    kinds = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
    return prepare_metadata(blank.cast(kinds[dtype.name]), file.metadata, form, file.pages).notes
