"""Applies the tables of a resize to an array, one axis after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.alpha import divide_by_alpha, multiply_by_alpha
from subpixel.ops.resizing.convention import Convention
from subpixel.ops.resizing.integers import ALGORITHMS
from subpixel.ops.resizing.plan import ResizePlan
from subpixel.ops.resizing.taps import AxisTaps
from subpixel.ops.resizing.transfer import from_light, to_light

__all__ = ["apply", "resize_by_tables"]

Table = tuple[int, AxisTaps]


def apply(ar: Arithmetic, x: Any, plan: ResizePlan) -> Any:
    """Resize ``x`` by a plan. The result has its dtype."""
    if not plan.changed_sides:
        return ar.copy(x)
    if plan.alpha_axis is not None:
        y = _resize(ar, multiply_by_alpha(ar, x, plan.alpha_axis), plan)
        return divide_by_alpha(ar, y, plan.alpha_axis)
    if plan.in_linear_light:
        return _resize_in_linear_light(ar, x, plan)
    return _resize(ar, x, plan)


def _resize(ar: Arithmetic, x: Any, plan: ResizePlan) -> Any:
    if ar.name == "numpy" and compiled.is_available():
        passes = plan.passes
        if passes is not None:
            return compiled.run(passes, x)
    tables = plan.tables(ar.name == "numpy")
    if plan.integer is not None:
        return ALGORITHMS[plan.integer](ar, x, tables)
    if plan.convention.kernel == "nearest":
        return _resize_nearest(ar, x, tables, plan.convention)
    return resize_by_tables(ar, x, tables, plan)


def _resize_nearest(ar: Arithmetic, x: Any, tables: Sequence[Table], convention: Convention) -> Any:
    dtype = ar.dtype(x)
    for axis, taps in tables:
        x = _extrapolate(ar, ar.take(x, taps.index[:, 0], axis), axis, taps, convention)
    return x if ar.dtype(x) == dtype else ar.astype(x, dtype)


def _resize_in_linear_light(ar: Arithmetic, x: Any, plan: ResizePlan) -> Any:
    dtype = ar.dtype(x)
    top = float(np.iinfo(dtype).max)
    light = to_light(ar, ar.astype(x, "float64") / top)
    stored = from_light(ar, _resize(ar, light, plan))
    return ar.astype(ar.floor(stored * top + 0.5), dtype)


def resize_by_tables(ar: Arithmetic, x: Any, tables: Sequence[Table], plan: ResizePlan) -> Any:
    """Resize ``x`` by tables, in the dtypes of the plan. Integers are rounded after each axis or at the end."""
    sums, dtype, convention = plan.sum_dtype, plan.value_dtype, plan.convention
    for last, (axis, taps) in enumerate(tables, 1 - len(tables)):
        shape = [1] * len(x.shape)
        shape[axis] = -1
        out: Any = None
        for t in range(taps.index.shape[1]):
            part = ar.astype(ar.take(x, taps.index[:, t], axis), sums)
            part = part * ar.constant(taps.weight[:, t].reshape(shape), part)
            if out is None:
                out = part
            else:
                out += part
        x = _extrapolate(ar, out, axis, taps, convention)
        if plan.rounding is not None and (plan.each_axis or last == 0):
            limits = np.iinfo(dtype)
            x = _ROUND[plan.rounding](ar, ar.clip(x, float(limits.min), float(limits.max)))
    return ar.astype(x, dtype)


def _extrapolate(ar: Arithmetic, y: Any, axis: int, taps: AxisTaps, convention: Convention) -> Any:
    if taps.outside is None or not taps.outside.any():
        return y
    shape = [1] * len(y.shape)
    shape[axis] = -1
    return ar.where(ar.constant(taps.outside.reshape(shape), y), convention.extrapolation, y)


def _up(ar: Arithmetic, y: Any) -> Any:
    return ar.floor(y + 0.5)


def _even(ar: Arithmetic, y: Any) -> Any:
    return y.round()


def _away(ar: Arithmetic, y: Any) -> Any:
    return ar.where(y >= 0, ar.floor(y + 0.5), -ar.floor(0.5 - y))


_ROUND: dict[str, Callable[[Arithmetic, Any], Any]] = {"up": _up, "even": _even, "away": _away}
