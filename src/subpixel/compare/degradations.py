"""How a reference image is made small: the filters by name. Every figure depends on this choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops import resize

__all__ = ["DEGRADATIONS", "Degradation", "degradation_of"]

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Degradation:
    """A filter that makes an image smaller by an integer factor.

    Args:
        name: what people type.
        about: the filter in one phrase.
        options: arguments of :func:`subpixel.ops.resize`.
    """

    name: str
    about: str
    options: tuple[tuple[str, Any], ...]

    def __call__(self, image: U8, scale: int) -> U8:
        """Make an image ``scale`` times smaller.

        Args:
            image: ``(H, W, C)`` u8, with sides that ``scale`` divides.
            scale: the factor, at least 1.

        Raises:
            InvalidArgument: a side is not divisible by ``scale``.

        >>> import numpy as np
        >>> DEGRADATIONS["area"](np.full((4, 6, 3), 9, np.uint8), 2).shape
        (2, 3, 3)
        """
        height, width = image.shape[:2]
        if height % scale or width % scale:
            raise InvalidArgument(f"an image of {width}×{height} cannot be made exactly {scale} times smaller")
        size = (height // scale, width // scale)
        return np.ascontiguousarray(resize(image, size, layout="HWC", **dict(self.options)))


DEGRADATIONS: dict[str, Degradation] = {
    one.name: one
    for one in (
        Degradation(
            "bicubic",
            "MATLAB's imresize: bicubic with a = -0.5, antialiased, the edge repeated",
            (("mode", "cubic"), ("antialias", True), ("border", "replicate")),
        ),
        Degradation("area", "the mean of each block of pixels", (("mode", "area"),)),
        Degradation("lanczos", "Lanczos with 3 lobes, antialiased", (("mode", "lanczos"), ("antialias", True))),
        Degradation("nearest", "one pixel of each block, without a filter: it aliases", (("mode", "nearest"),)),
    )
}
"""The filters that make images smaller, by name."""


def degradation_of(name: str) -> Degradation:
    """The degradation of this name.

    Raises:
        InvalidArgument: there is none.
    """
    if name not in DEGRADATIONS:
        raise unknown("degradation", name, DEGRADATIONS)
    return DEGRADATIONS[name]
