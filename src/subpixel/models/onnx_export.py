"""Exports a Spec as an ONNX model: the graph runs with kernels that add ONNX nodes instead of computing."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import MissingExtra, Unsupported, unknown
from subpixel.models.graph import require_single_image, run
from subpixel.models.spec import Activation, Spec
from subpixel.ops.resizing.taps import Mode
from subpixel.ops.shuffle import Order

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["to_onnx", "value_range"]

# Old enough for all current runtimes, new enough for all operators that are used.
_OPSET, _IR_VERSION = 17, 8


def to_onnx(spec: Spec, weights: Mapping[str, NDArray[np.float32]], size: tuple[int, int] | None = None) -> ModelProto:
    """Export a network as an ONNX model in f32, opset 17.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        size: height and width of the input if they are fixed. Some runtimes optimise better with fixed sizes, and some
            need them.

    Returns:
        An ``onnx.ModelProto`` from ``input`` ``(N, C, H, W)`` to ``output`` ``(N, C, H*scale, W*scale)``, f32 in the
        Spec's colour range, which :func:`value_range` says. The model says it too: as its description, as that of
        ``input`` and ``output``, and as the metadata ``subpixel.range``. With ``size``, N is 1.

    Raises:
        MissingExtra: the package ``onnx`` is not installed.
        Unsupported: the network is for videos, or has strides or warps.

    Source: ONNX operator specification, https://onnx.ai/onnx/operators.

    >>> from subpixel.models.bicubic import bicubic
    >>> [node.op_type for node in to_onnx(bicubic(2), {}).graph.node]
    ['Pad', 'Resize', 'Slice', 'Identity']
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise MissingExtra("exporting to ONNX needs the package onnx: pip install onnx") from None
    require_single_image(spec)
    if spec.multiple > 1:
        raise Unsupported("networks with strides cannot be exported to ONNX")
    graph = _Graph()
    tensors = {name: graph.constant(np.asarray(value, np.float32), name) for name, value in weights.items()}
    result = run(spec, tensors, _Value(graph, "input"), _OnnxKernels())
    graph.add("Identity", [result.name], output="output")
    n, h, w = ("N", "H", "W") if size is None else (1, *size)
    high, wide = ("H_out", "W_out") if size is None else (side * spec.scale for side in size)
    doc = value_range(spec)
    product = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in graph.nodes],
        "subpixel",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [n, spec.channels, h, w], doc)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [n, spec.channels, high, wide], doc)],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = helper.make_model(
        product, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="subpixel"
    )
    model.doc_string = f"Upscales ×{spec.scale}. Input and output: {doc}"
    helper.set_model_props(model, {"subpixel.scale": str(spec.scale), "subpixel.range": doc})
    checker.check_model(model)
    return model


def value_range(spec: Spec) -> str:
    """What the planes of a network hold, in a sentence.

    >>> from subpixel.models.bicubic import bicubic
    >>> print(value_range(bicubic(2, colour="rgb")))
    RGB planes, 0 to 1 for codes 0 to 255.
    >>> print(value_range(bicubic(2)))
    luma (BT.601 or BT.709) in studio range: 16/255 for black to 235/255 for white. Full-range luma must be converted.
    """
    if spec.colour == "rgb":
        return "RGB planes, 0 to 1 for codes 0 to 255."
    return (
        "luma (BT.601 or BT.709) in studio range: 16/255 for black to 235/255 for white. Full-range luma must be "
        "converted."
    )


class _Graph:
    """Nodes and constants, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def add(self, kind: str, inputs: list[str], output: str | None = None, **options: Any) -> _Value:
        output = output or f"value{len(self.nodes)}"
        self.nodes.append((kind, inputs, output, options))
        return _Value(self, output)

    def constant(self, value: NDArray[Any], name: str | None = None) -> _Value:
        name = name or f"constant{len(self.constants)}"
        self.constants[name] = value
        return _Value(self, name)

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64)).name


class _Value:
    """A value of the ONNX graph, which can be cropped like an array."""

    def __init__(self, graph: _Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def __getitem__(self, key: tuple[EllipsisType, slice, slice]) -> _Value:
        rows, columns = key[1:]
        end_of_axis = np.iinfo(np.int64).max
        ends = (end_of_axis if part.stop is None else part.stop for part in (rows, columns))
        graph = self.graph
        starts = graph.integers(rows.start, columns.start)
        return graph.add("Slice", [self.name, starts, graph.integers(*ends), graph.integers(2, 3)])

    def then(self, kind: str, *inputs: str, **options: Any) -> _Value:
        return self.graph.add(kind, [self.name, *inputs], **options)


class _OnnxKernels:
    """The layers as ONNX nodes, see :mod:`subpixel.models.graph`."""

    def replicate(self, x: _Value, halo: int) -> _Value:
        if halo == 0:
            return x
        return x.then("Pad", x.graph.integers(0, 0, halo, halo, 0, 0, halo, halo), mode="edge")

    def extend(self, x: _Value, rows: int, columns: int) -> _Value:
        raise NotImplementedError  # to_onnx refuses networks with strides, the only ones that need it

    def conv(self, x: _Value, weight: _Value, bias: _Value | None, padding: tuple[int, int], stride: int = 1) -> _Value:
        inputs = [weight.name] if bias is None else [weight.name, bias.name]
        return x.then("Conv", *inputs, pads=[*padding, *padding], strides=[stride, stride])

    def conv_transpose(
        self, x: _Value, weight: _Value, bias: _Value | None, stride: int, padding: tuple[int, int]
    ) -> _Value:
        inputs = [weight.name] if bias is None else [weight.name, bias.name]
        after = [k - stride - p for k, p in zip(x.graph.constants[weight.name].shape[2:], padding, strict=True)]
        pads = [*padding, *(max(0, n) for n in after)]
        extra = [max(0, -n) for n in after]
        return x.then("ConvTranspose", *inputs, strides=[stride, stride], pads=pads, output_padding=extra)

    def activate(self, x: _Value, kind: str, slope: _Value | None) -> _Value:
        if kind == "prelu":
            assert slope is not None
            x.graph.constants[slope.name] = x.graph.constants[slope.name].reshape(-1, 1, 1)
            return x.then("PRelu", slope.name)
        if kind == "clip":
            bounds = [x.graph.constant(np.array(bound, np.float32)).name for bound in (0, 1)]
            return x.then("Clip", *bounds)
        if kind not in ("relu", "tanh"):
            raise unknown("activation", kind, get_args(Activation))
        return x.then({"relu": "Relu", "tanh": "Tanh"}[kind])

    def add(self, values: list[_Value]) -> _Value:
        total = values[0]
        for value in values[1:]:
            total = total.then("Add", value.name)
        return total

    def concat(self, values: list[_Value]) -> _Value:
        return values[0].then("Concat", *(value.name for value in values[1:]), axis=1)

    def resize(self, x: _Value, factor: int, mode: Mode) -> _Value:
        scales = x.graph.constant(np.array([1, 1, factor, factor], np.float32)).name
        attributes: dict[str, Any] = {"coordinate_transformation_mode": "half_pixel", "mode": mode}
        if mode == "nearest":
            # asymmetric and floor repeat each sample, without a rule for positions halfway between two samples
            attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        if mode == "cubic":
            attributes["cubic_coeff_a"] = -0.5
        return x.then("Resize", "", scales, **attributes)

    def pixel_shuffle(self, x: _Value, factor: int, order: Order) -> _Value:
        return x.then("DepthToSpace", blocksize=factor, mode=order)

    def warp(self, x: _Value, flow: _Value, reach: float) -> _Value:
        raise Unsupported("networks with warps cannot be exported to ONNX")
