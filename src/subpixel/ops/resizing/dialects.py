"""The resize functions of nine libraries as data, for ``like="torch"`` and so on.

A :class:`Preset` is one mode of one library: its :class:`~subpixel.ops.resizing.convention.Convention`, the changes by
its flags, and the fields that a caller may set. Sources: the libraries' documentation, and their results, with which
the tests compare these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from subpixel.ops.resizing.convention import Convention
from subpixel.ops.resizing.scales import Product

__all__ = ["DIALECTS", "LARGE", "OWN", "TWO_AXES", "UPSCALING", "Dialect", "Like", "Preset"]

Like = Literal["torch", "onnx", "onnx_upsample", "opencv", "pillow", "matlab", "tensorflow", "tensorflow_v1", "paddle"]


TWO_AXES = "two axes"
UPSCALING = "upscaling"
LARGE = "large"
_CIRCUMSTANCES = {TWO_AXES, UPSCALING, LARGE, "uint8", "uint16", "float32", "float64"}


@dataclass(frozen=True)
class Preset:
    """One mode of one library.

    Args:
        convention: the convention without flags.
        flags: changes of the convention, applied in their order. A flag ``a+b`` applies if both are set. Some flags are
            set by circumstances: :data:`TWO_AXES` if two axes are resized, :data:`UPSCALING` if a factor is above 1,
            :data:`LARGE` if the resized axes of the result have more than 128 samples in total, and the name of the
            dtype.
        fields: the fields of the convention that a caller may set.
        always: options that have only this value in the library.
        sizes_only: positions follow from the sizes alone, whatever scale was given.
        integer: the integer algorithm for u8, of :mod:`subpixel.ops.resizing.integers`.
        interpolate: torch's name of the mode for ``torch.nn.functional.interpolate``; None if it has none.
    """

    convention: Convention
    flags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    always: Mapping[str, Any] = field(default_factory=dict)
    sizes_only: bool = False
    integer: str | None = None
    interpolate: str | None = None

    @property
    def options(self) -> set[str]:
        """The names of the options that a caller may set."""
        flags = {name for flag in self.flags for name in flag.split("+")}
        return (flags | set(self.fields) | set(self.always)) - _CIRCUMSTANCES


@dataclass(frozen=True)
class Dialect:
    """One library: its modes, and the properties that they share."""

    name: str
    modes: Mapping[str, Preset]
    mode: str
    # The layout, by the number of axes of the array. Empty if every axis is resized.
    layouts: Mapping[int, str]
    dims: tuple[int, ...] = (1, 2, 3)
    size: Literal["floor", "ceil", "round"] = "floor"
    # The precision in which a size is multiplied by a scale.
    product: Product = "double"
    # Options besides the fields and flags of its modes.
    options: tuple[str, ...] = ()
    # The rounding of integers: half up, to even or away from zero; after each axis or after the last one.
    rounding: Literal["up", "even", "away"] = "even"
    each_axis: bool = False
    # The first axis: the one that shrinks most, so that the others have the least work; the columns; or, as in Pillow
    # 13, the columns unless the rows lose more than twice as many samples.
    order: Literal["shrink_first", "columns_first", "pillow"] = "shrink_first"
    # The precision in which f32 arrays are summed.
    sums: Literal["float32", "float64"] = "float32"
    # If no size changes, the array is copied, whatever the scale.
    same_sizes_copy: bool = False


_PLANES = {3: "NCW", 4: "NCHW", 5: "NCDHW"}
_IMAGE = {2: "HW", 3: "HWC"}

_ALIGN: dict[str, Mapping[str, Any]] = {"align_corners": {"coordinates": "align_corners"}}


def _own() -> Dialect:
    interpolating = ("coordinates", "exclude_outside", "border", "antialias", "extrapolation")
    modes = {
        "nearest": Preset(Convention("nearest"), _ALIGN, ("coordinates", "nearest", "border", "extrapolation")),
        "linear": Preset(Convention("linear"), _ALIGN, interpolating),
        "cubic": Preset(Convention("cubic"), _ALIGN, (*interpolating, "a")),
        "area": Preset(Convention("area", exclude_outside=True)),
        **{name: Preset(Convention(name), _ALIGN, interpolating) for name in ("box", "hamming")},
        **{f"lanczos{n}": Preset(Convention(f"lanczos{n}"), _ALIGN, interpolating) for n in (2, 3, 4, 5)},
    }
    modes["lanczos"] = modes["lanczos3"]
    return Dialect(
        "subpixel",
        modes,
        "cubic",
        {3: "HWC"},
        size="ceil",
        product="exact",
        options=("roi", "keep_aspect"),
        rounding="up",
        each_axis=True,
    )


def _torch() -> Dialect:
    convention = Convention("linear", step="ratio", precision="single", multiples=(1,))
    nearest = Convention("nearest", "asymmetric", "floor", step="ratio", precision="fused")
    exact = replace(nearest, coordinates="half_pixel", nearest="round_prefer_ceil")
    double: dict[str, Mapping[str, Any]] = {name: {"precision": "double"} for name in ("float64", "uint8")}
    # torch has a separate kernel for two axes up to a size, which computes the neighbour in other steps.
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
    lanczos = replace(convention, kernel="lanczos3", antialias=True, exclude_outside=True)
    modes = {
        "nearest": Preset(nearest, stored | planar | general),
        "nearest-exact": Preset(exact, stored | planar_exact | general_exact),
        "linear": Preset(convention, aligned, integer="torch"),
        "cubic": Preset(replace(convention, kernel="cubic", a=-0.75, multiples=()), aligned, integer="torch"),
        "lanczos": Preset(lanczos, double, always={"antialias": True, "align_corners": False}, integer="torch"),
        "area": Preset(Convention("adaptive"), sizes_only=True),
    }
    modes = {name: replace(preset, interpolate=name) for name, preset in modes.items()}
    # Integers are u8 only: torch supports no others.
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
    convention = Convention("linear", length="exact")
    interpolating = ("coordinates", "exclude_outside", "extrapolation", "antialias")
    modes = {
        "nearest": Preset(replace(convention, kernel="nearest"), fields=("coordinates", "nearest", "extrapolation")),
        "linear": Preset(convention, fields=interpolating),
        "cubic": Preset(replace(convention, kernel="cubic", a=-0.75), fields=(*interpolating, "a")),
    }
    return Dialect("onnx", modes, "nearest", {}, product="single", options=("roi", "keep_aspect"))


def _onnx_upsample() -> Dialect:
    convention = Convention("linear", coordinates="asymmetric")
    modes = {"nearest": Preset(replace(convention, kernel="nearest", nearest="floor")), "linear": Preset(convention)}
    return Dialect("onnx_upsample", modes, "nearest", {}, product="single")


def _opencv() -> Dialect:
    convention = Convention("linear", step="reciprocal")
    stored = replace(convention, precision="stored")
    nearest = replace(convention, kernel="nearest", coordinates="asymmetric", nearest="floor")
    area = replace(convention, kernel="area", exclude_outside=True, sliver=1e-3)
    # OpenCV's newer code computes positions in double precision; its older code rounds them.
    modes = {
        "nearest": Preset(nearest),
        "linear": Preset(convention, {"uint8": {"precision": "stored"}}, integer="opencv_linear"),
        "linear-exact": Preset(convention, integer="opencv_linear_exact"),
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
    convention = Convention("linear", "centres", step="ratio", antialias=True, exclude_outside=True)
    kernels = {"box": "box", "linear": "linear", "hamming": "hamming", "cubic": "cubic", "lanczos": "lanczos3"}
    modes = {name: Preset(replace(convention, kernel=kernel), integer="pillow") for name, kernel in kernels.items()}
    nearest = replace(convention, kernel="nearest", coordinates="running", nearest="floor")
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
        options=("alpha",),
    )


def _matlab() -> Dialect:
    convention = Convention("cubic", antialias=True, border="symmetric")
    fields = ("antialias", "border")
    modes = {name: Preset(replace(convention, kernel=name), fields=fields) for name in ("box", "linear", "cubic")}
    modes |= {name: Preset(replace(convention, kernel=name), fields=fields) for name in ("lanczos2", "lanczos3")}
    modes["lanczos"] = modes["lanczos3"]
    nearest = replace(convention, kernel="nearest", nearest="round_prefer_ceil", antialias=False)
    modes["nearest"] = Preset(nearest, fields=("border",))
    return Dialect(
        "matlab", modes, "cubic", _IMAGE, dims=(2,), size="ceil", rounding="away", each_axis=True, sums="float64"
    )


def _tensorflow() -> Dialect:
    convention = Convention("linear", step="ratio", precision="single")
    spans = replace(convention, coordinates="centres", step="reciprocal", exclude_outside=True)
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
        "nearest": Preset(replace(convention, kernel="nearest", coordinates="centres", nearest="floor")),
        "linear": Preset(convention, flags),
        "cubic": Preset(replace(convention, kernel="cubic", lookup=1024, exclude_outside=True), flags),
        "area": Preset(replace(convention, kernel="area")),
        "lanczos3": Preset(replace(spans, kernel="lanczos3"), flags),
        "lanczos5": Preset(replace(spans, kernel="lanczos5"), flags),
        "gaussian": Preset(replace(spans, kernel="gaussian"), flags),
        "mitchellcubic": Preset(replace(spans, kernel="mitchell"), flags),
    }
    modes["lanczos"] = modes["lanczos3"]
    return Dialect("tensorflow", modes, "linear", {3: "HWC", 4: "NHWC"}, dims=(2,))


def _tensorflow_v1() -> Dialect:
    convention = Convention("linear", coordinates="asymmetric", step="ratio", precision="single")
    half: dict[str, Mapping[str, Any]] = {"half_pixel_centers": {"coordinates": "half_pixel"}}
    keys = {"half_pixel_centers": {"coordinates": "half_pixel", "a": -0.5, "exclude_outside": True}}
    modes = {
        "nearest": Preset(
            replace(convention, kernel="nearest", nearest="floor"),
            {
                "align_corners": {"coordinates": "align_corners", "nearest": "round_prefer_ceil"},
                "half_pixel_centers": {"coordinates": "centres"},
            },
        ),
        "linear": Preset(convention, _ALIGN | half),
        "cubic": Preset(replace(convention, kernel="cubic", a=-0.75, lookup=1024), _ALIGN | keys),
        "area": Preset(replace(convention, kernel="area")),
    }
    return Dialect("tensorflow_v1", modes, "linear", {3: "HWC", 4: "NHWC"}, dims=(2,))


def _paddle() -> Dialect:
    convention = Convention("linear", step="ratio", precision="single")
    # In Paddle's kernels for two axes, the step of a single output sample is 0.
    planar: dict[str, Mapping[str, Any]] = {TWO_AXES: {"step": "ratio_unless_one"}}
    modes = {
        "nearest": Preset(replace(convention, kernel="nearest", coordinates="asymmetric", nearest="floor")),
        "linear": Preset(convention, planar | {"align_mode": {"coordinates": "asymmetric"}} | _ALIGN),
        "cubic": Preset(replace(convention, kernel="cubic", a=-0.75), planar | _ALIGN),
        "area": Preset(Convention("adaptive"), sizes_only=True),
    }
    return Dialect("paddle", modes, "nearest", _PLANES)


OWN = _own()
DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        *(_torch(), _onnx(), _onnx_upsample(), _opencv(), _pillow()),
        *(_matlab(), _tensorflow(), _tensorflow_v1(), _paddle()),
    )
}
