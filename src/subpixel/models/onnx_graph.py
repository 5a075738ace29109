"""An ONNX graph while it is built, and the layers of a Spec as its nodes."""

from __future__ import annotations

from types import EllipsisType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import Unsupported, unknown
from subpixel.models.spec import Activation
from subpixel.ops.resizing.taps import Mode
from subpixel.ops.shuffle import Order

__all__ = ["Graph", "OnnxKernels", "Value"]


class Graph:
    """Nodes and constants, in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def add(self, kind: str, inputs: list[str], output: str | None = None, **options: Any) -> Value:
        """Add a node; its result is named if ``output`` does not name it."""
        output = output or f"value{len(self.nodes)}"
        self.nodes.append((kind, inputs, output, options))
        return Value(self, output)

    def constant(self, value: NDArray[Any], name: str | None = None) -> Value:
        """Add a constant."""
        name = name or f"constant{len(self.constants)}"
        self.constants[name] = value
        return Value(self, name)

    def number(self, value: float, dtype: Any = np.float32) -> str:
        """The name of a new constant without axes."""
        return self.constant(np.array(value, dtype)).name

    def integers(self, *values: int) -> str:
        """The name of a new constant of integers."""
        return self.constant(np.array(values, np.int64)).name


class Value:
    """A value of the graph, which can be cropped like an array."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def __getitem__(self, key: tuple[EllipsisType, slice, slice]) -> Value:
        rows, columns = key[1:]
        end_of_axis = np.iinfo(np.int64).max
        ends = (end_of_axis if part.stop is None else part.stop for part in (rows, columns))
        graph = self.graph
        starts = graph.integers(rows.start, columns.start)
        return graph.add("Slice", [self.name, starts, graph.integers(*ends), graph.integers(2, 3)])

    def then(self, kind: str, *inputs: str, **options: Any) -> Value:
        """Add a node whose first input is this value."""
        return self.graph.add(kind, [self.name, *inputs], **options)


class OnnxKernels:
    """The layers as ONNX nodes, see :mod:`subpixel.models.graph`.

    Args:
        dtype: of the values: f32 or f16.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = dtype

    def replicate(self, x: Value, halo: int) -> Value:
        """Repeat the edges of height and width."""
        if halo == 0:
            return x
        return x.then("Pad", x.graph.integers(0, 0, halo, halo, 0, 0, halo, halo), mode="edge")

    def extend(self, x: Value, rows: int, columns: int) -> Value:
        """Networks with strides alone need it, and they are refused."""
        raise NotImplementedError

    def conv(self, x: Value, weight: Value, bias: Value | None, padding: tuple[int, int], stride: int = 1) -> Value:
        """A convolution."""
        inputs = [weight.name] if bias is None else [weight.name, bias.name]
        return x.then("Conv", *inputs, pads=[*padding, *padding], strides=[stride, stride])

    def conv_transpose(
        self, x: Value, weight: Value, bias: Value | None, stride: int, padding: tuple[int, int]
    ) -> Value:
        """A transposed convolution to exactly ``stride`` times the size."""
        inputs = [weight.name] if bias is None else [weight.name, bias.name]
        after = [k - stride - p for k, p in zip(x.graph.constants[weight.name].shape[2:], padding, strict=True)]
        pads = [*padding, *(max(0, n) for n in after)]
        extra = [max(0, -n) for n in after]
        return x.then("ConvTranspose", *inputs, strides=[stride, stride], pads=pads, output_padding=extra)

    def activate(self, x: Value, kind: str, slope: Value | None) -> Value:
        """An activation."""
        if kind == "prelu":
            assert slope is not None
            x.graph.constants[slope.name] = x.graph.constants[slope.name].reshape(-1, 1, 1)
            return x.then("PRelu", slope.name)
        if kind == "clip":
            return x.then("Clip", *(x.graph.number(bound, self.dtype) for bound in (0, 1)))
        if kind not in ("relu", "tanh"):
            raise unknown("activation", kind, get_args(Activation))
        return x.then({"relu": "Relu", "tanh": "Tanh"}[kind])

    def add(self, values: list[Value]) -> Value:
        """The sum of values."""
        total = values[0]
        for value in values[1:]:
            total = total.then("Add", value.name)
        return total

    def concat(self, values: list[Value]) -> Value:
        """Values joined along the channels."""
        return values[0].then("Concat", *(value.name for value in values[1:]), axis=1)

    def resize(self, x: Value, factor: int, mode: Mode) -> Value:
        """Height and width interpolated."""
        scales = x.graph.constant(np.array([1, 1, factor, factor], np.float32)).name
        attributes: dict[str, Any] = {"coordinate_transformation_mode": "half_pixel", "mode": mode}
        if mode == "nearest":
            # asymmetric and floor repeat each sample, without a rule for positions halfway between two samples
            attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        if mode == "cubic":
            attributes["cubic_coeff_a"] = -0.5
        return x.then("Resize", "", scales, **attributes)

    def pixel_shuffle(self, x: Value, factor: int, order: Order) -> Value:
        """Channels into space."""
        return x.then("DepthToSpace", blocksize=factor, mode=order)

    def warp(self, x: Value, flow: Value, reach: float) -> Value:
        """Nothing that all runtimes compute alike."""
        raise Unsupported("networks with warps cannot be exported to ONNX")
