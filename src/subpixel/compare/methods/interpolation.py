"""Interpolation: the plain resizes, each with its convention in full."""

from __future__ import annotations

from typing import Any

from subpixel.compare.methods.method import Method, Prepared, Sample
from subpixel.ops import average_unpool, resize

__all__ = ["METHODS"]


def _resize(name: str, title: str, about: str, taps: int, **options: Any) -> Method:
    """A method of :func:`subpixel.ops.resize` whose kernel has ``taps`` samples along each axis."""

    def prepare(sample: Sample) -> Prepared:
        # First along the columns of the small image, then along the rows of the result, for three channels.
        macs = 3 * (taps / sample.scale + taps) if taps > 1 else 0.0
        return Prepared(lambda: resize(sample.small, sample.size, layout="HWC", **options), macs)

    return Method(name, title, "interpolation", about, prepare)


def _average_unpool(sample: Sample) -> Prepared:
    return Prepared(lambda: average_unpool(sample.small[None], sample.scale, layout="NHWC")[0], 0.0)


METHODS = (
    _resize("nearest", "Nearest", "Each pixel is repeated.", 1, mode="nearest"),
    _resize("bilinear", "Bilinear", "Half-pixel centres, the edge repeated.", 2, mode="linear"),
    _resize("bicubic", "Bicubic, a = -0.5", "Keys' cubic, as in MATLAB and Pillow.", 4, mode="cubic", a=-0.5),
    _resize("bicubic-075", "Bicubic, a = -0.75", "As in torch and OpenCV.", 4, mode="cubic", a=-0.75),
    _resize("lanczos", "Lanczos, 3 lobes", "Half-pixel centres, the edge repeated.", 6, mode="lanczos"),
    _resize("area", "Area", "As in OpenCV; for an integer factor it repeats pixels, as nearest does.", 1, mode="area"),
    Method(
        "average-unpooling",
        "Average unpooling",
        "unpooling",
        "Each value fills its window: the same as nearest.",
        _average_unpool,
    ),
)
