"""Bicubic upscaling as a network without weights: the baseline of all comparisons."""

from __future__ import annotations

from functools import lru_cache

from subpixel.models.spec import INPUT, Colour, Resize, Spec

__all__ = ["bicubic"]


@lru_cache  # a Spec never changes, and every network asks for this one
def bicubic(scale: int, *, colour: Colour = "luma") -> Spec:
    """Keys' cubic with a = −0.5, as MATLAB's ``imresize`` upscales.

    Published figures are for bicubic R, G and B, so the shipped model ``bicubic`` has ``colour="rgb"``. Its files hold
    no weights, only its figures.

    Args:
        scale: the upscaling factor.
        colour: ``luma`` or ``rgb``.

    >>> bicubic(2).parameters
    0
    """
    return Spec((Resize("bicubic", INPUT, scale, "cubic"),), scale, colour)
