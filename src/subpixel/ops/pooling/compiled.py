"""Max unpooling by the compiled module, on NumPy arrays with 1, 2, 4 or 8 bytes for each sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.native import available_threads, native_module
from subpixel.ops.pooling.positions import PositionPlane

__all__ = ["in_windows_compiled", "max_unpool_compiled"]

# Arrays of at least this size get fresh pages from the system, which are zero already: it is glibc's largest threshold.
# Smaller arrays reuse memory, which is cheaper to clear plane by plane while it is in the cache.
_MIN_FRESH_BYTES = 32 << 20
_MIN_PARALLEL_BYTES = 1 << 20  # fewer are written before another thread has started


def in_windows_compiled(positions: Any, plane: PositionPlane) -> bool | None:
    """Whether each position, ``(N, C, *counts)``, is that of a sample in its own window of a plane.

    None if the module is not installed or does not support the case.
    """
    module = native_module()
    if module is None or plane.storage_order or positions.dtype not in (np.int32, np.int64) or not positions.size:
        return None
    (n, c, *counts), missing = positions.shape, 3 - len(plane.sizes)
    before = [pad for pad, _ in plane.padding]
    axes = [(1, 1, 1, 1, 0)] * missing + list(zip(counts, plane.sizes, plane.kernel, plane.stride, before, strict=True))
    if max(number for axis in axes for number in axis) >= 1 << 31:
        return None
    content = np.ascontiguousarray(positions).reshape(-1).view(np.uint8)
    threads = available_threads() if positions.nbytes >= _MIN_PARALLEL_BYTES else 1
    fits: bool = module.in_windows(content, n * c, axes, positions.itemsize, plane.indices == "onnx", threads)
    return fits


def max_unpool_compiled(
    values: Any, positions: Any, shape: tuple[int, ...], indices: str, storage_order: int
) -> NDArray[Any] | None:
    """The unpooled array ``(N, C, *S)`` of this shape.

    None if the module is not installed or does not support the case, or if a position lies outside its own plane.
    """
    module = native_module()
    plain = values.dtype.kind in "biufc" and values.dtype.itemsize in (1, 2, 4, 8)
    if module is None or storage_order or not plain or not values.size:
        return None
    if positions.dtype != np.int32 and positions.dtype != np.int64:
        return None
    planes, size = shape[0] * shape[1], math.prod(shape[2:])
    zeroed = planes * size * values.itemsize >= _MIN_FRESH_BYTES
    y = np.zeros(shape, values.dtype) if zeroed else np.empty(shape, values.dtype)
    given = [np.ascontiguousarray(v).reshape(-1).view(np.uint8) for v in (values, positions)]
    inside = module.max_unpool(
        *given,
        y.reshape(-1).view(np.uint8),
        planes,
        values.size // planes,
        size,
        values.dtype.itemsize,
        positions.dtype.itemsize,
        indices == "onnx",
        zeroed,
        available_threads() if y.nbytes >= _MIN_PARALLEL_BYTES else 1,
    )
    return y if inside else None
