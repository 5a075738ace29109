"""What the samples of a TIFF without a profile mean: WhitePoint, PrimaryChromaticities and TransferFunction.

Source: TIFF 6.0, section 20.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.files.colour_spaces import GRAY, RGB
from subpixel.image.files.containers.tiff import Tags, unpack_tags
from subpixel.image.files.icc import SRGB, Colours
from subpixel.image.files.source_metadata import TIFF_TAGS, get_blob

__all__ = ["COLOUR_TAGS", "tiff_colours"]

_CURVE, _WHITE, _PRIMARIES = 301, 318, 319
COLOUR_TAGS = (_CURVE, _WHITE, _PRIMARIES)
_SHORT, _RATIONAL = 3, 5
# Differences from sRGB that are rounding: of chromaticities, and of light.
_NEAR, _NEAR_LIGHT = 0.0015, 0.004


def tiff_colours(header: pyvips.Image | None) -> Colours | None:
    """The colours that a TIFF states by numbers; :data:`SRGB` where they are sRGB's; None if it states none.

    Args:
        header: of the source. With a profile, or colours that were converted, the numbers say nothing.

    Raises:
        InvalidArgument: they cannot be a profile; the message says why.
    """
    if header is None or header.interpretation not in (*GRAY, *RGB) or get_blob(header, "icc-profile-data"):
        return None
    tags = unpack_tags(get_blob(header, TIFF_TAGS))
    if not tags.keys() & {*COLOUR_TAGS}:
        return None
    curve, gray = _curve(tags), header.interpretation in GRAY
    if gray and curve is None:
        raise InvalidArgument("they are for RGB and the image is gray")
    red_green_blue = _rationals(tags, _PRIMARIES, 6) or SRGB.chromaticities[:6]
    white = _rationals(tags, _WHITE, 2) or SRGB.chromaticities[6:]
    points: Any = (*red_green_blue, *white)
    if gray or max(abs(one - other) for one, other in zip(points, SRGB.chromaticities, strict=True)) < _NEAR:
        points = SRGB.chromaticities
    samples = np.linspace(0, 1, 257)
    if curve is not None and np.abs(_light(curve, samples) - _srgb_light(samples)).max() < _NEAR_LIGHT:
        curve = None
    if points == SRGB.chromaticities and curve is None:
        return SRGB
    name = "stated primaries" if points != SRGB.chromaticities else "BT.709"
    if curve is None:
        return Colours(f"{name}, sRGB curve", points, SRGB.curve)
    table = curve
    return Colours(f"{name}, stated curve", points, lambda sample: float(_light(table, np.array([sample]))[0]))


def _curve(tags: Tags) -> NDArray[np.float64] | None:
    """Light 0 … 1 by sample; None if it is not stated."""
    if _CURVE not in tags:
        return None
    kind, count, value = tags[_CURVE]
    length = count if count & (count - 1) == 0 else count // 3
    if kind != _SHORT or length < 2 or length & (length - 1) or count not in (length, 3 * length):
        raise InvalidArgument("the transfer function is damaged")
    curves = np.frombuffer(value, "<u2").reshape(-1, length).astype(np.float64) / 65535
    if np.abs(curves - curves[0]).max() > _NEAR_LIGHT:
        raise InvalidArgument("the transfer functions of red, green and blue differ")
    if (np.diff(curves[0]) < 0).any() or curves[0, -1] < 0.5:
        raise InvalidArgument("the transfer function does not rise to white")
    return np.asarray(curves[0])


def _rationals(tags: Tags, tag: int, count: int) -> tuple[float, ...] | None:
    if tag not in tags:
        return None
    kind, found, value = tags[tag]
    numbers = struct.unpack(f"<{len(value) // 4}I", value[: len(value) // 4 * 4])
    if kind != _RATIONAL or found != count or len(numbers) != 2 * count or 0 in numbers[1::2]:
        raise InvalidArgument("the white point or the primaries are damaged")
    return tuple(one / other for one, other in zip(numbers[::2], numbers[1::2], strict=True))


def _light(curve: NDArray[np.float64], samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.interp(samples, np.linspace(0, 1, len(curve)), curve))


def _srgb_light(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
