"""What a figure is drawn of: a part of an image, small enough for single pixels to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.pixels import rgb
from subpixel.errors import InvalidArgument
from subpixel.image.comparison.detail import find_detail
from subpixel.ops import resize

__all__ = ["LEAST", "SIDE", "Box", "Subject", "bilinear", "cut", "detail", "halved", "to_u8"]

U8 = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, width, height

SIDE = 128  # pixels of the longer side of what is shown
LEAST = 16  # pixels of the shorter side of an image that figures are drawn of
_ASPECT = 1.5  # longer images are cropped to their middle
_DETAIL = (24, 18)


@dataclass(frozen=True)
class Subject:
    """An image, and what figures with anything random or trained need.

    Args:
        image: ``(H, W, 3)`` u8.
        seed: of everything random.
        threads: how many threads training may use.
    """

    image: U8
    seed: int
    threads: int

    @classmethod
    def of(cls, image: Any, seed: int, threads: int) -> Subject:
        """Check an image.

        Raises:
            InvalidArgument: it is no gray or RGB image of u8, or it is too small.
        """
        pixels = rgb(image)
        if min(pixels.shape[:2]) < LEAST:
            size = f"{pixels.shape[1]}×{pixels.shape[0]}"
            raise InvalidArgument(f"an image of {size} is too small for the figures: {LEAST}×{LEAST} is needed")
        return cls(pixels, seed, threads)

    @cached_property
    def picture(self) -> U8:
        """The image with at most 128 pixels along its longer side, both sides even, no longer than 3:2."""
        height, width = self.image.shape[:2]
        limit = int(min(height, width) * _ASPECT)
        part = _middle(self.image, min(height, limit), min(width, limit))
        height, width = part.shape[:2]
        if max(height, width) <= SIDE:
            return np.ascontiguousarray(part[: height // 2 * 2, : width // 2 * 2])
        factor = SIDE / max(height, width)
        rows, columns = (2 * round(side * factor / 2) for side in (height, width))
        return _resized(part, rows, columns)

    def square(self, side: int) -> U8:
        """The square in the middle of the image, brought to this many pixels a side."""
        least = min(self.image.shape[:2])
        part = _middle(self.image, least, least)
        return part if least == side else _resized(part, side, side)


def to_u8(values: Any) -> U8:
    """Values of 0 … 255, clipped and rounded.

    >>> to_u8([-3.0, 0.5, 300.0]).tolist()
    [0, 1, 255]
    """
    rounded: U8 = np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)
    return rounded


def halved(picture: U8) -> U8:
    """The picture at half its size, each pixel the mean of four: what bilinear interpolation gives at ×1/2."""
    return bilinear(picture, (picture.shape[0] // 2, picture.shape[1] // 2))


def bilinear(picture: U8, size: tuple[int, int]) -> U8:
    """The picture with so many rows and columns by bilinear interpolation, rounded once."""
    return to_u8(resize(picture.astype(np.float32), size, mode="linear", layout="HWC"))


def detail(first: U8, second: U8) -> Box:
    """The part of up to 24×18 pixels where two pictures differ most."""
    height, width = first.shape[:2]
    size = (min(_DETAIL[0], width), min(_DETAIL[1], height))
    return (*find_detail(first, second, size, 2), *size)


def cut(picture: U8, box: Box) -> U8:
    """That part of a picture."""
    left, top, width, height = box
    return picture[top : top + height, left : left + width]


def _middle(image: U8, height: int, width: int) -> U8:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _resized(image: U8, height: int, width: int) -> U8:
    options: dict[str, Any] = {"mode": "cubic", "antialias": True, "layout": "HWC"}
    return np.ascontiguousarray(resize(image, (height, width), **options))
