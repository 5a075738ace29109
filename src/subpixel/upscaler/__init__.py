"""From pixels to larger pixels: the public Upscaler, and the networks, sizes and rows below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from subpixel.upscaler.network import Network, flat_notes, luma
from subpixel.upscaler.options import NetworkOptions
from subpixel.upscaler.shared_upscaler import upscale
from subpixel.upscaler.sizes import SizePlan, Target
from subpixel.upscaler.upscaler import Upscaler

if TYPE_CHECKING:
    from subpixel.upscaler.motion_network import MotionNetwork

__all__ = [
    "MotionNetwork",
    "Network",
    "NetworkOptions",
    "SizePlan",
    "Target",
    "Upscaler",
    "flat_notes",
    "luma",
    "upscale",
]


def __getattr__(name: str) -> Any:
    # Imported when first used: an image needs no network for videos.
    if name == "MotionNetwork":
        from subpixel.upscaler.motion_network import MotionNetwork

        return MotionNetwork
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
