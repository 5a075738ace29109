"""Degradations of training images: shrinking, blur, noise, and lossy codecs, once or twice."""

from subpixel.train.degradation.recipe import CLEAN, COMPRESSED, DEGRADATIONS, Degradation, Recipe, Variants, degrade
from subpixel.train.degradation.stages import KERNELS

__all__ = ["CLEAN", "COMPRESSED", "DEGRADATIONS", "KERNELS", "Degradation", "Recipe", "Variants", "degrade"]
