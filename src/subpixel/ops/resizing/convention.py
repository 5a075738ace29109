"""Every convention in which two resizes can differ, as the fields of one :class:`Rule`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BORDERS", "COORDINATES", "ROUNDINGS", "Rule"]

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
class Rule:
    """Every convention of one axis.

    ``kernel`` is ``nearest``, ``area`` (each output sample is the mean of the input that it covers), ``adaptive`` (the
    mean of all samples that it touches) or one of :data:`subpixel.ops.resizing.kernels.KERNELS`.
    ``coordinates`` is one of ONNX's six, or one that only a preset can name: ``centres`` (positions counted from the
    left edge), ``running`` (the same by adding the step up), ``corner_step`` (half_pixel, its step that of
    align_corners), ``cells`` (OpenCV's area when it upscales).
    ``step`` is how a position follows from an output sample: divided by the factor, multiplied by ``n_in / n_out``
    (``ratio``; ``ratio_unless_one``, where 0 takes its place for one output sample), or by the rounded inverse of
    ``n_out / n_in`` (``reciprocal``). Where ``n_out`` is one of the ``multiples`` of ``n_in``, the positions follow
    from the two whatever factor was given.
    ``precision`` is that of the positions: ``double``, ``single``, ``stored`` (double, then rounded to single) or
    ``fused`` (the same with a single step).
    ``length`` says whether a fractional ``factor * n_in`` or the whole ``n_out`` is the output's length.
    ``centre`` is where in its cell a sample lies, from 0 to 1, for half_pixel with ``divide``: chroma that is co-sited
    with the first of several samples of luma lies before the middle.
    ``lookup`` > 0 rounds the kernel's argument to that fraction; ``sliver`` is the cover that area leaves out.
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
