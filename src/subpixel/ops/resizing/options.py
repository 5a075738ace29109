"""The dialect and mode that a call asks for, with its options in the rule: what a library lacks is refused here."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing.convention import BORDERS, COORDINATES, ROUNDINGS, Rule
from subpixel.ops.resizing.dialects import DIALECTS, HOUSE, Dialect, Preset

__all__ = ["choose", "find", "is_number", "rule_of"]

# Names for a number of axes; what they mean is the plain name's.
_DIMS = {"bilinear": ("linear", 2), "bicubic": ("cubic", 2), "trilinear": ("linear", 3)}
_CHOICES = {"coordinates": COORDINATES, "nearest": ROUNDINGS, "border": BORDERS}
_FLAGS = ("antialias", "exclude_outside", "align_corners", "half_pixel_centers")


def find(like: str | None) -> Dialect:
    """The dialect of a name, or this package's own for None."""
    if like is None:
        return HOUSE
    if not isinstance(like, str) or like not in DIALECTS:
        raise InvalidArgument(f"resize: like={like!r}: one of {', '.join(DIALECTS)} is needed")
    return DIALECTS[like]


def choose(dialect: Dialect, mode: Any, options: Mapping[str, Any], dims: int) -> Preset:
    """The preset of a mode, which knows the given options.

    Raises:
        InvalidArgument: a mode or option that the dialect lacks, or that does not go with the others.
    """
    mode = dialect.mode if mode is None else mode
    plain, wanted = _DIMS.get(mode, (mode, dims)) if isinstance(mode, str) else ("", dims)
    if plain not in dialect.modes:
        raise InvalidArgument(f"resize: mode={mode!r}: one of {', '.join(dialect.modes)} is needed{_of(dialect)}")
    if wanted != dims:
        raise InvalidArgument(
            f"resize: mode={mode!r} is for {wanted} resized axes, here are {dims}; '{plain}' would fit"
        )
    _check_known(dialect, dialect.modes[plain], plain, options)
    return dialect.modes[plain]


def rule_of(preset: Preset, options: Mapping[str, Any], circumstances: Collection[str]) -> Rule:
    """The rule of a preset with the options applied, and what circumstances change."""
    rule = preset.rule
    for flag, change in preset.flags.items():
        if all(options.get(name) or name in circumstances for name in flag.split("+")):
            rule = replace(rule, **change)
    rule = replace(rule, **{name: options[name] for name in preset.fields if name in options})
    cropped = rule.coordinates == "tf_crop_and_resize"
    for name in ("roi", "extrapolation"):
        if name in options and not cropped:
            raise InvalidArgument(
                f"resize: {name} is for coordinates='tf_crop_and_resize', not for {rule.coordinates!r}"
            )
    if cropped and "roi" not in options:
        raise InvalidArgument(
            "resize: coordinates='tf_crop_and_resize' needs roi=(start of each axis, end of each axis)"
        )
    return rule


def _check_known(dialect: Dialect, preset: Preset, mode: str, options: Mapping[str, Any]) -> None:
    if not options:
        return
    known = set().union(*(p.options for p in dialect.modes.values())) | set(dialect.options)
    for name, value in options.items():
        if name not in known:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none beside mode, size and scale"
            raise InvalidArgument(f"resize: {name} is not a parameter{_of(dialect)}; {has}")
        if name not in preset.options and name not in dialect.options:
            fitting = ", ".join(m for m, p in dialect.modes.items() if name in p.options)
            raise InvalidArgument(f"resize: {name} is not for mode={mode!r}{_of(dialect)}; it is for {fitting}")
        _check_value(name, value)
        if name in preset.always and preset.always[name] != value:
            raise InvalidArgument(
                f"resize: {name}={value!r}: mode={mode!r}{_of(dialect)} has {preset.always[name]} only"
            )
    for pair in (("align_corners", "coordinates"), ("align_corners", "half_pixel_centers")):
        if all(options.get(name) for name in pair):
            raise InvalidArgument(f"resize: {pair[0]} and {pair[1]} both say where the samples lie; give one of them")


def _check_value(name: str, value: Any) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise InvalidArgument(f"resize: {name}={value!r}: one of {', '.join(_CHOICES[name])} is needed")
    if name in _FLAGS and not isinstance(value, (bool, np.bool_)):
        raise InvalidArgument(f"resize: {name}={value!r}: True or False is needed")
    if name in ("a", "extrapolation") and not (is_number(value) and math.isfinite(value)):
        raise InvalidArgument(f"resize: {name}={value!r}: a finite number is needed")
    if name == "align_mode" and value not in (0, 1):
        raise InvalidArgument(f"resize: align_mode={value!r}: 0 (half-pixel) or 1 (asymmetric) is needed")


def is_number(value: Any) -> bool:
    """A real number of Python or NumPy; True is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _of(dialect: Dialect) -> str:
    return "" if dialect is HOUSE else f" of like='{dialect.name}'"
