"""Sub-pixel convolutions in stages of ×2 or ×3, the upscaling part of SRResNet, EDSR and RDN."""

from __future__ import annotations

from subpixel.errors import SpecError
from subpixel.models.spec import Activation, Conv, Layer, PixelShuffle

__all__ = ["factors", "stages"]


def factors(scale: int) -> list[int]:
    """The scale of each stage: stages of ×2 for a power of two, one stage for 3.

    Raises:
        SpecError: the scale is neither 3 nor a power of two.

    >>> factors(8), factors(3)
    ([2, 2, 2], [3])
    """
    if scale == 3:
        return [3]
    if scale < 2 or scale & (scale - 1):
        raise SpecError(f"scale={scale}: this network has ×2, ×3, ×4 and ×8")
    return [2] * (scale.bit_length() - 1)


def stages(source: str, channels: int, features: int, scale: int, activation: Activation = "none") -> list[Layer]:
    """3x3 convolutions, each followed by a pixel shuffle: the layers ``up1.conv``, ``up1``, ``up2.conv`` …

    Args:
        source: the value to upscale.
        channels: of ``source``.
        features: channels of each stage's result.
        scale: of all stages together: 3 or a power of 2.
        activation: ``none``, ``relu``, ``prelu``, ``tanh`` or ``clip``, before the shuffle. The result is the same as
            after the shuffle, with PReLU's slopes repeated for every phase.

    Raises:
        SpecError: the scale is neither 3 nor a power of two.

    >>> [layer.name for layer in stages("trunk", 64, 64, 4)]
    ['up1.conv', 'up1', 'up2.conv', 'up2']
    """
    layers: list[Layer] = []
    for number, factor in enumerate(factors(scale), 1):
        name = f"up{number}"
        layers.append(Conv(f"{name}.conv", source, channels, features * factor**2, (3, 3), activation))
        layers.append(PixelShuffle(name, f"{name}.conv", factor))
        source, channels = name, features
    return layers
