"""From picture to picture: networks, sizes, rows."""

from subpixel.upscaler.enlarger import Enlarger, upscale
from subpixel.upscaler.film import FilmUpscaler
from subpixel.upscaler.network import Upscaler, luma
from subpixel.upscaler.sizes import Plan, Target

__all__ = ["Enlarger", "FilmUpscaler", "Plan", "Target", "Upscaler", "luma", "upscale"]
