"""The windows of a pooling along each axis, and the largest sample of each window.

A window consists only of the input samples in it, so that padding costs neither memory nor comparisons.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.axes import Axes

__all__ = ["PoolingWindow", "window_maxima", "window_maxima_with_positions", "windows"]


@dataclass(frozen=True)
class PoolingWindow:
    """The windows along one axis.

    Args:
        count: the number of windows.
        first: ``(count,)``: the first input sample of each window.
        taps: for each sample of a window ``(outputs, inputs)``: the windows in which it lies inside the input, and its
            positions.
    """

    count: int
    first: NDArray[np.int64]
    taps: tuple[tuple[slice, slice], ...]


def windows(
    axes: Axes,
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[PoolingWindow, ...]:
    """The windows over an array ``(N, C, *S)``, axis by axis.

    Raises:
        InvalidArgument: a window is larger than the padded input, or contains only padding.
    """
    each = list(zip(axes.spatial, shape[2:], kernel, stride, padding, dilation, strict=True))
    counts = [_count(axes, letter, n, k, s, pad, d, ceil_mode) for letter, n, k, s, pad, d in each]
    axes.check_size((*shape[:2], *counts), 8)
    return tuple(
        _window(axes, letter, n, k, s, pad[0], d, count)
        for (letter, n, k, s, pad, d), count in zip(each, counts, strict=True)
    )


def _count(axes: Axes, letter: str, n: int, k: int, s: int, pad: tuple[int, int], d: int, ceil_mode: bool) -> int:
    before, after = pad
    spare = n + before + after - d * (k - 1) - 1
    if spare < 0:
        raise InvalidArgument(
            f"{axes.op}: a window of {d * (k - 1) + 1} along {letter} is larger than the {n} samples with padding "
            f"{pad}; a smaller kernel or dilation is needed"
        )
    count = spare // s + 1
    if ceil_mode and -(-spare // s) * s < n + before:  # the last window must begin before the trailing padding
        count = -(-spare // s) + 1
    if before > d * (k - 1) or (count - 1) * s - before >= n:
        raise _padding_only_error(axes, letter, n, pad)
    # If the dilation exceeds the input, a window contains at most one sample: each sample once for each tap.
    if d > n and count > n * k:
        raise _padding_only_error(axes, letter, n, pad)
    return count


def _window(axes: Axes, letter: str, n: int, k: int, s: int, before: int, d: int, count: int) -> PoolingWindow:
    start = np.arange(count, dtype=np.int64) * s - before
    first = start + np.maximum(0, -(start // d)) * d
    if (first >= n).any():
        raise _padding_only_error(axes, letter, n, before)
    taps = []
    # Other taps lie outside the input in every window.
    for tap in range(max(0, -(int(start[-1]) // d)), min(k - 1, (n - 1 + before) // d) + 1):
        shift = tap * d - before
        low, high = max(0, -(shift // s)), min(count - 1, (n - 1 - shift) // s)
        if low <= high:
            taps.append((slice(low, high + 1), slice(low * s + shift, high * s + shift + 1, s)))
    return PoolingWindow(count, first, tuple(taps))


def _padding_only_error(axes: Axes, letter: str, n: int, padding: Any) -> InvalidArgument:
    return InvalidArgument(
        f"{axes.op}: with padding {padding} along {letter} of {n} samples, some windows contain only padding; "
        f"less padding or dilation is needed"
    )


def window_maxima(x: NDArray[Any], plan: Sequence[PoolingWindow]) -> NDArray[Any]:
    """The largest sample of each window of ``(N, C, *S)``, one axis after another. NaN counts as the largest."""
    for axis, window in enumerate(plan, start=2):
        lead = (slice(None),) * axis
        best = np.take(x, window.first, axis=axis)
        for outputs, inputs in window.taps:
            part = best[(*lead, outputs)]
            np.maximum(part, x[(*lead, inputs)], out=part)
        x = best
    return x


def window_maxima_with_positions(a: Arithmetic, x: Any, plan: Sequence[PoolingWindow]) -> tuple[Any, Any]:
    """``(values, positions)`` of ``(N, C, *S)``; positions are flat in a plane, int64.

    The first of equal samples in raster order wins; NaN wins over all, the last NaN over the others (torch's rule).
    """
    sizes = tuple(x.shape[2:])
    pitch = [int(np.prod(sizes[i + 1 :], dtype=np.int64)) for i in range(len(sizes))]
    best, position = x, np.zeros((), np.int64)
    for axis, (window, step) in enumerate(zip(plan, pitch, strict=True)):
        best = a.take(best, window.first, axis + 2)
        position = position[..., None] + window.first * step
    # Added to an array, so that it becomes one for each image where torch computes several at a time.
    where = a.astype((best != best) & False, "int64") + a.constant(position, x)
    floating = "float" in a.dtype(x)
    for taps in itertools.product(*(window.taps for window in plan)):
        region = (..., *(outputs for outputs, _ in taps))
        sample = x[(..., *(inputs for _, inputs in taps))]
        flat = np.zeros((), np.int64)
        for (_, inputs), step in zip(taps, pitch, strict=True):
            flat = flat[..., None] + np.arange(inputs.start, inputs.stop, inputs.step, dtype=np.int64) * step
        wins = sample > best[region]
        if floating:
            wins = wins | (sample != sample)
        best[region] = a.where(wins, sample, best[region])
        where[region] = a.where(wins, a.constant(flat, x), where[region])
    return best, where
