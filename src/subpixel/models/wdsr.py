"""WDSR: few channels between blocks, many before each activation (Yu et al., arXiv 1808.08718)."""

from __future__ import annotations

from collections.abc import Callable

from subpixel.models.spec import INPUT, Add, Border, Colour, Conv, Layer, PixelShuffle, Spec

__all__ = ["wdsr_a", "wdsr_b"]


def wdsr_a(
    scale: int,
    *,
    features: int = 32,
    wide: int = 128,
    blocks: int = 16,
    mean_shift: bool = False,
    colour: Colour = "rgb",
    border: Border = "zero",
) -> Spec:
    """WDSR-A: in every block 3x3 to ``wide``, ReLU, 3x3 back to ``features``; a 5x5 skip from input to result.

    Args:
        scale: the upscaling factor, by one pixel shuffle.
        features: channels between blocks.
        wide: channels before each activation.
        blocks: number of blocks.
        mean_shift: start with a 1x1 convolution ``sub_mean``, see :func:`subpixel.models.edsr.edsr`.
        colour: ``rgb`` as in the paper, or ``luma``.
        border: ``zero`` as in the authors' code, or ``replicate``.

    Weight normalisation is folded into the weights. The authors count its 2,616 lengths as well: 1,190,100 parameters
    at ×2.

    Source: arXiv 1808.08718, section 3.1; https://github.com/JiahuiYu/wdsr_ntire2018.

    >>> wdsr_a(2).parameters + 2616
    1190100
    """

    def block(name: str, source: str) -> list[Layer]:
        return [
            Conv(f"{name}.conv1", source, features, wide, (3, 3), "relu"),
            Conv(f"{name}.conv2", f"{name}.conv1", wide, features, (3, 3)),
            Add(name, (f"{name}.conv2", source)),
        ]

    return _network(scale, features, blocks, block, mean_shift, colour, border)


def wdsr_b(
    scale: int,
    *,
    features: int = 32,
    wide: int = 192,
    low_rank: int = 25,
    blocks: int = 16,
    mean_shift: bool = False,
    colour: Colour = "rgb",
    border: Border = "zero",
) -> Spec:
    """WDSR-B: in every block 1x1 to ``wide``, ReLU, 1x1 to ``low_rank``, 3x3 back to ``features``.

    Args:
        scale: the upscaling factor, by one pixel shuffle.
        features: channels between blocks.
        wide: channels before each activation; 6 times the features in the authors' code.
        low_rank: channels of the linear bottleneck; 0.8 times the features, rounded down, in the authors' code.
        blocks: number of blocks.
        mean_shift: start with a 1x1 convolution ``sub_mean``, see :func:`subpixel.models.edsr.edsr`.
        colour: ``rgb`` as in the paper, or ``luma``.
        border: ``zero`` as in the authors' code, or ``replicate``.

    Source: arXiv 1808.08718, section 3.2; https://github.com/JiahuiYu/wdsr_ntire2018.

    >>> wdsr_b(2).parameters
    299564
    """

    def block(name: str, source: str) -> list[Layer]:
        return [
            Conv(f"{name}.conv1", source, features, wide, (1, 1), "relu"),
            Conv(f"{name}.conv2", f"{name}.conv1", wide, low_rank, (1, 1)),
            Conv(f"{name}.conv3", f"{name}.conv2", low_rank, features, (3, 3)),
            Add(name, (f"{name}.conv3", source)),
        ]

    return _network(scale, features, blocks, block, mean_shift, colour, border)


def _network(
    scale: int,
    features: int,
    blocks: int,
    block: Callable[[str, str], list[Layer]],
    mean_shift: bool,
    colour: Colour,
    border: Border,
) -> Spec:
    """The layers around the blocks, equal in both kinds. ``block`` makes a block from its name and its source."""
    body = [layer for k in range(1, blocks + 1) for layer in block(f"block{k}", f"block{k - 1}" if k > 1 else "head")]
    channels = 1 if colour == "luma" else 3
    start = "sub_mean" if mean_shift else INPUT
    layers = (
        *([Conv("sub_mean", INPUT, channels, channels, (1, 1))] if mean_shift else []),
        Conv("head", start, channels, features, (3, 3)),
        *body,
        Conv("tail", body[-1].name if body else "head", features, channels * scale**2, (3, 3)),
        Conv("skip", start, channels, channels * scale**2, (5, 5)),
        # The authors shuffle both and add. Shuffling the sum once gives the same.
        Add("sum", ("tail", "skip")),
        PixelShuffle("shuffle", "sum", scale),
    )
    return Spec(layers, scale, colour, border)
