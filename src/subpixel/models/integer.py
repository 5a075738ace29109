"""The int8 form of a network: its arithmetic in integers, defined once for all backends.

Activations are bytes, weights signed bytes, and sums have 32 bits. A byte ``q`` of a value stands for
``(q - zero) * scale``. The network's input has steps of half a byte, 0 … 510: luma computed from colours has that
precision, and rounding it to bytes would cost more than all other rounding. Kernels that multiply bytes read it as two
bytes that share a weight. For each output sample of a convolution::

    sum = bias + Σ x * weight                        exact, 32 bits
    y   = saturate16(sum >> shift)                   the shift rounds down; bias holds the half of what it drops
    z   = (y * multiplier + 2**14) >> 15
    t   = ((u - zero of u) * 128 * gain + 2**14) >> 15   of a byte u that a skip adds; 0 without a skip

Then the activation follows. ``tanh``: z is in units of 2.5/4096, and a polynomial gives 127 tanh. ``prelu``: a negative
z becomes ``(z * slope + 2**14) >> 15``. ``relu`` before a skip: a negative z becomes 0. Otherwise z is unchanged. The
byte is ``clip(z + t + zero, 0, 255)``, which implements ReLU and clip as well. The last convolution's z is in units of
1/16 of a byte, and is added to the base in the base's own precision.

All of this is exact, so a scalar loop, every instruction set and NumPy give the same bytes. The weights of a channel
are rounded in units that make ``multiplier`` exact, so that the multiplier costs no precision. A file may hold integers
that are better than rounded weights, see :func:`with_integers`.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelFileError, Unsupported
from subpixel.models.chain import Chain, chain_of, row_of
from subpixel.models.spec import Conv, Spec

__all__ = [
    "INPUT_STEP",
    "LAST_STEP",
    "MAX_INPUT",
    "MAX_VALUE",
    "MAX_WEIGHT",
    "TANH",
    "IntegerConv",
    "IntegerNetwork",
    "StoredConv",
    "fake_quantise",
    "integer_network",
    "quantise",
    "stored_chain",
    "sum_units",
    "with_integers",
]

# The polynomial P of 127 tanh(x) = (P(u * u) * u + 8) / 16 with u = 32768 x / 2.5, which is 8 z saturated. Products are
# rounded as above; native/ has the same numbers. The largest error is 0.83 of a byte; rounding alone has 0.5.
TANH = (5023, -9034, 13481, -11206, 3747)

# The value of a unit of z before tanh, and after the last layer (in samples of 0 … 1).
_TANH_STEP = 2.5 / 4096
LAST_STEP = 1 / (16 * 255)

# The value of a unit of the network's input, and the largest integer of the input, of every other value, of a weight.
INPUT_STEP = 1 / 510
MAX_INPUT, MAX_VALUE, MAX_WEIGHT = 510, 255, 127

# Scale and zero of activations whose range is fixed.
_FIXED_SCALE = {"tanh": (1 / 127, 128), "clip": (1 / 255, 0)}


@dataclass(frozen=True)
class IntegerConv:
    """One convolution: the weight ``(out, in, kh, kw)`` as s8, and the numbers that the module's text defines."""

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    shift: NDArray[np.int32]
    multiplier: NDArray[np.int16]
    slope: NDArray[np.int16] | None
    activation: str
    zero: int
    skip: int | None = None
    gain: int = 0


@dataclass(frozen=True)
class IntegerNetwork:
    """A chain in integers. Its input is 0 … 510, with zero 0 and scale 1/510.

    For a chain for videos, ``channels`` counts all inputs, and the result is all outputs, neither clipped nor shuffled.
    """

    convs: tuple[IntegerConv, ...]
    channels: int
    scale: int
    order: str
    base: bool
    zero_border: bool


@dataclass(frozen=True)
class StoredConv:
    """One convolution as runtimes of other projects describe it: stored integers, and what a unit of each stands for.

    Args:
        name: of the convolution.
        weight: ``(out, in, kh, kw)``, s8.
        weight_step: ``(out,)``, the value of a unit of the weight.
        bias: ``(out,)``, s32, in units of the sums.
        sum_step: ``(out,)``, the value of a unit of the sums.
        activation: of the convolution.
        slope: ``(out,)`` for ``prelu``.
        skip: the number of the convolution whose result is added, or None.
        scale: the value of a unit of the result's bytes.
        zero: the byte that stands for 0.
        integers: the same convolution as this package computes it.
    """

    name: str
    weight: NDArray[np.int8]
    weight_step: NDArray[np.float64]
    bias: NDArray[np.int32]
    sum_step: NDArray[np.float64]
    activation: str
    slope: NDArray[np.float32] | None
    skip: int | None
    scale: float
    zero: int
    integers: IntegerConv


def stored_chain(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], quantisation: Mapping[str, Any] | None
) -> tuple[Chain, list[StoredConv]]:
    """The integers of :func:`integer_network` with their values, for runtimes of other projects.

    Args:
        spec: a plain chain.
        weights: its f32 weights.
        quantisation: the int8 parameters of the model file.

    Raises:
        Unsupported, ModelFileError: as :func:`integer_network`.
    """
    network = integer_network(spec, weights, quantisation)
    assert quantisation is not None
    chain, weights = _chain_and_weights(spec, weights)
    step = INPUT_STEP
    result = []
    for conv, skip, integers in zip(chain.convs, chain.skips, network.convs, strict=True):
        scale, zero, shift, multiplier = _parameters(conv, quantisation)
        sum_step = _sum_units(conv, scale, shift, multiplier)
        _, bias = _to_integers(conv, weights, step, sum_step, quantisation)
        slope = weights[f"{conv.name}.slope"] if conv.activation == "prelu" else None
        result.append(
            StoredConv(
                conv.name,
                integers.weight,
                sum_step / step,
                bias.astype(np.int32),
                sum_step,
                conv.activation,
                slope,
                skip,
                scale,
                zero,
                integers,
            )
        )
        step = scale
    return chain, result


def quantise(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """Compute the int8 parameters of a network, as model files store them.

    Args:
        spec: a plain chain, or a chain for videos; see :func:`subpixel.models.chain.row_of`.
        weights: its f32 weights.
        ranges: by name, the lowest and highest value to represent, of each convolution's result or of the sum that it
            is part of. Those of ``tanh``, ``clip`` and the last convolution are known.

    Returns:
        ``{"layers": {name: {"scale", "zero", "shift", "multiplier"}}}``.

    Raises:
        Unsupported: the network is no plain chain, or its sums exceed 32 bits.
    """
    chain, row = _chain_and_weights(spec, weights)
    layers: dict[str, Any] = {}
    step = INPUT_STEP
    for conv, skip, name in zip(chain.convs, chain.skips, chain.results, strict=True):
        final = conv is chain.convs[-1]
        if conv.activation in _FIXED_SCALE:
            scale, zero = _FIXED_SCALE[conv.activation]
        elif final:
            scale, zero = LAST_STEP, 0
        else:
            low, high = ranges[name]
            low = 0.0 if conv.activation == "relu" and skip is None else min(low, 0.0)
            scale = max(high - low, 1e-6) / MAX_VALUE
            zero = round(-low / scale)
        unit = _TANH_STEP if conv.activation == "tanh" else scale
        weight = np.abs(row[f"{conv.name}.weight"].astype(np.float64)).reshape(conv.out_channels, -1)
        largest = np.maximum(weight.max(axis=1), 1e-12)
        # z = sum * multiplier / 2**(15 + shift). As y has 16 bits, z can reach at least half of the largest multiplier:
        # 4096, which is 2.5 before tanh and 256 bytes at the end, else 512, twice the range of a byte.
        max_multiplier = 8191 if final or conv.activation == "tanh" else 1023
        real = step * largest / MAX_WEIGHT / unit * 2.0**15
        shift = np.clip(np.floor(np.log2(max_multiplier / real)), 0, 31)
        multiplier = np.minimum(np.ceil(real * 2.0**shift), 32767)
        layers[conv.name] = {
            "scale": scale,
            "zero": zero,
            "shift": [int(n) for n in shift],
            "multiplier": [int(n) for n in multiplier],
        }
        step = scale
    document = {"layers": layers}
    integer_network(spec, weights, document)
    return document


def integer_network(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], quantisation: Mapping[str, Any] | None
) -> IntegerNetwork:
    """The integer form of a network.

    Args:
        spec: as for :func:`quantise`.
        weights: its f32 weights.
        quantisation: the result of :func:`quantise`, from the model file.

    Raises:
        Unsupported: the network is no plain chain, or ``quantisation`` is None.
        ModelFileError: the parameters do not fit the network.
    """
    chain, weights = _chain_and_weights(spec, weights)
    if quantisation is None:
        raise Unsupported("this model file has no int8 parameters; `subpixel quantise` adds them")
    step, zero = INPUT_STEP, 0
    result: list[IntegerConv] = []
    steps: list[float] = []
    for conv, skip in zip(chain.convs, chain.skips, strict=True):
        scale, own_zero, shift, multiplier = _parameters(conv, quantisation)
        final = conv is chain.convs[-1]
        sum_units = _sum_units(conv, scale, shift, multiplier)
        weight, bias = _to_integers(conv, weights, step, sum_units, quantisation)
        half = np.where(shift > 0, 2.0 ** (shift - 1), 0.0)
        bias = bias - zero * weight.sum(axis=(1, 2, 3)) + np.floor(half)
        largest = np.abs(bias) + (MAX_VALUE if result else MAX_INPUT) * np.abs(weight).sum(axis=(1, 2, 3))
        if largest.max() >= 2.0**31:
            raise Unsupported(f"layer '{conv.name}': its sums exceed 32 bits; use f32 for this network")
        slope = None
        if conv.activation == "prelu":
            slope = np.clip(np.rint(weights[f"{conv.name}.slope"].astype(np.float64) * 32768), -32768, 32767)
            slope = slope.astype(np.int16)
        result.append(
            IntegerConv(
                weight=np.ascontiguousarray(weight.astype(np.int8)),
                bias=bias.astype(np.int32),
                shift=shift.astype(np.int32),
                multiplier=multiplier.astype(np.int16),
                slope=slope,
                activation=conv.activation,
                zero=0 if final else own_zero,
                skip=skip,
                gain=0 if skip is None else _gain(conv, steps[skip] / scale),
            )
        )
        steps.append(scale)
        step, zero = scale, own_zero
    shuffle, zero_border = chain.shuffle, spec.border == "zero"
    channels = chain.convs[0].in_channels
    return IntegerNetwork(tuple(result), channels, shuffle.factor, shuffle.order, chain.base, zero_border)


def _chain_and_weights(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]]
) -> tuple[Chain, Mapping[str, NDArray[np.float32]]]:
    """The convolutions and their weights. The last results cover -1 … 1, so states must be limited to that range."""
    for state in spec.states:
        layer = next((layer for layer in spec.layers if layer.name == state.next), None)
        if not isinstance(layer, Conv) or layer.activation != "clip":
            raise Unsupported(
                f"layer '{state.next}': int8 needs activation 'clip' for a state; use f32 for this network"
            )
    return row_of(spec, weights, "int8")


def fake_quantise(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], quantisation: Mapping[str, Any]
) -> dict[str, NDArray[np.float32]]:
    """The f32 weights that the int8 form of a network stands for.

    Args:
        spec: a plain chain.
        weights: its f32 weights.
        quantisation: as for :func:`integer_network`.

    Returns:
        The weights, with convolution weights and biases rounded as in int8, and slopes unchanged.

    Raises:
        Unsupported: the network is no plain chain.
        ModelFileError: the parameters do not fit the network.
    """
    result = dict(weights)
    step = INPUT_STEP
    for conv in chain_of(spec, "int8").convs:
        scale, _, shift, multiplier = _parameters(conv, quantisation)
        sum_units = _sum_units(conv, scale, shift, multiplier)
        weight, bias = _to_integers(conv, weights, step, sum_units, quantisation)
        result[f"{conv.name}.weight"] = (weight * (sum_units / step)[:, None, None, None]).astype(np.float32)
        if conv.bias:
            result[f"{conv.name}.bias"] = (bias * sum_units).astype(np.float32)
        step = scale
    return result


def sum_units(spec: Spec, quantisation: Mapping[str, Any]) -> tuple[NDArray[np.float64], ...]:
    """The value of one unit of each channel's sum, for each convolution.

    Args:
        spec: a plain chain.
        quantisation: as for :func:`integer_network`.

    Raises:
        Unsupported: the network is no plain chain.
        ModelFileError: the parameters do not fit the network.
    """
    result = []
    for conv in chain_of(spec, "int8").convs:
        scale, _, shift, multiplier = _parameters(conv, quantisation)
        result.append(_sum_units(conv, scale, shift, multiplier))
    return tuple(result)


def with_integers(
    quantisation: Mapping[str, Any], name: str, weight: NDArray[Any], bias: NDArray[Any]
) -> dict[str, Any]:
    """A copy of int8 parameters that holds the integers of a convolution, instead of those that rounding gives.

    Args:
        quantisation: the parameters.
        name: of the convolution.
        weight: ``(out, in, kh, kw)``, integers of -127 … 127.
        bias: ``(out,)``, integers in units of the sums, without the terms for ``zero`` and ``shift``.

    >>> import numpy as np
    >>> whole = with_integers({"layers": {"a": {"scale": 1.0}}}, "a", np.ones((1, 1, 1, 2)), np.array([5]))
    >>> whole["layers"]["a"]
    {'scale': 1.0, 'weight': 'AQE=', 'bias': [5]}
    """
    entry = {
        **quantisation["layers"][name],
        "weight": base64.b64encode(np.ascontiguousarray(weight).astype(np.int8).tobytes()).decode(),
        "bias": [int(n) for n in bias],
    }
    return {**quantisation, "layers": {**quantisation["layers"], name: entry}}


def _sum_units(
    conv: Conv, scale: float, shift: NDArray[np.float64], multiplier: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The value of one unit of each channel's sum, exactly as the rescaling after the sum has it."""
    unit = _TANH_STEP if conv.activation == "tanh" else scale
    units: NDArray[np.float64] = unit * multiplier * 2.0 ** -(15.0 + shift)
    return units


def _to_integers(
    conv: Conv,
    weights: Mapping[str, NDArray[np.float32]],
    step: float,
    sum_units: NDArray[np.float64],
    quantisation: Mapping[str, Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and biases as integers, in units of the sums; ``step`` is the value of a unit of the input."""
    stored = _stored(conv, quantisation["layers"][conv.name])
    if stored is not None:
        return stored
    weight = weights[f"{conv.name}.weight"].astype(np.float64)
    rounded = _round_weights(weight * (step / sum_units)[:, None, None, None])
    if not conv.bias:
        return rounded, np.zeros(conv.out_channels)
    return rounded, np.rint(weights[f"{conv.name}.bias"].astype(np.float64) / sum_units)


def _stored(conv: Conv, entry: Mapping[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The integers that a file holds, checked; None if it holds none."""
    if "weight" not in entry and "bias" not in entry:
        return None
    shape = (conv.out_channels, conv.in_channels, *conv.kernel)
    try:
        weight = np.frombuffer(base64.b64decode(entry["weight"], validate=True), np.int8).astype(np.float64)
        bias = np.array([int(n) for n in entry["bias"]], np.float64)
        fits = weight.size == math.prod(shape) and _all_within(weight, -MAX_WEIGHT, MAX_WEIGHT)
        fits = fits and len(bias) == conv.out_channels and _all_within(bias, -(2.0**31), 2.0**31)
    except (KeyError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ModelFileError(
            f"layer '{conv.name}': wrong int8 weights; {math.prod(shape)} bytes of -127 … 127 in base64 and "
            f"{conv.out_channels} biases are needed"
        )
    return weight.reshape(shape), bias


def _gain(conv: Conv, ratio: float) -> int:
    if not ratio * 256 < 32767.5:
        raise Unsupported(
            f"layer '{conv.name}': the value that its skip adds has too large a range; use f32 for this network"
        )
    return round(ratio * 256)


def _round_weights(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round weights to integers within ±127, keeping each kernel's sum, so that flat areas do not change."""
    out, cin, kh, kw = weight.shape
    kernels = weight.reshape(out * cin, kh * kw)
    rounded = np.rint(kernels)
    missing = np.rint((kernels - rounded).sum(axis=1))
    # The weights that were rounded furthest away from the missing sum change by one.
    order = np.argsort(-np.sign(missing)[:, None] * (kernels - rounded), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    rounded += np.where(rank < np.abs(missing)[:, None], np.sign(missing)[:, None], 0.0)
    return np.clip(rounded, -MAX_WEIGHT, MAX_WEIGHT).reshape(weight.shape)


def _parameters(
    conv: Conv, quantisation: Mapping[str, Any]
) -> tuple[float, int, NDArray[np.float64], NDArray[np.float64]]:
    """The parameters of one layer, checked, since a file can hold anything."""
    layers = quantisation.get("layers")
    entry = layers.get(conv.name) if isinstance(layers, Mapping) else None
    try:
        scale, zero = float(entry["scale"]), int(entry["zero"])  # type: ignore[index]
        shift, multiplier = (
            np.array([int(n) for n in entry[part]], np.float64)  # type: ignore[index]
            for part in ("shift", "multiplier")
        )
        fits = len(shift) == len(multiplier) == conv.out_channels and 0 <= zero <= 255
        fits = fits and 0 < scale < math.inf and _all_within(shift, 0, 31) and _all_within(multiplier, 1, 32767)
    except (KeyError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ModelFileError(
            f"layer '{conv.name}': wrong int8 parameters; a scale above 0, a zero of 0 … 255, and for each channel a "
            "shift of 0 … 31 and a multiplier of 1 … 32767 are needed"
        )
    return scale, zero, shift, multiplier


def _all_within(values: NDArray[np.float64], low: float, high: float) -> bool:
    return bool(((values >= low) & (values <= high)).all())
