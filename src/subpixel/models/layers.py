"""The inputs and layers of networks as data, and a tracer for each kind of layer.

A tracer checks a layer and computes the properties of its result: channels, size relative to the image, and how many
samples convolution has lost at each side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from subpixel.errors import SpecError, shown, unknown
from subpixel.ops.resizing.taps import SUPPORT

__all__ = [
    "INPUT",
    "KINDS",
    "MAX_CHANNELS",
    "MAX_SCALE",
    "TRACERS",
    "Activation",
    "Add",
    "Border",
    "Colour",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Frame",
    "Input",
    "Layer",
    "PixelShuffle",
    "Previous",
    "Resize",
    "RunningMean",
    "State",
    "Value",
    "Warp",
    "check_choice",
    "check_integer",
    "is_name",
    "sources_of",
]

INPUT = "input"

Activation = Literal["none", "relu", "prelu", "tanh", "clip"]
Border = Literal["replicate", "zero"]
Colour = Literal["luma", "rgb"]

# A description can come from an untrusted file. These limits lie far beyond any network of this field, and keep a
# hostile file from requesting absurd amounts of memory.
MAX_CHANNELS = 65536
MAX_SCALE = 64
_MAX_KERNEL = 63
_MAX_STRIDE = 8
_MAX_REACH = 256


@dataclass(frozen=True)
class Frame:
    """An input: the frame ``offset`` frames after the one that is upscaled, or before it if negative."""

    name: str
    offset: int = 0


@dataclass(frozen=True)
class State:
    """An input from the network itself: the result of its layer ``next`` for the frame before, at first 0."""

    name: str
    channels: int
    next: str


@dataclass(frozen=True)
class Previous:
    """An input: the result of the frame before, clipped to 0 … 1 and unshuffled to the size of the frame (CRD).

    It has ``scale**2`` times the channels of the frame. For the first frame it is the frame, each sample repeated.
    """

    name: str


@dataclass(frozen=True)
class RunningMean:
    """An input: the mean of the scene's frames so far, of each sample since it last changed.

    See :func:`subpixel.ops.running_mean.running_mean`. It is a long memory that needs no training and no fine steps: a
    :class:`State` of 8 bits cannot move by a 64th of a small difference.

    Args:
        name: the name that layers read.
        frames: the most frames that a mean weighs.
        still: codes of 8 bits up to which a difference is noise.
        changed: codes from which on it is a change, above ``still``.
    """

    name: str
    frames: int = 64
    still: float = 3.5
    changed: float = 6.5


Input = Frame | State | Previous | RunningMean


@dataclass(frozen=True)
class Conv:
    """Convolution (cross-correlation) with an odd kernel, bias and activation.

    Weights: ``{name}.weight`` ``(out, in, kh, kw)``, ``{name}.bias`` ``(out,)``, and for ``prelu``
    ``{name}.slope`` ``(out,)``. ``activation`` is ``none``, ``relu``, ``prelu``, ``tanh`` or ``clip`` (to 0 … 1). With
    a ``stride`` of s, only the samples at multiples of s are computed. ``shared`` is the name of an earlier convolution
    of the same shape whose weights it uses.
    """

    name: str
    source: str
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    activation: Activation = "none"
    bias: bool = True
    stride: int = 1
    shared: str = ""

    @property
    def owner(self) -> str:
        """The name of the layer that its weights belong to."""
        return self.shared or self.name


@dataclass(frozen=True)
class ConvTranspose:
    """Transposed convolution ("deconvolution") with bias, whose result is exactly ``stride`` times as large.

    ``y[q] = bias + sum of weight[i] x[h] over q = h*stride + i - padding`` along each axis, for ``q`` from 0 to
    ``H*stride - 1``. ``padding`` (vertical, horizontal) is cut off at the start. The number of samples cut off or added
    at the end follows from the size: ``kernel - stride - padding``. In torch this is ``padding=p,
    output_padding=stride - kernel + 2*p``.

    Weights: ``{name}.weight`` ``(in, out, kh, kw)`` as in torch, ``{name}.bias`` ``(out,)``.
    """

    name: str
    source: str
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    stride: int
    padding: tuple[int, int]
    bias: bool = True


@dataclass(frozen=True)
class Add:
    """The sum of two or more values of equal channels and scale. Larger values are cropped to the smallest."""

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Concat:
    """Two or more values of equal scale, joined along the channels. Larger values are cropped to the smallest."""

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Resize:
    """A value interpolated to ``factor`` times its size: the base that a residual network adds to.

    ``mode`` is ``nearest``, ``linear`` or ``cubic``, which is Keys' kernel with a = −0.5. Positions are half-pixel
    centred.
    """

    name: str
    source: str
    factor: int
    mode: Literal["nearest", "linear", "cubic"] = "nearest"


@dataclass(frozen=True)
class PixelShuffle:
    """A pixel shuffle from ``(C*r*r, H, W)`` to ``(C, H*r, W*r)``, in channel order ``CRD`` or ``DCR``."""

    name: str
    source: str
    factor: int
    order: Literal["CRD", "DCR"] = "CRD"


@dataclass(frozen=True)
class Warp:
    """A value sampled along a flow: ``out(p) = source(p + reach * flow(p))``, linear, with the edge repeated outside.

    The flow has two channels, along x (to the right), then y (down). It is clipped to -1 … 1, so that no sample further
    away than ``reach`` is read. Displacements are in samples, not in halves of the image as in the paper: the training
    on small patches then holds for large images.

    Source: Jaderberg et al., arXiv 1506.02025, equation 5; Caballero et al., arXiv 1611.05250, section 2.3.
    """

    name: str
    source: str
    flow: str
    reach: float


Layer = Conv | ConvTranspose | Add | Concat | Resize | PixelShuffle | Warp

KINDS: dict[str, type[Layer]] = {
    "conv": Conv,
    "conv_transpose": ConvTranspose,
    "add": Add,
    "concat": Concat,
    "resize": Resize,
    "pixel_shuffle": PixelShuffle,
    "warp": Warp,
}


@dataclass(frozen=True)
class Value:
    """The properties of one value of the graph.

    ``scale`` is its size relative to the input. ``lost`` counts, at the value's own resolution, the samples missing on
    each side compared with the padded input at ``scale``. It is 0 everywhere if each layer pads by itself.
    """

    channels: int
    scale: int | Fraction
    lost: int


def _trace_conv(layer: Conv, values: dict[str, Value], border: Border) -> Value:
    where, source = _check_weighted(layer, values)
    for side in layer.kernel:
        if side % 2 == 0:
            raise SpecError(f"{where}kernel={layer.kernel}: odd sides are needed; pad the kernel with zeros")
    check_choice(where + "activation", layer.activation, get_args(Activation))
    check_integer(where + "stride", layer.stride, 1, _MAX_STRIDE)
    if not isinstance(layer.shared, str):
        raise SpecError(f"{where}shared={shown(layer.shared)}: the name of an earlier convolution is needed")
    lost = source.lost if border == "zero" else -(-(source.lost + max(layer.kernel) // 2) // layer.stride)
    return Value(layer.out_channels, _ratio(Fraction(source.scale) / layer.stride), lost)


def _trace_transpose(layer: ConvTranspose, values: dict[str, Value], border: Border) -> Value:
    where, source = _check_weighted(layer, values)
    check_integer(where + "stride", layer.stride, 1, MAX_SCALE)
    if not isinstance(layer.padding, tuple) or len(layer.padding) != 2:
        raise SpecError(f"{where}padding={shown(layer.padding)}: (vertical, horizontal) is needed")
    for side, before in zip(layer.kernel, layer.padding, strict=True):
        check_integer(where + "padding", before, 0, side - 1)
    scale = _ratio(Fraction(source.scale) * layer.stride)
    if border == "zero":
        return Value(layer.out_channels, scale, 0)
    # How far beyond each end the kernel reaches: samples of the result that depend on missing samples of the source.
    ends = [(k - layer.stride - p, p) for k, p in zip(layer.kernel, layer.padding, strict=True)]
    return Value(layer.out_channels, scale, source.lost * layer.stride + max(0, *(n for pair in ends for n in pair)))


def _check_weighted(layer: Conv | ConvTranspose, values: dict[str, Value]) -> tuple[str, Value]:
    """The checks of both kinds of convolution. Returns the start of an error's text, and the value that is read."""
    source = _source(layer.name, layer.source, values)
    where = f"layer '{layer.name}': "
    check_integer(where + "in_channels", layer.in_channels, 1, MAX_CHANNELS)
    check_integer(where + "out_channels", layer.out_channels, 1, MAX_CHANNELS)
    if not isinstance(layer.kernel, tuple) or len(layer.kernel) != 2:
        raise SpecError(f"{where}kernel={shown(layer.kernel)}: (height, width) is needed")
    for side in layer.kernel:
        check_integer(where + "kernel", side, 1, _MAX_KERNEL)
    if not isinstance(layer.bias, bool):
        raise SpecError(f"{where}bias={shown(layer.bias)}: true or false is needed")
    if layer.in_channels != source.channels:
        raise SpecError(f"{where}in_channels={layer.in_channels}, but '{layer.source}' has {source.channels} channels")
    return where, source


def _trace_join(layer: Add | Concat, values: dict[str, Value], border: Border) -> Value:
    where = f"layer '{layer.name}': "
    if not isinstance(layer.sources, tuple) or len(layer.sources) < 2:
        raise SpecError(f"{where}sources={shown(layer.sources)}: two or more names are needed")
    sources = [_source(layer.name, name, values) for name in layer.sources]
    for name, value in zip(layer.sources, sources, strict=True):
        if value.scale != sources[0].scale:
            raise SpecError(
                f"{where}'{name}' is ×{value.scale} and '{layer.sources[0]}' is ×{sources[0].scale}; equal scales are "
                "needed"
            )
        if isinstance(layer, Add) and value.channels != sources[0].channels:
            raise SpecError(
                f"{where}'{name}' has {value.channels} channels and '{layer.sources[0]}' has {sources[0].channels}; "
                "equal numbers are needed"
            )
    channels = sources[0].channels if isinstance(layer, Add) else sum(v.channels for v in sources)
    check_integer(where + "channels", channels, 1, MAX_CHANNELS)
    return Value(channels, sources[0].scale, max(v.lost for v in sources))


def _trace_resize(layer: Resize, values: dict[str, Value], border: Border) -> Value:
    source = _source(layer.name, layer.source, values)
    check_integer(f"layer '{layer.name}': factor", layer.factor, 1, MAX_SCALE)
    check_choice(f"layer '{layer.name}': mode", layer.mode, tuple(SUPPORT))
    lost = 0 if border == "zero" else (source.lost + SUPPORT[layer.mode]) * layer.factor
    return Value(source.channels, _ratio(Fraction(source.scale) * layer.factor), lost)


def _trace_shuffle(layer: PixelShuffle, values: dict[str, Value], border: Border) -> Value:
    source = _source(layer.name, layer.source, values)
    check_integer(f"layer '{layer.name}': factor", layer.factor, 1, MAX_SCALE)
    check_choice(f"layer '{layer.name}': order", layer.order, ("CRD", "DCR"))
    square = layer.factor**2
    if source.channels % square:
        raise SpecError(
            f"layer '{layer.name}': '{layer.source}' has {source.channels} channels; "
            f"a multiple of {square} is needed for factor {layer.factor}"
        )
    return Value(source.channels // square, _ratio(Fraction(source.scale) * layer.factor), source.lost * layer.factor)


def _trace_warp(layer: Warp, values: dict[str, Value], border: Border) -> Value:
    where = f"layer '{layer.name}': "
    source, flow = (_source(layer.name, name, values) for name in (layer.source, layer.flow))
    number = isinstance(layer.reach, (int, float)) and not isinstance(layer.reach, bool)
    if not number or not 0 < layer.reach <= _MAX_REACH:  # NaN fails the comparison
        raise SpecError(f"{where}reach={shown(layer.reach)}: a number above 0 and up to {_MAX_REACH} is needed")
    if flow.channels != 2:
        raise SpecError(f"{where}'{layer.flow}' has {flow.channels} channels; a flow has 2")
    if flow.scale != source.scale:
        raise SpecError(
            f"{where}'{layer.flow}' is ×{flow.scale} and '{layer.source}' is ×{source.scale}; equal scales are needed"
        )
    lost = 0 if border == "zero" else max(source.lost, flow.lost) + math.ceil(layer.reach) + 1
    return Value(source.channels, source.scale, lost)


def _ratio(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


TRACERS: dict[type, Callable[[Any, dict[str, Value], Border], Value]] = {
    Conv: _trace_conv,
    ConvTranspose: _trace_transpose,
    Add: _trace_join,
    Concat: _trace_join,
    Resize: _trace_resize,
    PixelShuffle: _trace_shuffle,
    Warp: _trace_warp,
}


def sources_of(layer: Layer) -> tuple[str, ...]:
    """The names of the values that a layer reads.

    >>> sources_of(Add("sum", ("a", "b")))
    ('a', 'b')
    """
    if isinstance(layer, (Add, Concat)):
        return layer.sources
    return (layer.source, layer.flow) if isinstance(layer, Warp) else (layer.source,)


def _source(layer: str, name: Any, values: dict[str, Value]) -> Value:
    if not isinstance(name, str) or name not in values:
        raise SpecError(f"layer '{layer}' reads {shown(name)}; the name of an input or of an earlier layer is needed")
    return values[name]


def is_name(value: Any) -> bool:
    """Whether a value can be the name of a layer or a tensor: a text of 1 to 100 characters on one line.

    >>> is_name("conv1.weight"), is_name("a\\nb")
    (True, False)
    """
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()


def check_integer(what: str, value: Any, low: int, high: int) -> None:
    """Raise SpecError unless a value is an integer from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{what}={shown(value)}: an integer from {low} to {high} is needed")


def check_choice(what: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise SpecError unless a value is one of those that are allowed."""
    if value not in allowed:
        where, _, kind = what.rpartition(": ")
        raise unknown(kind, value, allowed, where=where, error=SpecError)
