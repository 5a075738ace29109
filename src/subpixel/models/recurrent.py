"""A recurrent network of our own for videos: no flow, but what it made of the frame before, and what it remembers.

The frame, the one before, a state and the previous result, unshuffled, are the channels of the first of a few
convolutions in low resolution; the last makes the detail that is added to the frame, and the next state. Both that come
back are limited to 0 … 1: whatever the weights, a video of any length cannot make them grow.

Source: the shape is that of RLSP, Fuoli et al., arXiv 1909.08080, section 3; sizes and limits are ours.
"""

from __future__ import annotations

from subpixel.models.spec import Add, Concat, Conv, Frame, PixelShuffle, Previous, Resize, Spec, State

__all__ = ["recurrent"]


def recurrent(scale: int, *, width: int = 24, middle: int = 6, state: int = 12, first: int = 5) -> Spec:
    """A chain of 3x3 convolutions after a larger one: what the compiled engine streams.

    Its trunk is that of our networks for images, so that it can begin with what one of them learnt.

    Args:
        scale: r, at least 2.
        width: channels between the layers.
        middle: convolutions from ``width`` to ``width`` channels.
        state: channels that are kept from frame to frame.
        first: side of the first kernel.

    >>> spec = recurrent(4)
    >>> spec.reach, spec.halo, spec.macs_per_pixel, spec.parameters
    ((1, 0), 9, 55152, 55348)
    >>> [spec.values[name].channels for name in spec.outputs]
    [1, 12]
    """
    layers = [Conv("conv1", "joined", 2 + state + scale**2, width, (first, first), "relu")]
    for number in range(2, middle + 2):
        layers.append(Conv(f"conv{number}", layers[-1].name, width, width, (3, 3), "relu"))
    return Spec(
        (
            Concat("joined", ("now", "before", "state", "previous")),
            *layers,
            Conv("kept", layers[-1].name, width, state, (3, 3), "clip"),
            Conv("end", layers[-1].name, width, scale * scale, (3, 3)),
            PixelShuffle("detail", "end", scale),
            Resize("base", "now", scale, "nearest"),
            Add("sum", ("base", "detail")),
        ),
        scale,
        inputs=(Frame("now"), Frame("before", -1), State("state", state, "kept"), Previous("previous")),
    )
