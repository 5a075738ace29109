"""The networks fast, balanced and high: chains of ReLU convolutions in low resolution, added to the input.

ReLU loses no quality against PReLU and is one instruction in int8. Adding the input in image space lets so few layers
train well, and int8 adds to it in full precision. The trunk is equal at every scale, so that the training of one scale
can start from another.
"""

from __future__ import annotations

from subpixel.models.spec import INPUT, Activation, Add, Conv, PixelShuffle, Resize, Spec

__all__ = ["balanced", "fast", "high"]


def fast(scale: int) -> Spec:
    """At most 14,000 parameters: 5x5 to 16 channels, five 3x3, then 3x3 (×2, ×3) or 1x1 (×4, ×8) to r² channels.

    Args:
        scale: the upscaling factor r, at least 2.

    >>> [fast(scale).parameters for scale in (2, 3, 4, 8)]
    [12596, 13321, 12288, 13104]
    """
    return chain(scale, width=16, middle=5, first=5, last=3 if scale < 4 else 1)


def balanced(scale: int) -> Spec:
    """At most 45,000 parameters: 5x5 to 24 channels, eight 3x3, then 3x3 (×2, ×3) or 1x1 (×4) to r² channels.

    Args:
        scale: the upscaling factor r, at least 2.

    >>> [balanced(scale).parameters for scale in (2, 3, 4)]
    [43156, 44241, 42688]
    """
    return chain(scale, width=24, middle=8, first=5, last=3 if scale < 4 else 1)


def high(scale: int) -> Spec:
    """At most 200,000 parameters: 5x5 to 48 channels, eight 3x3, then 3x3 to r² channels.

    48 channels are whole vectors in every precision, and eight layers see as far as those of :func:`balanced`. 56
    channels with six layers and 40 with eleven take the same time; which of the three is best was not measured.

    Args:
        scale: the upscaling factor r, at least 2.

    >>> [high(scale).parameters for scale in (2, 3, 4)]
    [169252, 171417, 174448]
    """
    return chain(scale, width=48, middle=8, first=5, last=3)


def chain(scale: int, *, width: int, middle: int, first: int, last: int, activation: Activation = "relu") -> Spec:
    """A chain of this family.

    Args:
        scale: the upscaling factor r, at least 2.
        width: channels between the layers.
        middle: number of 3x3 convolutions from ``width`` to ``width`` channels.
        first: side of the first kernel.
        last: side of the last kernel; its convolution has r² output channels.
        activation: of all layers but the last: ``relu``, ``prelu``, ``tanh``, ``clip`` or ``none``.

    >>> len(chain(2, width=8, middle=1, first=5, last=3).layers)
    6
    """
    layers = [Conv("conv1", INPUT, 1, width, (first, first), activation)]
    for number in range(2, middle + 2):
        layers.append(Conv(f"conv{number}", layers[-1].name, width, width, (3, 3), activation))
    end = Conv(f"conv{middle + 2}", layers[-1].name, width, scale * scale, (last, last))
    return Spec(
        (
            *layers,
            end,
            PixelShuffle("detail", end.name, scale),
            Resize("base", INPUT, scale, "nearest"),
            Add("sum", ("base", "detail")),
        ),
        scale,
    )
