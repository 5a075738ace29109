"""A network as data: an ordered graph of layers, validated when built, free of any framework.

Every layer names what it reads; its own name is what later layers read. ``INPUT`` is the picture, the last
layer is the result. What a layer needs beyond that follows from the graph and is computed here: the size of
each value relative to the input, how many samples it loses to convolution, the receptive field, the work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from subpixel.errors import SpecError
from subpixel.ops.resizing.taps import SUPPORT

__all__ = [
    "INPUT",
    "Activation",
    "Add",
    "Border",
    "Colour",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Layer",
    "PixelShuffle",
    "Resize",
    "Spec",
    "Value",
    "sources_of",
]

INPUT = "input"

Activation = Literal["none", "relu", "prelu", "tanh", "clip"]
Border = Literal["replicate", "zero"]
Colour = Literal["luma", "rgb"]

# A description can come from a stranger's file. These bounds lie far beyond any network of this field and
# keep a hostile one from asking for absurd memory before anything is computed.
_MAX_LAYERS = 4096
_MAX_CHANNELS = 65536
_MAX_KERNEL = 63
_MAX_SCALE = 64
_MAX_HALO = 2048


@dataclass(frozen=True)
class Conv:
    """Convolution (cross-correlation) of stride 1 with an odd kernel, bias and activation.

    Weights: ``{name}.weight`` ``(out, in, kh, kw)``, ``{name}.bias`` ``(out,)``, and for ``prelu``
    ``{name}.slope`` ``(out,)``. ``clip`` limits to 0 … 1.
    """

    name: str
    source: str
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    activation: Activation = "none"
    bias: bool = True


@dataclass(frozen=True)
class ConvTranspose:
    """Transposed convolution ("deconvolution") that makes a value exactly ``stride`` times larger, with bias.

    ``y[q] = bias + sum of weight[i] x[h] over q = h*stride + i - padding`` along each axis, for ``q`` from 0 to
    ``H*stride - 1``. ``padding`` is what is cut before (vertical, horizontal); what is cut or added after follows from
    the size, ``kernel - stride - padding``: torch's ``padding=p, output_padding=stride - kernel + 2*p``.

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
    """Sum of two or more values of equal channels and scale; larger ones are cropped to the smallest."""

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Concat:
    """Values of equal scale side by side along the channels; larger ones are cropped to the smallest."""

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Resize:
    """A value interpolated to ``factor`` times its size: the base a residual network adds to.

    ``cubic`` is Keys' kernel with a = −0.5. Positions are half-pixel centred.
    """

    name: str
    source: str
    factor: int
    mode: Literal["nearest", "linear", "cubic"] = "nearest"


@dataclass(frozen=True)
class PixelShuffle:
    """``(C*r*r, H, W)`` to ``(C, H*r, W*r)`` in the named channel order."""

    name: str
    source: str
    factor: int
    order: Literal["CRD", "DCR"] = "CRD"


Layer = Conv | ConvTranspose | Add | Concat | Resize | PixelShuffle

_KINDS: dict[str, type[Layer]] = {
    "conv": Conv,
    "conv_transpose": ConvTranspose,
    "add": Add,
    "concat": Concat,
    "resize": Resize,
    "pixel_shuffle": PixelShuffle,
}
_NAMES = {cls: kind for kind, cls in _KINDS.items()}


@dataclass(frozen=True)
class Value:
    """What is known of one value of the graph.

    ``lost`` counts, at the value's own resolution, the samples missing on each side compared with the
    padded input brought to ``scale``; it is 0 everywhere when each layer pads by itself.
    """

    channels: int
    scale: int
    lost: int


@dataclass(frozen=True)
class Spec:
    """A super-resolution network.

    Args:
        layers: the graph in an order in which it can be computed.
        scale: how many times larger the result is; checked against the layers.
        colour: ``luma`` (one plane, BT.601/709 studio luma: 16/255 … 235/255) or ``rgb`` (three planes, 0 … 1,
            encoded values in the order red, green, blue).
        border: ``replicate``: the edge sample is repeated by :attr:`halo` once and every layer convolves
            without padding; ``zero``: every convolution pads with zeros by itself.

    Raises:
        SpecError: naming the layer and what would fit.

    >>> shuffle = PixelShuffle("up", "conv", 2)
    >>> spec = Spec((Conv("conv", INPUT, 1, 4, (3, 3)), shuffle), scale=2, colour="luma")
    >>> spec.halo, spec.receptive_field, spec.macs_per_pixel, spec.parameters
    (1, 3, 36, 40)
    """

    layers: tuple[Layer, ...]
    scale: int
    colour: Colour = "luma"
    border: Border = "replicate"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        _choice("colour", self.colour, get_args(Colour))
        _choice("border", self.border, get_args(Border))
        _whole("scale", self.scale, 1, _MAX_SCALE)
        if not 1 <= len(self.layers) <= _MAX_LAYERS:
            raise SpecError(f"a network has 1 to {_MAX_LAYERS} layers, this one {len(self.layers)}")
        values = self._trace()
        object.__setattr__(self, "_values", values)
        result = values[self.layers[-1].name]
        if result.scale != self.scale:
            raise SpecError(
                f"layer '{self.layers[-1].name}': the result is x{result.scale}, the network says scale {self.scale}"
            )
        if result.channels != self.channels:
            raise SpecError(
                f"layer '{self.layers[-1].name}': the result has {result.channels} channels, "
                f"colour '{self.colour}' has {self.channels}"
            )
        if self.halo > _MAX_HALO:
            raise SpecError(f"its receptive field reaches {self.halo} samples to each side; {_MAX_HALO} are the most")

    @property
    def channels(self) -> int:
        """Planes that go in and come out: 1 for luma, 3 for RGB."""
        return 1 if self.colour == "luma" else 3

    @property
    def values(self) -> Mapping[str, Value]:
        """Channels, scale and loss of the input and of every layer's result, by name."""
        values: Mapping[str, Value] = self._values  # type: ignore[attr-defined]
        return values

    @property
    def halo(self) -> int:
        """Input samples beyond each side that can influence an output sample."""
        if self.border == "zero":
            return _zero_halo(self)
        result = self.values[self.layers[-1].name]
        return math.ceil(result.lost / self.scale)

    @property
    def receptive_field(self) -> int:
        """Side of the square of input samples that can influence the samples made of one input sample."""
        return 2 * self.halo + 1

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-accumulates of all convolutions for each input pixel, away from the borders.

        A transposed convolution uses each weight once for every sample that it reads.
        """
        return sum(
            layer.in_channels * layer.out_channels * math.prod(layer.kernel) * self.values[layer.source].scale ** 2
            for layer in self.layers
            if isinstance(layer, (Conv, ConvTranspose))
        )

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight tensor by its name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            if isinstance(layer, Conv):
                shapes[f"{layer.name}.weight"] = (layer.out_channels, layer.in_channels, *layer.kernel)
                if layer.bias:
                    shapes[f"{layer.name}.bias"] = (layer.out_channels,)
                if layer.activation == "prelu":
                    shapes[f"{layer.name}.slope"] = (layer.out_channels,)
            elif isinstance(layer, ConvTranspose):
                shapes[f"{layer.name}.weight"] = (layer.in_channels, layer.out_channels, *layer.kernel)
                if layer.bias:
                    shapes[f"{layer.name}.bias"] = (layer.out_channels,)
        return shapes

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(math.prod(shape) for shape in self.weight_shapes.values())

    def to_json(self) -> str:
        """One line of JSON with sorted keys; :meth:`from_json` gives an equal Spec back."""
        layers = [{"kind": _NAMES[type(layer)], **asdict(layer)} for layer in self.layers]
        document = {"scale": self.scale, "colour": self.colour, "border": self.border, "layers": layers}
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Spec:
        """Read what :meth:`to_json` wrote. Nothing in the text is trusted.

        Raises:
            SpecError: not JSON, unknown or missing fields, or a network that does not validate.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"the network description is not JSON: {error}") from None
        _fields("the network description", document, {"scale", "colour", "border", "layers"})
        if not isinstance(document["layers"], list):
            raise SpecError("the network description: 'layers' must be a list")
        layers = tuple(_layer_from(number, item) for number, item in enumerate(document["layers"]))
        return cls(layers, document["scale"], document["colour"], document["border"])

    def _trace(self) -> dict[str, Value]:
        values = {INPUT: Value(self.channels, 1, 0)}
        unread: set[str] = set()
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise SpecError(f"{layer!r} is not a layer")
            if not isinstance(layer.name, str) or not layer.name or len(layer.name) > 100:
                raise SpecError(f"layer name {layer.name!r}: a text of 1 to 100 characters is needed")
            if layer.name in values:
                raise SpecError(f"layer '{layer.name}': the name is taken already")
            values[layer.name] = _TRACERS[type(layer)](layer, values, self.border)
            if values[layer.name].scale > _MAX_SCALE:
                raise SpecError(f"layer '{layer.name}': x{values[layer.name].scale} is beyond x{_MAX_SCALE}")
            unread.difference_update(sources_of(layer))
            unread.add(layer.name)
        # Such a layer would be computed for nothing, and might reach further than the result's halo.
        unread.discard(self.layers[-1].name)
        if unread:
            raise SpecError(f"layer '{min(unread)}': no later layer reads it")
        return values


def _trace_conv(layer: Conv, values: dict[str, Value], border: Border) -> Value:
    where, source = _check_weighted(layer, values)
    for side in layer.kernel:
        if side % 2 == 0:
            raise SpecError(f"{where}kernel {layer.kernel}: odd sides are needed (fill up with zeros)")
    _choice(where + "activation", layer.activation, get_args(Activation))
    lost = source.lost if border == "zero" else source.lost + max(layer.kernel) // 2
    return Value(layer.out_channels, source.scale, lost)


def _trace_transpose(layer: ConvTranspose, values: dict[str, Value], border: Border) -> Value:
    where, source = _check_weighted(layer, values)
    _whole(where + "stride", layer.stride, 1, _MAX_SCALE)
    if not isinstance(layer.padding, tuple) or len(layer.padding) != 2:
        raise SpecError(f"{where}padding={layer.padding!r}: (vertical, horizontal) is needed")
    for side, before in zip(layer.kernel, layer.padding, strict=True):
        _whole(where + "padding", before, 0, side - 1)
    scale = source.scale * layer.stride
    if border == "zero":
        return Value(layer.out_channels, scale, 0)
    # The first result that no sample before the source reaches, and the last that none after it does.
    ends = [(k - layer.stride - p, p) for k, p in zip(layer.kernel, layer.padding, strict=True)]
    return Value(layer.out_channels, scale, source.lost * layer.stride + max(0, *(n for pair in ends for n in pair)))


def _check_weighted(layer: Conv | ConvTranspose, values: dict[str, Value]) -> tuple[str, Value]:
    """What both kinds of convolution need: how an error names the layer, and what it reads."""
    source = _source(layer.name, layer.source, values)
    where = f"layer '{layer.name}': "
    _whole(where + "in_channels", layer.in_channels, 1, _MAX_CHANNELS)
    _whole(where + "out_channels", layer.out_channels, 1, _MAX_CHANNELS)
    if not isinstance(layer.kernel, tuple) or len(layer.kernel) != 2:
        raise SpecError(f"{where}kernel={layer.kernel!r}: (height, width) is needed")
    for side in layer.kernel:
        _whole(where + "kernel", side, 1, _MAX_KERNEL)
    if not isinstance(layer.bias, bool):
        raise SpecError(f"{where}bias={layer.bias!r}: true or false is needed")
    if layer.in_channels != source.channels:
        raise SpecError(f"{where}in_channels={layer.in_channels}, but '{layer.source}' has {source.channels} channels")
    return where, source


def _trace_join(layer: Add | Concat, values: dict[str, Value], border: Border) -> Value:
    where = f"layer '{layer.name}': "
    if not isinstance(layer.sources, tuple) or len(layer.sources) < 2:
        raise SpecError(f"{where}sources={layer.sources!r}: two or more names are needed")
    sources = [_source(layer.name, name, values) for name in layer.sources]
    for name, value in zip(layer.sources, sources, strict=True):
        if value.scale != sources[0].scale:
            raise SpecError(f"{where}'{name}' is x{value.scale}, '{layer.sources[0]}' x{sources[0].scale}")
        if isinstance(layer, Add) and value.channels != sources[0].channels:
            raise SpecError(
                f"{where}'{name}' has {value.channels} channels, '{layer.sources[0]}' {sources[0].channels}"
            )
    channels = sources[0].channels if isinstance(layer, Add) else sum(v.channels for v in sources)
    _whole(where + "channels", channels, 1, _MAX_CHANNELS)
    return Value(channels, sources[0].scale, max(v.lost for v in sources))


def _trace_resize(layer: Resize, values: dict[str, Value], border: Border) -> Value:
    source = _source(layer.name, layer.source, values)
    _whole(f"layer '{layer.name}': factor", layer.factor, 1, _MAX_SCALE)
    _choice(f"layer '{layer.name}': mode", layer.mode, tuple(SUPPORT))
    lost = 0 if border == "zero" else (source.lost + SUPPORT[layer.mode]) * layer.factor
    return Value(source.channels, source.scale * layer.factor, lost)


def _trace_shuffle(layer: PixelShuffle, values: dict[str, Value], border: Border) -> Value:
    source = _source(layer.name, layer.source, values)
    _whole(f"layer '{layer.name}': factor", layer.factor, 1, _MAX_SCALE)
    _choice(f"layer '{layer.name}': order", layer.order, ("CRD", "DCR"))
    square = layer.factor**2
    if source.channels % square:
        raise SpecError(
            f"layer '{layer.name}': '{layer.source}' has {source.channels} channels, "
            f"a multiple of {square} is needed for factor {layer.factor}"
        )
    return Value(source.channels // square, source.scale * layer.factor, source.lost * layer.factor)


_TRACERS: dict[type, Callable[[Any, dict[str, Value], Border], Value]] = {
    Conv: _trace_conv,
    ConvTranspose: _trace_transpose,
    Add: _trace_join,
    Concat: _trace_join,
    Resize: _trace_resize,
    PixelShuffle: _trace_shuffle,
}


def _zero_halo(spec: Spec) -> int:
    """The reach of a network that pads at each layer: what the same layers would lose if they did not."""
    return Spec(spec.layers, spec.scale, spec.colour, "replicate").halo


def sources_of(layer: Layer) -> tuple[str, ...]:
    """Names of the values that a layer reads.

    >>> sources_of(Add("sum", ("a", "b")))
    ('a', 'b')
    """
    return layer.sources if isinstance(layer, (Add, Concat)) else (layer.source,)


def _source(layer: str, name: Any, values: dict[str, Value]) -> Value:
    if not isinstance(name, str) or name not in values:
        raise SpecError(f"layer '{layer}': reads {name!r}, which no earlier layer makes")
    return values[name]


def _whole(what: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{what}={value!r}: a whole number from {low} to {high} is needed")


def _choice(what: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SpecError(f"{what}={value!r}: one of {', '.join(allowed)} is needed")


def _fields(what: str, document: Any, wanted: set[str]) -> None:
    if not isinstance(document, dict):
        raise SpecError(f"{what}: an object is needed")
    if set(document) != wanted:
        odd = sorted(set(document) ^ wanted)
        raise SpecError(f"{what}: unknown or missing: {', '.join(map(str, odd))}")


def _layer_from(number: int, item: Any) -> Layer:
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise SpecError(f"layer {number}: kind={kind!r}: one of {', '.join(_KINDS)} is needed")
    cls: Callable[..., Layer] = _KINDS[kind]
    _fields(f"layer {number}", item, {"kind", *(f.name for f in fields(_KINDS[kind]))})
    arguments = {key: tuple(v) if isinstance(v, list) else v for key, v in item.items() if key != "kind"}
    return cls(**arguments)
