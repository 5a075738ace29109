"""SRCNN: bicubic upscaling, then three convolutions at the larger size (Dong et al., arXiv 1501.00092)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Border, Colour, Conv, Resize, Spec

__all__ = ["srcnn"]


def srcnn(
    scale: int,
    *,
    middle: int = 5,
    features: tuple[int, int] = (64, 32),
    colour: Colour = "luma",
    border: Border = "replicate",
) -> Spec:
    """The network of the paper: 9x9 to 64, ReLU, ``middle`` x ``middle`` to 32, ReLU, 5x5 to the image.

    Args:
        scale: the upscaling factor.
        middle: side of the second kernel: 1, 3 or 5 for the paper's 9-1-5, 9-3-5 and 9-5-5.
        features: channels of the first two convolutions.
        colour: ``luma`` as in the paper, or ``rgb``.
        border: ``replicate``, or ``zero`` as in other projects.

    Source: arXiv 1501.00092, sections 3.1 and 4.3.3. It counts weights without biases: 8,032, 24,416 and 57,184. With
    biases there are 8,129, 24,513 and 57,281.

    >>> srcnn(2, middle=1).parameters, srcnn(2).parameters
    (8129, 57281)
    """
    channels = 1 if colour == "luma" else 3
    first, second = features
    layers = (
        Resize("bicubic", INPUT, scale, "cubic"),
        Conv("conv1", "bicubic", channels, first, (9, 9), "relu"),
        Conv("conv2", "conv1", first, second, (middle, middle), "relu"),
        Conv("conv3", "conv2", second, channels, (5, 5)),
    )
    return Spec(layers, scale, colour, border)
