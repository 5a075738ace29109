"""Conversion between RGB and the planes of codecs, with every convention named.

``Y = Kr R + Kg G + Kb B``, ``Cb = (B - Y) / (2 - 2 Kb)``, ``Cr = (R - Y) / (2 - 2 Kr)``; studio range puts Y on
16 … 235 and chroma on 16 … 240 of 8 bits, full range uses all codes.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing.taps import axis_taps

__all__ = [
    "CENTRES",
    "Matrix",
    "Siting",
    "rgb_to_yuv",
    "shrink_chroma",
    "upscale_chroma",
    "yuv_to_floats",
    "yuv_to_rgb",
]

Matrix = Literal["bt601", "bt709", "bt2020", "smpte240m", "fcc"]
Siting = Literal["left", "center", "topleft", "top", "bottomleft", "bottom"]
F32 = NDArray[np.float32]

# Kr and Kb: ITU-R BT.601-7 2.5.1, BT.709-6 3.2, BT.2020-2 table 4 (non-constant luminance); ITU-T H.273 table 4.
_FACTORS: dict[str, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
    "fcc": (0.30, 0.11),
}

# Position of a chroma sample in its cell of luma, down and across: 0 at the first sample, 1/2 in the middle, 1 at the
# last.
CENTRES: dict[str, tuple[float, float]] = {
    **{"left": (0.5, 0.0), "center": (0.5, 0.5), "topleft": (0.0, 0.0)},
    **{"top": (0.0, 0.5), "bottomleft": (1.0, 0.0), "bottom": (1.0, 0.5)},
}


def rgb_to_yuv(rgb: NDArray[Any], matrix: Matrix, full_range: bool, bits: int = 8) -> F32:
    """RGB as codes of Y, Cb and Cr, neither rounded nor clipped.

    Args:
        rgb: ``(H, W, 3)`` u8 or u16, on all of its codes.
        matrix: ``bt601``, ``bt709``, ``bt2020``, ``smpte240m`` or ``fcc``.
        full_range: luma and chroma on all codes, instead of 16 … 235 and 16 … 240 of 8 bits.
        bits: of a code of the result, 8 … 16.

    Returns:
        ``(3, H, W)`` f32: Y, Cb, Cr.

    Source: ITU-R BT.601-7, BT.709-6, BT.2020-2; ITU-T H.273 for full range.

    >>> import numpy as np
    >>> rgb_to_yuv(np.full((1, 1, 3), 255, np.uint8), "bt709", False).ravel().tolist()
    [235.0, 128.0, 128.0]
    """
    forward = _forward(matrix)
    luma, chroma, black = _spans(full_range, bits)
    x = np.moveaxis(rgb.astype(np.float32), -1, 0) / np.float32(np.iinfo(rgb.dtype).max)
    weights = (forward * np.array([luma, chroma, chroma])[:, None]).astype(np.float32)
    result: F32 = np.einsum("ij,jhw->ihw", weights, x)
    result += np.array([black, 1 << (bits - 1), 1 << (bits - 1)], np.float32)[:, None, None]
    return result


def yuv_to_rgb(yuv: NDArray[Any], matrix: Matrix, full_range: bool, bits: int = 8) -> NDArray[np.uint8]:
    """The inverse of :func:`rgb_to_yuv`, rounded half up and clipped.

    Args:
        yuv: ``(3, H, W)`` codes of ``bits`` bits, whole or not.
        matrix: of the stream.
        full_range: of the stream.
        bits: 8 … 16; black and white of studio range lie at 16 and 235 times ``2**(bits - 8)``.

    Returns:
        ``(H, W, 3)`` u8.

    >>> import numpy as np
    >>> yuv_to_rgb(np.array([940.0, 512.0, 512.0]).reshape(3, 1, 1), "bt709", False, 10).ravel().tolist()
    [255, 255, 255]
    """
    luma, chroma, black = _spans(full_range, bits)
    x = yuv.astype(np.float32) - np.array([black, 1 << (bits - 1), 1 << (bits - 1)], np.float32)[:, None, None]
    weights = np.linalg.inv(_forward(matrix)) * (255 / np.array([luma, chroma, chroma]))
    result = np.einsum("ij,jhw->hwi", weights.astype(np.float32), x)
    result += np.float32(0.5)
    codes: NDArray[np.uint8] = np.clip(result, 0, 255).astype(np.uint8)
    return codes


def yuv_to_floats(yuv: NDArray[Any], matrix: Matrix, full_range: bool, bits: int = 8) -> F32:
    """The inverse of :func:`rgb_to_yuv` in f32, neither rounded nor clipped.

    Args:
        yuv: as for :func:`yuv_to_rgb`.
        matrix: of the stream.
        full_range: of the stream.
        bits: 8 … 16.

    Returns:
        ``(H, W, 3)`` f32 of 0 … 1.

    >>> import numpy as np
    >>> yuv_to_floats(np.array([1023.0, 512.0, 512.0]).reshape(3, 1, 1), "bt709", True, 10).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    luma, chroma, black = _spans(full_range, bits)
    x = yuv.astype(np.float32) - np.array([black, 1 << (bits - 1), 1 << (bits - 1)], np.float32)[:, None, None]
    weights = np.linalg.inv(_forward(matrix)) / np.array([luma, chroma, chroma])
    result: F32 = np.einsum("ij,jhw->hwi", weights.astype(np.float32), x)
    return result


def shrink_chroma(plane: F32, siting: Siting, factors: tuple[int, int] = (2, 2)) -> F32:
    """Chroma of 4:4:4 with fewer samples: an antialiased triangle centred on the new sample.

    Args:
        plane: ``(H, W)``.
        siting: ``left`` (MPEG-2, H.264), ``center`` (JPEG, MPEG-1), ``topleft``, ``top``, ``bottomleft`` or ``bottom``.
        factors: ``(f, g)``, samples of luma per sample of chroma, down and across.

    Returns:
        ``(ceil(H / f), ceil(W / g))`` f32.
    """
    height, width = plane.shape
    down, across = factors
    return _resize(plane, (-(-height // down), -(-width // across)), (1 / down, 1 / across), siting)


def upscale_chroma(plane: NDArray[Any], shape: tuple[int, int], factors: tuple[int, int], siting: Siting) -> F32:
    """Subsampled chroma at luma's samples, bilinear.

    Args:
        plane: ``(ceil(H / f), ceil(W / g))``.
        shape: ``(H, W)`` of luma.
        factors: ``(f, g)``, samples of luma per sample of chroma, down and across.
        siting: position of chroma in its cell.

    Returns:
        ``(H, W)`` f32.
    """
    return _resize(plane, shape, factors, siting)


def _resize(plane: NDArray[Any], shape: tuple[int, int], scales: tuple[float, float], siting: Siting) -> F32:
    result = plane.astype(np.float32)
    for axis, (n, scale, centre) in enumerate(zip(shape, scales, CENTRES[siting], strict=True)):
        if scale == 1:
            continue
        taps = axis_taps(result.shape[axis], n, scale, mode="linear", antialias=True, centre=centre)
        weights = taps.weight.astype(np.float32)
        terms = (
            result.take(index, axis) * (weight[:, None] if axis == 0 else weight)
            for index, weight in zip(taps.index.T, weights.T, strict=True)
        )
        result = reduce(np.add, terms)
    return result


def _forward(matrix: str) -> NDArray[np.float64]:
    """R, G, B of 0 … 1 to Y of 0 … 1 and Cb, Cr of −½ … ½."""
    if matrix not in _FACTORS:
        raise InvalidArgument(f"matrix={matrix!r}: one of {', '.join(get_args(Matrix))} is needed")
    red, blue = _FACTORS[matrix]
    y = np.array([red, 1 - red - blue, blue])
    return np.array([y, ([0, 0, 1] - y) / (2 - 2 * blue), ([1, 0, 0] - y) / (2 - 2 * red)])


def _spans(full_range: bool, bits: int = 8) -> tuple[float, float, float]:
    """The ranges of luma and chroma in codes, and the code of black."""
    if full_range:
        top = float((1 << bits) - 1)
        return top, top, 0.0
    unit = float(1 << (bits - 8))
    return 219 * unit, 224 * unit, 16 * unit
