"""The resizes of u8 images that Pillow, OpenCV and torch compute in integers.

Each takes the tables of the two axes in the order in which they are applied, rounds their weights to fixed point and
sums them exactly; what is left to state is the number of fractional bits and where something is shifted out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["ALGORITHMS", "FIXED", "Steps", "mean_of_four"]

# 32 bits less 8 of the sample and 2 for kernels whose weights exceed 1: Pillow's PRECISION_BITS.
_PILLOW_BITS = 22
# INTER_RESIZE_COEF_BITS of OpenCV.
_OPENCV_BITS = 11

Table = tuple[int, AxisTaps]


@dataclass(frozen=True)
class Fixed:
    """A table of taps in fixed point: weights are integers of ``2**-bits``."""

    index: NDArray[np.int64]
    weight: NDArray[np.int32]
    bits: int


@dataclass(frozen=True)
class Steps:
    """An algorithm: its weights of the first axis and of later ones, and what stands between two.

    ``shifts`` are the bits shifted out after each; None, as many as its weights have.
    """

    axes: tuple[Callable[[AxisTaps], Fixed], Callable[[AxisTaps], Fixed]]
    between: str
    shifts: tuple[int, int] | None = None
    mean_of_four: bool = False


def pillow(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """Pillow's ``Image.resize`` of 8-bit bands: each axis rounded half up and clipped to a byte."""
    return _axis_by_axis(ar, x, [(axis, _of_pillow(taps)) for axis, taps in tables])


def torch(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """torch's ``interpolate`` of u8: as Pillow, the weights of an axis as fine as 16 bits hold the largest."""
    return _axis_by_axis(ar, x, [(axis, _of_torch(taps)) for axis, taps in tables])


def opencv_linear(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR``: 11 bits an axis, of which the vertical sum drops some from each product.

    Columns beyond the edge are moved onto it; rows are not, and their two products lose a fraction each.
    To exactly half of both sides it takes the mean of four, which only with 1, 3 or 4 channels is rounded half up.
    """
    (columns, along), (rows, down) = tables
    if mean_of_four(x.shape, tables):
        y = ar.astype(x, "int32")
        for axis, taps in tables:
            y = ar.take(y, taps.index[:, 0], axis) + ar.take(y, taps.index[:, 1], axis)
        return ar.astype((y + 1 + ((y >> 2) & 1)) >> 2, "uint8")
    y = _sum(ar, ar.astype(x, "int32"), columns, _moved_inside(along)) >> 4
    weight = _of_opencv(down).weight
    parts = [(ar.take(y, down.index[:, t], rows) * _along(ar, weight[:, t], y, rows)) >> 16 for t in (0, 1)]
    return ar.astype((parts[0] + parts[1] + 2) >> 2, "uint8")


def opencv_linear_exact(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR_EXACT``: 8 bits an axis, nothing lost in between, rounded half up."""
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = _sum(ar, y, axis, _moved_inside_exactly(taps))
    return ar.astype((y + (1 << 15)) >> 16, "uint8")


def opencv(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_CUBIC`` and ``INTER_LANCZOS4``: 11 bits an axis, rounded half up once.

    Its vector code sums the columns in f32 instead, which moves some samples by one.
    """
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = _sum(ar, y, axis, _of_opencv(taps))
    return ar.astype(ar.clip((y + (1 << (2 * _OPENCV_BITS - 1))) >> (2 * _OPENCV_BITS), 0, 255), "uint8")


def mean_of_four(shape: Sequence[int], tables: Sequence[Table]) -> bool:
    """OpenCV's ``INTER_LINEAR`` does not sum what a table says, but takes a mean rounded half to even."""
    axes = [axis for axis, _ in tables]
    channels = shape[-1] if len(shape) - 1 not in axes else 1
    halved = all(shape[axis] == 2 * len(taps.index) for axis, taps in tables)
    return halved and channels not in (1, 3, 4)


def _axis_by_axis(ar: Arithmetic, x: Any, tables: Sequence[tuple[int, Fixed]]) -> Any:
    y = ar.astype(x, "int32")
    for axis, fixed in tables:
        y = ar.clip((_sum(ar, y, axis, fixed) + (1 << (fixed.bits - 1))) >> fixed.bits, 0, 255)
    return ar.astype(y, "uint8")


def _of_pillow(taps: AxisTaps) -> Fixed:
    return _away_from_zero(taps, _PILLOW_BITS)


def _of_torch(taps: AxisTaps) -> Fixed:
    """Neighbouring taps of the same sample as one, so that they are rounded as one."""
    weight = taps.weight.copy()
    for t in range(1, weight.shape[1]):
        same = taps.index[:, t] == taps.index[:, t - 1]
        weight[same, t] += weight[same, t - 1]
        weight[same, t - 1] = 0.0
    bits = 0
    while bits < _PILLOW_BITS and int(0.5 + weight.max() * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    return _away_from_zero(AxisTaps(taps.index, weight), bits)


def _away_from_zero(taps: AxisTaps, bits: int) -> Fixed:
    scaled = taps.weight * (1 << bits)
    return Fixed(taps.index, np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32), bits)


def _of_opencv(taps: AxisTaps) -> Fixed:
    return Fixed(taps.index, np.rint(taps.weight * (1 << _OPENCV_BITS)).astype(np.int32), _OPENCV_BITS)


def _moved_inside(taps: AxisTaps) -> Fixed:
    return _inside(taps, _of_opencv(taps))


def _moved_inside_exactly(taps: AxisTaps) -> Fixed:
    second = np.rint(taps.weight[:, 1] * (1 << 8)).astype(np.int32)
    return _inside(taps, Fixed(taps.index, np.stack([(1 << 8) - second, second], axis=1), 8))


def _inside(taps: AxisTaps, fixed: Fixed) -> Fixed:
    """All weight of two taps on the first where both are the same sample."""
    at_edge = (taps.index[:, 0] == taps.index[:, 1])[:, None]
    return replace(fixed, weight=np.where(at_edge, np.array([1 << fixed.bits, 0], np.int32), fixed.weight))


def _sum(ar: Arithmetic, x: Any, axis: int, fixed: Fixed) -> Any:
    out = 0
    for t in range(fixed.index.shape[1]):
        out = out + ar.take(x, fixed.index[:, t], axis) * _along(ar, fixed.weight[:, t], x, axis)
    return out


def _along(ar: Arithmetic, weight: NDArray[np.int32], x: Any, axis: int) -> Any:
    shape = [1] * len(x.shape)
    shape[axis] = -1
    return ar.constant(np.ascontiguousarray(weight).reshape(shape), x)


ALGORITHMS: dict[str, Callable[[Arithmetic, Any, Sequence[Table]], Any]] = {
    "pillow": pillow,
    "torch": torch,
    "opencv": opencv,
    "opencv_linear": opencv_linear,
    "opencv_linear_exact": opencv_linear_exact,
}

# The same as data, for the compiled module.
FIXED = {
    "pillow": Steps((_of_pillow, _of_pillow), "uint8"),
    "torch": Steps((_of_torch, _of_torch), "uint8"),
    "opencv": Steps((_of_opencv, _of_opencv), "int32", (0, 2 * _OPENCV_BITS)),
    "opencv_linear": Steps((_moved_inside, _of_opencv), "int16", (4, 1), mean_of_four=True),
    "opencv_linear_exact": Steps((_moved_inside_exactly, _moved_inside_exactly), "int32", (0, 16)),
}
