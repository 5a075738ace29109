"""The stages of a degradation before its codecs: shrinking, blur, noise."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from subpixel.ops import resize

__all__ = ["KERNELS", "add_noise", "blur", "round_to_u8", "shrink_image"]

Pixels = NDArray[np.uint8]
F32 = NDArray[np.float32]

# Filters as arguments of ops.resize. Cubic is MATLAB's, as for the clean pairs and the test sets.
KERNELS: dict[str, dict[str, Any]] = {
    "cubic": {"mode": "cubic", "a": -0.5, "antialias": True, "border": "replicate"},
    "linear": {"mode": "linear", "antialias": True, "border": "replicate"},
    "area": {"mode": "area"},
    "lanczos": {"mode": "lanczos", "antialias": True, "border": "replicate"},
}

# The change of R, G and B for a change of 1 in Cb and in Cr (BT.601).
_BY_CB, _BY_CR = np.array([0, -0.344136, 1.772]), np.array([1.402, -0.714136, 0])

_SIGMAS = 3  # half the width of the Gaussian's kernel in σ


def shrink_image(pixels: Pixels, scale: int, kernel: str) -> Pixels:
    """Shrink ``(H, W, C)`` to ``(H / scale, W / scale, C)``."""
    # u8 is rounded half up after each axis, as in MATLAB. With that, means of four would be half a code too bright.
    exact = pixels if kernel == "cubic" else pixels.astype(np.float32)
    result = resize(exact, scale=1 / scale, **KERNELS[kernel])
    return result if kernel == "cubic" else round_to_u8(result)


def round_to_u8(pixels: F32) -> Pixels:
    """Clip and round half to even, which keeps the mean brightness."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def blur(pixels: Pixels, sigma: float) -> F32:
    """Convolve with a Gaussian that is sampled at whole pixels and has the sum 1. The edge is repeated."""
    result = pixels.astype(np.float32)
    if not sigma:
        return result
    reach = max(1, int(np.ceil(_SIGMAS * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        padding = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(result, padding, mode="edge")
        n = result.shape[axis]
        result = reduce(np.add, (w * padded.take(range(k, k + n), axis) for k, w in enumerate(kernel)))
    return result


def add_noise(pixels: F32, noise: tuple[float, float], generator: Generator) -> F32:
    """Add white noise of the given deviations in luma and, for RGB, in Cb and Cr."""
    height, width, channels = pixels.shape
    luma, cb, cr = generator.standard_normal((3, height, width), np.float32)
    result: F32 = pixels + np.float32(noise[0]) * luma[..., None]
    if channels == 3:
        chroma = cb[..., None] * _BY_CB + cr[..., None] * _BY_CR
        result += (np.float32(noise[1]) * chroma).astype(np.float32)
    return result
