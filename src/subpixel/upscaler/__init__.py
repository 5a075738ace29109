"""From image to image: networks, sizes, rows."""

from subpixel.upscaler.enlarger import Enlarger, upscale
from subpixel.upscaler.motion_network import MotionNetwork
from subpixel.upscaler.network import Upscaler, luma
from subpixel.upscaler.sizes import Plan, Target

__all__ = ["Enlarger", "MotionNetwork", "Plan", "Target", "Upscaler", "luma", "upscale"]
