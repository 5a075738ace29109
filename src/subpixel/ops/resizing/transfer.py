"""The sRGB transfer function, between stored values and linear light, in which pixels mix correctly."""

from __future__ import annotations

from typing import Any

from subpixel.ops.arrays import Arithmetic

__all__ = ["from_light", "to_light"]

# IEC 61966-2-1: linear near black, a power of 2.4 above.
_SLOPE = 12.92
_OFFSET = 0.055
_STORED_KNEE = 0.04045
_LIGHT_KNEE = 0.0031308


def to_light(ar: Arithmetic, stored: Any) -> Any:
    """Decode stored values of 0 … 1 to linear light of 0 … 1."""
    return ar.where(stored <= _STORED_KNEE, stored / _SLOPE, ((stored + _OFFSET) / (1 + _OFFSET)) ** 2.4)


def from_light(ar: Arithmetic, light: Any) -> Any:
    """Encode linear light, clipped to 0 … 1, as stored values of 0 … 1."""
    light = ar.clip(light, 0.0, 1.0)
    return ar.where(light <= _LIGHT_KNEE, light * _SLOPE, (1 + _OFFSET) * light ** (1 / 2.4) - _OFFSET)
