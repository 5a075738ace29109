"""A network as data: an ordered graph of layers, validated when built, free of any framework.

Every layer names what it reads; its own name is what later layers read. The last layer is the result. What goes in is
an image, ``INPUT``, or what :attr:`Spec.inputs` declares: frames of a video, and what the network keeps from one to the
next. What a layer needs beyond that follows from the graph and is computed here: the size of each value relative to
the input, how many samples it loses to convolution, the receptive field, the work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any, cast, get_args

from subpixel.errors import SpecError
from subpixel.models.layers import (
    INPUT,
    KINDS,
    MAX_CHANNELS,
    MAX_SCALE,
    TRACERS,
    Activation,
    Add,
    Border,
    Colour,
    Concat,
    Conv,
    ConvTranspose,
    Frame,
    Input,
    Layer,
    PixelShuffle,
    Previous,
    Resize,
    State,
    Value,
    Warp,
    check_choice,
    check_whole,
    sources_of,
)

__all__ = [
    "INPUT",
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
    "Spec",
    "State",
    "Value",
    "Warp",
    "sources_of",
]

# As in layers.py: far beyond any network, so that a stranger's description cannot ask for absurd work.
_MAX_LAYERS = 4096
_MAX_INPUTS = 64
_MAX_HALO = 2048
_MAX_OFFSET = 16

_NAMES = {cls: kind for kind, cls in KINDS.items()}
_INPUTS: dict[str, type[Input]] = {"frame": Frame, "state": State, "previous": Previous}
_INPUT_NAMES = {cls: kind for kind, cls in _INPUTS.items()}
_IMAGE: tuple[Input, ...] = (Frame(INPUT),)


@dataclass(frozen=True)
class Spec:
    """A super-resolution network.

    Args:
        layers: the graph in an order in which it can be computed.
        scale: how many times larger the result is; checked against the layers.
        colour: ``luma`` (one plane, BT.601/709 studio luma: 16/255 … 235/255) or ``rgb`` (three planes, 0 … 1,
            encoded values in the order red, green, blue).
        border: ``replicate``: the edge sample is repeated by :attr:`halo` once and every layer convolves
            without padding; ``zero``: every convolution pads with zeros by itself. Strides and warps need ``zero``;
            an image is then first filled up to a :attr:`multiple`, its last row and column repeated.
        inputs: what goes in; by itself one image, named ``INPUT``. A video's network names frames, and what it
            keeps from one frame to the next.

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
    inputs: tuple[Input, ...] = _IMAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "inputs", tuple(self.inputs))
        check_choice("colour", self.colour, get_args(Colour))
        check_choice("border", self.border, get_args(Border))
        check_whole("scale", self.scale, 1, MAX_SCALE)
        _check_inputs(self.inputs)
        if not 1 <= len(self.layers) <= _MAX_LAYERS:
            raise SpecError(f"a network has 1 to {_MAX_LAYERS} layers, this one {len(self.layers)}")
        values = self._trace(self.border)
        self._check_layers(values)
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
        for state in self.states:
            _check_state(state, values)
        if self.multiple > MAX_SCALE:
            raise SpecError(f"sides must be multiples of {self.multiple} for its strides; {MAX_SCALE} is the most")
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
    def plain(self) -> bool:
        """Whether one image goes in and one comes out, and nothing is kept."""
        return self.inputs == _IMAGE

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The inputs that are images."""
        return tuple(one for one in self.inputs if isinstance(one, Frame))

    @property
    def states(self) -> tuple[State, ...]:
        """The inputs that the network made of the frame before."""
        return tuple(one for one in self.inputs if isinstance(one, State))

    @property
    def reach(self) -> tuple[int, int]:
        """Frames before and after the one that is upscaled which are read: the second delays every result."""
        offsets = [frame.offset for frame in self.frames]
        return -min(offsets), max(offsets)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The layers whose values are wanted: the result, then the next value of each state."""
        return tuple(dict.fromkeys((self.layers[-1].name, *(state.next for state in self.states))))

    @property
    def multiple(self) -> int:
        """What an image's sides are filled up to a multiple of, so that every stride divides them."""
        return math.lcm(*(Fraction(value.scale).denominator for value in self.values.values()))

    @property
    def halo(self) -> int:
        """Input samples beyond each side that can influence an output sample."""
        # What layers would lose if they did not pad is the reach of those that do.
        values = self._trace("replicate") if self.border == "zero" else self.values
        return max(math.ceil(values[name].lost / values[name].scale) for name in self.outputs)

    @property
    def receptive_field(self) -> int:
        """Side of the square of input samples that can influence the samples made of one input sample."""
        return 2 * self.halo + 1

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-accumulates of all convolutions for each input pixel, away from the borders.

        A convolution uses each weight once for every sample that it makes, a transposed one for each that it reads.
        """
        return math.ceil(
            sum(
                math.prod((layer.in_channels, layer.out_channels, *layer.kernel))
                * self.values[layer.name if isinstance(layer, Conv) else layer.source].scale ** 2
                for layer in self.layers
                if isinstance(layer, (Conv, ConvTranspose))
            )
        )

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight tensor by its name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            if isinstance(layer, Conv):
                if layer.shared:
                    continue
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
        layers = [_written(_NAMES[type(layer)], layer) for layer in self.layers]
        document = {"scale": self.scale, "colour": self.colour, "border": self.border, "layers": layers}
        if not self.plain:
            document["inputs"] = [_written(_INPUT_NAMES[type(one)], one) for one in self.inputs]
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
        _fields("the network description", document, {"scale", "colour", "border", "layers"}, {"inputs"})
        lists = []
        for part, word, kinds in (("layers", "layer", KINDS), ("inputs", "input", _INPUTS)):
            items = document.get(part)
            if part in document and not isinstance(items, list):
                raise SpecError(f"the network description: '{part}' must be a list")
            lists.append([_from(f"{word} {number}", item, kinds) for number, item in enumerate(items or [])])
        inputs = tuple(lists[1]) if "inputs" in document else _IMAGE
        return cls(tuple(lists[0]), document["scale"], document["colour"], document["border"], inputs)

    def _trace(self, border: Border) -> dict[str, Value]:
        values = {one.name: self._given(one) for one in self.inputs}
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise SpecError(f"{layer!r} is not a layer")
            if not isinstance(layer.name, str) or not layer.name or len(layer.name) > 100:
                raise SpecError(f"layer name {layer.name!r}: a text of 1 to 100 characters is needed")
            if layer.name in values:
                raise SpecError(f"layer '{layer.name}': the name is taken already")
            result = values[layer.name] = TRACERS[type(layer)](layer, values, border)
            if result.scale > MAX_SCALE:
                raise SpecError(f"layer '{layer.name}': x{result.scale} is beyond x{MAX_SCALE}")
            if result.scale * MAX_SCALE < 1:
                raise SpecError(f"layer '{layer.name}': x{result.scale} is below x1/{MAX_SCALE}")
        return values

    def _given(self, one: Input) -> Value:
        if isinstance(one, State):
            return Value(one.channels, 1, 0)
        return Value(self.channels * (self.scale**2 if isinstance(one, Previous) else 1), 1, 0)

    def _check_layers(self, values: Mapping[str, Value]) -> None:
        """What a layer alone cannot know: that it is read, whose weights it uses, and where strides may be."""
        owners: dict[str, Conv] = {}
        # Such a value would be computed for nothing, and might reach further than the result's halo.
        unread = set(values) - {name for layer in self.layers for name in sources_of(layer)} - set(self.outputs)
        given = {one.name for one in self.inputs}
        if unread - given:
            raise SpecError(f"layer '{min(unread - given)}': no later layer reads it")
        if unread and not self.plain:
            raise SpecError(f"input '{min(unread)}': no layer reads it")
        for layer in self.layers:
            where = f"layer '{layer.name}': "
            strided = isinstance(layer, Conv) and layer.stride > 1
            if self.border != "zero" and (strided or isinstance(layer, Warp)):
                raise SpecError(f"{where}strides and warps need border 'zero'")
            if isinstance(layer, Conv):
                if layer.shared:
                    _check_shared(layer, owners)
                else:
                    owners[layer.name] = layer


def _check_shared(layer: Conv, owners: Mapping[str, Conv]) -> None:
    where = f"layer '{layer.name}': "
    owner = owners.get(layer.shared)
    if owner is None:
        raise SpecError(f"{where}shared='{layer.shared}': an earlier convolution with weights of its own is needed")
    for part in ("in_channels", "out_channels", "kernel", "activation", "bias"):
        mine, its = getattr(layer, part), getattr(owner, part)
        if mine != its:
            raise SpecError(f"{where}{part}={mine!r}, but '{owner.name}', whose weights it uses, has {its!r}")


def _check_inputs(inputs: tuple[Input, ...]) -> None:
    if not 1 <= len(inputs) <= _MAX_INPUTS:
        raise SpecError(f"a network has 1 to {_MAX_INPUTS} inputs, this one {len(inputs)}")
    names: set[str] = set()
    offsets: list[int] = []
    for one in inputs:
        if not isinstance(one, Input):
            raise SpecError(f"{one!r} is not an input")
        if not isinstance(one.name, str) or not one.name or len(one.name) > 100:
            raise SpecError(f"input name {one.name!r}: a text of 1 to 100 characters is needed")
        if one.name in names:
            raise SpecError(f"input '{one.name}': the name is taken already")
        names.add(one.name)
        if isinstance(one, Frame):
            check_whole(f"input '{one.name}': offset", one.offset, -_MAX_OFFSET, _MAX_OFFSET)
            if one.offset in offsets:
                raise SpecError(f"input '{one.name}': another input is the frame at {one.offset} already")
            offsets.append(one.offset)
        elif isinstance(one, State):
            check_whole(f"input '{one.name}': channels", one.channels, 1, MAX_CHANNELS)
    if 0 not in offsets:
        raise SpecError("no input is the frame that is upscaled, the one at offset 0")
    if sum(isinstance(one, Previous) for one in inputs) > 1:
        raise SpecError("two inputs are the previous result; one is enough")


def _check_state(state: State, values: Mapping[str, Value]) -> None:
    where = f"input '{state.name}': next={state.next!r}"
    result = values.get(state.next) if isinstance(state.next, str) else None
    if result is None:
        raise SpecError(f"{where}: no layer of that name makes it")
    if (result.channels, result.scale) != (state.channels, 1):
        raise SpecError(f"{where} has {result.channels} channels at x{result.scale}; {state.channels} at x1 are needed")


# Fields that came later, and what they are where nothing is said: then they are not written, so that the description of
# a network that has no use for them is what it always was.
_LATER: dict[str, Any] = {"stride": 1, "shared": ""}


def _written(kind: str, one: Layer | Input) -> dict[str, Any]:
    return {"kind": kind, **{k: v for k, v in asdict(one).items() if k not in _LATER or v != _LATER[k]}}


def _from(what: str, item: Any, kinds: Mapping[str, Callable[..., Any]]) -> Any:
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise SpecError(f"{what}: kind={kind!r}: one of {', '.join(kinds)} is needed")
    names = {field.name for field in fields(cast(Any, kinds[kind]))}
    _fields(what, item, {"kind", *(names - set(_LATER))}, names & set(_LATER))
    return kinds[kind](**{key: tuple(v) if isinstance(v, list) else v for key, v in item.items() if key != "kind"})


def _fields(what: str, document: Any, wanted: set[str], more: set[str]) -> None:
    """Raises unless the fields are those wanted, and perhaps some more."""
    if not isinstance(document, dict):
        raise SpecError(f"{what}: an object is needed")
    odd = sorted((wanted - set(document)) | (set(document) - wanted - more))
    if odd:
        raise SpecError(f"{what}: unknown or missing: {', '.join(map(str, odd))}")
