"""The operators: arrays in, arrays out, every convention a named argument."""

from subpixel.ops.resize import resize
from subpixel.ops.shuffle import pixel_shuffle, pixel_unshuffle

__all__ = ["pixel_shuffle", "pixel_unshuffle", "resize"]
