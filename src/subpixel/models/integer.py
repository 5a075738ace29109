"""A network in integers: what int8 means here, stated once for every backend.

Activations are bytes, weights signed bytes, sums 32 bits; a byte ``q`` of a value stands for ``(q - zero) * scale``.
The network's input counts halves of a byte's unit, 0 … 510: luma made of colours has that much more to say, and a byte
of it costs more than all else that is rounded here. Kernels that multiply bytes take it as two that share a weight.
For each output sample of a convolution::

    sum = bias + Σ x * weight                        exact, 32 bits
    y   = saturate16(sum >> shift)                   the shift rounds down; bias holds the half of what it drops
    z   = (y * multiplier + 2**14) >> 15
    t   = ((u - zero of u) * 128 * gain + 2**14) >> 15   of a byte u that a skip adds; 0 without one

and then, by the activation: ``tanh``: z counts 2.5/4096, a polynomial gives 127 tanh; ``prelu``: a negative z becomes
``(z * slope + 2**14) >> 15``; ``relu`` before a skip: it becomes 0; else nothing. ``clip(z + t + zero, 0, 255)`` is the
byte, which is all that ReLU and clip need. The last convolution's z counts 1/16 of a byte, and is added to the base in
the base's own precision.

All of that is integers, so a scalar loop, every instruction set and NumPy give the same bytes. The weight of a
channel is rounded in units that make ``multiplier`` exact, so that the multiplier costs no precision.
"""

from __future__ import annotations

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
    "MAX_INPUT",
    "MAX_VALUE",
    "TANH",
    "IntegerConv",
    "IntegerNetwork",
    "fake_quantise",
    "integer_network",
    "quantise",
]

# 127 tanh(x) of u = 32768 x / 2.5, 8 z saturated: (P(u * u) * u + 8) / 16, products rounded as above; native/ has the
# same numbers. The largest error is 0.83 of a byte's unit, where rounding alone has 0.5.
TANH = (5023, -9034, 13481, -11206, 3747)

# What a unit of z is worth before tanh, and after the last layer (in samples of 0 … 1).
_TANH_STEP = 2.5 / 4096
_LAST_STEP = 1 / (16 * 255)

# What a unit of the network's input is worth, and the largest value of it and of every other.
INPUT_STEP = 1 / 510
MAX_INPUT, MAX_VALUE = 510, 255

# The layers that know their scale by themselves.
_OWN_SCALE = {"tanh": (1 / 127, 128), "clip": (1 / 255, 0)}


@dataclass(frozen=True)
class IntegerConv:
    """One convolution: weight ``(out, in, kh, kw)`` s8, and for each output channel what the module's text names."""

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
    """A chain in integers; its input is 0 … 510 with zero 0 and scale 1/510.

    A video's has for ``channels`` all that it reads, and gives all that it makes, neither limited nor shuffled.
    """

    convs: tuple[IntegerConv, ...]
    channels: int
    scale: int
    order: str
    base: bool
    zero_border: bool


def quantise(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    """The parameters of the integer form, as a model file keeps them.

    Args:
        spec: a plain chain, or one for videos; see :func:`subpixel.models.chain.row_of`.
        weights: its weights.
        ranges: lowest and highest value to be told apart of each convolution's result, or of the sum it goes into, by
            name; those of ``tanh``, ``clip`` and the last are known.

    Returns:
        ``{"layers": {name: {"scale", "zero", "shift", "multiplier"}}}``.

    Raises:
        Unsupported: a network that is no plain chain, or values beyond 32 bits.
    """
    chain, row = _row(spec, weights)
    layers: dict[str, Any] = {}
    step = INPUT_STEP
    for conv, skip, name in zip(chain.convs, chain.skips, chain.results, strict=True):
        final = conv is chain.convs[-1]
        if conv.activation in _OWN_SCALE:
            scale, zero = _OWN_SCALE[conv.activation]
        elif final:
            scale, zero = _LAST_STEP, 0
        else:
            low, high = ranges[name]
            low = 0.0 if conv.activation == "relu" and skip is None else min(low, 0.0)
            scale = max(high - low, 1e-6) / MAX_VALUE
            zero = round(-low / scale)
        unit = _TANH_STEP if conv.activation == "tanh" else scale
        weight = np.abs(row[f"{conv.name}.weight"].astype(np.float64)).reshape(conv.out_channels, -1)
        largest = np.maximum(weight.max(axis=1), 1e-12)
        # z = sum * multiplier / 2**(15 + shift). As y has 16 bits, z reaches at least half of the largest multiplier:
        # 4096, which is 2.5 before tanh and 256 bytes at the end, else 512, twice what a byte holds.
        most = 8191 if final or conv.activation == "tanh" else 1023
        real = step * largest / 127 / unit * 2.0**15
        shift = np.clip(np.floor(np.log2(most / real)), 0, 31)
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
        quantisation: what :func:`quantise` made, from the model file.

    Raises:
        Unsupported: a network that is no plain chain, or a file without these parameters.
        ModelFileError: parameters that do not fit the network.
    """
    chain, weights = _row(spec, weights)
    if quantisation is None:
        raise Unsupported("this model file holds no int8 parameters; subpixel quantise makes a file that does")
    step, zero = INPUT_STEP, 0
    result: list[IntegerConv] = []
    steps: list[float] = []
    for conv, skip in zip(chain.convs, chain.skips, strict=True):
        scale, own_zero, shift, multiplier = _parameters(conv, quantisation)
        final = conv is chain.convs[-1]
        sums = _worth_of_sums(conv, scale, shift, multiplier)
        whole, bias = _whole(conv, weights, step, sums)
        half = np.where(shift > 0, 2.0 ** (shift - 1), 0.0)
        bias = bias - zero * whole.sum(axis=(1, 2, 3)) + np.floor(half)
        reach = np.abs(bias) + (MAX_VALUE if result else MAX_INPUT) * np.abs(whole).sum(axis=(1, 2, 3))
        if reach.max() >= 2.0**31:
            raise Unsupported(f"layer '{conv.name}': its sums do not fit in 32 bits; this network has f32")
        slope = None
        if conv.activation == "prelu":
            slope = np.clip(np.rint(weights[f"{conv.name}.slope"].astype(np.float64) * 32768), -32768, 32767)
            slope = slope.astype(np.int16)
        result.append(
            IntegerConv(
                weight=np.ascontiguousarray(whole.astype(np.int8)),
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


def _row(spec: Spec, weights: Mapping[str, NDArray[np.float32]]) -> tuple[Chain, Mapping[str, NDArray[np.float32]]]:
    """The convolutions. The last one's results reach from -1 to 1, so that what is kept must end there."""
    for state in spec.states:
        kept = next((layer for layer in spec.layers if layer.name == state.next), None)
        if not isinstance(kept, Conv) or kept.activation != "clip":
            raise Unsupported(f"layer '{state.next}': int8 keeps what is limited to 0 … 1; this network has f32")
    return row_of(spec, weights, "int8")


def fake_quantise(
    spec: Spec, weights: Mapping[str, NDArray[np.float32]], quantisation: Mapping[str, Any]
) -> dict[str, NDArray[np.float32]]:
    """What the integers of a network stand for: its weights as int8 has them, in f32.

    Args:
        spec: a plain chain.
        weights: its f32 weights.
        quantisation: as for :func:`integer_network`.

    Returns:
        Weights and biases rounded; slopes as they were.
    """
    result = dict(weights)
    step = INPUT_STEP
    for conv in chain_of(spec, "int8").convs:
        scale, _, shift, multiplier = _parameters(conv, quantisation)
        sums = _worth_of_sums(conv, scale, shift, multiplier)
        whole, bias = _whole(conv, weights, step, sums)
        result[f"{conv.name}.weight"] = (whole * (sums / step)[:, None, None, None]).astype(np.float32)
        if conv.bias:
            result[f"{conv.name}.bias"] = (bias * sums).astype(np.float32)
        step = scale
    return result


def _worth_of_sums(
    conv: Conv, scale: float, shift: NDArray[np.float64], multiplier: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What one unit of each channel's sum is worth, exactly as the end of the convolution takes it."""
    unit = _TANH_STEP if conv.activation == "tanh" else scale
    worth: NDArray[np.float64] = unit * multiplier * 2.0 ** -(15.0 + shift)
    return worth


def _whole(
    conv: Conv, weights: Mapping[str, NDArray[np.float32]], step: float, sums: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole weights and biases in units of the sums, the input counting ``step``."""
    weight = weights[f"{conv.name}.weight"].astype(np.float64)
    whole = _rounded(weight * (step / sums)[:, None, None, None])
    if not conv.bias:
        return whole, np.zeros(conv.out_channels)
    return whole, np.rint(weights[f"{conv.name}.bias"].astype(np.float64) / sums)


def _gain(conv: Conv, ratio: float) -> int:
    if not ratio * 256 < 32767.5:
        raise Unsupported(f"layer '{conv.name}': what is added to it is too large beside the sum; this network has f32")
    return round(ratio * 256)


def _rounded(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole weights within ±127, each kernel's sum kept: what it makes of a flat area does not change."""
    out, cin, kh, kw = weight.shape
    kernels = weight.reshape(out * cin, kh * kw)
    whole = np.rint(kernels)
    short = np.rint((kernels - whole).sum(axis=1))
    # Those that were rounded away furthest from where the sum should go take one step back.
    order = np.argsort(-np.sign(short)[:, None] * (kernels - whole), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    whole += np.where(rank < np.abs(short)[:, None], np.sign(short)[:, None], 0.0)
    return np.clip(whole, -127, 127).reshape(weight.shape)


def _parameters(
    conv: Conv, quantisation: Mapping[str, Any]
) -> tuple[float, int, NDArray[np.float64], NDArray[np.float64]]:
    """One layer's entry, trusted in nothing."""
    layers = quantisation.get("layers")
    entry = layers.get(conv.name) if isinstance(layers, Mapping) else None
    try:
        scale, zero = float(entry["scale"]), int(entry["zero"])  # type: ignore[index]
        shift, multiplier = (
            np.array([int(n) for n in entry[part]], np.float64)  # type: ignore[index]
            for part in ("shift", "multiplier")
        )
        whole = len(shift) == len(multiplier) == conv.out_channels and 0 <= zero <= 255
        fits = whole and 0 < scale < math.inf and _within(shift, 0, 31) and _within(multiplier, 1, 32767)
    except (KeyError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ModelFileError(
            f"layer '{conv.name}': its int8 parameters are wrong; a scale above 0, a zero of 0 … 255, and for each "
            "channel a shift of 0 … 31 and a multiplier of 1 … 32767 are needed"
        )
    return scale, zero, shift, multiplier


def _within(values: NDArray[np.float64], low: float, high: float) -> bool:
    return bool(((values >= low) & (values <= high)).all())
