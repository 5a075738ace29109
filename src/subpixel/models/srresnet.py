"""SRResNet, the generator of SRGAN (Ledig et al., arXiv 1609.04802), and BasicSR's form without normalisation."""

from __future__ import annotations

from subpixel.models.edsr import residual_blocks
from subpixel.models.spec import INPUT, Add, Border, Colour, Conv, Layer, Resize, Spec
from subpixel.models.stages import stages

__all__ = ["msrresnet", "srresnet"]


def srresnet(
    scale: int, *, features: int = 64, blocks: int = 16, colour: Colour = "rgb", border: Border = "zero"
) -> Spec:
    """The network of the paper: 9x9, blocks of two 3x3 with PReLU, a skip around them all, sub-pixel stages, 9x9.

    Args:
        scale: 3 or a power of 2; 4 in the paper.
        features: channels of every block.
        blocks: number of residual blocks.
        colour: ``rgb`` as in the paper, or ``luma``.
        border: ``zero`` as in the ports (the authors published no code), or ``replicate``.

    Once a network is trained, batch normalisation is an affine map, and is folded into the convolution before it:
    scale and shift of a channel become one bias. PReLU has a slope for each channel. Code with one slope for a whole
    layer is the case of equal slopes.

    Source: arXiv 1609.04802, figure 4. The paper's network of ×4 with normalisation (two parameters for each channel,
    no bias before it) and one slope for each PReLU has 1,547,350 parameters; without normalisation 1,545,238.

    >>> srresnet(4).parameters
    1546819
    """
    channels = 1 if colour == "luma" else 3
    layers: list[Layer] = [Conv("head", INPUT, channels, features, (9, 9), "prelu")]
    layers += residual_blocks("head", features, blocks, "prelu")
    layers.append(Conv("body", layers[-1].name, features, features, (3, 3)))
    layers.append(Add("trunk", ("body", "head")))
    layers += stages("trunk", features, features, scale, "prelu")
    layers.append(Conv("tail", layers[-1].name, features, channels, (9, 9)))
    return Spec(tuple(layers), scale, colour, border)


def msrresnet(
    scale: int, *, features: int = 64, blocks: int = 16, colour: Colour = "rgb", border: Border = "zero"
) -> Spec:
    """The "modified SRResNet" of BasicSR: EDSR's blocks, LeakyReLU around them, and bilinear interpolation added.

    Args:
        scale: 3 or a power of 2.
        features: channels of every block.
        blocks: number of residual blocks.
        colour: ``rgb`` or ``luma``.
        border: ``zero`` as in BasicSR, or ``replicate``.

    LeakyReLU is PReLU with every slope at 0.1, so the weights hold slopes too.

    Source: BasicSR, https://github.com/XPixelGroup/BasicSR, ``MSRResNet``.

    >>> msrresnet(4).scale
    4
    """
    channels = 1 if colour == "luma" else 3
    layers: list[Layer] = [Conv("head", INPUT, channels, features, (3, 3), "prelu")]
    layers += residual_blocks("head", features, blocks)
    layers += stages(layers[-1].name, features, features, scale, "prelu")
    layers.append(Conv("large", layers[-1].name, features, features, (3, 3), "prelu"))
    layers.append(Conv("tail", "large", features, channels, (3, 3)))
    layers.append(Resize("base", INPUT, scale, "linear"))
    layers.append(Add("sum", ("tail", "base")))
    return Spec(tuple(layers), scale, colour, border)
