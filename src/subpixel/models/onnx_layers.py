"""ONNX nodes as layers of a Spec: one translation for each kind of node.

Besides layers, a translation keeps how many samples each value lacks at its sides, compared with the input as padded,
so that crops, which a Spec makes by itself, can be told from crops that it does not make.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import shown
from subpixel.models.layers import INPUT, MAX_SCALE, Activation, Border
from subpixel.models.spec import Add, Concat, Conv, ConvTranspose, Layer, PixelShuffle, Resize
from subpixel.ops.resizing.taps import SUPPORT

__all__ = ["Constants", "Node", "Translation", "Untranslatable"]

# Weights of the convolutions that only carry an activation, all together: far beyond any network, and a quarter GiB.
_MOST_CARRIED = 1 << 26

Constants = dict[str, NDArray[Any]]
Pair = tuple[int, int]


class Untranslatable(Exception):
    """A node has no counterpart; the text is the end of a sentence about it."""


@dataclass(frozen=True)
class Node:
    """A node of an ONNX graph, with its attributes as Python has them."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def check(self, **expected: Any) -> None:
        """Raise Untranslatable if an attribute is there and has another value."""
        for name, wanted in expected.items():
            value = self.attributes.get(name, wanted)
            value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if value != wanted and (not isinstance(wanted, tuple) or tuple(value) != wanted):
                raise Untranslatable(f"{name}={shown(value)}; {shown(wanted)} is needed")

    def text(self, name: str, default: str) -> str:
        """An attribute that is a text."""
        value = self.attributes.get(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def pair(self, name: str, default: int) -> Pair:
        """An attribute with a number for each axis."""
        first, second = self.attributes.get(name, (default, default))
        return int(first), int(second)


@dataclass(frozen=True)
class Known:
    """A value of the graph.

    Args:
        layer: the name of the layer that makes it.
        channels: its number of channels.
        scale: its size relative to the input.
        lost: samples that it lacks at each side of height and width, at its own resolution; negative for a margin.
        edge: how many samples at its sides would be others if the input had a wider margin.
    """

    layer: str
    channels: int
    scale: int
    lost: Pair
    edge: int = 0


class Translation:
    """A graph on its way to a Spec.

    Args:
        constants: the constants by name.
        source: the name of the input.
        channels: of the input.
        uses: how often each value is read.
    """

    def __init__(self, constants: Constants, source: str, channels: int, uses: Mapping[str, int]) -> None:
        self.constants, self._uses = constants, uses
        self.layers: list[Layer] = []
        self.weights: dict[str, NDArray[np.float32]] = {}
        self._values: dict[str, Known | None] = {source: Known(INPUT, channels, 1, (0, 0))}
        self._made: dict[str, str] = {}
        self._padded = False
        self._carried = 0
        self._border: Border | None = None

    def add(self, node: Node) -> None:
        """Translate a node.

        Raises:
            Untranslatable: it has no counterpart.
        """
        for name in node.outputs:
            self._values.setdefault(name, None)  # unknown, so that what reads it is not refused as well
        if any(name in self._values and self._values[name] is None for name in node.inputs):
            return
        translate = _TRANSLATIONS.get(node.kind)
        if translate is None:
            raise Untranslatable("this kind of node is not known")
        result = translate(self, node)
        if isinstance(result, np.ndarray):
            self.constants[node.outputs[0]] = result
            del self._values[node.outputs[0]]
        else:
            self._values[node.outputs[0]] = result
            self._made.setdefault(result.layer, node.outputs[0])

    def finish(self, output: str) -> tuple[list[Layer], dict[str, NDArray[np.float32]], Border, int]:
        """The layers, the weights, the border and the scale.

        Raises:
            Untranslatable: the output is no image of the input's size times the scale.
        """
        known = self._values.get(output)
        if known is None or known.layer == INPUT:
            raise Untranslatable("its output is not computed from its input")
        if known.lost != (0, 0):
            raise Untranslatable(
                f"its output is {known.lost[0]} rows and {known.lost[1]} columns smaller at each side than the input "
                f"times {known.scale}; the same size is needed"
            )
        if self._padded and known.edge:
            raise Untranslatable("it repeats the edges of its input by less than its layers reach")
        read: set[str] = {known.layer}
        kept = []
        for layer in reversed(self.layers):
            if layer.name in read:
                kept.append(layer)
                read |= set(layer.sources if isinstance(layer, (Add, Concat)) else (layer.source,))
        names = {layer.name for layer in kept}
        weights = {name: value for name, value in self.weights.items() if name.rpartition(".")[0] in names}
        return kept[::-1], weights, self._border or ("replicate" if self._padded else "zero"), known.scale

    def value(self, node: Node, number: int = 0) -> Known:
        """An input of a node that must be computed from the image."""
        name = node.inputs[number]
        known = self._values.get(name)
        if known is None:
            raise Untranslatable(f"it reads {shown(name)}, which is no image")
        return known

    def constant(self, node: Node, number: int, *, missing: Any = None) -> NDArray[Any] | None:
        """An input of a node that must be constant; ``missing`` if it is left out."""
        if number >= len(node.inputs) or not node.inputs[number]:
            return missing  # type: ignore[no-any-return]
        value = self.constants.get(node.inputs[number])
        if value is None:
            raise Untranslatable(f"input {shown(node.inputs[number])} is not constant")
        return value

    def alone(self, node: Node) -> bool:
        """Whether a node's first input is the result of the last layer, read by this node alone."""
        name = node.inputs[0]
        return self._uses[name] == 1 and bool(self.layers) and self._made.get(self.layers[-1].name) == name

    def carry(self, source: Known, kind: Activation) -> Known:
        """Add a convolution that changes nothing but has an activation, for a value that no convolution made.

        Raises:
            Untranslatable: such convolutions need too much memory.
        """
        self._carried += source.channels**2
        if self._carried > _MOST_CARRIED:
            raise Untranslatable("too many activations of wide values that no convolution made")
        name = self.name("act")
        self.weights[f"{name}.weight"] = np.eye(source.channels, dtype=np.float32)[:, :, None, None]
        layer = Conv(name, source.layer, source.channels, source.channels, (1, 1), kind, bias=False)
        return self.add_layer(layer, replace(source, layer=name))

    def name(self, kind: str) -> str:
        """The name of a new layer."""
        return f"{kind}{1 + sum(layer.name.startswith(kind) for layer in self.layers)}"

    def use_border(self, border: Border) -> None:
        """A layer that needs this border.

        Raises:
            Untranslatable: an earlier one needs the other.
        """
        if self._border not in (None, border) or (border == "zero" and self._padded):
            raise Untranslatable(
                "it pads with zeros, and other nodes repeat edges or pad nothing; one border is needed for all"
            )
        self._border = border

    def add_layer(self, layer: Layer, known: Known) -> Known:
        """Add a layer that makes a value."""
        self.layers.append(layer)
        return known


def _weights(translation: Translation, node: Node) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    weight = translation.constant(node, 1)
    if weight is None or weight.ndim != 4:
        raise Untranslatable("a weight of four axes is needed")
    bias = translation.constant(node, 2)
    return (
        np.ascontiguousarray(weight, np.float32),
        None if bias is None else np.ascontiguousarray(bias.reshape(-1), np.float32),
    )


def _conv(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    weight, bias = _weights(translation, node)
    node.check(group=1, dilations=(1, 1), strides=(1, 1))
    out, _, *kernel = weight.shape
    if any(side % 2 == 0 for side in kernel):
        raise Untranslatable(f"a kernel of {kernel[0]}×{kernel[1]}; odd sides are needed")
    half = (kernel[0] // 2, kernel[1] // 2)
    automatic = node.text("auto_pad", "NOTSET")
    pads = tuple(int(n) for n in node.attributes.get("pads", (0, 0, 0, 0)))
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        pads = (*half, *half)
    elif automatic not in ("NOTSET", "VALID"):
        raise Untranslatable(f"auto_pad={shown(automatic)}")
    lost = source.lost
    if pads == (*half, *half) and any(half):
        translation.use_border("zero")
    elif not any(pads):
        if any(half):
            translation.use_border("replicate")
        lost = (lost[0] + half[0], lost[1] + half[1])
    else:
        raise Untranslatable(f"pads={shown(pads)}; none, or {(*half, *half)}, are needed")
    name = translation.name("conv")
    layer = Conv(name, source.layer, source.channels, out, (kernel[0], kernel[1]), bias=bias is not None)
    translation.weights[f"{name}.weight"] = weight
    if bias is not None:
        translation.weights[f"{name}.bias"] = bias
    return translation.add_layer(layer, Known(name, out, source.scale, lost, source.edge))


def _conv_transpose(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    weight, bias = _weights(translation, node)
    node.check(group=1, dilations=(1, 1), auto_pad="NOTSET")
    if "output_shape" in node.attributes:
        raise Untranslatable("output_shape; pads and output_padding are needed")
    out, kernel = weight.shape[1], weight.shape[2:]
    stride = node.pair("strides", 1)
    extra = node.pair("output_padding", 0)
    top, left, bottom, right = (int(n) for n in node.attributes.get("pads", (0, 0, 0, 0)))
    after = tuple(k - stride[0] - p for k, p in zip(kernel, (top, left), strict=True))
    given = (bottom - extra[0], right - extra[1])
    if stride[0] != stride[1] or given != after:
        raise Untranslatable("its result is not exactly as many times larger as its stride")
    name = translation.name("up")
    layer = ConvTranspose(
        name, source.layer, source.channels, out, (kernel[0], kernel[1]), stride[0], (top, left), bias is not None
    )
    translation.weights[f"{name}.weight"] = weight
    if bias is not None:
        translation.weights[f"{name}.bias"] = bias
    lost = (source.lost[0] * stride[0], source.lost[1] * stride[0])
    edge = source.edge * stride[0] + max(0, top, left, *after)
    return translation.add_layer(layer, Known(name, out, source.scale * stride[0], lost, edge))


def _activation(kind: Activation) -> Callable[[Translation, Node], Known]:
    def translate(translation: Translation, node: Node) -> Known:
        source = translation.value(node)
        slope = _slope(translation, node, source.channels) if kind == "prelu" else None
        if kind == "clip":
            low, high = (translation.constant(node, 1), translation.constant(node, 2))
            bounds = [None if one is None else float(one.reshape(())) for one in (low, high)]
            bounds = [node.attributes.get(n, b) for n, b in zip(("min", "max"), bounds, strict=True)]
            if bounds != [0.0, 1.0]:
                raise Untranslatable(f"from {bounds[0]} to {bounds[1]}; 0 to 1 is needed")
        last = translation.layers[-1] if translation.layers else None
        if (
            isinstance(last, Conv)
            and (last.name, last.activation) == (source.layer, "none")
            and translation.alone(node)
        ):
            translation.layers[-1] = replace(last, activation=kind)
        else:
            source = translation.carry(source, kind)
        if slope is not None:
            translation.weights[f"{source.layer}.slope"] = slope
        return source

    return translate


def _slope(translation: Translation, node: Node, channels: int) -> NDArray[np.float32]:
    if node.kind == "LeakyRelu":
        return np.full(channels, node.attributes.get("alpha", 0.01), np.float32)
    slope = translation.constant(node, 1)
    if slope is None or (slope.size > 1 and slope.shape[-3:] != (channels, 1, 1)) or slope.size not in (1, channels):
        raise Untranslatable("one slope, or one for each channel, is needed")
    return np.ascontiguousarray(np.broadcast_to(slope.reshape(-1), channels), np.float32)


def _join(translation: Translation, node: Node) -> Known:
    sources = [translation.value(node, number) for number in range(len(node.inputs))]
    if node.kind == "Concat":
        node.check(axis=1)
    first = sources[0]
    if any((one.scale, one.lost) != (first.scale, first.lost) for one in sources):
        raise Untranslatable("it joins values of different sizes")
    if node.kind == "Add" and any(one.channels != first.channels for one in sources):
        raise Untranslatable("it adds values of different numbers of channels")
    first = replace(first, edge=max(one.edge for one in sources))
    names = tuple(one.layer for one in sources)
    if len(names) == 1:
        return first
    if node.kind == "Add":
        name = translation.name("sum")
        return translation.add_layer(Add(name, names), replace(first, layer=name))
    name = translation.name("joined")
    channels = sum(one.channels for one in sources)
    return translation.add_layer(Concat(name, names), replace(first, layer=name, channels=channels))


def _depth_to_space(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    factor, order = int(node.attributes["blocksize"]), node.text("mode", "DCR")
    if order not in ("CRD", "DCR") or source.channels % factor**2:
        raise Untranslatable(f"blocksize={factor}, mode={shown(order)} of {source.channels} channels")
    name = translation.name("shuffle")
    layer = PixelShuffle(name, source.layer, factor, order)  # type: ignore[arg-type]
    lost = (source.lost[0] * factor, source.lost[1] * factor)
    edge = source.edge * factor
    return translation.add_layer(layer, Known(name, source.channels // factor**2, source.scale * factor, lost, edge))


def _resize(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    upsample = node.kind == "Upsample"
    scales = translation.constant(node, 1 if upsample else 2)
    if scales is None or scales.shape != (4,):
        raise Untranslatable("constant scales of four axes are needed")
    rows, columns = float(scales[2]), float(scales[3])
    if list(scales[:2]) != [1, 1] or rows != columns or rows != int(rows) or not 1 <= rows <= MAX_SCALE:
        raise Untranslatable(f"scales={shown(scales.tolist())}; one integer for height and width is needed")
    node.check(antialias=0, exclude_outside=0)
    mode = node.text("mode", "nearest")
    coordinates = node.text("coordinate_transformation_mode", "asymmetric" if upsample else "half_pixel")
    rounding = node.text("nearest_mode", "floor" if upsample else "round_prefer_floor")
    factor = int(rows)
    if mode == "nearest":
        # Both repeat each sample: at half-pixel positions an even factor never lies halfway between two samples.
        repeats = (coordinates, rounding) == ("asymmetric", "floor") or (
            coordinates in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round_prefer")
        )
        if not repeats:
            raise Untranslatable(f"{coordinates}, {rounding}: it does not repeat samples")
    elif mode in ("linear", "cubic"):
        if coordinates not in ("half_pixel", "pytorch_half_pixel"):
            raise Untranslatable(f"{coordinates}; half_pixel is needed")
        if mode == "cubic" and abs(node.attributes.get("cubic_coeff_a", -0.75) + 0.5) > 1e-6:
            raise Untranslatable(f"a cubic with a={node.attributes.get('cubic_coeff_a', -0.75):g}; -0.5 is needed")
    else:
        raise Untranslatable(f"mode={shown(mode)}")
    name = translation.name("resize")
    lost = (source.lost[0] * factor, source.lost[1] * factor)
    layer = Resize(name, source.layer, factor, mode)  # type: ignore[arg-type]
    # Beside the repeated edge of the input itself lies nothing else.
    edge = 0 if source.layer == INPUT else (source.edge + SUPPORT[mode]) * factor
    return translation.add_layer(layer, Known(name, source.channels, source.scale * factor, lost, edge))


def _pad(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    pads = translation.constant(node, 1)
    if pads is None:
        pads = np.array(node.attributes["pads"])
    if len(node.inputs) > 3 and node.inputs[3]:
        raise Untranslatable("axes; all four axes are needed")
    values = [int(n) for n in pads.reshape(-1)]
    rows, columns = values[2], values[3]
    if values != [0, 0, rows, columns, 0, 0, rows, columns] or min(rows, columns) < 0:
        raise Untranslatable(f"pads={shown(values)}; as many samples at both sides of height and width are needed")
    if rows == columns == 0:
        return source
    if node.text("mode", "constant") != "edge" or source.layer != INPUT or source.lost != (0, 0):
        raise Untranslatable("only edges of the input itself can be repeated, once, before everything else")
    if translation.layers:
        raise Untranslatable("other nodes read the input before its edges are repeated")
    translation._padded = True
    return replace(source, lost=(-rows, -columns))


def _slice(translation: Translation, node: Node) -> Known:
    source = translation.value(node)
    parts = [translation.constant(node, number) for number in (1, 2, 3, 4)]
    if parts[0] is None or parts[1] is None:
        raise Untranslatable("constant starts and ends are needed")
    starts, ends = ([int(n) for n in part.reshape(-1)] for part in parts[:2] if part is not None)
    axes = list(range(len(starts))) if parts[2] is None else [int(n) % 4 for n in parts[2].reshape(-1)]
    steps = [1] * len(starts) if parts[3] is None else [int(n) for n in parts[3].reshape(-1)]
    if not set(axes) <= {2, 3} or set(steps) != {1}:
        raise Untranslatable("only height and width can be cropped")
    cut = {2: 0, 3: 0}
    for axis, start, end in zip(axes, starts, ends, strict=True):
        whole = end >= np.iinfo(np.int32).max and start == 0
        if not whole and (start < 0 or end != -start):
            raise Untranslatable("as many samples must be cropped at both sides")
        cut[axis] = start
    lost = (source.lost[0] + cut[2], source.lost[1] + cut[3])
    return replace(source, lost=lost, edge=max(0, source.edge - min(cut.values())))


def _same(translation: Translation, node: Node) -> Known | NDArray[Any]:
    constant = translation.constants.get(node.inputs[0])
    return translation.value(node) if constant is None else constant


def _constant(translation: Translation, node: Node) -> NDArray[Any]:
    from onnx import TensorProto, numpy_helper

    for name, value in node.attributes.items():
        if name == "value":
            if value.data_location == TensorProto.EXTERNAL:
                raise Untranslatable("its value lies in another file")
            return numpy_helper.to_array(value)
        if name in ("value_float", "value_floats"):
            return np.array(value, np.float32)
        if name in ("value_int", "value_ints"):
            return np.array(value, np.int64)
    raise Untranslatable("its value is no array of numbers")


_TRANSLATIONS: dict[str, Callable[[Translation, Node], Known | NDArray[Any]]] = {
    "Add": _join,
    "Clip": _activation("clip"),
    "Concat": _join,
    "Constant": _constant,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Identity": _same,
    "LeakyRelu": _activation("prelu"),
    "PRelu": _activation("prelu"),
    "Pad": _pad,
    "Relu": _activation("relu"),
    "Resize": _resize,
    "Slice": _slice,
    "Tanh": _activation("tanh"),
    "Upsample": _resize,
}
