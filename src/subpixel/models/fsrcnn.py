"""FSRCNN: thin convolutions in low resolution, then a transposed convolution (Dong et al., arXiv 1608.00367)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Border, Colour, Conv, ConvTranspose, Layer, Spec

__all__ = ["fsrcnn"]


def fsrcnn(
    scale: int,
    *,
    features: int = 56,
    shrunk: int = 12,
    mappings: int = 4,
    colour: Colour = "luma",
    border: Border = "replicate",
) -> Spec:
    """The network of the paper, FSRCNN(d, s, m): 5x5 to d, 1x1 to s, m times 3x3, 1x1 to d, 9x9 transposed; PReLU.

    Args:
        scale: the upscaling factor: the stride of the transposed convolution.
        features: d; 56, or 32 in FSRCNN-s.
        shrunk: s; 12, or 5 in FSRCNN-s.
        mappings: m; 4, or 1 in FSRCNN-s.
        colour: ``luma`` as in the paper, or ``rgb``.
        border: ``replicate``, or ``zero`` as in other projects.

    Source: arXiv 1608.00367, section 3.3. It counts weights only: 12,464 for FSRCNN(56, 12, 4) and 3,937 for
    FSRCNN-s(32, 5, 1), at every scale. Biases (173) and PReLU's slopes, one for each channel (172), come on top.

    >>> spec = fsrcnn(3)
    >>> spec.parameters, spec.halo
    (12809, 8)
    """
    channels = 1 if colour == "luma" else 3
    mapped: list[Layer] = [
        Conv(f"map{k}", f"map{k - 1}" if k > 1 else "shrink", shrunk, shrunk, (3, 3), "prelu")
        for k in range(1, mappings + 1)
    ]
    layers: tuple[Layer, ...] = (
        Conv("first", INPUT, channels, features, (5, 5), "prelu"),
        Conv("shrink", "first", features, shrunk, (1, 1), "prelu"),
        *mapped,
        Conv("expand", mapped[-1].name if mapped else "shrink", shrunk, features, (1, 1), "prelu"),
        ConvTranspose("up", "expand", features, channels, (9, 9), scale, (4, 4)),
    )
    return Spec(layers, scale, colour, border)
