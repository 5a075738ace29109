"""One axis of a resize, stated once: which samples make an output sample, and how much of each.

:func:`tabulate` makes the table from a :class:`~subpixel.ops.resizing.convention.Rule`; :func:`axis_taps` is the
short form for what this package's own networks and images use. The engines and
:func:`subpixel.ops.resizing.resize.resize` apply it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing.convention import BORDERS, Rule
from subpixel.ops.resizing.kernels import KERNELS

__all__ = ["SUPPORT", "AxisTaps", "Border", "Mode", "axis_taps", "check_axis", "remembered", "table", "tabulate"]

Mode = Literal["nearest", "linear", "cubic"]
Border = Literal["replicate", "symmetric"]

# Half-width of each kernel in input samples; also how far an interpolated sample reaches when upscaling.
SUPPORT: dict[str, int] = {"nearest": 0, "linear": 1, "cubic": 2}

_MAX_SIDE = 2**31 - 1
# Indices and weights are 16 bytes a tap: 4 GiB of table is the most that is made for one axis.
_MAX_TAPS = 2**28
# Samples in and out of an axis whose table is remembered: it is then of some MiB at most.
_MAX_REMEMBERED = 2**14

Reals = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class AxisTaps:
    """One axis of a resize: ``out[i] = sum_t weight[i, t] * x[index[i, t]]``.

    ``index`` is ``(n_out, T)`` int64 within ``0 … n_in - 1``; ``weight`` is ``(n_out, T)`` float64, rows sum to 1.
    ``outside`` is ``(n_out,)`` bool where an extrapolation value takes the place of the sum, else None.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]
    outside: NDArray[np.bool_] | None = None
    # What the compiled module made of it, by what for.
    packed: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)


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
    """Indices and weights of one axis: sample ``i`` lies at ``(i + centre) / scale - centre``.

    Args:
        n_in: input samples, at least 1.
        n_out: output samples, at least 1.
        scale: output samples per input sample (positions are computed from it, not from the sizes).
        mode: ``nearest`` (ties go down), ``linear`` (triangle) or ``cubic`` (Keys, with the given ``a``).
        a: the cubic's free parameter: −0.5 in MATLAB and Pillow, −0.75 in torch and OpenCV.
        antialias: when shrinking, widen the kernel by ``1/scale`` (MATLAB's and Pillow's behaviour).
        border: what lies outside: the edge sample (``replicate``) or the mirrored image including its
            edge sample (``symmetric``, MATLAB).
        centre: where in its cell a sample lies, 0 … 1, in the output as in the input; 0.5 is half-pixel centred.

    Returns:
        An :class:`AxisTaps`.

    Source: Keys 1981, equation 4 for ``a = -0.5``; the position formula of MATLAB's ``imresize``.

    >>> axis_taps(2, 4, 2.0, mode="linear").weight[1].tolist()
    [0.75, 0.25]
    """
    check_axis(n_in, n_out)
    if not (math.isfinite(scale) and scale > 0):
        raise InvalidArgument(f"resize: scale={scale}: a finite number above 0 is needed")
    if mode not in SUPPORT:
        raise InvalidArgument(f"resize: mode={mode!r}: one of {', '.join(SUPPORT)} is needed")
    if border not in BORDERS:
        raise InvalidArgument(f"resize: border={border!r}: 'replicate' or 'symmetric' is needed")
    if not 0 <= centre <= 1:
        raise InvalidArgument(f"resize: centre={centre}: 0 … 1 is needed")
    return tabulate(n_in, n_out, scale, Rule(mode, a=a, antialias=antialias, border=border, centre=centre))


def check_axis(n_in: int, n_out: int) -> None:
    """Raises InvalidArgument for a side that no axis can have."""
    if n_in < 1 or n_out < 1 or n_in > _MAX_SIDE or n_out > _MAX_SIDE:
        raise InvalidArgument(f"resize: {n_in} to {n_out} samples: both must be 1 … {_MAX_SIDE}")


def tabulate(n_in: int, n_out: int, scale: float | None, rule: Rule, roi: tuple[float, float] = (0, 1)) -> AxisTaps:
    """The table of one axis.

    Args:
        n_in: input samples.
        n_out: output samples.
        scale: output samples per input sample, where it was given and sets the positions; None is ``n_out / n_in``.
        rule: the conventions.
        roi: start and end of the part that ``tf_crop_and_resize`` takes, in lengths of the axis.

    Raises:
        InvalidArgument: a table that would not fit in memory.
    """
    if n_out in [n_in * multiple for multiple in rule.multiples]:
        scale = None
    factor = n_out / n_in if scale is None else scale
    step = _step(n_in, n_out, scale, rule)
    _check_taps(n_out, rule, max(1.0, float(step)))
    if rule.kernel == "adaptive":
        return _adaptive(n_in, n_out)
    if rule.kernel == "area":
        return _area(n_in, n_out, float(step), rule)
    # ONNX counts a fractional length where a factor is given: 0.6 of 4 samples are 2.4 long, of which 2 are made.
    length = n_out if rule.length == "whole" or scale is None else scale * n_in
    whole, part = _positions(n_in, n_out, length, factor, step, rule, roi)
    if rule.precision in ("stored", "fused"):
        part = part.astype(np.float32)
    outside = None
    if rule.coordinates == "tf_crop_and_resize":
        outside = (part < 0) | (part > n_in - 1)
    if rule.kernel == "nearest":
        index = (whole + _round(part, rule.nearest))[:, None]
        return AxisTaps(_inside(index, n_in, rule.border), np.ones((n_out, 1)), outside)
    if rule.lookup:
        low = np.floor(part)
        part = low.astype(np.float64) + np.rint((part - low) * part.dtype.type(rule.lookup)) / rule.lookup
    if rule.coordinates == "centres":
        index, weight = _weigh_cells(part, rule, n_in, step)
        return AxisTaps(_inside(index, n_in, rule.border), weight / weight.sum(axis=1, keepdims=True))
    widen = factor if rule.step == "divide" else 1 / float(step) if step > 0 else 1.0
    index, weight = _weigh(part.astype(np.float64), rule, min(1.0, widen))
    index += whole[:, None]
    if rule.exclude_outside:
        weight = np.where((index >= 0) & (index < n_in), weight, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    return AxisTaps(_inside(index, n_in, rule.border), weight / np.where(total == 0, 1.0, total), outside)


@functools.lru_cache(maxsize=32)
def _remembered(
    n_in: int, n_out: int, scale: float | None, rule: Rule, roi: tuple[float, float], signs: tuple[float, ...]
) -> AxisTaps:
    taps = tabulate(n_in, n_out, scale, rule, roi)
    for table in (taps.index, taps.weight, taps.outside):
        if table is not None:
            table.flags.writeable = False
    return taps


def remembered(n_in: int, n_out: int) -> bool:
    """The table of such an axis is small enough to be kept."""
    return n_in + n_out <= _MAX_REMEMBERED


def table(n_in: int, n_out: int, scale: float | None, rule: Rule, roi: tuple[float, float] = (0, 1)) -> AxisTaps:
    """:func:`tabulate`, read-only: tables of images of usual sizes are remembered, the last 32 of them."""
    if not remembered(n_in, n_out):
        return tabulate(n_in, n_out, scale, rule, roi)
    # 0.0 and -0.0 are equal, but not what follows from them.
    signs = tuple(math.copysign(1, value) for value in (*roi, rule.extrapolation, rule.a))
    return _remembered(n_in, n_out, scale, rule, roi, signs)


def _step(n_in: int, n_out: int, scale: float | None, rule: Rule) -> Any:
    """Input samples per output sample, in the precision of the positions."""
    single = rule.precision in ("single", "fused")
    real: Any = np.float32 if single else np.float64
    if rule.coordinates == "corner_step":
        step = real(n_in - 1) / real(n_out - 1) if n_out > 1 else real(0)
    elif rule.step == "ratio_unless_one" and n_out == 1:
        step = real(0)
    elif scale is None and rule.step in ("ratio", "ratio_unless_one"):
        step = real(n_in) / real(n_out)
    elif scale is None:
        step = real(1) / (real(n_out) / real(n_in))
    else:
        step = real(1 / scale)
    return np.float64(step) if rule.precision == "fused" else step


def _check_taps(n_out: int, rule: Rule, step: float) -> None:
    kernel = KERNELS.get(rule.kernel)
    taps = 1.0 if kernel is None else 2 * kernel.support * (step if rule.antialias else 1.0)
    if rule.kernel in ("area", "adaptive"):
        taps = step
    if n_out * taps > _MAX_TAPS:
        raise InvalidArgument(
            f"resize: {n_out} samples of {taps:.0f} taps: a table of at most {_MAX_TAPS} taps is made for one axis"
        )


def _positions(
    n_in: int, n_out: int, length: float, factor: float, step: Any, rule: Rule, roi: tuple[float, float]
) -> tuple[NDArray[np.int64], Reals]:
    """Where each output sample lies between the input samples, as a whole part and the rest."""
    sample = np.arange(n_out, dtype=np.int64)
    none = np.zeros_like(sample)
    i: Reals = sample.astype(np.float32 if rule.precision == "single" else np.float64)
    half = i.dtype.type(0.5)
    match rule.coordinates:
        case "align_corners":
            if length == 1:
                return none, np.zeros_like(i)
            if rule.step == "divide":
                return none, i * (n_in - 1) / (length - 1)
            return none, i * (i.dtype.type(n_in - 1) / i.dtype.type(length - 1))
        case "tf_crop_and_resize":
            # In the order of ONNX's definition: by how it rounds, the first sample is inside or outside.
            start, end = roi
            part = i * (end - start) * (n_in - 1) / (length - 1) if length != 1 else i + (end - start) * (n_in - 1) / 2
            return none, part + start * (n_in - 1)
        case "asymmetric":
            if rule.step == "divide" and factor == int(factor):
                return sample // int(factor), (sample % int(factor)) / factor
            return none, i / factor if rule.step == "divide" else i * step
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
    if rule.step != "divide":
        return none, (i + half) * step - half
    if rule.coordinates == "half_pixel_symmetric":
        return none, n_in / 2 * (1 - n_out / length) + (i + 0.5) / factor - 0.5
    # Whole and broken part of the position apart: for a whole scale the broken part, and with it the weights,
    # then repeat exactly, so that a tile of an image gets the very weights that the image gets.
    if factor == int(factor):
        return sample // int(factor), (sample % int(factor) + rule.centre) / factor - rule.centre
    return none, (i + rule.centre) / factor - rule.centre


def _round(part: Reals, nearest: str) -> NDArray[np.int64]:
    match nearest:
        case "round_prefer_floor":
            # Halves go down, so that a whole factor r repeats each sample r times.
            return np.ceil(part - part.dtype.type(0.5)).astype(np.int64)
        case "round_prefer_ceil":
            return np.floor(part + part.dtype.type(0.5)).astype(np.int64)
        case "floor":
            return np.floor(part).astype(np.int64)
    return np.ceil(part).astype(np.int64)


def _weigh(part: NDArray[np.float64], rule: Rule, widen: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The window of every position and the kernel's value on it, not yet brought to sum 1."""
    kernel = KERNELS[rule.kernel]
    widen = widen if rule.antialias else 1.0
    support = kernel.support / widen
    taps = 2 * math.ceil(support)
    first = np.floor(part - support).astype(np.int64) + 1
    if widen != 1.0:
        # A widened kernel of non-integer width can touch one sample more on the right.
        taps += 1
    index = first[:, None] + np.arange(taps, dtype=np.int64)
    return index, kernel.weigh((index - part[:, None]) * widen, rule.a)


def _weigh_cells(centre: Reals, rule: Rule, n_in: int, step: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As :func:`_weigh`, inside of the axis only, in the very steps of Pillow and TensorFlow.

    Kernels that end in a step, box and gaussian, must not gain or lose a sample by another rounding.
    """
    kernel, real = KERNELS[rule.kernel], centre.dtype.type
    widened = max(real(1), real(step)) if rule.antialias else real(1)
    support = real(kernel.support) * widened
    low = np.maximum(0, np.trunc(centre - support + real(0.5))).astype(np.int64)
    high = np.minimum(n_in, np.trunc(centre + support + real(0.5))).astype(np.int64)
    index = low[:, None] + np.arange((high - low).max(), dtype=np.int64)
    distance = (index.astype(centre.dtype) - centre[:, None] + real(0.5)) * (real(1) / widened)
    weight = kernel.weigh(distance.astype(np.float64), rule.a)
    return index, np.where(index < high[:, None], weight, 0.0)


def _area(n_in: int, n_out: int, step: float, rule: Rule) -> AxisTaps:
    """Each output sample is the mean of the input that it covers, a sample of which fills one unit of the axis."""
    start = np.arange(n_out, dtype=np.float64) * step
    if rule.precision == "single":
        start = (np.arange(n_out, dtype=np.float32) * np.float32(step)).astype(np.float64)
    end = start + step
    index = np.floor(start).astype(np.int64)[:, None] + np.arange(math.ceil(step) + 1, dtype=np.int64)
    cover = np.minimum(index + 1, end[:, None]) - np.maximum(index, start[:, None])
    cover = np.where((cover > rule.sliver) & ((index < n_in) | (not rule.exclude_outside)), cover, 0.0)
    width = np.minimum(step, n_in - start)[:, None] if rule.sliver else cover.sum(axis=1, keepdims=True)
    return AxisTaps(_inside(index, n_in, rule.border), cover / width)


def _adaptive(n_in: int, n_out: int) -> AxisTaps:
    """Each output sample is the mean of all samples that its share of the axis touches."""
    sample = np.arange(n_out, dtype=np.int64)
    start, end = sample * n_in // n_out, -(-(sample + 1) * n_in // n_out)
    count = (end - start)[:, None]
    index = start[:, None] + np.arange(count.max(), dtype=np.int64)
    return AxisTaps(np.minimum(index, n_in - 1), np.where(index < end[:, None], 1 / count, 0.0))


def _inside(index: NDArray[np.int64], n: int, border: str) -> NDArray[np.int64]:
    if border == "replicate":
        return np.clip(index, 0, n - 1)
    folded = np.mod(index, 2 * n)
    return np.where(folded < n, folded, 2 * n - 1 - folded)
