"""The sums of a resize by the compiled module: the same bytes as those of NumPy, much sooner.

The module resizes one axis of an array or two neighbouring ones at a time; what it is given here are the same tables of
taps, and what :mod:`subpixel.ops.resizing.sums` and :mod:`subpixel.ops.resizing.integers` state in NumPy is what it
does. What it is called with follows from the shape and the dtype of an array: :class:`Passes`, planned once and run as
often as wanted. A function gives None for what is left to NumPy.
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

__all__ = ["Passes", "is_available", "nearest", "run", "sum_real", "sum_whole"]

Table = tuple[int, AxisTaps]
Axis = Callable[[int, int, AxisTaps], Any]

_SUMMED = ("uint8", "uint16", "float32", "float64")
# An axis before so many samples is summed as it lies, each row on its own.
_WIDE = 32
_MAX_ROW = 2**31 - 1
_MAX_SAMPLES = 2**40


class Pass(NamedTuple):
    """One call of the module: the shape of its result, and both arrays as it sees them."""

    shape: tuple[int, ...]
    dtype: Any  # None: that of the input
    given: tuple[int, ...]
    made: tuple[int, ...]
    rows: Any
    columns: Any
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Passes:
    """The calls for an array of one shape and dtype, one after the other."""

    calls: Sequence[Pass]
    copies: bool = False
    # Halves are summed as f32, in which they are exact.
    halves: bool = False


def is_available() -> bool:
    """The compiled module is here."""
    return native_module() is not None


def run(passes: Passes, x: Any, threads: int | None = None) -> Any:
    """The array resized, by so many threads, or all that there are.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names what is not in this build or machine.
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
                given.reshape(call.given),
                y.reshape(call.made),
                call.rows,
                call.columns,
                threads=threads,
                target=target,
                **call.named,
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
                np.ascontiguousarray(x).reshape(call.given).view(np.uint8),
                y.reshape(call.made).view(np.uint8),
                call.rows,
                call.columns,
                threads=threads,
            )
        x = y
    return x


def sum_real(
    shape: Sequence[int],
    given: str,
    tables: Sequence[Table],
    sums: str,
    dtype: str,
    rounding: str | None = None,
    each_axis: bool = False,
    extrapolation: float = 0.0,
) -> Passes | None:
    """From dtype ``given`` to ``dtype`` by sums in f32 or f64; integers rounded after each axis or at the end."""
    if given == "float16" and dtype == "float16":
        result = sum_real(shape, "float32", tables, sums, "float32", extrapolation=extrapolation)
        return None if result is None else Passes(result.calls, halves=True)
    if given not in _SUMMED or dtype not in _SUMMED or not _fits(shape, np.dtype(given).itemsize, tables):
        return None
    whole = np.dtype(dtype).kind == "u"
    between = dtype if whole and each_axis else sums
    named = {
        "between": between,
        "even": rounding == "even",
        "high": float(np.iinfo(dtype).max) if whole else 0.0,
        "outside": extrapolation,
    }
    return _chain(shape, tables, lambda _, n_in, taps: _real_axis(n_in, taps, sums), dtype, named)


def sum_whole(algorithm: str, shape: Sequence[int], tables: Sequence[Table]) -> Passes | None:
    """One of :data:`subpixel.ops.resizing.integers.ALGORITHMS`, of u8."""
    steps = FIXED[algorithm]
    if not _fits(shape, 1, tables):
        return None
    if steps.between != "uint8" and (len(tables) != 2 or not _neighbours(tables)):
        return None
    if steps.mean_of_four and mean_of_four(shape, tables):
        return None

    def axis_of(k: int, n_in: int, taps: AxisTaps) -> Any:
        return _fixed(algorithm, k, n_in, taps)[0]

    shifts = steps.shifts or [_fixed(algorithm, k, shape[axis], taps)[1] for k, (axis, taps) in enumerate(tables)]
    named = {"between": steps.between, "even": False, "high": 0.0, "outside": 0.0}
    return _chain(shape, tables, axis_of, "uint8", named, shifts)


def nearest(shape: Sequence[int], dtype: Any, tables: Sequence[Table]) -> Passes | None:
    """Samples of any dtype, copied by the first tap of each axis."""
    if dtype.hasobject or dtype.itemsize == 0 or not _fits(shape, dtype.itemsize, tables):
        return None
    calls = []
    while tables:
        now = tables[:2] if _neighbours(tables) else tables[:1]
        four, (rows, columns), _ = _as_four(shape, now, 0)
        axes: dict[int | None, Any] = {axis: _copying_axis(shape[axis], taps) for axis, taps in now}
        result = _resized(shape, now)
        calls.append(Pass(result, None, four, _as_four(result, now, 0)[0], axes.get(rows), axes.get(columns), {}))
        shape, tables = result, tables[len(now) :]
    return Passes(calls, copies=True)


def _chain(
    shape: Sequence[int],
    tables: Sequence[Table],
    axis_of: Axis,
    dtype: str,
    named: Mapping[str, Any],
    shifts: Sequence[int] = (0, 0, 0),
) -> Passes:
    """All axes resized, two neighbours at a time where there are two."""
    calls: list[Pass] = []
    done = 0
    while done < len(tables):
        now = tables[done : done + 2]
        if not _neighbours(now):
            now = now[:1]
        after = done + len(now)
        four, (rows, columns), rows_first = _as_four(shape, now, _WIDE)
        axes: dict[int | None, Any] = {axis: axis_of(done + k, shape[axis], taps) for k, (axis, taps) in enumerate(now)}
        more = {"rows_first": rows_first, "first_shift": shifts[done], "last_shift": shifts[after - 1]}
        kind = np.dtype(dtype if after == len(tables) else named["between"])
        shape = _resized(shape, now)
        result = _as_four(shape, now, _WIDE)[0]
        calls.append(Pass(shape, kind, four, result, axes.get(rows), axes.get(columns), {**named, **more}))
        done = after
    return Passes(calls)


def _fits(shape: Sequence[int], item: int, tables: Sequence[Table]) -> bool:
    """The compiled module takes arrays of such a size."""
    lengths = dict.fromkeys(range(len(shape)), 1) | {axis: len(taps.index) for axis, taps in tables}
    largest = [max(n, lengths[k]) for k, n in enumerate(shape)]
    row = math.prod(largest[min(axis for axis, _ in tables) :]) * item
    taps = max(taps.index.size + len(taps.index) for _, taps in tables)
    return bool(max(row, taps, math.prod(largest[:-1])) < _MAX_ROW and math.prod(largest) < _MAX_SAMPLES)


def _neighbours(tables: Sequence[Table]) -> bool:
    return len(tables) >= 2 and abs(tables[0][0] - tables[1][0]) == 1


def _resized(shape: Sequence[int], tables: Sequence[Table]) -> tuple[int, ...]:
    result = list(shape)
    for axis, taps in tables:
        result[axis] = len(taps.index)
    return tuple(result)


def _as_four(
    shape: Sequence[int], tables: Sequence[Table], wide: int
) -> tuple[tuple[int, ...], tuple[int | None, int | None], bool]:
    """``(outer, height, width, channels)``, which axes are rows and columns there, and whether rows come first."""
    first = tables[0][0]
    low = min(axis for axis, _ in tables)
    outer, inner = math.prod(shape[:low]), math.prod(shape[low + len(tables) :])
    if len(tables) == 2:
        return (outer, shape[low], shape[low + 1], inner), (low, low + 1), first == low
    if wide and inner >= wide:
        return (outer, shape[low], inner, 1), (low, None), True
    return (1, outer, shape[low], inner), (None, low), False


def _real_axis(n_in: int, taps: AxisTaps, sums: str) -> Any:
    def make(module: Any) -> Any:
        outside = None if taps.outside is None or not taps.outside.any() else taps.outside
        return module.ResizeAxis(n_in, _int32(taps.index), np.ascontiguousarray(taps.weight, sums), outside)

    return _packed(taps, sums, make)


def _fixed(algorithm: str, k: int, n_in: int, taps: AxisTaps) -> Any:
    """The axis that an algorithm takes as its first or as a later one, and the bits of its weights."""

    def make(module: Any) -> Any:
        fixed = FIXED[algorithm].axes[min(k, 1)](taps)
        return module.ResizeAxis(n_in, _int32(fixed.index), _int32(fixed.weight)), fixed.bits

    return _packed(taps, (algorithm, k), make)


def _copying_axis(n_in: int, taps: AxisTaps) -> Any:
    def make(module: Any) -> Any:
        return module.ResizeAxis(n_in, _int32(taps.index[:, :1]), np.ones((len(taps.index), 1), np.float32))

    return _packed(taps, "nearest", make)


def _packed(taps: AxisTaps, key: Any, make: Callable[[Any], Any]) -> Any:
    """The table as the compiled module keeps it, made once."""
    if key not in taps.packed:
        taps.packed[key] = make(native_module())
    return taps.packed[key]


def _int32(table: Any) -> Any:
    return np.ascontiguousarray(table, np.int32)
