"""The sums of a resize: the tables of its axes applied to an array, one axis after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.dialects import Dialect, Preset
from subpixel.ops.resizing.integers import ALGORITHMS
from subpixel.ops.resizing.rule import Rule
from subpixel.ops.resizing.sizes import Side
from subpixel.ops.resizing.taps import AxisTaps, table, tabulate
from subpixel.ops.resizing.transfer import from_light, to_light

__all__ = ["apply", "check_dtype"]

_WHOLE = ("uint8", "uint16", "uint32", "int8", "int16", "int32")
_REAL = ("float16", "bfloat16", "float32", "float64")
# Kernels that change an array even where its size stays.
_BLURRING = ("gaussian", "mitchell")

Table = tuple[int, AxisTaps]


def check_dtype(dtype: str, rule: Rule, transfer: str | None) -> None:
    """Raises InvalidArgument for a dtype that cannot be summed, or not in linear light."""
    if transfer is not None:
        if transfer != "srgb":
            raise InvalidArgument(f"resize: transfer={transfer!r}: 'srgb' is needed, or None to resize what is stored")
        if dtype not in ("uint8", "uint16"):
            raise InvalidArgument(f"resize: dtype {dtype}: transfer='srgb' is for u8 and u16")
    if rule.kernel != "nearest" and dtype not in (*_WHOLE, *_REAL):
        raise InvalidArgument(
            f"resize: dtype {dtype}: whole numbers of 8, 16 or 32 bits or floats are needed; mode='nearest' takes any"
        )


def apply(
    ar: Arithmetic,
    x: Any,
    ordered: Sequence[Side],
    dialect: Dialect,
    preset: Preset,
    rule: Rule,
    transfer: str | None,
) -> Any:
    """``x`` with its axes resized in the given order, in its own dtype."""
    dtype = ar.dtype(x)
    moving = [side for side in ordered if _moves(side, rule)]
    if not moving:
        return ar.copy(x)
    if preset.integer and dtype == "uint8" and transfer is None:
        # They take both axes, also one of which nothing moves.
        tables = [(side.axis, _table(ar, side, rule)) for side in ordered]
        made = compiled.sum_whole(preset.integer, x, tables) if ar.name == "numpy" else None
        return ALGORITHMS[preset.integer](ar, x, tables) if made is None else made
    tables = [(side.axis, _table(ar, side, rule)) for side in moving]
    if rule.kernel == "nearest":
        return _copied(ar, x, tables, rule)
    if transfer is not None:
        return _in_light(ar, x, tables, rule)
    if dtype in _REAL:
        sums = {"float32": dialect.sums, "float64": "float64"}.get(dtype, "float32")
        return _summed(ar, x, tables, rule, sums, dtype)
    return _summed(ar, x, tables, rule, "float64", dtype, dialect.rounding, dialect.each_axis)


def _copied(ar: Arithmetic, x: Any, tables: Sequence[Table], rule: Rule) -> Any:
    if ar.name == "numpy" and not any(_has_outside(taps) for _, taps in tables):
        made = compiled.nearest(x, tables)
        if made is not None:
            return made
    dtype = ar.dtype(x)
    for axis, taps in tables:
        x = _extrapolated(ar, ar.take(x, taps.index[:, 0], axis), axis, taps, rule)
    return x if ar.dtype(x) == dtype else ar.astype(x, dtype)


def _table(ar: Arithmetic, side: Side, rule: Rule) -> AxisTaps:
    # torch takes no memory that it may not write to, as that of a remembered table.
    make = table if ar.name == "numpy" else tabulate
    return make(side.n_in, side.n_out, side.scale, rule, side.roi)


def _moves(side: Side, rule: Rule) -> bool:
    same = side.n_in == side.n_out and side.factor == 1 and side.roi == (0, 1)
    return not same or rule.kernel in _BLURRING


def _in_light(ar: Arithmetic, x: Any, tables: Sequence[Table], rule: Rule) -> Any:
    dtype = ar.dtype(x)
    top = float(np.iinfo(dtype).max)
    light = to_light(ar, ar.astype(x, "float64") / top)
    stored = from_light(ar, _summed(ar, light, tables, rule, "float64", "float64"))
    return ar.astype(ar.floor(stored * top + 0.5), dtype)


def _summed(
    ar: Arithmetic,
    x: Any,
    tables: Sequence[Table],
    rule: Rule,
    sums: str,
    dtype: str,
    rounding: str | None = None,
    each_axis: bool = False,
) -> Any:
    """``x`` in ``dtype``, summed in the dtype ``sums``; whole numbers are rounded after each axis or at the end."""
    if ar.name == "numpy":
        made = compiled.sum_real(x, tables, sums, dtype, rounding, each_axis, rule.extrapolation)
        if made is not None:
            return made
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
        if rounding is not None and (each_axis or last == 0):
            limits = np.iinfo(dtype)
            x = _ROUND[rounding](ar, ar.clip(x, float(limits.min), float(limits.max)))
    return ar.astype(x, dtype)


def _has_outside(taps: AxisTaps) -> bool:
    return taps.outside is not None and bool(taps.outside.any())


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
