"""An int8 chain as ONNX nodes: convolutions between QuantizeLinear and DequantizeLinear (QDQ).

Each value has the scale and the zero of the model file, and each channel of weights its own scale, so a runtime that
computes such convolutions in integers multiplies the same bytes as this package. It rescales sums in its own way, and
where a value lies between two bytes it may take the other one. Such differences spread through the layers: the result
is as good, but some samples differ by more than one code.

With ``exact``, nodes between each convolution and its QuantizeLinear repeat the arithmetic of
:mod:`subpixel.models.integer`, in floats that hold these integers. The bytes are then those of this package, and no
runtime computes such a convolution in integers.

The input has steps of half a byte, 0 … 510. It is split into two bytes, whose sum it is, and both have the same
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.models.integer import INPUT_STEP, LAST_STEP, MAX_INPUT, TANH, StoredConv, stored_chain
from subpixel.models.onnx_graph import OnnxKernels, Value
from subpixel.models.spec import Spec

__all__ = ["add_int8_network"]


def add_int8_network(
    spec: Spec,
    weights: Mapping[str, NDArray[np.float32]],
    quantisation: Mapping[str, Any] | None,
    x: Value,
    *,
    exact: bool,
) -> Value:
    """Add the nodes of a network in int8.

    Args:
        spec: a plain chain.
        weights: its f32 weights.
        quantisation: the int8 parameters of the model file.
        x: the input ``(N, 1, H, W)``, f32.
        exact: round as this package does.

    Returns:
        The result ``(N, 1, H*scale, W*scale)``, f32, not clipped.

    Raises:
        Unsupported: the network is no plain chain, or it has no int8 parameters.
        ModelFileError: the parameters do not fit the network.
    """
    chain, convs = stored_chain(spec, weights, quantisation)
    kernels, zero_border = OnnxKernels(), spec.border == "zero"
    halves = [(conv.weight.shape[2] // 2, conv.weight.shape[3] // 2) for conv in convs]
    value = _two_bytes(x, 1.0 if exact else INPUT_STEP)
    if not zero_border:
        rows, columns = sum(rows for rows, _ in halves), sum(columns for _, columns in halves)
        value = value.then("Pad", x.graph.integers(0, 0, rows, columns, 0, 0, rows, columns), mode="edge")
    earlier: list[Value] = []
    for number, (conv, half) in enumerate(zip(convs, halves, strict=True)):
        final = number == len(convs) - 1
        value = _convolution(conv, value, half if zero_border else (0, 0), twice=number == 0, exact=exact)
        value = _exact_activation(conv, value) if exact else _activation(conv, value)
        if conv.skip is not None:
            between = [] if zero_border else halves[conv.skip + 1 : number + 1]
            middle = _cropped(earlier[conv.skip], sum(rows for rows, _ in between), sum(c for _, c in between))
            if exact:
                middle = _product_up(middle.then("Mul", x.graph.number(conv.integers.gain / 256)))
            value = kernels.add([value, middle])
        if not final:
            value = _through_bytes(value, 1.0 if exact else conv.scale, conv.zero)
            earlier.append(value)
    if exact:
        value = value.then("Mul", x.graph.number(LAST_STEP))
    value = kernels.pixel_shuffle(value, chain.shuffle.factor, chain.shuffle.order)
    return kernels.add([value, kernels.resize(x, spec.scale, "nearest")]) if chain.base else value


def _two_bytes(x: Value, step: float) -> Value:
    """The input rounded to halves of a byte, as two channels of bytes in that unit, which stands for ``step``."""
    graph = x.graph
    halves = _half_up(x.then("Mul", graph.number(MAX_INPUT)))
    halves = halves.then("Clip", graph.number(0), graph.number(MAX_INPUT))
    first = halves.then("Mul", graph.number(0.5)).then("Floor")
    both = first.then("Concat", halves.then("Sub", first.name).name, axis=1)
    return _through_bytes(both if step == 1 else both.then("Mul", graph.number(step)), step, 0)


def _half_up(x: Value) -> Value:
    return x.then("Add", x.graph.number(0.5)).then("Floor")


def _product_up(x: Value) -> Value:
    """A product over 2**15 rounded half up; a quarter of its unit keeps a half that a runtime makes too small."""
    return x.then("Add", x.graph.number(0.5 + 2.0**-17)).then("Floor")


def _through_bytes(x: Value, scale: float, zero: int) -> Value:
    names = x.graph.number(scale), x.graph.number(zero, np.uint8)
    return x.then("QuantizeLinear", *names).then("DequantizeLinear", *names)


def _convolution(conv: StoredConv, x: Value, padding: tuple[int, int], *, twice: bool, exact: bool) -> Value:
    """A convolution with stored integers; ``twice`` for an input of two bytes that share a weight.

    With ``exact`` the result is the sum itself, with half of what the shift drops.
    """
    graph = x.graph
    stored = np.repeat(conv.weight, 2, axis=1) if twice else conv.weight
    ones = np.ones_like(conv.sum_step)
    shift = conv.integers.shift
    half = np.where(shift > 0, 1 << np.maximum(shift - 1, 0), 0).astype(np.int32)

    def dequantised(name: str, value: NDArray[Any], scale: NDArray[np.float64]) -> Value:
        step = graph.constant(scale.astype(np.float32)).name
        zero = graph.constant(np.zeros(len(scale), value.dtype)).name
        return graph.constant(value, f"{conv.name}.{name}").then("DequantizeLinear", step, zero, axis=0)

    weight = dequantised("weight", stored, ones if exact else conv.weight_step)
    bias = dequantised("bias", conv.bias + half if exact else conv.bias, ones if exact else conv.sum_step)
    return OnnxKernels().conv(x, weight, bias, padding)


def _activation(conv: StoredConv, x: Value) -> Value:
    if conv.activation in ("none", "clip"):  # a byte of 0 … 1 clips by itself
        return x
    slope = None if conv.slope is None else x.graph.constant(conv.slope, f"{conv.name}.slope")
    return OnnxKernels().activate(x, conv.activation, slope)


def _exact_activation(conv: StoredConv, total: Value) -> Value:
    """From a sum to z, and its activation, as :mod:`subpixel.models.integer` defines them."""
    graph, integers = total.graph, conv.integers

    def by_channel(values: NDArray[Any]) -> str:
        return graph.constant(values.astype(np.float32).reshape(-1, 1, 1)).name

    # Half a unit, so that a sum that a runtime makes a little too small, as by Winograd's algorithm, is still this one.
    unit = 2.0**-integers.shift
    y = total.then("Mul", by_channel(unit)).then("Add", by_channel(unit / 2)).then("Floor")
    y = y.then("Clip", graph.number(-32768), graph.number(32767))
    z = _product_up(y.then("Mul", by_channel(integers.multiplier / 32768)))
    if conv.activation == "tanh":
        return _exact_tanh(z)
    if conv.activation == "prelu":
        assert integers.slope is not None
        below = _product_up(z.then("Mul", by_channel(integers.slope / 32768)))
        negative = z.then("Less", graph.number(0))
        return negative.then("Where", below.name, z.name)
    return z.then("Relu") if conv.activation == "relu" else z


def _exact_tanh(z: Value) -> Value:
    graph = z.graph
    u = z.then("Mul", graph.number(8)).then("Clip", graph.number(-32767), graph.number(32767))
    scaled = u.then("Mul", graph.number(1 / 32768))
    square = _product_up(u.then("Mul", scaled.name)).then("Mul", graph.number(1 / 32768))
    p = square.then("Mul", graph.number(TANH[-1]))
    for coefficient in TANH[-2:0:-1]:
        p = _product_up(p).then("Add", graph.number(coefficient)).then("Mul", square.name)
    p = _product_up(p).then("Add", graph.number(TANH[0]))
    product = _product_up(p.then("Mul", scaled.name))
    return _product_up(product.then("Mul", graph.number(1 / 16)))


def _cropped(x: Value, rows: int, columns: int) -> Value:
    if rows == 0 and columns == 0:
        return x
    return x[..., slice(rows, -rows or None), slice(columns, -columns or None)]
