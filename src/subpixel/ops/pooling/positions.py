"""Conversion of the positions of maxima between the countings of torch and ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.axes import Axes

__all__ = ["check_counting", "convert_positions", "flat_positions"]


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
    return where + a.constant(_plane_starts(shape), x)


def flat_positions(
    axes: Axes, a: Arithmetic, positions: Any, shape: tuple[int, ...], indices: str, storage_order: int
) -> Any:
    """Convert positions to raster positions in the whole tensor of ``shape``, ``(P,)`` int64, and check their range."""
    plane = math.prod(shape[2:])
    limit = plane if indices == "torch" else plane * shape[0] * shape[1]
    if math.prod(positions.shape):
        low, high = int(positions.min()), int(positions.max())
        if low < 0 or high >= limit:
            raise InvalidArgument(
                f"{axes.op}: positions from {low} to {high}: with indices={indices!r} and a result of shape {shape} "
                f"(channels first) they must be from 0 to {limit - 1}"
            )
    positions = a.astype(positions, "int64")
    if indices == "torch":
        positions = positions + a.constant(_plane_starts(shape), positions)
    elif storage_order:
        inside = positions % max(plane, 1)
        positions = positions - inside + _transpose_positions(inside, shape[:1:-1])
    return a.reshape(positions, (-1,))


def _plane_starts(shape: tuple[int, ...]) -> Any:
    starts = np.arange(shape[0] * shape[1], dtype=np.int64) * math.prod(shape[2:])
    return starts.reshape(*shape[:2], *(1 for _ in shape[2:]))


def _transpose_positions(position: Any, sizes: tuple[int, ...]) -> Any:
    """Convert row-major positions in a plane of ``sizes`` to column-major ones; with the sizes reversed, back."""
    result, pitch = position * 0, math.prod(sizes)
    for n in reversed(sizes):
        pitch //= max(n, 1)
        result = result + position % max(n, 1) * pitch
        position = position // max(n, 1)
    return result
