"""Convention: all ways in which two resizes can differ, as the fields of one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BORDERS", "COORDINATES", "ROUNDINGS", "Convention"]

COORDINATES = (
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_crop_and_resize",
    "half_pixel_symmetric",
)
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
BORDERS = ("replicate", "symmetric")


@dataclass(frozen=True)
class Convention:
    """The conventions of a resize along one axis.

    Args:
        kernel: ``nearest``, ``area`` (each output sample is the mean of the input that it covers), ``adaptive`` (the
            mean of all input samples that it touches), or one of :data:`subpixel.ops.resizing.kernels.KERNELS`.
        coordinates: one of ONNX's six, or one that only presets use: ``centres`` (positions from the left edge),
            ``running`` (the same by adding up the step), ``corner_step`` (half_pixel with the step of align_corners),
            ``cells`` (OpenCV's area when it upscales).
        nearest: the neighbour that ``nearest`` chooses: one of :data:`ROUNDINGS`.
        a: the parameter of the cubic kernel.
        antialias: widen the kernel when shrinking.
        exclude_outside: set weights outside the array to 0 and scale the others to sum 1.
        extrapolation: the value outside, for ``tf_crop_and_resize``.
        border: what lies outside otherwise: one of :data:`BORDERS`.
        step: how a position follows from an output sample: ``divide`` by the factor; multiply by ``n_in / n_out``
            (``ratio``, or ``ratio_unless_one``, which is 0 for a single output sample); or multiply by the rounded
            inverse of ``n_out / n_in`` (``reciprocal``).
        multiples: if ``n_out`` is one of these multiples of ``n_in``, positions follow from both sizes, whatever factor
            was given.
        precision: of the positions: ``double``, ``single``, ``stored`` (double, then rounded to single) or ``fused``
            (likewise, with a step in single precision).
        length: of the output: the integer ``n_out`` (``whole``) or the fractional ``factor * n_in`` (``exact``).
        centre: where a sample lies in its cell, 0 … 1, for half_pixel with ``divide``. Chroma that is co-sited with the
            first of several luma samples lies before the middle.
        lookup: if above 0, the kernel's argument is rounded to this fraction, as in a lookup table.
        sliver: ``area`` ignores a cover of at most this size.
    """

    kernel: str
    coordinates: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    a: float = -0.5
    antialias: bool = False
    exclude_outside: bool = False
    extrapolation: float = 0.0
    border: str = "replicate"
    step: Literal["divide", "ratio", "ratio_unless_one", "reciprocal"] = "divide"
    multiples: tuple[int, ...] = ()
    precision: Literal["double", "single", "stored", "fused"] = "double"
    length: Literal["whole", "exact"] = "whole"
    centre: float = 0.5
    lookup: int = 0
    sliver: float = 0.0
