"""Multiplication of u8 colours with their alpha before a resize, and division after it, as Pillow does both.

Without it, the colours of transparent pixels, which nobody sees, would mix into visible ones.

Source: Pillow's conversions between RGBA and RGBa, LA and La (``Convert.c``); ``Image.resize`` applies them.
"""

from __future__ import annotations

from typing import Any, Literal

from subpixel.ops.arrays import Arithmetic

__all__ = ["Alpha", "divide_by_alpha", "multiply_by_alpha"]

Alpha = Literal["premultiply", "plain"]


def multiply_by_alpha(ar: Arithmetic, x: Any, axis: int) -> Any:
    """Multiply u8 colours with alpha, the last channel, divide by 255 and round half up.

    Args:
        ar: the arithmetic of the array.
        x: u8, with 2 or 4 channels.
        axis: that of the channels.
    """
    colour, alpha = _split(ar, x, axis)
    product = colour * alpha + 128
    return _join(ar, ((product >> 8) + product) >> 8, alpha, axis)


def divide_by_alpha(ar: Arithmetic, x: Any, axis: int) -> Any:
    """Undo :func:`multiply_by_alpha`: 255 times the colour, divided by alpha and rounded down.

    Colours of an alpha of 0 stay as they are.
    """
    colour, alpha = _split(ar, x, axis)
    safe = ar.where(alpha == 0, 255, alpha)
    return _join(ar, ar.clip(255 * colour // safe, 0, 255), alpha, axis)


def _split(ar: Arithmetic, x: Any, axis: int) -> tuple[Any, Any]:
    wide, lead = ar.astype(x, "int32"), (slice(None),) * axis
    return wide[(*lead, slice(None, -1))], wide[(*lead, slice(-1, None))]


def _join(ar: Arithmetic, colour: Any, alpha: Any, axis: int) -> Any:
    return ar.astype(ar.concatenate([colour, alpha], axis), "uint8")
