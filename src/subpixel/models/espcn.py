"""ESPCN: three convolutions in low resolution, then a pixel shuffle (Shi et al., arXiv 1609.05158)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Border, Colour, Conv, PixelShuffle, Spec

__all__ = ["espcn"]


def espcn(
    scale: int,
    *,
    colour: Colour = "luma",
    output_kernel: int = 3,
    features: tuple[int, int] = (64, 32),
    border: Border = "replicate",
) -> Spec:
    """The network of the paper: 5x5 to 64, tanh, 3x3 to 32, tanh, 3x3 to C*r*r, pixel shuffle.

    Args:
        scale: the upscaling factor r, at least 2.
        colour: ``luma`` as in the paper, or ``rgb`` as in many ports.
        output_kernel: side of the last convolution's kernel; 1 in some ports.
        features: channels of the first two convolutions.
        border: ``replicate``, or ``zero`` as in other projects.

    Source: arXiv 1609.05158, section 3.3 (the experiments' l = 3, (f1, n1) = (5, 64), (f2, n2) = (3, 32), f3 = 3).

    >>> spec = espcn(3)
    >>> spec.parameters, spec.macs_per_pixel, spec.halo
    (22729, 22624, 4)
    >>> espcn(2, colour="rgb").parameters, espcn(2, output_kernel=1).parameters
    (26796, 20260)
    """
    channels = 1 if colour == "luma" else 3
    first, second = features
    layers = (
        Conv("conv1", INPUT, channels, first, (5, 5), "tanh"),
        Conv("conv2", "conv1", first, second, (3, 3), "tanh"),
        Conv("conv3", "conv2", second, channels * scale * scale, (output_kernel, output_kernel)),
        PixelShuffle("shuffle", "conv3", scale),
    )
    return Spec(layers, scale, colour, border)
