"""Spec, the description of a network as data: an ordered graph of layers, validated when built, without a framework.

Every layer names the values that it reads, and later layers read it by its own name. The last layer is the result. The
input is an image, ``INPUT``, or what :attr:`Spec.inputs` declares: frames of a video and states. Other properties
follow from the graph and are computed here: the size of each value relative to the input, how many samples convolution
loses, the receptive field, the amount of work.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from fractions import Fraction
from typing import Any, cast, get_args

from subpixel.errors import SpecError, shown, unknown
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
    RunningMean,
    State,
    Value,
    Warp,
    check_choice,
    check_integer,
    is_name,
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
    "RunningMean",
    "Spec",
    "State",
    "Value",
    "Warp",
    "sources_of",
]

# As in layers.py: far beyond any network, so that an untrusted description cannot request absurd amounts of work.
_MAX_LAYERS = 4096
_MAX_INPUTS = 64
_MAX_HALO = 2048
_MAX_OFFSET = 16
_MAX_FRAMES = 4096
_MAX_CODE = 255

_NAMES = {cls: kind for kind, cls in KINDS.items()}
_INPUTS: dict[str, type[Input]] = {
    "frame": Frame,
    "state": State,
    "previous": Previous,
    "running_mean": RunningMean,
}
_INPUT_NAMES = {cls: kind for kind, cls in _INPUTS.items()}
_IMAGE: tuple[Input, ...] = (Frame(INPUT),)


@dataclass(frozen=True)
class Spec:
    """A super-resolution network.

    Args:
        layers: the graph, in an order in which it can be computed.
        scale: the upscaling factor; checked against the layers.
        colour: ``luma`` (one plane, BT.601/709 studio luma: 16/255 … 235/255) or ``rgb`` (three planes, 0 … 1,
            encoded values in the order red, green, blue).
        border: ``replicate``: the edge samples are repeated once by :attr:`halo`, and every layer convolves without
            padding; ``zero``: every convolution pads with zeros. Strides and warps need ``zero``. If there are strides,
            the last row and column of an image are first repeated up to a :attr:`multiple`.
        inputs: the inputs; by default one image, named ``INPUT``. A network for videos declares frames and states.

    Raises:
        SpecError: the network contradicts itself. The text names the layer and what would fit.

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
        check_integer("scale", self.scale, 1, MAX_SCALE)
        _check_inputs(self.inputs)
        if not 1 <= len(self.layers) <= _MAX_LAYERS:
            raise SpecError(f"the network has {len(self.layers)} layers; 1 to {_MAX_LAYERS} are needed")
        values = self._trace(self.border)
        self._check_layers(values)
        object.__setattr__(self, "_values", values)
        result = values[self.layers[-1].name]
        if result.scale != self.scale:
            raise SpecError(
                f"layer '{self.layers[-1].name}': the result is ×{result.scale}, but the network has scale={self.scale}"
            )
        if result.channels != self.channels:
            raise SpecError(
                f"layer '{self.layers[-1].name}': the result has {result.channels} channels; "
                f"colour '{self.colour}' needs {self.channels}"
            )
        for state in self.states:
            _check_state(state, values)
        if self.multiple > MAX_SCALE:
            raise SpecError(
                f"the strides need sides that are multiples of {self.multiple}; at most {MAX_SCALE} is possible"
            )
        if self.halo > _MAX_HALO:
            raise SpecError(
                f"the receptive field reaches {self.halo} samples to each side; at most {_MAX_HALO} is possible"
            )

    @property
    def channels(self) -> int:
        """The number of planes of an image: 1 for luma, 3 for RGB."""
        return 1 if self.colour == "luma" else 3

    @property
    def values(self) -> Mapping[str, Value]:
        """Channels, scale and lost samples of every input and every layer's result, by name."""
        values: Mapping[str, Value] = self._values  # type: ignore[attr-defined]
        return values

    @property
    def plain(self) -> bool:
        """Whether the network is from one image to one image, without further frames or states."""
        return self.inputs == _IMAGE

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The inputs that are frames."""
        return tuple(one for one in self.inputs if isinstance(one, Frame))

    @property
    def states(self) -> tuple[State, ...]:
        """The inputs that are states."""
        return tuple(one for one in self.inputs if isinstance(one, State))

    @property
    def means(self) -> tuple[RunningMean, ...]:
        """The inputs that are running means."""
        return tuple(one for one in self.inputs if isinstance(one, RunningMean))

    @property
    def has_memory(self) -> bool:
        """Whether results depend on more than the frames that are read: on states, the previous result or a mean."""
        return len(self.frames) < len(self.inputs)

    @property
    def bases(self) -> tuple[str, ...]:
        """The names of the inputs that the result is like, to which a network adds detail: the frame, running means."""
        return (*(one.name for one in self.frames if one.offset == 0), *(one.name for one in self.means))

    @property
    def reach(self) -> tuple[int, int]:
        """How many frames before and after the upscaled one are read. The second number delays every result."""
        offsets = [frame.offset for frame in self.frames]
        return -min(offsets), max(offsets)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the layers whose values are returned: the result, then the next value of each state."""
        return tuple(dict.fromkeys((self.layers[-1].name, *(state.next for state in self.states))))

    @property
    def multiple(self) -> int:
        """The number of which an image's sides must be multiples, so that every stride divides them."""
        return math.lcm(*(Fraction(value.scale).denominator for value in self.values.values()))

    @property
    def halo(self) -> int:
        """How many input samples beyond each side can affect an output sample."""
        # A layer that pads reaches as far as the samples that it would lose without padding.
        values = self._trace("replicate") if self.border == "zero" else self.values
        return max(math.ceil(values[name].lost / values[name].scale) for name in self.outputs)

    @property
    def receptive_field(self) -> int:
        """The side of the square of input samples that affect the output samples of one input sample."""
        return 2 * self.halo + 1

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-accumulate operations of all convolutions for each input pixel, away from the borders.

        A convolution uses each weight once for every output sample, a transposed one once for every input sample.
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
        """The shape of every weight tensor, by name."""
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
        """The number of trained values."""
        return sum(math.prod(shape) for shape in self.weight_shapes.values())

    def to_json(self) -> str:
        """One line of JSON with sorted keys, from which :meth:`from_json` makes an equal Spec."""
        layers = [_to_document(_NAMES[type(layer)], layer) for layer in self.layers]
        document = {"scale": self.scale, "colour": self.colour, "border": self.border, "layers": layers}
        if not self.plain:
            document["inputs"] = [_to_document(_INPUT_NAMES[type(one)], one) for one in self.inputs]
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Spec:
        """Read a description that :meth:`to_json` wrote. Nothing in the text is trusted.

        Raises:
            SpecError: the text is not JSON, fields are unknown or missing, or the network is not valid.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"the network description is not JSON: {error}") from None
        _check_fields("the network description", document, {"scale", "colour", "border", "layers"}, {"inputs"})
        lists = []
        for part, word, kinds in (("layers", "layer", KINDS), ("inputs", "input", _INPUTS)):
            items = document.get(part)
            if part in document and not isinstance(items, list):
                raise SpecError(f"the network description: '{part}' must be a list")
            lists.append([_from_document(f"{word} {number}", item, kinds) for number, item in enumerate(items or [])])
        inputs = tuple(lists[1]) if "inputs" in document else _IMAGE
        return cls(tuple(lists[0]), document["scale"], document["colour"], document["border"], inputs)

    def _trace(self, border: Border) -> dict[str, Value]:
        values = {one.name: self._input_value(one) for one in self.inputs}
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise SpecError(f"{shown(layer)} is not a layer")
            if not is_name(layer.name):
                raise SpecError(f"layer name {shown(layer.name)}: a text of 1 to 100 characters is needed")
            if layer.name in values:
                raise SpecError(f"layer '{layer.name}': an earlier layer or input has that name")
            result = values[layer.name] = TRACERS[type(layer)](layer, values, border)
            if result.scale > MAX_SCALE:
                raise SpecError(f"layer '{layer.name}': ×{result.scale} is above ×{MAX_SCALE}")
            if result.scale * MAX_SCALE < 1:
                raise SpecError(f"layer '{layer.name}': ×{result.scale} is below ×1/{MAX_SCALE}")
        return values

    def _input_value(self, one: Input) -> Value:
        if isinstance(one, State):
            return Value(one.channels, 1, 0)
        return Value(self.channels * (self.scale**2 if isinstance(one, Previous) else 1), 1, 0)

    def _check_layers(self, values: Mapping[str, Value]) -> None:
        """The checks that need the whole graph: that every value is read, shared weights, and strides."""
        owners: dict[str, Conv] = {}
        # An unread value would be computed in vain, and might reach further than the result's halo.
        unread = set(values) - {name for layer in self.layers for name in sources_of(layer)} - set(self.outputs)
        inputs = {one.name for one in self.inputs}
        if unread - inputs:
            raise SpecError(f"layer '{min(unread - inputs)}': no later layer reads it")
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
        raise SpecError(
            f"{where}shared={shown(layer.shared)}: an earlier convolution with weights of its own is needed"
        )
    for part in ("in_channels", "out_channels", "kernel", "activation", "bias"):
        here, there = getattr(layer, part), getattr(owner, part)
        if here != there:
            raise SpecError(
                f"{where}{part}={shown(here)}: it shares the weights of '{owner.name}', which has {shown(there)}"
            )


def _check_inputs(inputs: tuple[Input, ...]) -> None:
    if not 1 <= len(inputs) <= _MAX_INPUTS:
        raise SpecError(f"the network has {len(inputs)} inputs; 1 to {_MAX_INPUTS} are needed")
    names: set[str] = set()
    offsets: list[int] = []
    for one in inputs:
        if not isinstance(one, Input):
            raise SpecError(f"{shown(one)} is not an input")
        if not is_name(one.name):
            raise SpecError(f"input name {shown(one.name)}: a text of 1 to 100 characters is needed")
        if one.name in names:
            raise SpecError(f"input '{one.name}': an earlier input has that name")
        names.add(one.name)
        if isinstance(one, Frame):
            check_integer(f"input '{one.name}': offset", one.offset, -_MAX_OFFSET, _MAX_OFFSET)
            if one.offset in offsets:
                raise SpecError(f"input '{one.name}': offset={one.offset}: an earlier input is that frame")
            offsets.append(one.offset)
        elif isinstance(one, State):
            check_integer(f"input '{one.name}': channels", one.channels, 1, MAX_CHANNELS)
        elif isinstance(one, RunningMean):
            _check_running_mean(one)
    if 0 not in offsets:
        raise SpecError("no input is the frame that is upscaled; a frame with offset=0 is needed")
    if sum(isinstance(one, Previous) for one in inputs) > 1:
        raise SpecError("two inputs are the previous result; at most one is possible")


def _check_running_mean(one: RunningMean) -> None:
    check_integer(f"input '{one.name}': frames", one.frames, 1, _MAX_FRAMES)
    numbers = (one.still, one.changed)
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers) or not (
        0 <= one.still < one.changed <= _MAX_CODE
    ):
        raise SpecError(
            f"input '{one.name}': still={shown(one.still)}, changed={shown(one.changed)}: codes of 0 to 255 are "
            "needed, of which 'changed' is the larger"
        )


def _check_state(state: State, values: Mapping[str, Value]) -> None:
    where = f"input '{state.name}': next={shown(state.next)}"
    result = values.get(state.next) if isinstance(state.next, str) else None
    if result is None:
        raise SpecError(f"{where}: the name of a layer is needed")
    if (result.channels, result.scale) != (state.channels, 1):
        raise SpecError(f"{where} has {result.channels} channels at ×{result.scale}; {state.channels} at ×1 are needed")


# Fields that were added later, with their defaults. A default is not written, so that the descriptions of networks that
# do not use these fields did not change.
_OPTIONAL_FIELDS = ("stride", "shared")


def _to_document(kind: str, one: Layer | Input) -> dict[str, Any]:
    defaults = {f.name: f.default for f in fields(one) if f.name in _OPTIONAL_FIELDS and f.default is not MISSING}
    parts = {k: v for k, v in asdict(one).items() if k not in defaults or v != defaults[k]}
    return {"kind": kind, **parts}


def _from_document(what: str, item: Any, kinds: Mapping[str, Callable[..., Any]]) -> Any:
    kind = item.get("kind") if isinstance(item, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        raise unknown("kind", kind, kinds, where=what, error=SpecError)
    own = fields(cast(Any, kinds[kind]))
    names = {field.name for field in own}
    # A field of that name has a default in one kind of layer and none in another: the stride.
    optional = {field.name for field in own if field.name in _OPTIONAL_FIELDS and field.default is not MISSING}
    _check_fields(what, item, {"kind", *(names - optional)}, optional)
    return kinds[kind](**{key: tuple(v) if isinstance(v, list) else v for key, v in item.items() if key != "kind"})


def _check_fields(what: str, document: Any, required: set[str], optional: set[str]) -> None:
    """Raise SpecError unless all required fields are there, and no others but optional ones."""
    if not isinstance(document, dict):
        raise SpecError(f"{what}: an object is needed")
    odd = sorted((required - set(document)) | (set(document) - required - optional))
    if odd:
        names = ", ".join(name if is_name(name) else shown(name) for name in odd[:8])
        raise SpecError(f"{what}: unknown or missing fields: {names}{' …' if len(odd) > 8 else ''}")
