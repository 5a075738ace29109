"""An int8 chain as ONNX nodes, in one of two ways.

By itself the graph repeats the arithmetic of :mod:`subpixel.models.integer` in floats that hold its integers: each sum
is shifted and rounded, multiplied and rounded again, and goes through QuantizeLinear and DequantizeLinear as a byte.
The bytes are those of this package. Weights are floats too: runtimes would multiply stored bytes in integers, and
processors without VNNI saturate the sums of two such products.

``qdq``: convolutions of stored bytes between QuantizeLinear and DequantizeLinear, with the scale and the zero of the
model file, and a scale for each channel of weights. Runtimes join each of them with its neighbours to one convolution
in integers. It multiplies the same bytes as this package, but rounds a sum once, and computes ``tanh`` and ``prelu`` in
floats. So some bytes are others. No scale can mend that, since the two roundings of this package are not one.

The input has steps of half a byte, 0 … 510. With ``qdq`` it is split into two bytes, whose sum it is, and both have the
same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.models.integer import INPUT_STEP, LAST_STEP, MAX_INPUT, MAX_VALUE, TANH, StoredConv, stored_chain
from subpixel.models.onnx_graph import OnnxKernels, Value
from subpixel.models.spec import Spec

__all__ = ["add_int8_network"]


def add_int8_network(
    spec: Spec,
    weights: Mapping[str, NDArray[np.float32]],
    quantisation: Mapping[str, Any] | None,
    x: Value,
    *,
    qdq: bool = False,
) -> Value:
    """Add the nodes of a network in int8.

    Args:
        spec: a plain chain.
        weights: its f32 weights.
        quantisation: the int8 parameters of the model file.
        x: the input ``(N, 1, H, W)``, f32.
        qdq: leave the convolutions and their rounding to the runtime.

    Returns:
        The result ``(N, 1, H*scale, W*scale)``, f32, not clipped.

    Raises:
        Unsupported: the network is no plain chain, or it has no int8 parameters.
        ModelFileError: the parameters do not fit the network.
    """
    chain, convs = stored_chain(spec, weights, quantisation)
    kernels, zero_border = OnnxKernels(), spec.border == "zero"
    halves = [(conv.weight.shape[2] // 2, conv.weight.shape[3] // 2) for conv in convs]
    source = _half_up(x.then("Mul", x.graph.number(MAX_INPUT)))
    source = source.then("Clip", x.graph.number(0), x.graph.number(MAX_INPUT))
    value = _two_bytes(source) if qdq else source
    if not zero_border:
        rows, columns = sum(rows for rows, _ in halves), sum(columns for _, columns in halves)
        value = value.then("Pad", x.graph.integers(0, 0, rows, columns, 0, 0, rows, columns), mode="edge")
    earlier: list[Value] = []
    for number, (conv, half) in enumerate(zip(convs, halves, strict=True)):
        final = number == len(convs) - 1
        padding = half if zero_border else (0, 0)
        if qdq:
            value = _activation(conv, _stored_convolution(conv, value, padding, twice=number == 0))
        else:
            value = _integer_layer(conv, _shifted_sums(conv, value, padding), final=final)
        if conv.skip is not None:
            between = [] if zero_border else halves[conv.skip + 1 : number + 1]
            middle = _cropped(earlier[conv.skip], sum(rows for rows, _ in between), sum(c for _, c in between))
            if not qdq:
                middle = _product_up(middle.then("Mul", x.graph.number(conv.integers.gain / 256)))
            value = kernels.add([value, middle])
        if not final:
            value = _through_bytes(value, conv.scale if qdq else 1.0, conv.zero)
            earlier.append(value)
    if not qdq:
        value = value.then("Mul", x.graph.number(LAST_STEP))
    value = kernels.pixel_shuffle(value, chain.shuffle.factor, chain.shuffle.order)
    return kernels.add([value, kernels.resize(x, spec.scale, "nearest")]) if chain.base else value


def _two_bytes(halves: Value) -> Value:
    """The input, 0 … 510, as two channels of bytes in that unit."""
    first = halves.then("Mul", halves.graph.number(0.5)).then("Floor")
    both = first.then("Concat", halves.then("Sub", first.name).name, axis=1)
    return _through_bytes(both.then("Mul", halves.graph.number(INPUT_STEP)), INPUT_STEP, 0)


def _half_up(x: Value) -> Value:
    return x.then("Add", x.graph.number(0.5)).then("Floor")


def _product_up(x: Value) -> Value:
    """A product over 2**15 rounded half up; a quarter of its unit keeps a half that a runtime makes too small."""
    return x.then("Add", x.graph.number(0.5 + 2.0**-17)).then("Floor")


def _through_bytes(x: Value, scale: float, zero: int) -> Value:
    names = x.graph.number(scale), x.graph.number(zero, np.uint8)
    return x.then("QuantizeLinear", *names).then("DequantizeLinear", *names)


def _stored_convolution(conv: StoredConv, x: Value, padding: tuple[int, int], *, twice: bool) -> Value:
    """A convolution with stored integers; ``twice`` for an input of two bytes that share a weight."""
    graph = x.graph

    def dequantised(name: str, value: NDArray[Any], scale: NDArray[np.float64]) -> Value:
        step = graph.constant(scale.astype(np.float32)).name
        zero = graph.constant(np.zeros(len(scale), value.dtype)).name
        return graph.constant(value, f"{conv.name}.{name}").then("DequantizeLinear", step, zero, axis=0)

    weight = dequantised("weight", np.repeat(conv.weight, 2, axis=1) if twice else conv.weight, conv.weight_step)
    return OnnxKernels().conv(x, weight, dequantised("bias", conv.bias, conv.sum_step), padding)


def _shifted_sums(conv: StoredConv, x: Value, padding: tuple[int, int]) -> Value:
    """y of :mod:`subpixel.models.integer` before it is saturated. Weights are in units of y, so that sums are."""
    shift = conv.integers.shift.astype(np.float64)
    half = np.where(shift > 0, 2.0 ** (shift - 1), 0.0)
    unit = 2.0**-shift
    # Half a unit of the sums, so that one that a runtime makes a little too small, as by Winograd's algorithm, is still
    # this one.
    bias = ((conv.bias + half + 0.5) * unit).astype(np.float32)
    weight = (conv.weight * unit[:, None, None, None]).astype(np.float32)
    constants = x.graph.constant(weight, f"{conv.name}.weight"), x.graph.constant(bias, f"{conv.name}.bias")
    return OnnxKernels().conv(x, *constants, padding).then("Floor")


def _activation(conv: StoredConv, x: Value) -> Value:
    if conv.activation in ("none", "clip"):  # a byte of 0 … 1 clips by itself
        return x
    slope = None if conv.slope is None else x.graph.constant(conv.slope, f"{conv.name}.slope")
    return OnnxKernels().activate(x, conv.activation, slope)


def _integer_layer(conv: StoredConv, y: Value, *, final: bool) -> Value:
    """From y, not saturated yet, to z and its activation, as :mod:`subpixel.models.integer` defines them."""
    graph, integers = y.graph, conv.integers

    def by_channel(values: NDArray[Any]) -> str:
        return graph.constant(values.astype(np.float32).reshape(-1, 1, 1)).name

    # What 16 bits of y cannot hold, a byte cannot show either, if the multiplier is large enough.
    if final or conv.activation in ("tanh", "prelu") or not (integers.multiplier.min() > MAX_VALUE + integers.gain):
        y = y.then("Clip", graph.number(-32768), graph.number(32767))
    z = _product_up(y.then("Mul", by_channel(integers.multiplier / 32768)))
    if conv.activation == "tanh":
        return _exact_tanh(z)
    if conv.activation == "prelu":
        assert integers.slope is not None
        below = _product_up(z.then("Mul", by_channel(integers.slope / 32768)))
        negative = z.then("Less", graph.number(0))
        return negative.then("Where", below.name, z.name)
    # Without a skip, the byte clips.
    return z.then("Relu") if conv.activation == "relu" and conv.skip is not None else z


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
