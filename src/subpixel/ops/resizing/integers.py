"""The integer algorithms with which Pillow, OpenCV and torch resize u8 images.

Each of them rounds the weights of the tables to fixed point and sums exactly. They differ in the number of fractional
bits and in where bits are shifted out. Tables are passed in the order in which they are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["ALGORITHMS", "FIXED", "FixedPointAlgorithm", "mean_of_four"]

# Pillow's PRECISION_BITS: 32 bits minus 8 of the sample and 2 for kernels with weights above 1.
_PILLOW_BITS = 22
# INTER_RESIZE_COEF_BITS of OpenCV.
_OPENCV_BITS = 11

Table = tuple[int, AxisTaps]


@dataclass(frozen=True)
class FixedPointTaps:
    """A table in fixed point: weights are integers in units of ``2**-bits``."""

    index: NDArray[np.int64]
    weight: NDArray[np.int32]
    bits: int


@dataclass(frozen=True)
class FixedPointAlgorithm:
    """An algorithm as data, for the compiled module.

    Args:
        axes: the functions that round the weights of the first axis and of later ones.
        between: the dtype between two axes.
        shifts: the bits shifted out after each axis; None for the bits of its weights.
        mean_of_four: the numbers of channels with which halving both axes is *not* a mean of four samples, rounded half
            to even; None if it never is.
    """

    axes: tuple[Callable[[AxisTaps], FixedPointTaps], Callable[[AxisTaps], FixedPointTaps]]
    between: str
    shifts: tuple[int, int] | None = None
    mean_of_four: tuple[int, ...] | None = None


def pillow(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """Pillow's ``Image.resize`` of 8-bit bands: each axis is rounded half up and clipped to a byte."""
    return _axis_by_axis(ar, x, [(axis, _pillow_weights(taps)) for axis, taps in tables])


def torch(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """torch's ``interpolate`` of u8: as Pillow, but weights have as many bits as fit the largest into 16 bits."""
    return _axis_by_axis(ar, x, [(axis, _torch_weights(taps)) for axis, taps in tables])


def opencv_linear(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR``: 11 bits for each axis; the vertical sum drops some bits of each product.

    Columns beyond the edge are moved onto it. Rows are not, and each of their two products loses a fraction. Halving
    both sides exactly is a mean of four samples, which is rounded half up only with 1, 3 or 4 channels.
    """
    (columns, along), (rows, down) = tables
    if mean_of_four("opencv_linear", x.shape, tables):
        return _mean_of_four(ar, x, tables)
    y = _sum(ar, ar.astype(x, "int32"), columns, _opencv_columns(along)) >> 4
    weight = _opencv_weights(down).weight
    parts = [(ar.take(y, down.index[:, t], rows) * _along(ar, weight[:, t], y, rows)) >> 16 for t in (0, 1)]
    return ar.astype((parts[0] + parts[1] + 2) >> 2, "uint8")


def opencv_linear_exact(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_LINEAR_EXACT``: 8 bits for each axis, exact between them, rounded half up.

    Halving both sides of an image of five and more channels is that of ``INTER_LINEAR``.
    """
    if mean_of_four("opencv_linear_exact", x.shape, tables):
        return _mean_of_four(ar, x, tables)
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = _sum(ar, y, axis, _opencv_exact_columns(taps))
    return ar.astype((y + (1 << 15)) >> 16, "uint8")


def opencv(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    """OpenCV's ``INTER_CUBIC`` and ``INTER_LANCZOS4``: 11 bits for each axis, rounded half up once.

    OpenCV's vector code sums the columns in f32 instead, which changes some samples by 1.
    """
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = _sum(ar, y, axis, _opencv_weights(taps))
    return ar.astype(ar.clip((y + (1 << (2 * _OPENCV_BITS - 1))) >> (2 * _OPENCV_BITS), 0, 255), "uint8")


def mean_of_four(algorithm: str, shape: Sequence[int], tables: Sequence[Table]) -> bool:
    """Whether an algorithm of OpenCV ignores the tables and takes a mean of four, rounded half to even."""
    axes = [axis for axis, _ in tables]
    channels = shape[-1] if len(shape) - 1 not in axes else 1
    halved = all(shape[axis] == 2 * len(taps.index) for axis, taps in tables)
    others = FIXED[algorithm].mean_of_four
    return halved and others is not None and channels not in others


def _mean_of_four(ar: Arithmetic, x: Any, tables: Sequence[Table]) -> Any:
    y = ar.astype(x, "int32")
    for axis, taps in tables:
        y = ar.take(y, taps.index[:, 0], axis) + ar.take(y, taps.index[:, 1], axis)
    return ar.astype((y + 1 + ((y >> 2) & 1)) >> 2, "uint8")


def _axis_by_axis(ar: Arithmetic, x: Any, tables: Sequence[tuple[int, FixedPointTaps]]) -> Any:
    y = ar.astype(x, "int32")
    for axis, fixed in tables:
        y = ar.clip((_sum(ar, y, axis, fixed) + (1 << (fixed.bits - 1))) >> fixed.bits, 0, 255)
    return ar.astype(y, "uint8")


def _pillow_weights(taps: AxisTaps) -> FixedPointTaps:
    return _round_away_from_zero(taps, _PILLOW_BITS)


def _torch_weights(taps: AxisTaps) -> FixedPointTaps:
    """Merge neighbouring taps of the same sample, so that they are rounded together."""
    weight = taps.weight.copy()
    for t in range(1, weight.shape[1]):
        same = taps.index[:, t] == taps.index[:, t - 1]
        weight[same, t] += weight[same, t - 1]
        weight[same, t - 1] = 0.0
    bits = 0
    while bits < _PILLOW_BITS and int(0.5 + weight.max() * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    return _round_away_from_zero(AxisTaps(taps.index, weight), bits)


def _round_away_from_zero(taps: AxisTaps, bits: int) -> FixedPointTaps:
    scaled = taps.weight * (1 << bits)
    return FixedPointTaps(taps.index, np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32), bits)


def _opencv_weights(taps: AxisTaps) -> FixedPointTaps:
    return FixedPointTaps(taps.index, np.rint(taps.weight * (1 << _OPENCV_BITS)).astype(np.int32), _OPENCV_BITS)


def _opencv_columns(taps: AxisTaps) -> FixedPointTaps:
    return _merge_at_edge(taps, _opencv_weights(taps))


def _opencv_exact_columns(taps: AxisTaps) -> FixedPointTaps:
    second = np.rint(taps.weight[:, 1] * (1 << 8)).astype(np.int32)
    return _merge_at_edge(taps, FixedPointTaps(taps.index, np.stack([(1 << 8) - second, second], axis=1), 8))


def _merge_at_edge(taps: AxisTaps, fixed: FixedPointTaps) -> FixedPointTaps:
    """Move the whole weight of two taps to the first if both are the same sample."""
    at_edge = (taps.index[:, 0] == taps.index[:, 1])[:, None]
    return replace(fixed, weight=np.where(at_edge, np.array([1 << fixed.bits, 0], np.int32), fixed.weight))


def _sum(ar: Arithmetic, x: Any, axis: int, fixed: FixedPointTaps) -> Any:
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

# The same algorithms as data, for the compiled module.
FIXED = {
    "pillow": FixedPointAlgorithm((_pillow_weights, _pillow_weights), "uint8"),
    "torch": FixedPointAlgorithm((_torch_weights, _torch_weights), "uint8"),
    "opencv": FixedPointAlgorithm((_opencv_weights, _opencv_weights), "int32", (0, 2 * _OPENCV_BITS)),
    "opencv_linear": FixedPointAlgorithm((_opencv_columns, _opencv_weights), "int16", (4, 1), (1, 3, 4)),
    "opencv_linear_exact": FixedPointAlgorithm(
        (_opencv_exact_columns, _opencv_exact_columns), "int32", (0, 16), (1, 2, 3, 4)
    ),
}
