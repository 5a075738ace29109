"""The networks of our own: chains of ReLU convolutions in low resolution whose result is added to the input.

ReLU costs nothing against PReLU and is one instruction in int8; the input added in image space is what lets so few
layers train well, and what int8 adds to. The trunk is the same at every scale, so that one scale starts from another.
"""

from __future__ import annotations

from subpixel.models.spec import INPUT, Activation, Add, Conv, PixelShuffle, Resize, Spec

__all__ = ["balanced", "fast", "high"]


def fast(scale: int) -> Spec:
    """At most 14,000 parameters: 5x5 to 16, five 3x3, an end of 3x3 (x2, x3) or 1x1 (x4, x8: more is made there).

    Args:
        scale: r, at least 2.

    >>> [fast(scale).parameters for scale in (2, 3, 4, 8)]
    [12596, 13321, 12288, 13104]
    """
    return chain(scale, width=16, middle=5, first=5, last=3 if scale < 4 else 1)


def balanced(scale: int) -> Spec:
    """At most 45,000 parameters: 5x5 to 24, eight 3x3, an end of 3x3 (x2, x3) or 1x1 (x4).

    Args:
        scale: r, at least 2.

    >>> [balanced(scale).parameters for scale in (2, 3, 4)]
    [43156, 44241, 42688]
    """
    return chain(scale, width=24, middle=8, first=5, last=3 if scale < 4 else 1)


def high(scale: int) -> Spec:
    """At most 400,000 parameters: 5x5 to 64, ten 3x3, an end of 3x3.

    Args:
        scale: r, at least 2.

    >>> [high(scale).parameters for scale in (2, 3, 4)]
    [373252, 376137, 380176]
    """
    return chain(scale, width=64, middle=10, first=5, last=3)


def chain(scale: int, *, width: int, middle: int, first: int, last: int, activation: Activation = "relu") -> Spec:
    """A chain of that shape: what the families are chosen from.

    Args:
        scale: r, at least 2.
        width: channels between the layers.
        middle: 3x3 convolutions from ``width`` to ``width`` channels.
        first: side of the first kernel.
        last: side of the last one, which makes r² channels.
        activation: of all but the last layer.
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
