"""The resizes of u8 pictures that Pillow, OpenCV and torch compute in whole numbers.

Each takes the tables of the two axes in the order in which they are applied, rounds their weights to fixed point and
sums them exactly; what is left to state is the number of fractional bits and where something is shifted out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["ALGORITHMS"]

# 32 bits less 8 of the sample and 2 for kernels whose weights exceed 1: Pillow's PRECISION_BITS.
_PILLOW_BITS = 22
# INTER_RESIZE_COEF_BITS of OpenCV.
_OPENCV_BITS = 11

Table = tuple[int, AxisTaps]


def pillow(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """Pillow's ``Image.resize`` of 8-bit bands: each axis rounded half up and clipped to a byte."""
    return _axis_by_axis(ar, x, tables, lambda weight: _PILLOW_BITS)


def torch(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """torch's ``interpolate`` of u8: as Pillow, the weights of an axis as fine as 16 bits hold the largest."""

    def bits(weight: NDArray[np.float64]) -> int:
        fitting = 0
        while fitting < _PILLOW_BITS and int(0.5 + weight.max() * (1 << (fitting + 1))) < 1 << 15:
            fitting += 1
        return fitting

    return _axis_by_axis(ar, x, [(axis, _merged(taps)) for axis, taps in tables], bits)


def opencv_linear(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR``: 11 bits an axis, of which the vertical sum drops some from each product.

    Columns beyond the edge are moved onto it; rows are not, and their two products lose a fraction each.
    To exactly half of both sides it takes the mean of four, which only with 1, 3 or 4 channels is rounded half up.
    """
    (columns, along), (rows, down) = tables
    channels = x.shape[-1] if len(x.shape) - 1 not in (rows, columns) else 1
    halved = all(x.shape[axis] == 2 * len(taps.index) for axis, taps in tables)
    if halved and channels not in (1, 3, 4):
        y = ar.astype(x, "int32")
        for axis, taps in tables:
            y = ar.take(y, taps.index[:, 0], axis) + ar.take(y, taps.index[:, 1], axis)
        return ar.astype((y + 1 + ((y >> 2) & 1)) >> 2, "uint8")
    y = _sum(ar, ar.astype(x, "int32"), columns, along.index, _moved_inside(along, _OPENCV_BITS))
    y = y >> 4
    weight = np.rint(down.weight * (1 << _OPENCV_BITS)).astype(np.int32)
    parts = [(ar.take(y, down.index[:, t], rows) * _along(ar, weight[:, t], y, rows)) >> 16 for t in (0, 1)]
    return ar.astype((parts[0] + parts[1] + 2) >> 2, "uint8")


def opencv_linear_exact(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR_EXACT``: 8 bits an axis, nothing lost in between, rounded half up."""
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = _sum(ar, y, axis, taps.index, _moved_inside(taps, 8))
    return ar.astype((y + (1 << 15)) >> 16, "uint8")


def opencv(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_CUBIC`` and ``INTER_LANCZOS4``: 11 bits an axis, rounded half up once.

    Its vector code sums the columns in f32 instead, which moves some samples by one.
    """
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        coefficients = np.rint(taps.weight * (1 << _OPENCV_BITS)).astype(np.int32)
        y = _sum(ar, y, axis, taps.index, coefficients)
    return ar.astype(ar.clip((y + (1 << (2 * _OPENCV_BITS - 1))) >> (2 * _OPENCV_BITS), 0, 255), "uint8")


ALGORITHMS: dict[str, Callable[[Arithmetic, Any, Sequence[Table]], Any]] = {
    "pillow": pillow,
    "torch": torch,
    "opencv": opencv,
    "opencv_linear": opencv_linear,
    "opencv_linear_exact": opencv_linear_exact,
}


def _axis_by_axis(
    ar: Arithmetic, x: Any, tables: Sequence[Table], bits_of: Callable[[NDArray[np.float64]], int]
) -> Any:
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        bits = bits_of(taps.weight)
        scaled = taps.weight * (1 << bits)
        coefficients = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32)
        y = ar.clip((_sum(ar, y, axis, taps.index, coefficients) + (1 << (bits - 1))) >> bits, 0, 255)
    return ar.astype(y, "uint8")


def _merged(taps: AxisTaps) -> AxisTaps:
    """Neighbouring taps of the same sample as one, so that they are rounded as one."""
    weight = taps.weight.copy()
    for t in range(1, weight.shape[1]):
        same = taps.index[:, t] == taps.index[:, t - 1]
        weight[same, t] += weight[same, t - 1]
        weight[same, t - 1] = 0.0
    return AxisTaps(taps.index, weight)


def _moved_inside(taps: AxisTaps, bits: int) -> NDArray[np.int32]:
    """Weights of two taps in fixed point, all of it on the first where both are the same sample."""
    second = np.rint(taps.weight[:, 1] * (1 << bits)).astype(np.int32)
    first = np.rint(taps.weight[:, 0] * (1 << bits)).astype(np.int32) if bits > 8 else (1 << bits) - second
    at_edge = taps.index[:, 0] == taps.index[:, 1]
    return np.stack([np.where(at_edge, 1 << bits, first), np.where(at_edge, 0, second)], axis=1).astype(np.int32)


def _sum(ar: Arithmetic, x: Any, axis: int, index: NDArray[np.int64], coefficients: NDArray[np.int32]) -> Any:
    out = 0
    for t in range(index.shape[1]):
        out = out + ar.take(x, index[:, t], axis) * _along(ar, coefficients[:, t], x, axis)
    return out


def _along(ar: Arithmetic, weight: NDArray[np.int32], x: Any, axis: int) -> Any:
    shape = [1] * len(x.shape)
    shape[axis] = -1
    return ar.constant(np.ascontiguousarray(weight).reshape(shape), x)
