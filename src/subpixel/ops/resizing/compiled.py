"""Resizing by the compiled module, with the same bytes as NumPy.

The module resizes one axis of an array, or two neighbouring axes, at a time. It gets the same tables as NumPy, and does
the same operations as :mod:`subpixel.ops.resizing.apply_tables` and :mod:`subpixel.ops.resizing.integers`. Its calls
follow from the shape and the dtype of an array. They are planned once, as :class:`Passes`, and run any number of times.
Functions that plan return None if the module does not support the case, which is then left to NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from subpixel.ops.native import available_threads, forced_target, native_module
from subpixel.ops.resizing.integers import FIXED, mean_of_four
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["Passes", "is_available", "plan_fixed_point", "plan_float", "plan_nearest", "run"]

Table = tuple[int, AxisTaps]
Axis = Callable[[int, int, AxisTaps], Any]

_SUPPORTED = ("uint8", "uint16", "float32", "float64")
# An axis that is followed by at least so many samples is summed row by row, without a transpose.
_MIN_ROW = 32
_MAX_ROW = 2**31 - 1
_MAX_SAMPLES = 2**40


class Pass(NamedTuple):
    """One call of the module: the shape of its result, and the shapes as which it sees both arrays."""

    shape: tuple[int, ...]
    dtype: Any  # of the result; None for that of the input
    input_view: tuple[int, ...]
    output_view: tuple[int, ...]
    rows: Any
    columns: Any
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Passes:
    """The calls for arrays of one shape and dtype, one after another."""

    calls: Sequence[Pass]
    copies: bool = False
    # f16 is summed as f32, which represents it exactly.
    halves: bool = False


def is_available() -> bool:
    """Whether the compiled module is installed."""
    return native_module() is not None


def run(passes: Passes, x: Any, threads: int | None = None) -> Any:
    """Resize an array.

    Args:
        passes: the calls for its shape and dtype.
        x: the array.
        threads: None for all that this process may use.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names an instruction set that this build or machine
            does not have.
    """
    if passes.copies:
        return _copy(passes.calls, x)
    module: Any = native_module()
    target = forced_target()
    if threads is None:
        threads = available_threads()
    if passes.halves:
        x = x.astype("float32")
    for call in passes.calls:
        y = np.empty(call.shape, call.dtype)
        if y.size:
            given = np.ascontiguousarray(x) if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="), "C")
            module.resize(
                given.reshape(call.input_view),
                y.reshape(call.output_view),
                call.rows,
                call.columns,
                threads=threads,
                target=target,
                **call.options,
            )
        x = y
    return x.astype("float16") if passes.halves else x


def _copy(calls: Sequence[Pass], x: Any) -> Any:
    module: Any = native_module()
    threads = available_threads()
    for call in calls:
        y = np.empty(call.shape, x.dtype)
        if y.size:
            module.resize_nearest(
                np.ascontiguousarray(x).reshape(call.input_view).view(np.uint8),
                y.reshape(call.output_view).view(np.uint8),
                call.rows,
                call.columns,
                threads=threads,
            )
        x = y
    return x


def plan_float(
    shape: Sequence[int],
    given: str,
    tables: Sequence[Table],
    sums: str,
    dtype: str,
    rounding: str | None = None,
    each_axis: bool = False,
    extrapolation: float = 0.0,
    most: int | None = None,
) -> Passes | None:
    """Plan sums in f32 or f64, from dtype ``given`` to ``dtype``; integers are rounded after each or the last axis.

    They are clipped to 0 … ``most``, by default the dtype's largest number.
    """
    if given == "float16" and dtype == "float16":
        result = plan_float(shape, "float32", tables, sums, "float32", extrapolation=extrapolation)
        return None if result is None else Passes(result.calls, halves=True)
    if given not in _SUPPORTED or dtype not in _SUPPORTED or not _is_supported(shape, np.dtype(given).itemsize, tables):
        return None
    whole = np.dtype(dtype).kind == "u"
    between = dtype if whole and each_axis else sums
    options = {
        "between": between,
        "even": rounding == "even",
        "high": float(np.iinfo(dtype).max if most is None else most) if whole else 0.0,
        "outside": extrapolation,
    }
    return _chain(shape, tables, lambda _, n_in, taps: _float_axis(n_in, taps, sums), dtype, options)


def plan_fixed_point(algorithm: str, shape: Sequence[int], tables: Sequence[Table]) -> Passes | None:
    """Plan one of :data:`subpixel.ops.resizing.integers.ALGORITHMS`, for u8."""
    steps = FIXED[algorithm]
    if not _is_supported(shape, 1, tables):
        return None
    if steps.between != "uint8" and (len(tables) != 2 or not _neighbours(tables)):
        return None
    if mean_of_four(algorithm, shape, tables):
        return None

    def axis_of(k: int, n_in: int, taps: AxisTaps) -> Any:
        return _fixed_point_axis(algorithm, k, n_in, taps)[0]

    shifts = steps.shifts or [
        _fixed_point_axis(algorithm, k, shape[axis], taps)[1] for k, (axis, taps) in enumerate(tables)
    ]
    options = {"between": steps.between, "even": False, "high": 0.0, "outside": 0.0}
    return _chain(shape, tables, axis_of, "uint8", options, shifts)


def plan_nearest(shape: Sequence[int], dtype: Any, tables: Sequence[Table]) -> Passes | None:
    """Plan a copy of samples of any dtype, by the first tap of each axis."""
    if dtype.hasobject or dtype.itemsize == 0 or not _is_supported(shape, dtype.itemsize, tables):
        return None
    calls = []
    while tables:
        now = tables[:2] if _neighbours(tables) else tables[:1]
        four, (rows, columns), _ = _as_four(shape, now, 0)
        axes: dict[int | None, Any] = {axis: _copying_axis(shape[axis], taps) for axis, taps in now}
        result = _resized_shape(shape, now)
        calls.append(Pass(result, None, four, _as_four(result, now, 0)[0], axes.get(rows), axes.get(columns), {}))
        shape, tables = result, tables[len(now) :]
    return Passes(calls, copies=True)


def _chain(
    shape: Sequence[int],
    tables: Sequence[Table],
    axis_of: Axis,
    dtype: str,
    options: Mapping[str, Any],
    shifts: Sequence[int] = (0, 0, 0),
) -> Passes:
    """The calls for all axes, two neighbouring axes at a time if possible."""
    calls: list[Pass] = []
    done = 0
    while done < len(tables):
        now = tables[done : done + 2]
        if not _neighbours(now):
            now = now[:1]
        after = done + len(now)
        four, (rows, columns), rows_first = _as_four(shape, now, _MIN_ROW)
        axes: dict[int | None, Any] = {axis: axis_of(done + k, shape[axis], taps) for k, (axis, taps) in enumerate(now)}
        more = {"rows_first": rows_first, "first_shift": shifts[done], "last_shift": shifts[after - 1]}
        kind = np.dtype(dtype if after == len(tables) else options["between"])
        shape = _resized_shape(shape, now)
        result = _as_four(shape, now, _MIN_ROW)[0]
        calls.append(Pass(shape, kind, four, result, axes.get(rows), axes.get(columns), {**options, **more}))
        done = after
    return Passes(calls)


def _is_supported(shape: Sequence[int], item: int, tables: Sequence[Table]) -> bool:
    """Whether the compiled module supports arrays of this size."""
    lengths = dict.fromkeys(range(len(shape)), 1) | {axis: len(taps.index) for axis, taps in tables}
    largest = [max(n, lengths[k]) for k, n in enumerate(shape)]
    row = math.prod(largest[min(axis for axis, _ in tables) :]) * item
    taps = max(taps.index.size + len(taps.index) for _, taps in tables)
    return bool(max(row, taps, math.prod(largest[:-1])) < _MAX_ROW and math.prod(largest) < _MAX_SAMPLES)


def _neighbours(tables: Sequence[Table]) -> bool:
    return len(tables) >= 2 and abs(tables[0][0] - tables[1][0]) == 1


def _resized_shape(shape: Sequence[int], tables: Sequence[Table]) -> tuple[int, ...]:
    result = list(shape)
    for axis, taps in tables:
        result[axis] = len(taps.index)
    return tuple(result)


def _as_four(
    shape: Sequence[int], tables: Sequence[Table], wide: int
) -> tuple[tuple[int, ...], tuple[int | None, int | None], bool]:
    """The shape as ``(outer, height, width, channels)``, the axes of rows and columns, and whether rows come first."""
    first = tables[0][0]
    low = min(axis for axis, _ in tables)
    outer, inner = math.prod(shape[:low]), math.prod(shape[low + len(tables) :])
    if len(tables) == 2:
        return (outer, shape[low], shape[low + 1], inner), (low, low + 1), first == low
    if wide and inner >= wide:
        return (outer, shape[low], inner, 1), (low, None), True
    return (1, outer, shape[low], inner), (None, low), False


def _float_axis(n_in: int, taps: AxisTaps, sums: str) -> Any:
    def make(module: Any) -> Any:
        outside = None if taps.outside is None or not taps.outside.any() else taps.outside
        return module.ResizeAxis(n_in, _int32(taps.index), np.ascontiguousarray(taps.weight, sums), outside)

    return _compile_axis(taps, sums, make)


def _fixed_point_axis(algorithm: str, k: int, n_in: int, taps: AxisTaps) -> Any:
    """The axis in fixed point, as the first or a later axis of an algorithm, and the bits of its weights."""

    def make(module: Any) -> Any:
        fixed = FIXED[algorithm].axes[min(k, 1)](taps)
        return module.ResizeAxis(n_in, _int32(fixed.index), _int32(fixed.weight)), fixed.bits

    return _compile_axis(taps, (algorithm, k), make)


def _copying_axis(n_in: int, taps: AxisTaps) -> Any:
    def make(module: Any) -> Any:
        return module.ResizeAxis(n_in, _int32(taps.index[:, :1]), np.ones((len(taps.index), 1), np.float32))

    return _compile_axis(taps, "nearest", make)


def _compile_axis(taps: AxisTaps, key: Any, make: Callable[[Any], Any]) -> Any:
    """The table in the form of the compiled module, made once."""
    if key not in taps.compiled_cache:
        taps.compiled_cache[key] = make(native_module())
    return taps.compiled_cache[key]


def _int32(table: Any) -> Any:
    return np.ascontiguousarray(table, np.int32)
