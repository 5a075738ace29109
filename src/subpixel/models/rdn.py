"""RDN: dense blocks, in which each convolution reads all results before it (Zhang et al., arXiv 1802.08797)."""

from __future__ import annotations

from subpixel.models.spec import INPUT, Add, Border, Colour, Concat, Conv, Layer, Spec
from subpixel.models.stages import stages

__all__ = ["rdn"]


def rdn(
    scale: int,
    *,
    blocks: int = 16,
    convs: int = 8,
    growth: int = 64,
    features: int = 64,
    up_features: int | None = None,
    colour: Colour = "rgb",
    border: Border = "zero",
) -> Spec:
    """The network of the paper, D = ``blocks``, C = ``convs``, G = ``growth``, G0 = ``features``.

    Args:
        scale: 3 or a power of 2.
        blocks: number of residual dense blocks.
        convs: number of convolutions in each block.
        growth: channels that each of them adds.
        features: channels of each block's result.
        up_features: channels of each sub-pixel stage's result; None for ``features``.
        colour: ``rgb`` as in the paper, or ``luma``.
        border: ``zero`` as in the authors' code, or ``replicate``.

    Source: arXiv 1802.08797, sections 3 and 5.1 (D = 16, C = 8, G = 64, G0 = 64): 22.12 million parameters at ×2.

    >>> rdn(2).parameters
    22123395
    """
    channels = 1 if colour == "luma" else 3
    up_features = features if up_features is None else up_features
    layers: list[Layer] = [
        Conv("shallow1", INPUT, channels, features, (3, 3)),
        Conv("shallow2", "shallow1", features, features, (3, 3)),
    ]
    source = "shallow2"
    for number in range(1, blocks + 1):
        layers += _block(f"block{number}", source, convs, growth, features)
        source = f"block{number}"
    if blocks > 1:
        layers.append(Concat("all", tuple(f"block{number}" for number in range(1, blocks + 1))))
        source = "all"
    layers.append(Conv("fuse1", source, features * blocks, features, (1, 1)))
    layers.append(Conv("fuse2", "fuse1", features, features, (3, 3)))
    layers.append(Add("trunk", ("fuse2", "shallow1")))
    layers += stages("trunk", features, up_features, scale)
    layers.append(Conv("tail", layers[-1].name, up_features, channels, (3, 3)))
    return Spec(tuple(layers), scale, colour, border)


def _block(name: str, source: str, convs: int, growth: int, features: int) -> list[Layer]:
    layers: list[Layer] = []
    dense = source
    for number in range(1, convs + 1):
        channels = features + (number - 1) * growth
        layers.append(Conv(f"{name}.conv{number}", dense, channels, growth, (3, 3), "relu"))
        layers.append(Concat(f"{name}.dense{number}", (dense, f"{name}.conv{number}")))
        dense = f"{name}.dense{number}"
    layers.append(Conv(f"{name}.fuse", dense, features + convs * growth, features, (1, 1)))
    layers.append(Add(name, (f"{name}.fuse", source)))
    return layers
