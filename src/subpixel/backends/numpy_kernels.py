"""The layers of networks in NumPy, in f32 and bf16: see :mod:`subpixel.models.graph`."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import unknown
from subpixel.models.layers import Activation
from subpixel.ops import pixel_shuffle, resize, warp
from subpixel.ops.resizing.taps import Mode
from subpixel.ops.shuffle import Order

__all__ = ["Bf16Kernels", "NumpyKernels", "to_bf16"]

# Pixels of one pass of a convolution: few enough that the sums of some tens of channels fit in the second-level cache.
_SPAN = 4096

Array = NDArray[np.float32]


class NumpyKernels:
    """The layers on f32 arrays ``(N, C, H, W)``."""

    def replicate(self, x: Array, halo: int) -> Array:
        return np.pad(x, ((0, 0), (0, 0), (halo, halo), (halo, halo)), mode="edge")

    def extend(self, x: Array, rows: int, columns: int) -> Array:
        return np.pad(x, ((0, 0), (0, 0), (0, rows), (0, columns)), mode="edge")

    def conv(self, x: Array, weight: Array, bias: Array | None, padding: tuple[int, int], stride: int = 1) -> Array:
        # One weight after another in a fixed order, each on many pixels at once. A matrix product would round a pixel's
        # sum differently depending on its position in the matrix. This way, tiles and whole images give the same bits.
        vertical, horizontal = padding
        x = np.pad(x, ((0, 0), (0, 0), (vertical, vertical), (horizontal, horizontal)))
        out, cin, kh, kw = weight.shape
        n, _, height, width = x.shape
        rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
        result = np.zeros((n, out, rows, columns), np.float32)
        if bias is not None:
            result += bias[:, None, None]
        step = max(1, _SPAN // columns)
        for k in range(n):
            for top in range(0, rows, step):
                high = min(step, rows - top)
                total = result[k, :, top : top + high].copy()
                term = np.empty_like(total)
                for c, i, j in np.ndindex(cin, kh, kw):
                    down = slice(top * stride + i, (top + high - 1) * stride + i + 1, stride)
                    part = x[k, c, down, j : j + (columns - 1) * stride + 1 : stride]
                    total += np.multiply(weight[:, c, i, j, None, None], part, out=term)
                result[k, :, top : top + high] = total
        return result

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None, stride: int, padding: tuple[int, int]
    ) -> Array:
        # Tap by tap for the same reason: each adds one image whose samples are ``stride`` apart.
        n, _, height, width = x.shape
        cin, out, kh, kw = weight.shape
        rows, columns = height * stride, width * stride
        result = np.zeros((n, out, rows + kh, columns + kw), np.float32)
        for c, i, j in np.ndindex(cin, kh, kw):
            part = x[:, None, c] * weight[c, :, i, j, None, None]
            result[:, :, i : i + rows : stride, j : j + columns : stride] += part
        top, left = padding
        result = result[:, :, top : top + rows, left : left + columns]
        return result if bias is None else result + bias[:, None, None]

    def activate(self, x: Array, kind: str, slope: Array | None) -> Array:
        if kind == "relu":
            return np.maximum(x, np.float32(0))
        if kind == "prelu":
            assert slope is not None
            return np.where(x < 0, x * slope[:, None, None], x)
        if kind == "tanh":
            return np.tanh(x)
        if kind == "clip":
            return np.clip(x, np.float32(0), np.float32(1))
        raise unknown("activation", kind, get_args(Activation))

    def add(self, values: list[Array]) -> Array:
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def concat(self, values: list[Array]) -> Array:
        return np.concatenate(values, axis=1)

    def resize(self, x: Array, factor: int, mode: Mode) -> Array:
        y: Array = resize(x, scale=factor, mode=mode, layout="NCHW")
        return y

    def pixel_shuffle(self, x: Array, factor: int, order: Order) -> Array:
        y: Array = pixel_shuffle(x, factor, order=order)
        return y

    def warp(self, x: Array, flow: Array, reach: float) -> Array:
        limited = np.clip(flow, np.float32(-1), np.float32(1)) * np.float32(reach)
        y: Array = warp(x, limited, padding_mode="border")
        return y


class Bf16Kernels(NumpyKernels):
    """As :class:`NumpyKernels`, with samples and weights of convolutions rounded to bf16. All else is f32."""

    def conv(self, x: Array, weight: Array, bias: Array | None, padding: tuple[int, int], stride: int = 1) -> Array:
        return super().conv(to_bf16(x), to_bf16(weight), bias, padding, stride)

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None, stride: int, padding: tuple[int, int]
    ) -> Array:
        return super().conv_transpose(to_bf16(x), to_bf16(weight), bias, stride, padding)


def to_bf16(x: Array) -> Array:
    """Round f32 to the nearest bf16 (8 bits of mantissa, ties to even); the result has dtype f32."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    up = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    # NaN is not rounded: rounded up, it could become an infinity.
    upper = np.where(np.isnan(x), bits | np.uint32(0x400000), up) & np.uint32(0xFFFF0000)
    result: Array = upper.view(np.float32)
    return result
