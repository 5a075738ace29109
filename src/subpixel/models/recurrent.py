"""The network recurrent, for videos: no flow, but a running mean, a state and the previous result.

The first convolution reads the frame, the frame before, the mean of the frames where nothing changes, a state and the
previous result, unshuffled. The last ones make the detail that is added to that mean, and the next state. State and
previous result are limited to 0 … 1, so that they cannot grow in a video of any length, whatever the weights.

The mean is the memory for noise: to halve the noise that a codec leaves takes dozens of frames, more than a state
learns to average. Where something moves, the mean is the frame. The state is the memory for detail that moves.

Source: the structure is that of RLSP, Fuoli et al., arXiv 1909.08080, section 3; the mean, sizes and limits are our
own.
"""

from __future__ import annotations

from subpixel.models.spec import (
    Add,
    Concat,
    Conv,
    Frame,
    PixelShuffle,
    Previous,
    Resize,
    RunningMean,
    Spec,
    State,
)

__all__ = ["recurrent"]


def recurrent(scale: int, *, width: int = 24, middle: int = 8, state: int = 12, first: int = 5) -> Spec:
    """One larger convolution, then a chain of 3x3 ones: a form that the compiled engine streams.

    Its trunk is that of our networks for images, so that its training can start from one of them.

    Args:
        scale: the upscaling factor r, at least 2.
        width: channels between the layers.
        middle: number of 3x3 convolutions from ``width`` to ``width`` channels.
        state: channels of the state.
        first: side of the first kernel.

    >>> spec = recurrent(4)
    >>> spec.reach, spec.halo, spec.macs_per_pixel, spec.parameters
    ((1, 0), 11, 66120, 66364)
    >>> [spec.values[name].channels for name in spec.outputs]
    [1, 12]
    """
    inputs = (
        Frame("now"), Frame("before", -1), RunningMean("mean"), State("state", state, "kept"), Previous("previous"),
    )  # fmt: skip
    channels = 3 + state + scale**2
    layers = [Conv("conv1", "joined", channels, width, (first, first), "relu")]
    for number in range(2, middle + 2):
        layers.append(Conv(f"conv{number}", layers[-1].name, width, width, (3, 3), "relu"))
    return Spec(
        (
            Concat("joined", tuple(one.name for one in inputs)),
            *layers,
            Conv("kept", layers[-1].name, width, state, (3, 3), "clip"),
            Conv("end", layers[-1].name, width, scale * scale, (3, 3)),
            PixelShuffle("detail", "end", scale),
            Resize("base", "mean", scale, "nearest"),
            Add("sum", ("base", "detail")),
        ),
        scale,
        inputs=inputs,
    )
