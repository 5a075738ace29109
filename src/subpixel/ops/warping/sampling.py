"""Samples of an image at arbitrary places: what ``grid_sample`` and ``warp`` are made of.

A place is a position on each axis in samples, 0 being the centre of the first. Each axis turns it into taps, few
samples with a weight, and the result is the sum over all of them, one axis inside the other. In f32 the compiled
module and this file do the same operations in the same order: their results are equal to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from subpixel.ops.arrays import Arithmetic

__all__ = ["Outside", "Sampling", "sample"]

Outside = Literal["zeros", "border", "reflection"]


@dataclass(frozen=True)
class Sampling:
    """How to sample: everything that two calls can differ in, arrays aside. ``mode`` has its torch name."""

    mode: str
    outside: Outside
    align_corners: bool
    a: float


@dataclass(frozen=True)
class _Taps:
    """One axis: the samples that each place needs (clamped into the image), which of them exist, their weights."""

    index: list[Any]
    exists: list[Any | None]
    weight: list[Any]


def sample(a: Arithmetic, x: Any, values: Any, how: Sampling, *, flow: bool) -> Any:
    """``x`` ``(N, C, *S)`` at places ``(N, *P, len(S))``, innermost axis first, giving ``(N, C, *P)``.

    The values are grid_sample's (−1 … 1), or with ``flow`` displacements in samples from the output's own index.
    """
    n, channels, *sides = x.shape
    shape = [int(side) for side in values.shape[1:-1]]
    # Places that are no numbers, or beyond f32 once they count samples, are dealt with below, not worth a warning.
    with np.errstate(all="ignore"):
        axes = []
        for k, side in enumerate(sides):
            value = values[..., len(sides) - 1 - k]
            place = value + _own_index(a, shape, k, value) if flow else _from_grid(value, side, how.align_corners)
            axes.append(_taps(a, a.reshape(place, (n, math.prod(shape))), side, how))
        total = _sum(a, a.reshape(x, (n, channels, math.prod(sides))), sides, axes, len(axes) - 1, None, [])
    return a.reshape(total, (n, channels, *shape))


def _own_index(a: Arithmetic, shape: Sequence[int], k: int, like: Any) -> Any:
    index = np.arange(shape[k], dtype=np.float64).reshape(-1, *([1] * (len(shape) - 1 - k)))
    return a.constant(index, like)


def _from_grid(value: Any, side: int, align_corners: bool) -> Any:
    """From −1 … 1, the first and last samples' centres or else the image's edges, to samples."""
    return (value + 1.0) * ((side - 1) / 2) if align_corners else (value + 1.0) * (side / 2) - 0.5


def _taps(a: Arithmetic, place: Any, side: int, how: Sampling) -> _Taps:
    cubic = how.mode == "bicubic"
    if how.outside == "zeros" or (cubic and how.outside == "border"):
        # Further outside nothing changes any more, not even for the cubic.
        place = _between(a, place, -4.0, side + 3.0)
    elif how.outside == "border":
        place = _between(a, place, 0.0, side - 1.0)
    elif cubic:
        place = a.where(abs(place) < math.inf, place, 0.0)  # its taps are folded one by one
    else:
        place = _reflected(a, place, side, how.align_corners)
    below = a.floor(place)
    part = place - below
    if how.mode == "nearest":
        odd = below - 2 * a.floor(below / 2)
        up = (part > 0.5) | ((part == 0.5) & (odd == 1))
        index, weight = [a.where(up, below + 1, below)], [None]
    elif cubic:
        index, weight = [below + float(t) for t in (-1, 0, 1, 2)], _cubic(part, how.a)
        if how.outside == "border":
            index = [_between(a, i, 0.0, side - 1.0) for i in index]
        elif how.outside == "reflection":
            index = [_reflected(a, i, side, how.align_corners) for i in index]
    else:
        index, weight = [below, below + 1], [1.0 - part, part]
    # Of those that were brought into the image only the neighbour of the very last sample is not there.
    needs_check = how.outside == "zeros" or how.mode == "bilinear"
    whole = [a.astype(i, "int64") for i in index]
    exists = [(i >= 0) & (i < side) if needs_check else None for i in whole]
    return _Taps([a.clip(i, 0, side - 1) for i in whole], exists, weight)


def _between(a: Arithmetic, place: Any, low: float, high: float) -> Any:
    """Clamped; what is no number becomes ``low``."""
    place = a.where(place > low, place, low)
    return a.where(place < high, place, high)


def _reflected(a: Arithmetic, place: Any, side: int, align_corners: bool) -> Any:
    """Folded at the first and last samples' centres or else at the image's edges, then clamped.

    What is no finite number becomes the first sample.
    """
    mirror, period = (0.0, 2.0 * (side - 1)) if align_corners else (-0.5, 2.0 * side)
    if period == 0:
        return a.where(place > math.inf, place, 0.0)
    away = abs(place - mirror)
    rest = away - a.floor(away / period) * period
    back = period - rest
    return _between(a, a.where(rest < back, rest, back) + mirror, 0.0, side - 1.0)


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
    """Over the taps of axis ``k``, the innermost one last added, and of all axes before it."""
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
