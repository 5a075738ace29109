"""The images that the laboratory takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["rgb"]


def rgb(image: Any) -> NDArray[np.uint8]:
    """An image as ``(H, W, 3)`` u8. Gray is repeated.

    Raises:
        InvalidArgument: the shape is not ``(H, W)``, ``(H, W, 1)`` or ``(H, W, 3)``, or the dtype is not u8.

    >>> import numpy as np
    >>> rgb(np.zeros((4, 6), np.uint8)).shape
    (4, 6, 3)
    """
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != np.uint8:
        raise InvalidArgument(
            f"image: shape {pixels.shape}, {pixels.dtype}; (H, W), (H, W, 1) or (H, W, 3) of uint8 is needed"
        )
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
