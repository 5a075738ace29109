"""Positions of maxima: conversion between the countings of torch and ONNX, and what they prove about their plane."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.axes import Axes
from subpixel.ops.tracing import all_known

__all__ = [
    "PositionPlane",
    "check_counting",
    "check_range",
    "convert_positions",
    "raster_positions",
    "refuse_other_plane",
]

# Positions that are compared with a plane at first: most planes are ruled out by these.
_FIRST = 256
# Planes that are tried.
_MOST_PLANES = 300


@dataclass(frozen=True)
class PositionPlane:
    """How positions are counted, and the windows that they were found in.

    Args:
        sizes: of the plane that they are counted in, along each spatial axis.
        indices: ``torch`` or ``onnx``.
        storage_order: 0 for row-major, 1 for column-major.
        kernel: of the windows, as are ``stride`` and ``padding``, before and after each axis.
    """

    sizes: tuple[int, ...]
    indices: str
    storage_order: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        order = f", storage_order={self.storage_order}" if self.storage_order else ""
        return f"size {self.sizes} with indices={self.indices!r}{order}"


def check_counting(axes: Axes, indices: Any, storage_order: Any) -> None:
    """Raise InvalidArgument unless the counting and the storage order are valid."""
    if not isinstance(indices, str) or indices not in ("torch", "onnx"):
        raise unknown("indices", indices, ("torch", "onnx"), where=axes.op)
    if isinstance(storage_order, bool) or storage_order not in ((0, 1) if indices == "onnx" else (0,)):
        raise InvalidArgument(
            f"{axes.op}: storage_order={storage_order!r} with indices={indices!r}: 0 is needed, or 1 with 'onnx'"
        )


def convert_positions(
    where: Any, shape: tuple[int, ...], indices: str, storage_order: int, a: Arithmetic, x: Any
) -> Any:
    """Convert raster positions in a plane to a counting; ``shape`` is that of the array before pooling."""
    if indices == "torch":
        return where
    if storage_order:
        where = _transpose_positions(where, shape[2:])
    return where + _plane_starts(a, shape, x)


def check_range(axes: Axes, a: Arithmetic, positions: Any, given: PositionPlane) -> None:
    """Raise InvalidArgument for a position outside of its plane, or with ``onnx`` of the whole tensor."""
    shape = (*positions.shape[:2], *given.sizes)
    limit = math.prod(given.sizes if given.indices == "torch" else shape)
    if math.prod(positions.shape):
        low, high = int(positions.min()), int(positions.max())
        if low < 0 or high >= limit:
            other = _matching_plane(a, positions, given)
            hint = f"; they are those of {other}" if other else ""
            raise InvalidArgument(
                f"{axes.op}: positions from {low} to {high}: with indices={given.indices!r} and a result of shape "
                f"{shape} (channels first) they must be from 0 to {limit - 1}{hint}"
            )


def raster_positions(a: Arithmetic, positions: Any, shape: tuple[int, ...], indices: str, storage_order: int) -> Any:
    """Convert positions of a counting to raster positions in the whole tensor of ``shape``, int64."""
    positions = a.astype(positions, "int64")
    if indices == "torch":
        return positions + _plane_starts(a, shape, positions)
    if storage_order:
        plane = math.prod(shape[2:])
        inside = positions % max(plane, 1)
        positions = positions - inside + _transpose_positions(inside, shape[:1:-1])
    return positions


def refuse_other_plane(axes: Axes, a: Arithmetic, positions: Any, given: PositionPlane, alike: bool | None) -> None:
    """Raise InvalidArgument if positions are not those of their windows, but would be in a plane of another kind.

    Several sizes pool to the same size, and positions in one of them mostly exist in the others: the values would come
    back, but in other places. Positions that fit no plane are those of no pooling; they are not judged.

    Args:
        axes: the layout.
        a: the arithmetic of the positions.
        positions: ``(N, C, *counts)``, in their range.
        given: the plane that the caller stated.
        alike: whether they are known to fit this plane; None if it is not known.

    Raises:
        InvalidArgument: another size, within a stride, or another counting fits all positions.
    """
    if alike or not math.prod(positions.shape) or (alike is None and _fits(a, positions, given)):
        return
    other = _matching_plane(a, positions, given)
    if other is not None:
        raise InvalidArgument(
            f"{axes.op}: the positions are not those of the windows in a plane of {given}, but of {other}: "
            "output_size= (or indices_size=) and indices= say how they are counted"
        )


def _matching_plane(a: Arithmetic, positions: Any, given: PositionPlane) -> PositionPlane | None:
    """Another plane in which each position is that of a sample in its window."""
    for plane in _other_planes(given, tuple(positions.shape[2:])):
        if _fits(a, positions[:1, :1, ..., :_FIRST], plane) and _fits(a, positions, plane):
            return plane
    return None


def _other_planes(given: PositionPlane, counts: tuple[int, ...]) -> Iterator[PositionPlane]:
    """Planes that pool to the same number of windows, the most similar ones first."""
    sides = []
    for n, count, k, s, pad in zip(given.sizes, counts, given.kernel, given.stride, given.padding, strict=True):
        usual = (count - 1) * s + k - sum(pad)
        # Less if the last window ends beyond the plane, more if samples after it are in no window.
        possible = {*range(max(1, usual - s + 1), usual + s), n}
        sides.append([side for _, side in sorted((abs(side - n), side) for side in possible)])
    countings = [("torch", 0), ("onnx", 0), ("onnx", 1)]
    countings.sort(key=lambda counting: counting != (given.indices, given.storage_order))
    tried = 0
    for (indices, order), sizes in itertools.product(countings, itertools.product(*sides)):
        plane = replace(given, sizes=sizes, indices=indices, storage_order=order)
        if plane != given and tried < _MOST_PLANES:
            tried += 1
            yield plane


def _fits(a: Arithmetic, positions: Any, plane: PositionPlane) -> bool:
    """Whether each position is that of a sample in its own window."""
    n, c = positions.shape[:2]
    rest = a.astype(positions, "int64")
    if plane.indices == "onnx":
        rest = rest - _plane_starts(a, (n, c, *plane.sizes), rest)
    dims = len(plane.sizes)
    order = range(dims) if plane.storage_order else reversed(range(dims))
    fits = rest >= 0
    for axis in order:
        side = plane.sizes[axis]
        at, rest = rest % side, rest // side
        first = np.arange(positions.shape[2 + axis]) * plane.stride[axis] - plane.padding[axis][0]
        first = a.constant(first.reshape(-1, *(1 for _ in range(dims - 1 - axis))), positions)
        fits = fits & (at >= first) & (at < first + plane.kernel[axis])
    return bool((fits & (rest == 0)).all())


def _plane_starts(a: Arithmetic, shape: tuple[int, ...], like: Any) -> Any:
    """Where each plane begins in the whole tensor, ``(N, C, 1, …)``."""
    planes, ones = shape[:2], (1 for _ in shape[2:])
    if all_known(shape):
        starts = np.arange(math.prod(planes), dtype=np.int64) * math.prod(shape[2:])
        return a.constant(starts.reshape(*planes, *ones), like)
    import torch

    free = torch.arange(math.prod(planes), device=like.device) * math.prod(shape[2:])
    return free.reshape(*planes, *ones)


def _transpose_positions(position: Any, sizes: Sequence[int]) -> Any:
    """Convert row-major positions in a plane of ``sizes`` to column-major ones; with the sizes reversed, back."""
    result, pitch = position * 0, math.prod(sizes)
    for n in reversed(sizes):
        pitch //= max(n, 1)
        result = result + position % max(n, 1) * pitch
        position = position // max(n, 1)
    return result
