"""ESPCN: three convolutions in low resolution, then a pixel shuffle (Shi et al., arXiv 1609.05158)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Colour, Conv, PixelShuffle, Spec

__all__ = ["espcn"]


def espcn(scale: int, *, colour: Colour = "luma") -> Spec:
    """The network of the paper: 5x5 to 64, tanh, 3x3 to 32, tanh, 3x3 to C*r*r, pixel shuffle.

    Args:
        scale: r, at least 2.
        colour: ``luma`` as in the paper, or ``rgb``.

    Source: arXiv 1609.05158, section 3.3 (the experiments' l = 3, (f1, n1) = (5, 64), (f2, n2) = (3, 32), f3 = 3).

    >>> spec = espcn(3)
    >>> spec.parameters, spec.macs_per_pixel, spec.halo
    (22729, 22624, 4)
    """
    channels = 1 if colour == "luma" else 3
    layers = (
        Conv("conv1", INPUT, channels, 64, (5, 5), "tanh"),
        Conv("conv2", "conv1", 64, 32, (3, 3), "tanh"),
        Conv("conv3", "conv2", 32, channels * scale * scale, (3, 3)),
        PixelShuffle("shuffle", "conv3", scale),
    )
    return Spec(layers, scale, colour)
