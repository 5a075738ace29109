"""Max unpooling by the compiled module, on NumPy arrays of any dtype of 1, 2, 4 or 8 bytes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.native import available_threads, native_module

__all__ = ["unpooled_compiled"]

# From this size on the system gives fresh pages, which are zero as they come: glibc's largest threshold for them.
# Smaller arrays are memory used before, cheaper to clear plane by plane while it is in the cache.
_FRESH = 32 << 20
_WORTH_THREADS = 1 << 20  # bytes; less is done before another thread is awake


def unpooled_compiled(
    values: Any, positions: Any, shape: tuple[int, ...], indices: str, storage_order: int
) -> NDArray[Any] | None:
    """``(N, C, *S)`` of this shape; None where the compiled module is not here or has no such case, a position outside
    of its own plane among them."""
    module = native_module()
    plain = values.dtype.kind in "biufc" and values.dtype.itemsize in (1, 2, 4, 8)
    if module is None or storage_order or not plain or not values.size:
        return None
    if positions.dtype != np.int32 and positions.dtype != np.int64:
        return None
    planes, size = shape[0] * shape[1], math.prod(shape[2:])
    zeroed = planes * size * values.itemsize >= _FRESH
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
        available_threads() if y.nbytes >= _WORTH_THREADS else 1,
    )
    return y if inside else None
