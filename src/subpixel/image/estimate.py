"""What a job would do, told from the header of its image and a short trial: nothing is decoded, nothing written."""

from __future__ import annotations

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
from subpixel.image.files.compression_info import origin
from subpixel.image.files.formats import WRITABLE, Format, check_pixels, default_suffix
from subpixel.image.files.output_metadata import ready
from subpixel.image.files.reading import Opened, opened
from subpixel.image.job import Job
from subpixel.image.synthetic import photograph
from subpixel.models.auto import Choice, Source
from subpixel.models.spandrel_models import SpandrelModel
from subpixel.upscaler import SizePlan, Target, Upscaler

__all__ = ["Forecast", "Pace", "forecast"]

# Bytes beyond images: rows in a coder, and what a network holds. Measured: 9 … 18 MB on the compiled backend,
# 270 … 370 MB elsewhere, where whole layers of a band of rows are in memory.
_WORKING, _WORKING_ELSEWHERE = 20_000_000, 400_000_000
# Of what lies between two stages, or before the last resize, so much is there at a time: in memory see
# subpixel.upscaler.upscaler; by rows it is measured, strips with their halos on both sides of a stage.
_BETWEEN, _BETWEEN_ROWS = 256 << 20, 160 << 20
# By rows, what is read, made by one stage and written: measured.
_ROWS = 150_000_000
# The pixels of a lossless WebP are held in the coder's own ways: bytes of a pixel, measured.
_HELD_BY_LOSSLESS = 24

# Sides of what is upscaled on trial, one after the other as long as all of it will have taken no longer than so many
# seconds if the next takes four times as long as the last.
_TRIALS = (16, 32, 64, 128, 256)
_PATIENCE = 1.0


@dataclass(frozen=True)
class Forecast:
    """What a job would do.

    Args:
        source: the image.
        destination: the file that would be written; None where the image cannot be read and no name was given.
        size_in: (width, height) of the image, upright; None where it cannot be read, as are those that follow.
        size_out: (width, height) of the result; None where it can have none.
        channels: 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
        dtype: ``uint8``, ``uint16`` or ``float32``.
        orientation: 1 … 8, how the image lies in its file, as EXIF has it.
        clean: the name of the model for clean images.
        choice: the first model; None where the image's blocks decide between that and its variant.
        memory: bytes for the image, its result and the work between them.
        seconds: of reading, upscaling and writing, by the trial.
        notes: what would be converted, a sentence each.
        comparison: the file that would be written for it, if one was asked for.
        problems: what the job would fail of, the first of them first.
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
    notes: tuple[str, ...] = ()
    comparison: Path | None = None
    problems: tuple[SubpixelError, ...] = ()


@dataclass(frozen=True)
class _Written:
    """How a result is written: its format, whether the source was compressed with loss, the quality asked for."""

    suffix: str
    lossy: bool = False
    quality: int | None = None

    @property
    def form(self) -> Format:
        return WRITABLE[self.suffix]

    def options(self) -> dict[str, Any]:
        return self.form.options(self.lossy, self.quality, 0)

    @classmethod
    def of(cls, job: Job, suffix: str, source: Source) -> _Written:
        return cls(suffix, source.codec is not None, job.quality)


class Pace:
    """Seconds that a pixel of an image takes here, tried once for each kind of work and remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], float] = {}

    def __call__(
        self, job: Job, plan: SizePlan, choice: Choice | None, channels: int, dtype: np.dtype[Any], written: _Written
    ) -> float:
        """Of reading, upscaling and writing images like photographs.

        Args:
            job: its networks are tried, and its source's format where that can be written.
            plan: for how many times larger.
            choice: the model; None to measure blocks as well.
            channels: of the image.
            dtype: of the image.
            written: how the result is written.
        """
        read_as = job.source.suffix.lower()
        model = None if choice is None else choice.model
        # Ratios that follow from a width or a box differ from image to image, and seconds hardly with them.
        ratio = float(f"{_ratio(plan):.2g}")
        key = id(job.upscaler), plan.factors, ratio, model, channels, dtype.name, read_as, written, job.compare is None
        if key not in self._known:
            self._known[key] = _tried(job, plan, choice, channels, dtype, read_as, written)
        return self._known[key]


def forecast(job: Job, pace: Pace | None = None, *, makes_folder: bool = False) -> Forecast:
    """Look at a job without doing it.

    Args:
        job: what would be done.
        pace: for many jobs one, so that what is alike is tried once.
        makes_folder: the folder of the result will be made if it is not there.

    Returns:
        Never an error: what can be told of one stands in ``problems``. That an image is damaged shows only when it is
        decoded, and that a disk is full only when it is written.
    """
    problems: list[SubpixelError] = []
    named = job.destination
    if named is not None:
        _collect(problems, lambda: job.check(named, makes_folder=makes_folder))
    try:
        found = opened(job.source, limit=job.limit)
    except SubpixelError as error:
        return Forecast(job.source, named, problems=(*problems, error))
    destination = named or job.planned(job.suffix(found))
    if named is None:
        _collect(problems, lambda: job.check(destination, makes_folder=makes_folder))
    _collect(problems, lambda: job.check_sheet(destination))
    return _looked_at(job, found, destination, pace or Pace(), problems)


def _looked_at(job: Job, found: Opened, destination: Path, pace: Pace, problems: list[SubpixelError]) -> Forecast:
    upscaler, suffix = job.upscaler, destination.suffix.lower()
    height, width, channels = found.shape
    messages = Forecast(
        job.source,
        destination,
        (width, height),
        channels=channels,
        dtype=found.dtype.name,
        orientation=found.orientation,
        clean=upscaler.clean_model.name,
        comparison=job.sheet(destination),
    )
    try:
        size = upscaler.target.size(width, height)
        if suffix in WRITABLE:  # else that is a problem already
            _collect(
                problems, lambda: check_pixels(destination, (size[1], size[0], channels), found.dtype, found.pages)
            )
        # What cannot be written as it was asked for is timed as what loses nothing.
        source = origin(job.source)
        written = _Written.of(job, suffix if not problems else default_suffix(found.dtype), source)
        choice = upscaler.choose_by_source(source, width, height)
        # Where blocks decide whether there is anything to clean, it is taken that there is.
        expected = upscaler.choose_by_blocks(1) if choice is None and upscaler.target.scale == 1 else choice
        plan = upscaler.plan(width, height, expected)
    except SubpixelError as error:
        return replace(messages, problems=(*problems, error))
    notes = (*found.notes, *_not_held(found, written.form), *([plan.note] if plan.note else []))
    if isinstance(upscaler.clean_model, SpandrelModel):
        notes = (*notes, f"the memory that {upscaler.clean_model.name} itself takes is not known, and comes on top")
    return replace(
        messages,
        size_out=size,
        choice=choice,
        memory=_memory(job, found, plan, written),
        seconds=pace(job, plan, expected, channels, found.dtype, written) * height * width * found.pages,
        notes=notes,
        problems=tuple(problems),
    )


def _tried(
    job: Job,
    plan: SizePlan,
    choice: Choice | None,
    channels: int,
    dtype: np.dtype[Any],
    read_as: str,
    written: _Written,
) -> float:
    """What a pixel more costs: calls have a price of their own, beside which that of the smallest is nothing."""
    upscaler = job.upscaler
    if upscaler.target.scale is None:
        upscaler = upscaler.with_target(Target(_ratio(plan)))
    tried: list[tuple[int, float]] = []
    for side in _TRIALS:
        pixels = _like(photograph(side, side), channels, dtype)
        encoded = _encoded(pixels, _Written(_readable(read_as, channels, dtype)))

        def once(pixels: NDArray[Any] = pixels, encoded: bytes = encoded) -> float:
            return _once(upscaler, choice, pixels, encoded, written, compared=job.compare is not None)

        if not tried:
            once()  # wakes threads and loads code
        tried.append((side**2, once()))
        if sum(seconds for _, seconds in tried) + 4 * tried[-1][1] > _PATIENCE:
            break
    (few, first), (many, last) = tried[0], tried[-1]
    whole = last / many
    # Where other work on the machine was in the way of the first, a part of the whole is nearer.
    return max((last - first) / (many - few), whole / 4) if many > few else whole


def _once(
    upscaler: Upscaler,
    choice: Choice | None,
    pixels: NDArray[Any],
    encoded: bytes,
    written: _Written,
    *,
    compared: bool,
) -> float:
    begun = time.perf_counter()
    pyvips.Image.new_from_buffer(encoded, "").numpy()
    result = upscaler(pixels, choice)
    if compared and result.dtype == np.uint8:
        bicubic(pixels, (result.shape[0], result.shape[1]))
    _encoded(result, written)
    return time.perf_counter() - begun


def _ratio(plan: SizePlan) -> float:
    """How many times larger, by the longer side, where rounding counts least."""
    return max(plan.size) / max(plan.source)


def _memory(job: Job, found: Opened, plan: SizePlan, written: _Written) -> int:
    height, width, channels = found.shape
    pixel = channels * found.dtype.itemsize
    before, after = (found.pages * high * wide * pixel for wide, high in ((width, height), plan.size))
    total = _WORKING if job.upscaler.backend == "native" else _WORKING_ELSEWHERE
    by_rows = job.goes_by_rows(found, plan.size)
    stages = len(plan.factors) + plan.resizes
    total += _BETWEEN_ROWS * max(0, stages - 1) if by_rows else _between(plan, channels, pixel)
    if written.options().get("lossless"):
        total += plan.size[0] * plan.size[1] * _HELD_BY_LOSSLESS
    if by_rows:
        return total + _ROWS
    if found.orientation > 2:
        total += before  # turned from one array to another
    if job.compare is not None:
        colours = 1 if channels < 3 else 3
        total += plan.size[0] * colours * (4 * height + plan.size[1])  # f32 made wider, then the whole in bytes
    return total + before + after


def _between(plan: SizePlan, channels: int, pixel: int) -> int:
    """What lies between the stages: pixels of networks that others follow, and f32 that a resize looks at and makes."""
    width, height = plan.source
    total = 0
    for factor in plan.factors[: None if plan.resizes else -1]:
        height, width = height * factor, width * factor
        total += min(_BETWEEN, height * width * pixel)
    if plan.resizes:
        total += 2 * min(_BETWEEN, height * width * channels * 4)
    return total


def _collect(problems: list[SubpixelError], check: Callable[[], Any]) -> None:
    try:
        check()
    except SubpixelError as error:
        problems.append(error)


def _like(rgb: NDArray[np.uint8], channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A photograph as an image of that kind; its alpha is not opaque."""
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
    """A format that can be made for reading it on trial: the source's own, or what loses nothing."""
    try:
        check_pixels(Path(f"trial{suffix}"), (1, 1, channels), dtype)
    except SubpixelError:
        return default_suffix(dtype)
    return suffix


def _encoded(pixels: NDArray[Any], written: _Written) -> bytes:
    image = ready(pyvips.Image.new_from_array(pixels), None, written.form).image
    content: bytes = image.write_to_buffer(written.suffix, **written.options())
    return content


def _not_held(found: Opened, form: Format) -> tuple[str, ...]:
    """What a format would say of the result; a pixel of each frame stands for it."""
    blank = pyvips.Image.black(1, found.pages, bands=found.image.bands)
    kinds = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
    return ready(blank.cast(kinds[found.dtype.name]), found.header, form, found.pages).notes
