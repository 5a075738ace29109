"""What stands around a network in an ONNX graph that reads and writes RGB images of 8 bits.

It is what :class:`subpixel.Upscaler` does with such an image: a luma network makes luma, and the bicubic resize of
R, G and B gets the difference between its luma and that of the network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subpixel.models.luma import BLACK, BLUE, GREEN, RED, SPAN
from subpixel.models.onnx_graph import Graph, OnnxKernels, Value
from subpixel.models.spec import Spec

__all__ = ["add_image_network"]

_FLOAT, _UINT8 = 1, 2  # the numbers of the types in ONNX


def add_image_network(spec: Spec, network: Callable[[Value], Value], image: Value) -> Value:
    """Add the nodes of a network on images.

    Args:
        spec: the network.
        network: adds its nodes: from ``(N, C, H, W)`` to ``(N, C, H*scale, W*scale)``, f32.
        image: ``(N, H, W, 3)``, u8, in the order R, G, B.

    Returns:
        ``(N, H*scale, W*scale, 3)``, u8, rounded half up.
    """
    graph = image.graph
    planes = image.then("Cast", to=_FLOAT).then("Mul", graph.number(1 / 255)).then("Transpose", perm=[0, 3, 1, 2])
    if spec.colour == "rgb":
        result = network(planes)
    else:
        result = OnnxKernels().resize(planes, spec.scale, "cubic")
        detail = network(_luma(graph, planes)).then("Sub", _luma(graph, result).name)
        result = result.then("Add", detail.then("Mul", graph.number(1 / SPAN)).name)
    codes = result.then("Mul", graph.number(255)).then("Add", graph.number(0.5))
    codes = codes.then("Clip", graph.number(0), graph.number(255)).then("Floor")
    return codes.then("Transpose", perm=[0, 2, 3, 1]).then("Cast", to=_UINT8)


def _luma(graph: Graph, rgb: Value) -> Value:
    weight = np.array([RED, GREEN, BLUE], np.float32).reshape(1, 3, 1, 1)
    names = graph.constant(weight).name, graph.constant(np.array([BLACK], np.float32)).name
    return rgb.then("Conv", *names, pads=[0, 0, 0, 0], strides=[1, 1])
