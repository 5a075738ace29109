"""Runs an int8 network in NumPy: the reference that every instruction set must equal, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.models.flat import flat_samples, plain_detail
from subpixel.models.integer import TANH, IntegerConv, IntegerNetwork
from subpixel.ops import pixel_shuffle

__all__ = ["halves_of", "layer_bytes", "run_integer", "to_halves"]

Ints = NDArray[np.int64]


def run_integer(network: IntegerNetwork, planes: NDArray[Any], flat: int | None = None) -> NDArray[Any]:
    """Upscale planes ``(C, H, W)``, u8 or f32 of 0 … 1, to ``(C, H*scale, W*scale)`` of the same dtype.

    ``flat``: the threshold of flat cells in halves of a code, see :mod:`subpixel.models.flat`; None for none.
    """
    halves = x = halves_of(planes)
    zero = 0
    if not network.zero_border:
        reach = [sum(conv.weight.shape[axis] // 2 for conv in network.convs) for axis in (2, 3)]
        x = np.pad(x, [(0, 0), (reach[0],) * 2, (reach[1],) * 2], mode="edge")
    earlier: list[tuple[Ints, int]] = []
    for conv in network.convs:
        if network.zero_border:
            half = [conv.weight.shape[axis] // 2 for axis in (2, 3)]
            x = np.pad(x, [(0, 0), (half[0],) * 2, (half[1],) * 2], constant_values=zero)
        total = _sums(conv, x)
        if conv is not network.convs[-1]:
            x, zero = layer_bytes(conv, total, earlier), conv.zero
            earlier.append((x, zero))
    z = _rescale(network.convs[-1], total)
    z = pixel_shuffle(z, network.scale, layout="CHW", order=network.order)  # type: ignore[arg-type]
    r = network.scale
    if flat is not None:
        detail = plain_detail(halves[0], r, base=network.base)
        z = np.where(flat_samples(halves[0], flat, r), detail, z)
    result: NDArray[Any]
    base = np.repeat(np.repeat(planes, r, axis=1), r, axis=2) if network.base else np.zeros(z.shape, planes.dtype)
    if planes.dtype == np.uint8:
        result = np.clip((16 * base.astype(np.int64) + z + 8) >> 4, 0, 255).astype(np.uint8)
        return result
    result = base + z.astype(np.float32) * np.float32(1 / (16 * 255))
    return result


def layer_bytes(conv: IntegerConv, total: Ints, earlier: Sequence[tuple[Ints, int]]) -> Ints:
    """The bytes ``(C, H, W)`` of a layer other than the last.

    Args:
        conv: the layer.
        total: its sums, with the bias.
        earlier: the bytes and the zero of each layer before it.
    """
    z = _activate(conv, _rescale(conv, total))
    if conv.skip is not None:
        z = np.maximum(z, 0) if conv.activation == "relu" else z
        z = z + _skip_term(conv, *earlier[conv.skip], z.shape)
    return np.clip(z + conv.zero, 0, 255)


def halves_of(planes: NDArray[Any]) -> Ints:
    """Planes as the integers that int8 networks read, 0 … 510: codes of u8 times 2, or f32 by :func:`to_halves`."""
    return 2 * planes.astype(np.int64) if planes.dtype == np.uint8 else to_halves(planes)


def to_halves(planes: NDArray[np.float32]) -> Ints:
    """Samples of 0 … 1 as integers of 0 … 510, rounded half up and clipped; NaN is 0."""
    scaled = planes * np.float32(510) + np.float32(0.5)
    return np.where(scaled >= 1, np.minimum(scaled, np.float32(510)), np.float32(0)).astype(np.int64)


def _skip_term(conv: IntegerConv, u: Ints, zero: int, shape: tuple[int, ...]) -> Ints:
    """The centre of an earlier value's bytes, in the units of this convolution's result."""
    rows, columns = ((have - wanted) // 2 for have, wanted in zip(u.shape[1:], shape[1:], strict=True))
    middle = u[:, rows : rows + shape[1], columns : columns + shape[2]]
    return _product((middle - zero) * 128, np.int64(conv.gain))


def _sums(conv: IntegerConv, x: Ints) -> Ints:
    out, cin, kh, kw = conv.weight.shape
    rows, columns = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    weight = conv.weight.astype(np.int64)
    total: Ints = np.zeros((out, rows, columns), np.int64)
    total += conv.bias[:, None, None]
    for c, i, j in np.ndindex(cin, kh, kw):
        total += weight[:, c, i, j, None, None] * x[c, i : i + rows, j : j + columns]
    return total


def _rescale(conv: IntegerConv, total: Ints) -> Ints:
    y = np.clip(total >> conv.shift[:, None, None], -32768, 32767)
    return _product(y, conv.multiplier[:, None, None].astype(np.int64))


def _activate(conv: IntegerConv, z: Ints) -> Ints:
    if conv.activation == "tanh":
        u = np.clip(8 * z, -32767, 32767)
        square = _product(u, u)
        p = np.full_like(u, TANH[-1])
        for coefficient in TANH[-2::-1]:
            p = _product(p, square) + coefficient
        return (_product(p, u) + 8) >> 4
    if conv.activation == "prelu":
        assert conv.slope is not None
        return np.where(z < 0, _product(z, conv.slope[:, None, None].astype(np.int64)), z)
    return z


def _product(a: Ints, b: Any) -> Ints:
    result: Ints = (a * b + 2**14) >> 15
    return result
