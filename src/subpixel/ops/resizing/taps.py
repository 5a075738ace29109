"""Tables of a resize along one axis: the input samples of each output sample, and their weights.

:func:`tabulate` makes the table from a :class:`~subpixel.ops.resizing.convention.Convention`; :func:`axis_taps` is the
short form for the conventions of this package's networks and images. The engines and
:func:`subpixel.ops.resizing.resize.resize` apply the tables.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.resizing.convention import BORDERS, Convention
from subpixel.ops.resizing.kernels import KERNELS

__all__ = [
    "SUPPORT",
    "AxisTaps",
    "Border",
    "Mode",
    "axis_taps",
    "cached_taps",
    "check_axis",
    "is_cacheable",
    "tabulate",
]

Mode = Literal["nearest", "linear", "cubic"]
Border = Literal["replicate", "symmetric"]

# The half-width of each kernel in input samples, which is also the reach of an output sample when upscaling.
SUPPORT: dict[str, int] = {"nearest": 0, "linear": 1, "cubic": 2}

_MAX_SIDE = 2**31 - 1
# Index and weight take 16 bytes for each tap, so that the largest table of an axis has 4 GiB.
_MAX_TAPS = 2**28
# The largest number of input and output samples of an axis whose table is cached: a few MiB.
_MAX_CACHED_SAMPLES = 2**14

Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class AxisTaps:
    """One axis of a resize: ``out[i] = sum_t weight[i, t] * x[index[i, t]]``.

    Args:
        index: ``(n_out, T)`` int64 of 0 … ``n_in - 1``.
        weight: ``(n_out, T)`` f64; each row sums to 1.
        outside: ``(n_out,)`` bool: where the extrapolation value replaces the sum; or None.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    outside: NDArray[np.bool_] | None = None
    # The table in forms of the compiled module, by their use.
    compiled_cache: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)


def axis_taps(
    n_in: int,
    n_out: int,
    scale: float,
    *,
    mode: Mode = "cubic",
    a: float = -0.5,
    antialias: bool = False,
    border: Border = "replicate",
    centre: float = 0.5,
) -> AxisTaps:
    """The table of one axis, whose output sample ``i`` lies at ``(i + centre) / scale - centre`` of the input.

    Args:
        n_in: input samples, at least 1.
        n_out: output samples, at least 1.
        scale: output samples per input sample. Positions follow from it, not from the sizes.
        mode: ``nearest`` (ties are rounded down), ``linear`` (triangle) or ``cubic`` (Keys, with parameter ``a``).
        a: the cubic's parameter: −0.5 in MATLAB and Pillow, −0.75 in torch and OpenCV.
        antialias: widen the kernel by ``1/scale`` when shrinking, as MATLAB and Pillow do.
        border: what lies outside: the edge sample (``replicate``), or the mirrored image including its edge sample
            (``symmetric``, as in MATLAB).
        centre: where a sample lies in its cell, 0 … 1, in both input and output; 0.5 is half-pixel centred.

    Returns:
        An :class:`AxisTaps`.

    Raises:
        InvalidArgument: an argument is out of range, or a name is unknown.

    Source: Keys 1981, equation 4 for ``a = -0.5``; the position formula of MATLAB's ``imresize``.

    >>> axis_taps(2, 4, 2.0, mode="linear").weight[1].tolist()
    [0.75, 0.25]
    """
    check_axis(n_in, n_out)
    if not (math.isfinite(scale) and scale > 0):
        raise InvalidArgument(f"resize: scale={scale}: a finite number above 0 is needed")
    if mode not in SUPPORT:
        raise unknown("mode", mode, SUPPORT, where="resize")
    if border not in BORDERS:
        raise unknown("border", border, BORDERS, where="resize")
    if not 0 <= centre <= 1:
        raise InvalidArgument(f"resize: centre={centre}: a number from 0 to 1 is needed")
    return tabulate(n_in, n_out, scale, Convention(mode, a=a, antialias=antialias, border=border, centre=centre))


def check_axis(n_in: int, n_out: int) -> None:
    """Raise InvalidArgument unless both numbers of samples are from 1 to 2**31 - 1."""
    if n_in < 1 or n_out < 1 or n_in > _MAX_SIDE or n_out > _MAX_SIDE:
        raise InvalidArgument(f"resize: {n_in} to {n_out} samples: both must be from 1 to {_MAX_SIDE}")


def tabulate(
    n_in: int, n_out: int, scale: float | None, convention: Convention, roi: tuple[float, float] = (0, 1)
) -> AxisTaps:
    """Compute the table of one axis.

    Args:
        n_in: input samples.
        n_out: output samples.
        scale: output samples per input sample, if it sets the positions; None for ``n_out / n_in``.
        convention: the conventions.
        roi: start and end of the part that ``tf_crop_and_resize`` resizes, in lengths of the axis.

    Raises:
        InvalidArgument: the table would have more than 2**28 taps.
    """
    if n_out in [n_in * multiple for multiple in convention.multiples]:
        scale = None
    factor = n_out / n_in if scale is None else scale
    step = _step(n_in, n_out, scale, convention)
    _check_taps(n_out, convention, max(1.0, float(step)))
    if convention.kernel == "adaptive":
        return _adaptive(n_in, n_out)
    if convention.kernel == "area":
        return _area(n_in, n_out, float(step), convention)
    # If a factor is given, ONNX uses a fractional length: 0.6 of 4 samples are 2.4 samples long, of which 2 exist.
    length = n_out if convention.length == "whole" or scale is None else scale * n_in
    whole, part = _positions(n_in, n_out, length, factor, step, convention, roi)
    if convention.precision in ("stored", "fused"):
        part = part.astype(np.float32)
    outside = None
    if convention.coordinates == "tf_crop_and_resize":
        outside = (part < 0) | (part > n_in - 1)
    if convention.kernel == "nearest":
        index = (whole + _round(part, convention.nearest))[:, None]
        return AxisTaps(_wrap_index(index, n_in, convention.border), np.ones((n_out, 1)), outside)
    if convention.lookup:
        low = np.floor(part)
        part = low.astype(np.float64) + np.rint((part - low) * part.dtype.type(convention.lookup)) / convention.lookup
    if convention.coordinates == "centres":
        index, weight = _weigh_cells(part, convention, n_in, step)
        return AxisTaps(_wrap_index(index, n_in, convention.border), weight / weight.sum(axis=1, keepdims=True))
    widen = factor if convention.step == "divide" else 1 / float(step) if step > 0 else 1.0
    index, weight = _weigh(part.astype(np.float64), convention, min(1.0, widen))
    index += whole[:, None]
    if convention.exclude_outside:
        weight = np.where((index >= 0) & (index < n_in), weight, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    return AxisTaps(_wrap_index(index, n_in, convention.border), weight / np.where(total == 0, 1.0, total), outside)


@functools.lru_cache(maxsize=32)
def _cached_taps(
    n_in: int,
    n_out: int,
    scale: float | None,
    convention: Convention,
    roi: tuple[float, float],
    signs: tuple[float, ...],
) -> AxisTaps:
    taps = tabulate(n_in, n_out, scale, convention, roi)
    for table in (taps.index, taps.weight, taps.outside):
        if table is not None:
            table.flags.writeable = False
    return taps


def is_cacheable(n_in: int, n_out: int) -> bool:
    """Whether the table of an axis is small enough to be cached."""
    return n_in + n_out <= _MAX_CACHED_SAMPLES


def cached_taps(
    n_in: int, n_out: int, scale: float | None, convention: Convention, roi: tuple[float, float] = (0, 1)
) -> AxisTaps:
    """As :func:`tabulate`, but read-only. The last 32 tables of images of usual sizes are cached."""
    if not is_cacheable(n_in, n_out):
        return tabulate(n_in, n_out, scale, convention, roi)
    # 0.0 and -0.0 are equal as keys of the cache, but give different tables.
    signs = tuple(math.copysign(1, value) for value in (*roi, convention.extrapolation, convention.a))
    return _cached_taps(n_in, n_out, scale, convention, roi, signs)


def _step(n_in: int, n_out: int, scale: float | None, convention: Convention) -> Any:
    """Input samples per output sample, in the precision of the positions."""
    single = convention.precision in ("single", "fused")
    real: Any = np.float32 if single else np.float64
    if convention.coordinates == "corner_step":
        step = real(n_in - 1) / real(n_out - 1) if n_out > 1 else real(0)
    elif convention.step == "ratio_unless_one" and n_out == 1:
        step = real(0)
    elif scale is None and convention.step in ("ratio", "ratio_unless_one"):
        step = real(n_in) / real(n_out)
    elif scale is None:
        step = real(1) / (real(n_out) / real(n_in))
    else:
        step = real(1 / scale)
    return np.float64(step) if convention.precision == "fused" else step


def _check_taps(n_out: int, convention: Convention, step: float) -> None:
    kernel = KERNELS.get(convention.kernel)
    taps = 1.0 if kernel is None else 2 * kernel.support * (step if convention.antialias else 1.0)
    if convention.kernel in ("area", "adaptive"):
        taps = step
    if n_out * taps > _MAX_TAPS:
        raise InvalidArgument(
            f"resize: {n_out} samples of {taps:.0f} taps: at most {_MAX_TAPS} taps are possible for one axis"
        )


def _positions(
    n_in: int, n_out: int, length: float, factor: float, step: Any, convention: Convention, roi: tuple[float, float]
) -> tuple[NDArray[np.int64], Reals]:
    """The position of each output sample among the input samples, as an integer part and the rest."""
    sample = np.arange(n_out, dtype=np.int64)
    none = np.zeros_like(sample)
    i: Reals = sample.astype(np.float32 if convention.precision == "single" else np.float64)
    half = i.dtype.type(0.5)
    match convention.coordinates:
        case "align_corners":
            if length == 1:
                return none, np.zeros_like(i)
            if convention.step == "divide":
                return none, i * (n_in - 1) / (length - 1)
            return none, i * (i.dtype.type(n_in - 1) / i.dtype.type(length - 1))
        case "tf_crop_and_resize":
            # In the order of ONNX's definition: rounding decides whether the first sample is inside or outside.
            start, end = roi
            part = i * (end - start) * (n_in - 1) / (length - 1) if length != 1 else i + (end - start) * (n_in - 1) / 2
            return none, part + start * (n_in - 1)
        case "asymmetric":
            if convention.step == "divide" and factor == int(factor):
                return sample // int(factor), (sample % int(factor)) / factor
            return none, i / factor if convention.step == "divide" else i * step
        case "centres":
            return none, (i + half) * step
        case "running":
            return none, np.concatenate([[step * 0.5], np.full(n_out - 1, step)]).cumsum()
        case "cells":
            low = np.floor(i * step)
            share = ((i + 1) - (low + 1) * factor).astype(np.float32)
            return low.astype(np.int64), np.where(share <= 0, 0, share - np.floor(share))
        case "pytorch_half_pixel" if length <= 1:
            return none, np.zeros_like(i)
    if convention.step != "divide":
        return none, (i + half) * step - half
    if convention.coordinates == "half_pixel_symmetric":
        return none, n_in / 2 * (1 - n_out / length) + (i + 0.5) / factor - 0.5
    # The integer part and the rest are separate: for an integer scale the rest, and thus the weights, repeat exactly,
    # so that a tile has the same weights as the whole image.
    if factor == int(factor):
        return sample // int(factor), (sample % int(factor) + convention.centre) / factor - convention.centre
    return none, (i + convention.centre) / factor - convention.centre


def _round(part: Reals, nearest: str) -> NDArray[np.int64]:
    match nearest:
        case "round_prefer_floor":
            # Halves are rounded down, so that an integer factor r repeats each sample r times.
            return np.ceil(part - part.dtype.type(0.5)).astype(np.int64)
        case "round_prefer_ceil":
            return np.floor(part + part.dtype.type(0.5)).astype(np.int64)
        case "floor":
            return np.floor(part).astype(np.int64)
    return np.ceil(part).astype(np.int64)


def _weigh(
    part: NDArray[np.float64], convention: Convention, widen: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The window of each position and the kernel's values on it, not yet scaled to sum 1."""
    kernel = KERNELS[convention.kernel]
    widen = widen if convention.antialias else 1.0
    support = kernel.support / widen
    taps = 2 * math.ceil(support)
    first = np.floor(part - support).astype(np.int64) + 1
    if widen != 1.0:
        # A widened kernel of non-integer width can cover one more sample on the right.
        taps += 1
    index = first[:, None] + np.arange(taps, dtype=np.int64)
    return index, kernel.weigh((index - part[:, None]) * widen, convention.a)


def _weigh_cells(
    centre: Reals, convention: Convention, n_in: int, step: Any
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As :func:`_weigh`, but only inside the axis, with exactly the operations of Pillow and TensorFlow.

    Otherwise rounding could add or remove a sample of kernels that end in a step, box and gaussian.
    """
    kernel, real = KERNELS[convention.kernel], centre.dtype.type
    widened = max(real(1), real(step)) if convention.antialias else real(1)
    support = real(kernel.support) * widened
    low = np.maximum(0, np.trunc(centre - support + real(0.5))).astype(np.int64)
    high = np.minimum(n_in, np.trunc(centre + support + real(0.5))).astype(np.int64)
    index = low[:, None] + np.arange((high - low).max(), dtype=np.int64)
    distance = (index.astype(centre.dtype) - centre[:, None] + real(0.5)) * (real(1) / widened)
    weight = kernel.weigh(distance.astype(np.float64), convention.a)
    return index, np.where(index < high[:, None], weight, 0.0)


def _area(n_in: int, n_out: int, step: float, convention: Convention) -> AxisTaps:
    """The table of ``area``: each output sample is the mean of the input that it covers."""
    start = np.arange(n_out, dtype=np.float64) * step
    if convention.precision == "single":
        start = (np.arange(n_out, dtype=np.float32) * np.float32(step)).astype(np.float64)
    end = start + step
    index = np.floor(start).astype(np.int64)[:, None] + np.arange(math.ceil(step) + 1, dtype=np.int64)
    cover = np.minimum(index + 1, end[:, None]) - np.maximum(index, start[:, None])
    cover = np.where((cover > convention.sliver) & ((index < n_in) | (not convention.exclude_outside)), cover, 0.0)
    width = np.minimum(step, n_in - start)[:, None] if convention.sliver else cover.sum(axis=1, keepdims=True)
    return AxisTaps(_wrap_index(index, n_in, convention.border), cover / width)


def _adaptive(n_in: int, n_out: int) -> AxisTaps:
    """The table of ``adaptive``: each output sample is the mean of all samples that its part of the axis touches."""
    sample = np.arange(n_out, dtype=np.int64)
    start, end = sample * n_in // n_out, -(-(sample + 1) * n_in // n_out)
    count = (end - start)[:, None]
    index = start[:, None] + np.arange(count.max(), dtype=np.int64)
    return AxisTaps(np.minimum(index, n_in - 1), np.where(index < end[:, None], 1 / count, 0.0))


def _wrap_index(index: NDArray[np.int64], n: int, border: str) -> NDArray[np.int64]:
    if border == "replicate":
        return np.clip(index, 0, n - 1)
    folded = np.mod(index, 2 * n)
    return np.where(folded < n, folded, 2 * n - 1 - folded)
