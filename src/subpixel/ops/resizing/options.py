"""Finds the dialect, preset and convention of a call, and rejects options that a library does not have."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.resizing.convention import BORDERS, COORDINATES, ROUNDINGS, Convention
from subpixel.ops.resizing.dialects import DIALECTS, OWN, Dialect, Preset

__all__ = ["choose_preset", "convention_of", "find_dialect", "is_number"]

# Names that imply a number of axes, with the plain name and that number.
_DIMS = {"bilinear": ("linear", 2), "bicubic": ("cubic", 2), "trilinear": ("linear", 3)}
_CHOICES = {"coordinates": COORDINATES, "nearest": ROUNDINGS, "border": BORDERS}
_FLAGS = ("antialias", "exclude_outside", "align_corners", "half_pixel_centers")


def find_dialect(like: str | None) -> Dialect:
    """The dialect of that name; None is this package's own.

    Raises:
        InvalidArgument: the name is unknown.
    """
    if like is None:
        return OWN
    if not isinstance(like, str) or like not in DIALECTS:
        raise unknown("dialect", like, DIALECTS, f"like= takes {', '.join(DIALECTS)}.", where="resize")
    return DIALECTS[like]


def choose_preset(dialect: Dialect, mode: Any, options: Mapping[str, Any], dims: int) -> Preset:
    """The preset of a mode, after a check of the options.

    Raises:
        InvalidArgument: the dialect does not have the mode or an option, or options contradict each other.
    """
    mode = dialect.mode if mode is None else mode
    plain, wanted = _DIMS.get(mode, (mode, dims)) if isinstance(mode, str) else ("", dims)
    if plain not in dialect.modes:
        hint = "" if dialect is OWN else f"like='{dialect.name}' has {', '.join(dialect.modes)}."
        raise unknown("mode", mode, dialect.modes, hint, where="resize")
    if wanted != dims:
        raise InvalidArgument(
            f"resize: mode={mode!r} is for {wanted} resized axes, not for {dims}; '{plain}' is for any number"
        )
    _check_known(dialect, dialect.modes[plain], plain, options)
    return dialect.modes[plain]


def convention_of(preset: Preset, options: Mapping[str, Any], circumstances: Collection[str]) -> Convention:
    """The convention of a preset, with the changes by options and circumstances."""
    convention = preset.convention
    for flag, change in preset.flags.items():
        if all(options.get(name) or name in circumstances for name in flag.split("+")):
            convention = replace(convention, **change)
    convention = replace(convention, **{name: options[name] for name in preset.fields if name in options})
    cropped = convention.coordinates == "tf_crop_and_resize"
    for name in ("roi", "extrapolation"):
        if name in options and not cropped:
            raise InvalidArgument(
                f"resize: {name} is for coordinates='tf_crop_and_resize', not for {convention.coordinates!r}"
            )
    if cropped and "roi" not in options:
        raise InvalidArgument(
            "resize: coordinates='tf_crop_and_resize' needs roi=(start of each axis, end of each axis)"
        )
    return convention


def _check_known(dialect: Dialect, preset: Preset, mode: str, options: Mapping[str, Any]) -> None:
    if not options:
        return
    known = set().union(*(p.options for p in dialect.modes.values())) | set(dialect.options)
    for name, value in options.items():
        if name not in known:
            few = ", and ".join(["it has only mode, size and scale", *known])
            others = f"it has {', '.join(sorted(known))}" if len(known) > 1 else few
            raise InvalidArgument(f"resize: {name} is not a parameter{_of(dialect)}; {others}")
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
            raise InvalidArgument(f"resize: {pair[0]} and {pair[1]} both set the positions; pass one of them")


def _check_value(name: str, value: Any) -> None:
    if name in _CHOICES and value not in _CHOICES[name]:
        raise unknown(name, value, _CHOICES[name], where="resize")
    if name in _FLAGS and not isinstance(value, (bool, np.bool_)):
        raise InvalidArgument(f"resize: {name}={value!r}: True or False is needed")
    if name in ("a", "extrapolation") and not (is_number(value) and math.isfinite(value)):
        raise InvalidArgument(f"resize: {name}={value!r}: a finite number is needed")
    if name == "alpha" and value not in ("premultiply", "plain"):
        raise unknown(name, value, ("premultiply", "plain"), where="resize")
    if name == "align_mode" and value not in (0, 1):
        raise InvalidArgument(f"resize: align_mode={value!r}: 0 (half-pixel) or 1 (asymmetric) is needed")


def is_number(value: Any) -> bool:
    """Whether a value is a real number of Python or NumPy. True is not."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _of(dialect: Dialect) -> str:
    return "" if dialect is OWN else f" of like='{dialect.name}'"
