"""What follows from the shape, the dtype and the arguments of a resize: checked, chosen and prepared once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing import compiled
from subpixel.ops.resizing.convention import Rule
from subpixel.ops.resizing.dialects import LARGE, TWO_AXES, UPSCALING, Dialect, Preset
from subpixel.ops.resizing.options import choose, find, rule_of
from subpixel.ops.resizing.sizes import Side, axes_of, check_room, in_order, sides
from subpixel.ops.resizing.taps import AxisTaps, remembered, table, tabulate

__all__ = ["Plan", "plan_of"]

_WHOLE = ("uint8", "uint16", "uint32", "int8", "int16", "int32")
_REAL = ("float16", "bfloat16", "float32", "float64")
# Kernels that change an array even where its size stays.
_BLURRING = ("gaussian", "mitchell")

Table = tuple[int, AxisTaps]
Arguments = tuple[Any, ...]


def check_dtype(dtype: str, rule: Rule, transfer: str | None) -> None:
    """Raises InvalidArgument for a dtype that cannot be summed, or not in linear light."""
    if transfer is not None:
        if transfer != "srgb":
            raise InvalidArgument(f"resize: transfer={transfer!r}: 'srgb' is needed, or None to resize what is stored")
        if dtype not in ("uint8", "uint16"):
            raise InvalidArgument(f"resize: dtype {dtype}: transfer='srgb' is for u8 and u16")
    if rule.kernel != "nearest" and dtype not in (*_WHOLE, *_REAL):
        raise InvalidArgument(
            f"resize: dtype {dtype}: integers of 8, 16 or 32 bits or floats are needed; mode='nearest' takes any"
        )


@dataclass(frozen=True)
class Plan:
    """A resize of arrays of one shape and dtype."""

    shape: tuple[int, ...]
    dtype: Any  # NumPy's, or the name of another library's
    name: str  # of the dtype
    ordered: Sequence[Side]
    dialect: Dialect
    preset: Preset
    rule: Rule
    transfer: str | None
    # What the compiled module is called with, once it was: none for tables too long to be remembered.
    kept: dict[str, compiled.Passes | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @functools.cached_property
    def moving(self) -> list[Side]:
        """The axes along which anything changes."""
        return [side for side in self.ordered if _moves(side, self.rule)]

    @functools.cached_property
    def in_light(self) -> bool:
        return self.transfer is not None and self.rule.kernel != "nearest"

    @functools.cached_property
    def integer(self) -> str | None:
        """The algorithm in integers, where there is one."""
        return self.preset.integer if self.name == "uint8" and self.transfer is None else None

    @functools.cached_property
    def summed(self) -> str:
        """The dtype of what is summed, and of the sums once they are done."""
        return "float64" if self.in_light else self.name

    @functools.cached_property
    def sums(self) -> str:
        """The dtype in which is summed."""
        if self.summed in _REAL:
            return {"float32": self.dialect.sums, "float64": "float64"}.get(self.summed, "float32")
        return "float64"

    @functools.cached_property
    def rounding(self) -> str | None:
        return None if self.summed in _REAL else self.dialect.rounding

    @property
    def each_axis(self) -> bool:
        return self.dialect.each_axis

    def tables(self, read_only: bool) -> list[Table]:
        """The tables of the axes. Torch takes no memory that it may not write to, as that of a remembered table."""
        make = table if read_only else tabulate
        # Algorithms in integers take both axes, also one of which nothing moves.
        chosen = self.ordered if self.integer is not None else self.moving
        return [(side.axis, make(side.n_in, side.n_out, side.scale, self.rule, side.roi)) for side in chosen]

    @property
    def passes(self) -> compiled.Passes | None:
        """What the compiled module is called with, None for what is left to NumPy."""
        if "passes" in self.kept:
            return self.kept["passes"]
        passes = self._passes()
        if all(remembered(side.n_in, side.n_out) for side in self.ordered):
            self.kept["passes"] = passes
        return passes

    def _passes(self) -> compiled.Passes | None:
        tables = self.tables(True)
        if self.integer is not None:
            return compiled.sum_whole(self.integer, self.shape, tables)
        if self.rule.kernel == "nearest":
            if any(taps.outside is not None and taps.outside.any() for _, taps in tables):
                return None
            return compiled.nearest(self.shape, self.dtype, tables)
        each_axis = self.rounding is not None and self.each_axis
        return compiled.sum_real(
            *(self.shape, self.summed, tables, self.sums, self.summed, self.rounding, each_axis),
            extrapolation=self.rule.extrapolation,
        )


def plan_of(shape: tuple[int, ...], dtype: Any, name: str, arguments: Arguments, given: Mapping[str, Any]) -> Plan:
    """The plan for a shape and a dtype; ``arguments`` are size, scale, mode, like, layout, axes and transfer.

    Raises:
        InvalidArgument: as :func:`subpixel.ops.resizing.resize.resize`.
    """
    named = tuple(given.items())
    try:
        hash((arguments, named))
    except TypeError:  # a list or an array among them
        return _plan(shape, dtype, name, arguments, named, "")
    # 1, 1.0 and True are equal, and so are 0.0 and -0.0, but not what follows from them: how they are written tells.
    return _remembered(shape, dtype, name, arguments, named, repr((arguments, named)))


def _plan(
    shape: tuple[int, ...], dtype: Any, name: str, arguments: Arguments, named: Sequence[tuple[str, Any]], _: str
) -> Plan:
    size, scale, mode, like, layout, axes, transfer = arguments
    given = dict(named)
    dialect = find(like)
    resized = axes_of(shape, layout, axes, dialect)
    preset = choose(dialect, mode, given, len(resized))
    how = {key: given.get(key) for key in ("roi", "keep_aspect", "recompute_scale_factor")}
    plan = sides(shape, resized, size, scale, dialect, preset, **how)
    ordered = in_order(plan, dialect)
    check_room(shape, ordered)
    circumstances = {name}
    if len(plan) == 2:
        circumstances.add(TWO_AXES)
    if any(side.factor > 1 for side in plan):
        circumstances.add(UPSCALING)
    if sum(side.n_out for side in plan) > 128:
        circumstances.add(LARGE)
    rule = rule_of(preset, given, circumstances)
    check_dtype(name, rule, transfer)
    return Plan(shape, dtype, name, ordered, dialect, preset, rule, transfer)


_remembered = functools.lru_cache(maxsize=32)(_plan)


def _moves(side: Side, rule: Rule) -> bool:
    same = side.n_in == side.n_out and side.factor == 1 and side.roi == (0, 1)
    return not same or rule.kernel in _BLURRING
