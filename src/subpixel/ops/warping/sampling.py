"""Sampling of an image at arbitrary positions: the core of ``grid_sample`` and ``warp``.

A position is a number of samples on each axis, 0 being the centre of the first sample. Each axis converts it to taps, a
few samples with weights, and the result is the sum over all of them, one axis within another. In f32, the compiled
module does the same operations in the same order: the results are equal in every bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from subpixel.ops.arrays import Arithmetic

__all__ = ["PaddingMode", "Sampling", "sample"]

PaddingMode = Literal["zeros", "border", "reflection"]


@dataclass(frozen=True)
class Sampling:
    """The options of sampling. ``mode`` has its name in torch: ``nearest``, ``bilinear`` or ``bicubic``."""

    mode: str
    padding_mode: PaddingMode
    align_corners: bool
    a: float


@dataclass(frozen=True)
class _Taps:
    """The taps of one axis: indices clamped into the image, which of the samples exist, and their weights."""

    index: list[Any]
    exists: list[Any | None]
    weight: list[Any]


def sample(a: Arithmetic, x: Any, values: Any, options: Sampling, *, flow: bool) -> Any:
    """Sample ``x`` ``(N, C, *S)`` at positions ``(N, *P, len(S))``, innermost axis first, to ``(N, C, *P)``.

    The values are those of grid_sample (−1 … 1) or, with ``flow``, displacements in samples from the output's index.
    """
    n, channels, *sides = x.shape
    shape = list(values.shape[1:-1])
    # NaN and positions that overflow f32 are handled below, without a warning.
    with np.errstate(all="ignore"):
        axes = []
        for k, side in enumerate(sides):
            value = values[..., len(sides) - 1 - k]
            position = (
                value + _own_index(a, shape, k, value) if flow else _from_grid(value, side, options.align_corners)
            )
            axes.append(_taps(a, a.reshape(position, (n, math.prod(shape))), side, options))
        total = _sum(a, a.reshape(x, (n, channels, math.prod(sides))), sides, axes, len(axes) - 1, None, [])
    return a.reshape(total, (n, channels, *shape))


def _own_index(a: Arithmetic, shape: Sequence[int], k: int, like: Any) -> Any:
    index = a.reshape(a.arange(shape[k], like), (-1, *([1] * (len(shape) - 1 - k))))
    return a.astype(index, a.dtype(like))


def _from_grid(value: Any, side: int, align_corners: bool) -> Any:
    """Convert −1 … 1, the centres of the first and last samples or else the edges of the image, to samples."""
    return (value + 1.0) * ((side - 1) / 2) if align_corners else (value + 1.0) * (side / 2) - 0.5


def _taps(a: Arithmetic, position: Any, side: int, options: Sampling) -> _Taps:
    cubic = options.mode == "bicubic"
    if options.padding_mode == "zeros" or (cubic and options.padding_mode == "border"):
        # Further outside nothing changes, even for the cubic.
        position = _clamp(a, position, -4.0, side + 3.0)
    elif options.padding_mode == "border":
        position = _clamp(a, position, 0.0, side - 1.0)
    elif cubic:
        position = a.where(abs(position) < math.inf, position, 0.0)  # each of its taps is folded below
    else:
        position = _reflect(a, position, side, options.align_corners)
    below = a.floor(position)
    part = position - below
    if options.mode == "nearest":
        odd = below - 2 * a.floor(below / 2)
        up = (part > 0.5) | ((part == 0.5) & (odd == 1))
        index, weight = [a.where(up, below + 1, below)], [None]
    elif cubic:
        index, weight = [below + float(t) for t in (-1, 0, 1, 2)], _cubic(part, options.a)
        if options.padding_mode == "border":
            index = [_clamp(a, i, 0.0, side - 1.0) for i in index]
        elif options.padding_mode == "reflection":
            index = [_reflect(a, i, side, options.align_corners) for i in index]
    else:
        index, weight = [below, below + 1], [1.0 - part, part]
    # With positions clamped into the image, only the neighbour after the last sample does not exist.
    needs_check = options.padding_mode == "zeros" or options.mode == "bilinear"
    whole = [a.astype(i, "int64") for i in index]
    exists = [(i >= 0) & (i < side) if needs_check else None for i in whole]
    return _Taps([a.clip(i, 0, side - 1) for i in whole], exists, weight)


def _clamp(a: Arithmetic, position: Any, low: float, high: float) -> Any:
    """Clamp to ``low`` … ``high``; NaN becomes ``low``."""
    position = a.where(position > low, position, low)
    return a.where(position < high, position, high)


def _reflect(a: Arithmetic, position: Any, side: int, align_corners: bool) -> Any:
    """Fold at the centres of the first and last samples, or else at the edges of the image, then clamp.

    NaN and infinity become the first sample.
    """
    mirror, period = (0.0, 2.0 * (side - 1)) if align_corners else (-0.5, 2.0 * side)
    if period == 0:
        return a.where(position > math.inf, position, 0.0)
    away = abs(position - mirror)
    rest = away - a.floor(away / period) * period
    back = period - rest
    return _clamp(a, a.where(rest < back, rest, back) + mirror, 0.0, side - 1.0)


def _cubic(t: Any, p: float) -> list[Any]:
    """Keys 1981 with a free parameter, at the distances t + 1, t, 1 - t and 2 - t."""

    def inner(d: Any) -> Any:
        return ((p + 2) * d - (p + 3)) * d * d + 1.0

    def outer(d: Any) -> Any:
        return ((p * d - 5 * p) * d + 8 * p) * d - 4 * p

    back = 1.0 - t
    return [outer(t + 1.0), inner(t), inner(back), outer(back + 1.0)]


def _sum(
    a: Arithmetic, flat: Any, sides: Sequence[int], axes: Sequence[_Taps], k: int, offset: Any, exists: list[Any]
) -> Any:
    """Sum over the taps of axis ``k`` and of all axes before it."""
    stride = math.prod(sides[k + 1 :])
    parts = []
    for index, there, weight in zip(axes[k].index, axes[k].exists, axes[k].weight, strict=True):
        at = index * stride if offset is None else offset + index * stride
        known = exists if there is None else [*exists, there]
        if k > 0:
            part = _sum(a, flat, sides, axes, k - 1, at, known)
        else:
            part = a.gather(flat, at)
            for one in known:
                part = a.where(one[:, None], part, 0.0)
        parts.append(part if weight is None else part * weight[:, None])
    while len(parts) > 1:
        parts = [parts[i] + parts[i + 1] for i in range(0, len(parts), 2)]
    return parts[0]
