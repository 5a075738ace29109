"""EDSR: residual blocks without batch normalisation (Lim et al., arXiv 1707.02921)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Activation, Add, Border, Colour, Conv, Layer, Spec
from subpixel.models.stages import stages

__all__ = ["edsr", "residual_blocks"]


def edsr(
    scale: int,
    *,
    features: int = 256,
    blocks: int = 32,
    mean_shift: bool = False,
    colour: Colour = "rgb",
    border: Border = "zero",
) -> Spec:
    """The network of the paper; ``features=64, blocks=16`` is its baseline.

    Args:
        scale: 3 or a power of 2.
        features: channels of every block, 256 in the paper.
        blocks: number of residual blocks, 32 in the paper. The large network scales the result of a block by 0.1;
            here that factor is folded into the block's second convolution.
        mean_shift: start with a 1x1 convolution ``sub_mean``, which subtracts the mean colour and scales 0 … 1 to the
            range of the training. If layers pad with zeros, it cannot be folded into the next convolution, since zero
            then means the mean colour. Adding the mean again is part of the last bias.
        colour: ``rgb`` as in the paper, or ``luma``.
        border: ``zero`` as in the authors' code, or ``replicate``.

    Source: arXiv 1707.02921, section 3, table 1. Parameters without the mean shift, of 12 each in the authors' code:
    baseline 1,369,859 (×2), 1,554,499 (×3), 1,517,571 (×4); large 40,729,603 (×2), 43,089,923 (×4).

    >>> edsr(2, features=64, blocks=16).parameters
    1369859
    """
    channels = 1 if colour == "luma" else 3
    layers: list[Layer] = []
    if mean_shift:
        layers.append(Conv("sub_mean", INPUT, channels, channels, (1, 1)))
    layers.append(Conv("head", "sub_mean" if mean_shift else INPUT, channels, features, (3, 3)))
    layers += residual_blocks("head", features, blocks)
    layers.append(Conv("body", layers[-1].name, features, features, (3, 3)))
    layers.append(Add("trunk", ("body", "head")))
    layers += stages("trunk", features, features, scale)
    layers.append(Conv("tail", layers[-1].name, features, channels, (3, 3)))
    return Spec(tuple(layers), scale, colour, border)


def residual_blocks(source: str, features: int, blocks: int, activation: Activation = "relu") -> list[Layer]:
    """Residual blocks ``block1``, ``block2`` …: two 3x3 convolutions with an activation between, added to their input.

    Args:
        source: the value that the first block reads.
        features: channels of ``source`` and of every block.
        blocks: number of blocks.
        activation: ``relu``, ``prelu``, ``tanh``, ``clip`` or ``none``.

    >>> [layer.name for layer in residual_blocks("head", 64, 1)]
    ['block1.conv1', 'block1.conv2', 'block1']
    """
    layers: list[Layer] = []
    for number in range(1, blocks + 1):
        name = f"block{number}"
        layers.append(Conv(f"{name}.conv1", source, features, features, (3, 3), activation))
        layers.append(Conv(f"{name}.conv2", f"{name}.conv1", features, features, (3, 3)))
        layers.append(Add(name, (f"{name}.conv2", source)))
        source = name
    return layers
