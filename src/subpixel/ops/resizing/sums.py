"""The sums of a resize: the tables of its axes applied to an array, one axis after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.convention import Rule
from subpixel.ops.resizing.integers import ALGORITHMS
from subpixel.ops.resizing.plan import Plan
from subpixel.ops.resizing.taps import AxisTaps
from subpixel.ops.resizing.transfer import from_light, to_light

__all__ = ["apply", "summed"]

Table = tuple[int, AxisTaps]


def apply(ar: Arithmetic, x: Any, plan: Plan) -> Any:
    """``x`` with its axes resized, in its own dtype."""
    if not plan.moving:
        return ar.copy(x)
    if plan.in_light:
        return _in_light(ar, x, plan)
    return _resized(ar, x, plan)


def _resized(ar: Arithmetic, x: Any, plan: Plan) -> Any:
    if ar.name == "numpy" and compiled.is_available():
        passes = plan.passes
        if passes is not None:
            return compiled.run(passes, x)
    tables = plan.tables(ar.name == "numpy")
    if plan.integer is not None:
        return ALGORITHMS[plan.integer](ar, x, tables)
    if plan.rule.kernel == "nearest":
        return _copied(ar, x, tables, plan.rule)
    return summed(ar, x, tables, plan)


def _copied(ar: Arithmetic, x: Any, tables: Sequence[Table], rule: Rule) -> Any:
    dtype = ar.dtype(x)
    for axis, taps in tables:
        x = _extrapolated(ar, ar.take(x, taps.index[:, 0], axis), axis, taps, rule)
    return x if ar.dtype(x) == dtype else ar.astype(x, dtype)


def _in_light(ar: Arithmetic, x: Any, plan: Plan) -> Any:
    dtype = ar.dtype(x)
    top = float(np.iinfo(dtype).max)
    light = to_light(ar, ar.astype(x, "float64") / top)
    stored = from_light(ar, _resized(ar, light, plan))
    return ar.astype(ar.floor(stored * top + 0.5), dtype)


def summed(ar: Arithmetic, x: Any, tables: Sequence[Table], plan: Plan) -> Any:
    """``x``, resized by tables, in the dtype of the plan; integers are rounded after each axis or at the end."""
    sums, dtype, rule = plan.sums, plan.summed, plan.rule
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
        x = _extrapolated(ar, out, axis, taps, rule)
        if plan.rounding is not None and (plan.each_axis or last == 0):
            limits = np.iinfo(dtype)
            x = _ROUND[plan.rounding](ar, ar.clip(x, float(limits.min), float(limits.max)))
    return ar.astype(x, dtype)


def _extrapolated(ar: Arithmetic, y: Any, axis: int, taps: AxisTaps, rule: Rule) -> Any:
    if taps.outside is None or not taps.outside.any():
        return y
    shape = [1] * len(y.shape)
    shape[axis] = -1
    return ar.where(ar.constant(taps.outside.reshape(shape), y), rule.extrapolation, y)


def _up(ar: Arithmetic, y: Any) -> Any:
    return ar.floor(y + 0.5)


def _even(ar: Arithmetic, y: Any) -> Any:
    return y.round()


def _away(ar: Arithmetic, y: Any) -> Any:
    return ar.where(y >= 0, ar.floor(y + 0.5), -ar.floor(0.5 - y))


_ROUND: dict[str, Callable[[Arithmetic, Any], Any]] = {"up": _up, "even": _even, "away": _away}
