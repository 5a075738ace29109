"""What each library means by "resize", as data: ``like="torch"`` picks one of these.

A :class:`Preset` is one mode of one library: its :class:`~subpixel.ops.resizing.convention.Rule`, what its flags
change in that rule, and which fields of the rule a caller of that library may set. Sources: the libraries'
documentation, and their results, which the tests compare with these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from subpixel.ops.resizing.convention import Rule

__all__ = ["DIALECTS", "HOUSE", "LARGE", "TWO_AXES", "UPSCALING", "Dialect", "Like", "Preset"]

Like = Literal["torch", "onnx", "onnx_upsample", "opencv", "pillow", "matlab", "tensorflow", "tensorflow_v1", "paddle"]


TWO_AXES = "two axes"
UPSCALING = "upscaling"
LARGE = "large"
_CIRCUMSTANCES = {TWO_AXES, UPSCALING, LARGE, "uint8", "uint16", "float32", "float64"}


@dataclass(frozen=True)
class Preset:
    """One mode of one library.

    ``flags`` are applied in their order; one named ``a+b`` when both are set. Some are set by circumstances:
    :data:`TWO_AXES` when two are resized, :data:`UPSCALING` when any factor is above 1, :data:`LARGE` when the resized
    axes of the result have more than 128 samples together, and the name of the dtype.
    """

    rule: Rule
    flags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    # What may be said but not otherwise.
    always: Mapping[str, Any] = field(default_factory=dict)
    # The positions follow from the sizes alone, whatever scale was given.
    sizes_only: bool = False
    # The algorithm in integers that u8 takes: of subpixel.ops.resizing.integers.
    integer: str | None = None

    @property
    def options(self) -> set[str]:
        """What a caller may set."""
        flags = {name for flag in self.flags for name in flag.split("+")}
        return (flags | set(self.fields) | set(self.always)) - _CIRCUMSTANCES


@dataclass(frozen=True)
class Dialect:
    """One library: its modes, and what is the same in all of them."""

    name: str
    modes: Mapping[str, Preset]
    mode: str
    # Layout by number of axes of the array; empty: every axis is resized.
    layouts: Mapping[int, str]
    dims: tuple[int, ...] = (1, 2, 3)
    size: Literal["floor", "ceil", "round"] = "floor"
    # What the dialect has besides the fields and flags of its modes.
    options: tuple[str, ...] = ()
    # Integers: rounded halves up, to even or away from zero, after each axis or after the last.
    rounding: Literal["up", "even", "away"] = "even"
    each_axis: bool = False
    # The axis that shrinks most comes first, so that the others have the least to do; or the columns; or, as in Pillow
    # 13, the columns unless the rows lose more than twice as many samples.
    order: Literal["shrink_first", "columns_first", "pillow"] = "shrink_first"
    # The precision in which f32 arrays are summed.
    sums: Literal["float32", "float64"] = "float32"
    # An array whose sizes all stay is copied, whatever the scale.
    same_sizes_copy: bool = False


_PLANES = {3: "NCW", 4: "NCHW", 5: "NCDHW"}
_IMAGE = {2: "HW", 3: "HWC"}

_ALIGN: dict[str, Mapping[str, Any]] = {"align_corners": {"coordinates": "align_corners"}}


def _house() -> Dialect:
    interpolating = ("coordinates", "exclude_outside", "border", "antialias", "extrapolation")
    modes = {
        "nearest": Preset(Rule("nearest"), _ALIGN, ("coordinates", "nearest", "border", "extrapolation")),
        "linear": Preset(Rule("linear"), _ALIGN, interpolating),
        "cubic": Preset(Rule("cubic"), _ALIGN, (*interpolating, "a")),
        "area": Preset(Rule("area", exclude_outside=True)),
        **{name: Preset(Rule(name), _ALIGN, interpolating) for name in ("box", "hamming")},
        **{f"lanczos{n}": Preset(Rule(f"lanczos{n}"), _ALIGN, interpolating) for n in (2, 3, 4, 5)},
    }
    modes["lanczos"] = modes["lanczos3"]
    return Dialect(
        "subpixel",
        modes,
        "cubic",
        {3: "HWC"},
        size="ceil",
        options=("roi", "keep_aspect"),
        rounding="up",
        each_axis=True,
    )


def _torch() -> Dialect:
    rule = Rule("linear", step="ratio", precision="single", multiples=(1,))
    nearest = Rule("nearest", "asymmetric", "floor", step="ratio", precision="fused")
    exact = replace(nearest, coordinates="half_pixel", nearest="round_prefer_ceil")
    double: dict[str, Mapping[str, Any]] = {name: {"precision": "double"} for name in ("float64", "uint8")}
    # Two axes have a kernel of their own there, up to a size, which finds the neighbour in other steps.
    stored: dict[str, Mapping[str, Any]] = {"float64": {"precision": "stored"}}
    planar: dict[str, Mapping[str, Any]] = {TWO_AXES: {"precision": "single", "multiples": (1, 2)}}
    planar_exact = {TWO_AXES: {"precision": "single", "coordinates": "centres", "nearest": "floor"}}
    general: dict[str, Mapping[str, Any]] = {
        f"{TWO_AXES}+{LARGE}": {"precision": "fused", "multiples": ()},
        f"{TWO_AXES}+{LARGE}+float64": {"precision": "stored"},
    }
    general_exact = general | {
        f"{TWO_AXES}+{LARGE}": {"precision": "fused", "coordinates": "half_pixel", "nearest": "round_prefer_ceil"}
    }
    aligned: dict[str, Mapping[str, Any]] = {
        **double,
        "antialias": {"antialias": True, "exclude_outside": True, "a": -0.5, "multiples": (1,)},
        "align_corners": {"coordinates": "align_corners"},
        "antialias+align_corners": {"coordinates": "corner_step"},
    }
    lanczos = replace(rule, kernel="lanczos3", antialias=True, exclude_outside=True)
    modes = {
        "nearest": Preset(nearest, stored | planar | general),
        "nearest-exact": Preset(exact, stored | planar_exact | general_exact),
        "linear": Preset(rule, aligned, integer="torch"),
        "cubic": Preset(replace(rule, kernel="cubic", a=-0.75, multiples=()), aligned, integer="torch"),
        "lanczos": Preset(lanczos, double, always={"antialias": True, "align_corners": False}, integer="torch"),
        "area": Preset(Rule("adaptive"), sizes_only=True),
    }
    # u8 only: it has no other integers.
    return Dialect(
        "torch",
        modes,
        "nearest",
        _PLANES,
        options=("recompute_scale_factor",),
        rounding="up",
        each_axis=True,
        order="columns_first",
    )


def _onnx() -> Dialect:
    rule = Rule("linear", length="exact")
    interpolating = ("coordinates", "exclude_outside", "extrapolation", "antialias")
    modes = {
        "nearest": Preset(replace(rule, kernel="nearest"), fields=("coordinates", "nearest", "extrapolation")),
        "linear": Preset(rule, fields=interpolating),
        "cubic": Preset(replace(rule, kernel="cubic", a=-0.75), fields=(*interpolating, "a")),
    }
    return Dialect("onnx", modes, "nearest", {}, options=("roi", "keep_aspect"))


def _onnx_upsample() -> Dialect:
    rule = Rule("linear", coordinates="asymmetric")
    modes = {"nearest": Preset(replace(rule, kernel="nearest", nearest="floor")), "linear": Preset(rule)}
    return Dialect("onnx_upsample", modes, "nearest", {})


def _opencv() -> Dialect:
    rule = Rule("linear", step="reciprocal")
    stored = replace(rule, precision="stored")
    nearest = replace(rule, kernel="nearest", coordinates="asymmetric", nearest="floor")
    area = replace(rule, kernel="area", exclude_outside=True, sliver=1e-3)
    # Its newer code computes positions in double precision, the other has them rounded.
    modes = {
        "nearest": Preset(nearest),
        "linear": Preset(rule, {"uint8": {"precision": "stored"}}, integer="opencv_linear"),
        "linear-exact": Preset(rule, integer="opencv_linear_exact"),
        "cubic": Preset(
            replace(stored, kernel="cubic", a=-0.75), {"float32": {"precision": "double"}}, integer="opencv"
        ),
        "lanczos": Preset(replace(stored, kernel="lanczos4"), integer="opencv"),
        "area": Preset(area, {UPSCALING: {"kernel": "linear", "coordinates": "cells", "exclude_outside": False}}),
    }
    return Dialect(
        "opencv", modes, "linear", _IMAGE, dims=(2,), size="round", order="columns_first", same_sizes_copy=True
    )


def _pillow() -> Dialect:
    rule = Rule("linear", "centres", step="ratio", antialias=True, exclude_outside=True)
    kernels = {"box": "box", "linear": "linear", "hamming": "hamming", "cubic": "cubic", "lanczos": "lanczos3"}
    modes = {name: Preset(replace(rule, kernel=kernel), integer="pillow") for name, kernel in kernels.items()}
    nearest = replace(rule, kernel="nearest", coordinates="running", nearest="floor")
    modes["nearest"] = Preset(nearest, {"uint16": {"coordinates": "centres"}})
    return Dialect(
        "pillow",
        modes,
        "cubic",
        _IMAGE,
        dims=(2,),
        size="round",
        rounding="away",
        each_axis=True,
        order="pillow",
        sums="float64",
    )


def _matlab() -> Dialect:
    rule = Rule("cubic", antialias=True, border="symmetric")
    fields = ("antialias", "border")
    modes = {name: Preset(replace(rule, kernel=name), fields=fields) for name in ("box", "linear", "cubic")}
    modes |= {name: Preset(replace(rule, kernel=name), fields=fields) for name in ("lanczos2", "lanczos3")}
    modes["lanczos"] = modes["lanczos3"]
    nearest = replace(rule, kernel="nearest", nearest="round_prefer_ceil", antialias=False)
    modes["nearest"] = Preset(nearest, fields=("border",))
    return Dialect(
        "matlab", modes, "cubic", _IMAGE, dims=(2,), size="ceil", rounding="away", each_axis=True, sums="float64"
    )


def _tensorflow() -> Dialect:
    rule = Rule("linear", step="ratio", precision="single")
    spans = replace(rule, coordinates="centres", step="reciprocal", exclude_outside=True)
    flags: dict[str, Mapping[str, Any]] = {
        "antialias": {
            "antialias": True,
            "exclude_outside": True,
            "lookup": 0,
            "coordinates": "centres",
            "step": "reciprocal",
        }
    }
    modes = {
        "nearest": Preset(replace(rule, kernel="nearest", coordinates="centres", nearest="floor")),
        "linear": Preset(rule, flags),
        "cubic": Preset(replace(rule, kernel="cubic", lookup=1024, exclude_outside=True), flags),
        "area": Preset(replace(rule, kernel="area")),
        "lanczos3": Preset(replace(spans, kernel="lanczos3"), flags),
        "lanczos5": Preset(replace(spans, kernel="lanczos5"), flags),
        "gaussian": Preset(replace(spans, kernel="gaussian"), flags),
        "mitchellcubic": Preset(replace(spans, kernel="mitchell"), flags),
    }
    modes["lanczos"] = modes["lanczos3"]
    return Dialect("tensorflow", modes, "linear", {3: "HWC", 4: "NHWC"}, dims=(2,))


def _tensorflow_v1() -> Dialect:
    rule = Rule("linear", coordinates="asymmetric", step="ratio", precision="single")
    half: dict[str, Mapping[str, Any]] = {"half_pixel_centers": {"coordinates": "half_pixel"}}
    keys = {"half_pixel_centers": {"coordinates": "half_pixel", "a": -0.5, "exclude_outside": True}}
    modes = {
        "nearest": Preset(
            replace(rule, kernel="nearest", nearest="floor"),
            {
                "align_corners": {"coordinates": "align_corners", "nearest": "round_prefer_ceil"},
                "half_pixel_centers": {"coordinates": "centres"},
            },
        ),
        "linear": Preset(rule, _ALIGN | half),
        "cubic": Preset(replace(rule, kernel="cubic", a=-0.75, lookup=1024), _ALIGN | keys),
        "area": Preset(replace(rule, kernel="area")),
    }
    return Dialect("tensorflow_v1", modes, "linear", {3: "HWC", 4: "NHWC"}, dims=(2,))


def _paddle() -> Dialect:
    rule = Rule("linear", step="ratio", precision="single")
    # In its kernels of two axes the step of a single output sample is 0.
    planar: dict[str, Mapping[str, Any]] = {TWO_AXES: {"step": "ratio_unless_one"}}
    modes = {
        "nearest": Preset(replace(rule, kernel="nearest", coordinates="asymmetric", nearest="floor")),
        "linear": Preset(rule, planar | {"align_mode": {"coordinates": "asymmetric"}} | _ALIGN),
        "cubic": Preset(replace(rule, kernel="cubic", a=-0.75), planar | _ALIGN),
        "area": Preset(Rule("adaptive"), sizes_only=True),
    }
    return Dialect("paddle", modes, "nearest", _PLANES)


HOUSE = _house()
DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        *(_torch(), _onnx(), _onnx_upsample(), _opencv(), _pillow()),
        *(_matlab(), _tensorflow(), _tensorflow_v1(), _paddle()),
    )
}
