"""Upscaling by sub-pixel convolutions in stages, as SRResNet, EDSR and RDN end."""

from __future__ import annotations

from subpixel.errors import SpecError
from subpixel.models.spec import Activation, Conv, Layer, PixelShuffle

__all__ = ["factors", "stages"]


def factors(scale: int) -> list[int]:
    """How far each stage upscales: twice and twice again for powers of two, else all at once.

    Raises:
        SpecError: neither a power of two nor three.

    >>> factors(8), factors(3)
    ([2, 2, 2], [3])
    """
    if scale == 3:
        return [3]
    if scale < 2 or scale & (scale - 1):
        raise SpecError(f"scale={scale}: this network upscales 2, 3, 4 or 8 times")
    return [2] * (scale.bit_length() - 1)


def stages(source: str, channels: int, features: int, scale: int, activation: Activation = "none") -> list[Layer]:
    """Convolutions of 3x3, each with its pixel shuffle; the layers ``up1.conv``, ``up1``, ``up2.conv`` …

    Args:
        source: the value to upscale.
        channels: that it has.
        features: channels of every stage's result.
        scale: of all stages together.
        activation: of the convolutions, before the shuffle. Element by element it makes no difference to have it
            after; PReLU's slopes are then repeated for every phase.

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
