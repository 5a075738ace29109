"""The sums of a resize by the compiled module: the same bytes as those of NumPy, much sooner.

The module resizes one axis of an array or two neighbouring ones at a time; what it is given here are the same tables of
taps, and what :mod:`subpixel.ops.resizing.sums` and :mod:`subpixel.ops.resizing.integers` state in NumPy is what it
does. A function gives None for what is left to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.ops.native import available_threads, forced_target, native_module
from subpixel.ops.resizing.integers import FIXED, mean_of_four
from subpixel.ops.resizing.taps import AxisTaps

__all__ = ["nearest", "sum_real", "sum_whole"]

Table = tuple[int, AxisTaps]
Axis = Callable[[int, int, AxisTaps], Any]

_SUMMED = ("uint8", "uint16", "float32", "float64")
# An axis before so many samples is summed as it lies, each row on its own.
_WIDE = 32
_MAX_ROW = 2**31 - 1
_MAX_SAMPLES = 2**40


def sum_real(
    x: Any,
    tables: Sequence[Table],
    sums: str,
    dtype: str,
    rounding: str | None = None,
    each_axis: bool = False,
    extrapolation: float = 0.0,
) -> Any | None:
    """The array of ``dtype`` that results from sums in f32 or f64; whole numbers rounded after each axis or at the end.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names what is not in this build or machine.
    """
    if x.dtype == np.float16 and dtype == "float16":
        # Exact in f32, in which it is summed anyway.
        made = sum_real(x.astype("float32"), tables, sums, "float32", extrapolation=extrapolation)
        return None if made is None else made.astype(dtype)
    if not _fits(x, tables) or x.dtype.name not in _SUMMED or dtype not in _SUMMED:
        return None
    whole = np.dtype(dtype).kind == "u"
    between = dtype if whole and each_axis else sums
    return _chain(
        x,
        tables,
        lambda _, n_in, taps: _real_axis(n_in, taps, sums),
        dtype,
        between,
        high=float(np.iinfo(dtype).max) if whole else 0.0,
        even=rounding == "even",
        outside=extrapolation,
    )


def sum_whole(algorithm: str, x: Any, tables: Sequence[Table]) -> Any | None:
    """One of :data:`subpixel.ops.resizing.integers.ALGORITHMS`, of u8.

    Raises:
        BackendUnavailable: the environment variable SUBPIXEL_TARGET names what is not in this build or machine.
    """
    steps = FIXED[algorithm]
    if not _fits(x, tables):
        return None
    if steps.between != "uint8" and (len(tables) != 2 or not _neighbours(tables)):
        return None
    if steps.mean_of_four and mean_of_four(x, tables):
        return None

    def axis_of(k: int, n_in: int, taps: AxisTaps) -> Any:
        return _fixed(algorithm, k, n_in, taps)[0]

    shifts = steps.shifts or [_fixed(algorithm, k, x.shape[axis], taps)[1] for k, (axis, taps) in enumerate(tables)]
    return _chain(x, tables, axis_of, "uint8", steps.between, shifts)


def nearest(x: Any, tables: Sequence[Table]) -> Any | None:
    """Samples of any dtype, copied by the first tap of each axis."""
    if not _fits(x, tables) or x.dtype.hasobject or x.dtype.itemsize == 0:
        return None
    module: Any = native_module()
    while tables:
        now = tables[:2] if _neighbours(tables) else tables[:1]
        shape, (rows, columns), _ = _as_four(x.shape, now, 0)
        y = np.empty(_resized(x.shape, now), x.dtype)
        if y.size:
            axes: dict[int | None, Any] = {axis: _copying_axis(x.shape[axis], taps) for axis, taps in now}
            made = _as_four(y.shape, now, 0)[0]
            module.resize_nearest(
                np.ascontiguousarray(x).reshape(shape).view(np.uint8),
                y.reshape(made).view(np.uint8),
                axes.get(rows),
                axes.get(columns),
                threads=available_threads(),
            )
        x, tables = y, tables[len(now) :]
    return x


def _chain(
    x: Any,
    tables: Sequence[Table],
    axis_of: Axis,
    dtype: str,
    between: str,
    shifts: Sequence[int] = (0, 0, 0),
    *,
    high: float = 0.0,
    even: bool = False,
    outside: float = 0.0,
) -> Any:
    """``x`` with all axes resized, two neighbours at a time where there are two."""
    module: Any = native_module()
    done, threads, target = 0, available_threads(), forced_target()
    while done < len(tables):
        now = tables[done : done + 2]
        if not _neighbours(now):
            now = now[:1]
        last = done + len(now) == len(tables)
        y = np.empty(_resized(x.shape, now), dtype if last else between)
        if y.size:
            shape, (rows, columns), rows_first = _as_four(x.shape, now, _WIDE)
            axes: dict[int | None, Any] = {
                axis: axis_of(done + k, x.shape[axis], taps) for k, (axis, taps) in enumerate(now)
            }
            module.resize(
                np.ascontiguousarray(x, x.dtype.newbyteorder("=")).reshape(shape),
                y.reshape(_as_four(y.shape, now, _WIDE)[0]),
                axes.get(rows),
                axes.get(columns),
                rows_first=rows_first,
                between=between,
                first_shift=shifts[done],
                last_shift=shifts[done + len(now) - 1],
                even=even,
                high=high,
                outside=outside,
                threads=threads,
                target=target,
            )
        x, done = y, done + len(now)
    return x


def _fits(x: Any, tables: Sequence[Table]) -> bool:
    """The compiled module is here and takes arrays of such a size."""
    if native_module() is None:
        return False
    lengths = dict.fromkeys(range(x.ndim), 1) | {axis: len(taps.index) for axis, taps in tables}
    largest = [max(n, lengths[k]) for k, n in enumerate(x.shape)]
    row = math.prod(largest[min(axis for axis, _ in tables) :]) * x.itemsize
    taps = max(taps.index.size + len(taps.index) for _, taps in tables)
    return bool(max(row, taps, math.prod(largest[:-1])) < _MAX_ROW and math.prod(largest) < _MAX_SAMPLES)


def _neighbours(tables: Sequence[Table]) -> bool:
    return len(tables) >= 2 and abs(tables[0][0] - tables[1][0]) == 1


def _resized(shape: Sequence[int], tables: Sequence[Table]) -> tuple[int, ...]:
    made = list(shape)
    for axis, taps in tables:
        made[axis] = len(taps.index)
    return tuple(made)


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
