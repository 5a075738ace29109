"""The run of a comparison: one sample, every method on it, every figure of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from statistics import quantiles
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import available_threads
from subpixel.compare.checkerboard import checkerboard
from subpixel.compare.degradations import degradation_of
from subpixel.compare.methods import Method, NotPossible, Prepared, Sample, methods_of
from subpixel.compare.pixels import rgb
from subpixel.compare.results import MethodResult, Part, Results
from subpixel.errors import InvalidArgument, MissingExtra
from subpixel.metrics.protocol import luma_255
from subpixel.metrics.quality import psnr, ssim

__all__ = ["LARGEST", "SCALES", "part_of", "run"]

U8 = NDArray[np.uint8]

SCALES = (2, 3, 4, 8)
# The side of the part that is compared, in pixels of the result: a report holds every method's pixels.
LARGEST = 640
_DETAIL = 96  # side of the detail, in pixels of the result
_CELL = 16  # the grid on which parts are looked for
_ROUNDS, _SECONDS = 7, 3.0  # of timing a method
_WINDOW = 11  # SSIM's


def run(
    image: Any,
    scale: int = 2,
    *,
    methods: Iterable[str] | None = None,
    reference: bool = True,
    degradation: str = "bicubic",
    largest: int | None = LARGEST,
    threads: int | None = None,
    seed: int = 0,
    name: str = "image",
    progress: Callable[[str], None] | None = None,
) -> Results:
    """Run upsamplers on one image and measure each.

    Args:
        image: ``(H, W)`` or ``(H, W, 1)`` gray, ``(H, W, 3)`` RGB; u8.
        scale: 2, 3, 4 or 8.
        methods: their names; None for every method, see :func:`subpixel.compare.all_methods`.
        reference: take the image for the truth: it is made small, upscaled, and compared. Otherwise it is upscaled
            itself, and there is nothing to compare with; the round trip and the checkerboard are measured.
        degradation: how images are made small, a name of :data:`subpixel.compare.DEGRADATIONS`.
        largest: the side of the largest part that is used, in pixels of the result; of a larger image, the part with
            most detail. None for the whole image.
        threads: of each method; the default is as many as this process may use.
        seed: of random weights and grids.
        name: of the image, for the report.
        progress: called with the title of each method before it runs.

    Returns:
        The results. A method that cannot run is listed with its reason.

    Raises:
        InvalidArgument: an argument is out of range, a name is unknown, the image is too small, or a method of
            :func:`subpixel.compare.register` returned something else than an image of the right size.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    >>> results = run(noise, 2, methods=["nearest", "average-unpooling"])
    >>> results["nearest"].psnr_y == results["average-unpooling"].psnr_y
    True
    """
    chosen = methods_of(methods)
    filter_ = degradation_of(degradation)
    if scale not in SCALES:
        raise InvalidArgument(f"scale={scale!r}: 2, 3, 4 or 8 is needed")
    pixels = rgb(image)
    whole = (pixels.shape[1], pixels.shape[0])
    part = part_of(pixels, scale, reference=reference, largest=largest)
    pixels = np.ascontiguousarray(part.of(pixels))
    small = filter_(pixels, scale) if reference else pixels
    sample = Sample(
        small, scale, pixels if reference else None, filter_, available_threads() if threads is None else threads, seed
    )
    measured = []
    for method in chosen:
        if progress:
            progress(method.title)
        measured.append(_measure(method, sample))
    images = [one.image for one in measured if one.image is not None and not one.sees_truth]
    return Results(
        name,
        scale,
        small,
        sample.truth,
        part,
        whole,
        _detail(images or [one.image for one in measured if one.image is not None], sample),
        tuple(measured),
        _protocol(sample),
        None if sample.truth is None else _checkerboard(sample.truth, scale),
        sample.threads,
        seed,
    )


def part_of(pixels: U8, scale: int, *, reference: bool, largest: int | None) -> Part:
    """The part of an image that is compared: the one with most detail among those of the largest size.

    Args:
        pixels: ``(H, W, C)`` u8.
        scale: see :func:`run`.
        reference: likewise.
        largest: likewise.

    Raises:
        InvalidArgument: the image is too small, or ``largest``.
    """
    height, width = pixels.shape[:2]
    if largest is not None and largest < 4 * scale:
        raise InvalidArgument(f"largest={largest}: at least {4 * scale} pixels are needed at ×{scale}")
    # With a reference, a part of the image is as large as the result, and its sides are multiples of the scale.
    unit = scale if reference else 1
    limit = max(height, width) if largest is None else (largest if reference else largest // scale)
    rows, columns = (min(side, limit) // unit * unit for side in (height, width))
    least = 2 * scale + _WINDOW if reference else 2
    if min(rows, columns) < least:
        needed = f"{least}×{least} pixels are needed at ×{scale}"
        raise InvalidArgument(f"an image of {width}×{height} is too small to compare upsamplers: {needed}")
    if (rows, columns) == (height, width):
        return Part(0, 0, columns, rows)
    y = luma_255(pixels)
    activity = np.zeros_like(y)
    activity[:, 1:] += np.abs(np.diff(y, axis=1))
    activity[1:] += np.abs(np.diff(y, axis=0))
    left, top = _busiest(activity, rows, columns, unit)
    return Part(left, top, columns, rows)


def _busiest(activity: NDArray[Any], rows: int, columns: int, unit: int) -> tuple[int, int]:
    """``(left, top)`` of the rectangle with the largest sum, on a grid; of equal ones the topmost, then leftmost."""
    step = math.lcm(unit, _CELL)
    total = np.pad(activity, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    tops = np.arange(0, activity.shape[0] - rows + 1, step)[:, None]
    lefts = np.arange(0, activity.shape[1] - columns + 1, step)[None]
    sums = total[tops + rows, lefts + columns] - total[tops, lefts + columns]
    sums = sums - total[tops + rows, lefts] + total[tops, lefts]
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(lefts[0, column]), int(tops[row, 0])


def _detail(images: list[U8], sample: Sample) -> Part:
    """Where the results differ most: the largest variance between methods."""
    height, width = sample.size
    side = min(_DETAIL, height, width)
    if len(images) < 2:
        return Part((width - side) // 2, (height - side) // 2, side, side)
    mean = np.zeros(sample.size)
    square = np.zeros(sample.size)
    for image in images:
        y = luma_255(image)
        mean += y
        square += y * y
    variance = square / len(images) - (mean / len(images)) ** 2
    left, top = _busiest(variance, side, side, 1)
    return Part(left, top, side, side)


def _measure(method: Method, sample: Sample) -> MethodResult:
    known: dict[str, Any] = {
        "name": method.name,
        "title": method.title,
        "family": method.family,
        "about": method.about,
        "sees_truth": method.sees_truth,
    }
    try:
        prepared = method.prepare(sample)
    except (NotPossible, MissingExtra) as error:
        return MethodResult(**known, reason=str(error))
    image, (low, median, high) = _timed(method, prepared, sample)
    return MethodResult(
        **known,
        milliseconds=median,
        milliseconds_range=(low, high),
        prepare_seconds=prepared.seconds,
        macs=prepared.macs,
        parameters=prepared.parameters,
        details=prepared.details,
        image=image,
        **_figures(image, sample),
    )


def _timed(method: Method, prepared: Prepared, sample: Sample) -> tuple[U8, tuple[float, float, float]]:
    """The result, and quartiles of the time in milliseconds. The first call warms up, unless it is long."""
    began = time.perf_counter()
    image = _image(method, prepared.run(), sample)
    first = (time.perf_counter() - began) * 1e3
    times: list[float] = []
    while len(times) < _ROUNDS and time.perf_counter() - began < _SECONDS:
        start = time.perf_counter()
        prepared.run()
        times.append((time.perf_counter() - start) * 1e3)
    times = times or [first]
    low, median, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    return image, (low, median, high)


def _image(method: Method, result: Any, sample: Sample) -> U8:
    """What a method returned, as u8."""
    image = np.asarray(result)
    if image.shape != (*sample.size, 3):
        rows, columns = sample.size
        raise InvalidArgument(f"method '{method.name}' returned {image.shape}; ({rows}, {columns}, 3) is needed")
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    if not np.issubdtype(image.dtype, np.floating):
        raise InvalidArgument(f"method '{method.name}' returned {image.dtype}; uint8 or floats of 0 … 255 are needed")
    if not np.isfinite(image).all():
        raise InvalidArgument(f"method '{method.name}' returned values that are not finite")
    rounded: U8 = np.floor(np.clip(image, 0, 255) + 0.5).astype(np.uint8)
    return rounded


def _figures(image: U8, sample: Sample) -> dict[str, Any]:
    figures: dict[str, Any] = {"checkerboard": _checkerboard(image, sample.scale)}
    again = sample.degradation(image, sample.scale)
    figures["round_trip"] = psnr(luma_255(again), luma_255(sample.small), data_range=255)
    if sample.truth is not None:
        ours, true = luma_255(image), luma_255(sample.truth)
        figures["psnr_y"] = psnr(ours, true, data_range=255, crop=sample.scale)
        figures["ssim_y"] = ssim(ours, true, data_range=255, crop=sample.scale)
        figures["psnr_rgb"] = psnr(image, sample.truth, crop=sample.scale, channel_axis=-1)
    return figures


def _checkerboard(image: U8, scale: int) -> float | None:
    plane = luma_255(image)
    if min(plane.shape) < 2 * scale:
        return None
    return checkerboard(plane, scale)


def _protocol(sample: Sample) -> dict[str, str]:
    crop = f"{sample.scale} pixels cropped at each side"
    threads = f"{sample.threads} thread{'s'[: sample.threads > 1]}"
    protocol = {
        "time": f"median of up to {_ROUNDS} calls, pixels in memory to pixels in memory, {threads}",
        "multiply-adds": "of convolutions, or taps of a separable resize, for each pixel of the result, all channels",
        "round trip": f"PSNR of Y; made small by: {sample.degradation.about}",
        "checkerboard": f"root mean square of Y at the frequencies k/{sample.scale}, Hann windows, in codes of 0 … 255",
    }
    if sample.truth is not None:
        quality = f"Y of BT.601, studio range 16-235, f64, results rounded to 8 bits, {crop}, peak 255"
        protocol = {"psnr and ssim": quality, "small image": sample.degradation.about, **protocol}
    return protocol
