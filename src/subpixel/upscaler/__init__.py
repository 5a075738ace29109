"""From pixels to larger pixels: the public Upscaler, and the networks, sizes and rows below it."""

from subpixel.upscaler.motion_network import MotionNetwork
from subpixel.upscaler.network import Network, luma
from subpixel.upscaler.options import NetworkOptions
from subpixel.upscaler.shared_upscaler import upscale
from subpixel.upscaler.sizes import SizePlan, Target
from subpixel.upscaler.upscaler import Upscaler

__all__ = ["MotionNetwork", "Network", "NetworkOptions", "SizePlan", "Target", "Upscaler", "luma", "upscale"]
