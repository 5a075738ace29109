"""ResizePlan: everything that follows from the shape, the dtype and the arguments of a resize, computed once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.convention import Convention
from subpixel.ops.resizing.dialects import LARGE, TWO_AXES, UPSCALING, Dialect, Preset
from subpixel.ops.resizing.options import choose_preset, convention_of, find_dialect
from subpixel.ops.resizing.sizes import Side, alpha_axis, axes_of, check_size, sides, sort_sides
from subpixel.ops.resizing.taps import AxisTaps, cached_taps, is_cacheable, tabulate
from subpixel.ops.tracing import all_known

__all__ = ["ResizePlan", "plan_of"]

_INTEGERS = ("uint8", "uint16", "uint32", "int8", "int16", "int32")
_FLOATS = ("float16", "bfloat16", "float32", "float64")
# Kernels that change an array even if its size does not change.
_BLURRING = ("gaussian", "mitchell")

Table = tuple[int, AxisTaps]
Arguments = tuple[Any, ...]


def check_dtype(dtype: str, convention: Convention, transfer: str | None) -> None:
    """Raise InvalidArgument for a dtype that cannot be summed, or not in linear light."""
    if transfer is not None:
        if transfer != "srgb":
            raise InvalidArgument(
                f"resize: transfer={transfer!r}: 'srgb' is needed, or None to resize the stored values"
            )
        if dtype not in ("uint8", "uint16"):
            raise InvalidArgument(f"resize: dtype {dtype}: transfer='srgb' is for u8 and u16")
    if convention.kernel != "nearest" and dtype not in (*_INTEGERS, *_FLOATS):
        raise InvalidArgument(
            f"resize: dtype {dtype}: integers of 8, 16 or 32 bits or floats are needed; mode='nearest' supports any"
        )


@dataclass(frozen=True)
class ResizePlan:
    """A resize of arrays of one shape and dtype."""

    shape: tuple[int, ...]
    dtype: Any  # NumPy's dtype, or the name of another library's
    name: str  # of the dtype
    sides: Sequence[Side]
    dialect: Dialect
    preset: Preset
    convention: Convention
    transfer: str | None
    # The axis of the channels, the last of which is alpha, if colours are multiplied with it meanwhile.
    alpha_axis: int | None = None
    # The calls of the compiled module, after the first use. Not for long tables, which would take much memory.
    cache: dict[str, compiled.Passes | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def is_free(self) -> bool:
        """Whether the size of a resized axis is free: torch traces the call for any size."""
        return not all(all_known((side.n_in, side.n_out)) for side in self.sides)

    @functools.cached_property
    def changed_sides(self) -> list[Side]:
        """The axes along which the array changes."""
        return [side for side in self.sides if _changes(side, self.convention)]

    @functools.cached_property
    def in_linear_light(self) -> bool:
        return self.transfer is not None and self.convention.kernel != "nearest"

    @functools.cached_property
    def integer(self) -> str | None:
        """The name of the integer algorithm, if there is one."""
        return self.preset.integer if self.name == "uint8" and self.transfer is None else None

    @functools.cached_property
    def value_dtype(self) -> str:
        """The dtype of the values that are summed, and of the results."""
        return "float64" if self.in_linear_light else self.name

    @functools.cached_property
    def sum_dtype(self) -> str:
        """The dtype of the sums."""
        if self.value_dtype in _FLOATS:
            return {"float32": self.dialect.sums, "float64": "float64"}.get(self.value_dtype, "float32")
        return "float64"

    @functools.cached_property
    def rounding(self) -> str | None:
        return None if self.value_dtype in _FLOATS else self.dialect.rounding

    @property
    def each_axis(self) -> bool:
        return self.dialect.each_axis

    def tables(self, read_only: bool) -> list[Table]:
        """The tables of the axes. Torch supports no read-only memory, which cached tables have."""
        make = cached_taps if read_only else tabulate
        # Integer algorithms process both axes, even one that does not change.
        processed = self.sides if self.integer is not None else self.changed_sides
        return [(side.axis, make(side.n_in, side.n_out, side.scale, self.convention, side.roi)) for side in processed]

    @property
    def passes(self) -> compiled.Passes | None:
        """The calls of the compiled module; None if NumPy computes."""
        if "passes" in self.cache:
            return self.cache["passes"]
        passes = self._passes()
        if all(is_cacheable(side.n_in, side.n_out) for side in self.sides):
            self.cache["passes"] = passes
        return passes

    def _passes(self) -> compiled.Passes | None:
        tables = self.tables(True)
        if self.integer is not None:
            return compiled.plan_fixed_point(self.integer, self.shape, tables)
        if self.convention.kernel == "nearest":
            if any(taps.outside is not None and taps.outside.any() for _, taps in tables):
                return None
            return compiled.plan_nearest(self.shape, self.dtype, tables)
        each_axis = self.rounding is not None and self.each_axis
        return compiled.plan_float(
            *(self.shape, self.value_dtype, tables, self.sum_dtype, self.value_dtype, self.rounding, each_axis),
            extrapolation=self.convention.extrapolation,
        )


def plan_of(
    shape: tuple[int, ...], dtype: Any, name: str, arguments: Arguments, given: Mapping[str, Any]
) -> ResizePlan:
    """The plan for a shape and a dtype; ``arguments`` are size, scale, mode, like, layout, axes and transfer.

    Raises:
        InvalidArgument: as :func:`subpixel.ops.resizing.resize.resize`.
    """
    option_items = tuple(given.items())
    if not all_known(shape):
        return _plan(shape, dtype, name, arguments, option_items, "")
    try:
        hash((arguments, option_items))
    except TypeError:  # an argument is a list or an array
        return _plan(shape, dtype, name, arguments, option_items, "")
    # 1, 1.0 and True are equal, as are 0.0 and -0.0, but they have different plans. Their repr distinguishes them.
    return _cached_plan(shape, dtype, name, arguments, option_items, repr((arguments, option_items)))


def _plan(
    shape: tuple[int, ...], dtype: Any, name: str, arguments: Arguments, option_items: Sequence[tuple[str, Any]], _: str
) -> ResizePlan:
    size, scale, mode, like, layout, axes, transfer = arguments
    given = dict(option_items)
    dialect = find_dialect(like)
    resized = axes_of(shape, layout, axes, dialect)
    preset = choose_preset(dialect, mode, given, len(resized))
    how = {key: given.get(key) for key in ("roi", "keep_aspect", "recompute_scale_factor")}
    plan = sides(shape, resized, size, scale, dialect, preset, **how)
    ordered = sort_sides(plan, dialect)
    check_size(shape, ordered)
    circumstances = {name}
    if len(plan) == 2:
        circumstances.add(TWO_AXES)
    if all(all_known((side.n_in, side.n_out)) for side in plan):
        if any(side.factor > 1 for side in plan):
            circumstances.add(UPSCALING)
        if sum(side.n_out for side in plan) > 128:
            circumstances.add(LARGE)
    convention = convention_of(preset, given, circumstances)
    check_dtype(name, convention, transfer)
    nearest = convention.kernel == "nearest"
    channels = alpha_axis(shape, layout, axes, name, given.get("alpha"), dialect, nearest)
    if channels is not None and transfer is not None:
        raise InvalidArgument("resize: transfer='srgb' is for channels without alpha; alpha='plain' says that")
    return ResizePlan(shape, dtype, name, ordered, dialect, preset, convention, transfer, channels)


_cached_plan = functools.lru_cache(maxsize=32)(_plan)


def _changes(side: Side, convention: Convention) -> bool:
    same = side.n_in == side.n_out and side.factor == 1 and side.roi == (0, 1)
    return not same or convention.kernel in _BLURRING
