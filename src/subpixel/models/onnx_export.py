"""Exports a Spec as an ONNX model: the graph runs with kernels that add ONNX nodes instead of computing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import MissingExtra, Unsupported, unknown
from subpixel.models.graph import require_single_image, run
from subpixel.models.onnx_graph import Graph, OnnxKernels, Value
from subpixel.models.onnx_image import add_image_network
from subpixel.models.onnx_int8 import add_int8_network
from subpixel.models.spec import Spec

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["GraphPrecision", "require_exportable", "to_onnx", "value_range"]

GraphPrecision = Literal["f32", "f16", "int8", "int8-qdq"]

# Old enough for all current runtimes, new enough for all operators that are used.
_OPSET, _IR_VERSION = 17, 8
_FLOAT, _FLOAT16 = 1, 10  # the numbers of the types in ONNX


def to_onnx(
    spec: Spec,
    weights: Mapping[str, NDArray[np.float32]],
    size: tuple[int, int] | None = None,
    *,
    precision: GraphPrecision = "f32",
    quantisation: Mapping[str, Any] | None = None,
    image: bool = False,
    properties: Mapping[str, str] | None = None,
) -> ModelProto:
    """Export a network as an ONNX model of opset 17.

    Args:
        spec: the network.
        weights: every tensor of ``spec.weight_shapes``.
        size: height and width of the input if they are fixed. Some runtimes optimise better with fixed sizes, and some
            need them.
        precision: ``f32``; ``f16``: the network computes in f16, from and to f32; ``int8``: the arithmetic of this
            package's int8, in floats; ``int8-qdq``: convolutions of bytes stand between QuantizeLinear and
            DequantizeLinear. See :mod:`subpixel.models.onnx_int8`.
        quantisation: the int8 parameters of the model file, for ``int8`` and ``int8-qdq``.
        image: read and write RGB images of 8 bits, see :mod:`subpixel.models.onnx_image`.
        properties: further metadata, by name.

    Returns:
        An ``onnx.ModelProto`` from ``input`` ``(N, C, H, W)`` to ``output`` ``(N, C, H*scale, W*scale)``, f32 in the
        Spec's colour range, which :func:`value_range` says; with ``image`` from ``(N, H, W, 3)`` to
        ``(N, H*scale, W*scale, 3)``, u8. The model says it too: as its description, as that of ``input`` and
        ``output``, and as the metadata ``subpixel.range``. With ``size``, N is 1.

    Raises:
        MissingExtra: the package ``onnx`` is not installed.
        Unsupported: the network is for videos, or has strides or warps; or int8 for a network that is no plain chain
            or has no int8 parameters.

    Source: ONNX operator specification, https://onnx.ai/onnx/operators.

    >>> from subpixel.models.bicubic import bicubic
    >>> [node.op_type for node in to_onnx(bicubic(2), {}).graph.node]
    ['Pad', 'Resize', 'Slice', 'Identity']
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError:
        raise MissingExtra("ONNX needs the package onnx: pip install 'subpixel[onnx]'") from None
    if precision not in get_args(GraphPrecision):
        raise unknown("precision", precision, get_args(GraphPrecision))
    require_exportable(spec)
    graph = Graph()

    def network(x: Value) -> Value:
        if precision in ("int8", "int8-qdq"):
            return add_int8_network(spec, weights, quantisation, x, qdq=precision == "int8-qdq")
        return _add_network(spec, weights, x, np.float32 if precision == "f32" else np.float16)

    start = Value(graph, "input")
    result = add_image_network(spec, network, start) if image else network(start)
    graph.add("Identity", [result.name], output="output")
    doc = "RGB image of 8 bits, 0 to 255." if image else value_range(spec)
    sizes: list[tuple[str | int, str | int, str | int]] = [("N", "H", "W"), ("N", "H_out", "W_out")]
    if size is not None:
        sizes = [(1, *size), (1, size[0] * spec.scale, size[1] * spec.scale)]
    shapes = [[n, h, w, 3] if image else [n, spec.channels, h, w] for n, h, w in sizes]
    kind = TensorProto.UINT8 if image else TensorProto.FLOAT
    product = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in graph.nodes],
        "subpixel",
        [helper.make_tensor_value_info("input", kind, shapes[0], doc)],
        [helper.make_tensor_value_info("output", kind, shapes[1], doc)],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    model = helper.make_model(
        product, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="subpixel"
    )
    model.doc_string = f"Upscales ×{spec.scale}. Input and output: {doc}"
    known = {"subpixel.scale": str(spec.scale), "subpixel.range": doc}
    helper.set_model_props(model, {**known, **(properties or {})})
    checker.check_model(model, full_check=True)
    return model


def require_exportable(spec: Spec) -> None:
    """Raise Unsupported for a network that formats of other projects cannot hold as it is.

    >>> from subpixel.models.bicubic import bicubic
    >>> require_exportable(bicubic(2))
    """
    require_single_image(spec)
    if spec.multiple > 1:
        raise Unsupported("networks with strides cannot be exported: they need sides that the strides divide")


def _add_network(spec: Spec, weights: Mapping[str, NDArray[np.float32]], x: Value, dtype: Any) -> Value:
    graph = x.graph
    tensors = {name: graph.constant(np.asarray(value, dtype), name) for name, value in weights.items()}
    if dtype == np.float32:
        return run(spec, tensors, x, OnnxKernels())
    return run(spec, tensors, x.then("Cast", to=_FLOAT16), OnnxKernels(dtype)).then("Cast", to=_FLOAT)


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
