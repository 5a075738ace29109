"""The windows of a pooling, axis by axis, and the largest sample of each.

A window is described by what it sees of the input, so that padding costs neither memory nor a comparison.
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

__all__ = ["Window", "largest", "largest_with_positions", "windows"]


@dataclass(frozen=True)
class Window:
    """The windows along one axis.

    ``count`` windows; ``first`` (count,) is the first input sample that each sees. Each of ``taps`` is
    ``(outputs, inputs)``: the windows for which this sample of the window lies inside, and where it lies.
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
) -> tuple[Window, ...]:
    """The windows over an array ``(N, C, *S)``, or InvalidArgument for what cannot be pooled."""
    each = list(zip(axes.spatial, shape[2:], kernel, stride, padding, dilation, strict=True))
    counts = [_count(axes, letter, n, k, s, pad, d, ceil_mode) for letter, n, k, s, pad, d in each]
    axes.fits((*shape[:2], *counts), 8)
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
            f"{pad}; a smaller kernel or dilation would fit"
        )
    count = spare // s + 1
    if ceil_mode and -(-spare // s) * s < n + before:  # the last window must begin before the trailing padding
        count = -(-spare // s) + 1
    if before > d * (k - 1) or (count - 1) * s - before >= n:
        raise _blind(axes, letter, n, pad)
    # With gaps wider than the input, a window sees at most one sample: each sample through each tap once.
    if d > n and count > n * k:
        raise _blind(axes, letter, n, pad)
    return count


def _window(axes: Axes, letter: str, n: int, k: int, s: int, before: int, d: int, count: int) -> Window:
    start = np.arange(count, dtype=np.int64) * s - before
    first = start + np.maximum(0, -(start // d)) * d
    if (first >= n).any():
        raise _blind(axes, letter, n, before)
    taps = []
    # Taps outside of these see the input from no window.
    for tap in range(max(0, -(int(start[-1]) // d)), min(k - 1, (n - 1 + before) // d) + 1):
        shift = tap * d - before
        low, high = max(0, -(shift // s)), min(count - 1, (n - 1 - shift) // s)
        if low <= high:
            taps.append((slice(low, high + 1), slice(low * s + shift, high * s + shift + 1, s)))
    return Window(count, first, tuple(taps))


def _blind(axes: Axes, letter: str, n: int, padding: Any) -> InvalidArgument:
    return InvalidArgument(
        f"{axes.op}: padding {padding} along {letter} of {n} samples leaves windows that see padding only; "
        f"less padding or a denser window would fit"
    )


def largest(x: NDArray[Any], plan: Sequence[Window]) -> NDArray[Any]:
    """The largest sample of each window of ``(N, C, *S)``, one axis after the other. NaN is the largest."""
    for axis, window in enumerate(plan, start=2):
        lead = (slice(None),) * axis
        best = np.take(x, window.first, axis=axis)
        for outputs, inputs in window.taps:
            part = best[(*lead, outputs)]
            np.maximum(part, x[(*lead, inputs)], out=part)
        x = best
    return x


def largest_with_positions(a: Arithmetic, x: Any, plan: Sequence[Window]) -> tuple[Any, Any]:
    """``(values, positions)`` of ``(N, C, *S)``; positions are flat in a plane, int64.

    The first of equal samples in raster order wins; NaN wins over all, the last NaN over the others (torch's rule).
    """
    sizes = tuple(x.shape[2:])
    pitch = [int(np.prod(sizes[i + 1 :], dtype=np.int64)) for i in range(len(sizes))]
    best, position = x, np.zeros((), np.int64)
    for axis, (window, step) in enumerate(zip(plan, pitch, strict=True)):
        best = a.take(best, window.first, axis + 2)
        position = position[..., None] + window.first * step
    where = a.copy(a.expand(a.constant(position, x), best.shape))
    floating = "float" in a.dtype(x)
    for taps in itertools.product(*(window.taps for window in plan)):
        place = (..., *(outputs for outputs, _ in taps))
        sample = x[(..., *(inputs for _, inputs in taps))]
        flat = np.zeros((), np.int64)
        for (_, inputs), step in zip(taps, pitch, strict=True):
            flat = flat[..., None] + np.arange(inputs.start, inputs.stop, inputs.step, dtype=np.int64) * step
        wins = sample > best[place]
        if floating:
            wins = wins | (sample != sample)
        best[place] = a.where(wins, sample, best[place])
        where[place] = a.where(wins, a.constant(flat, x), where[place])
    return best, where
