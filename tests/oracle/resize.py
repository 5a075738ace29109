"""Interpolation from its formula, one output sample at a time, and MATLAB's ``imresize`` from its own formula.

The first follows the definition "output sample i lies at (i + 1/2) / scale - 1/2 of the input"; the second follows
the 1-based arithmetic of MATLAB's ``contributions``. They share no line.
"""

import math

import numpy as np


def cubic(t, a):
    """Keys 1981: the two cubic pieces as he states them, for a general a."""
    t = abs(t)
    if t < 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    if t < 2:
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return 0.0


def taps(position, mode, a=-0.5):
    """Which samples make the value at a position between them, and how much of each."""
    low = math.floor(position)
    if mode == "nearest":
        return [(low if position - low <= 0.5 else low + 1, 1.0)]
    if mode == "linear":
        return [(low, 1 - (position - low)), (low + 1, position - low)]
    return [(k, cubic(position - k, a)) for k in range(low - 1, low + 3)]


def sample(line, position, mode, a=-0.5):
    """The value of a row of samples, its ends repeated for ever, at a position between them."""
    return sum(w * float(line[min(max(k, 0), len(line) - 1)]) for k, w in taps(position, mode, a))


def upscale(x, scale, mode, a=-0.5):
    """(H, W) to (ceil(H * scale), ceil(W * scale)) in f64, rows first."""

    def resize_columns(x):
        n = math.ceil(x.shape[0] * scale)
        return np.array(
            [[sample(x[:, k], (i + 0.5) / scale - 0.5, mode, a) for k in range(x.shape[1])] for i in range(n)]
        )

    return resize_columns(resize_columns(np.asarray(x, float)).T).T


def imresize_bicubic(x, scale, mirror=True):
    """MATLAB's ``imresize(x, scale, "bicubic")`` of a (H, W) image; u8 is rounded after each axis.

    Outside of the image lies its mirror image; or its edge repeated (``mirror=False``).
    """
    return _matlab_axis(_matlab_axis(x, scale, mirror).T, scale, mirror).T


def _matlab_axis(x, scale, mirror):
    n_in, n_out = x.shape[0], math.ceil(x.shape[0] * scale)
    width = 4.0 / scale if scale < 1 else 4.0

    def h(t):
        return scale * cubic(scale * t, -0.5) if scale < 1 else cubic(t, -0.5)

    aux = [*range(1, n_in + 1), *range(n_in, 0, -1)]  # the image and its mirror image, 1-based

    def inside(k):
        return aux[(k - 1) % len(aux)] if mirror else min(max(1, k), n_in)

    y = np.empty((n_out, x.shape[1]))
    for i in range(1, n_out + 1):
        u = i / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        indices = range(left, left + math.ceil(width) + 2)
        weights = [h(u - k) for k in indices]
        total = sum(weights)
        for c in range(x.shape[1]):
            y[i - 1, c] = sum(w / total * float(x[inside(k) - 1, c]) for k, w in zip(indices, weights, strict=True))
    if x.dtype == np.uint8:
        return np.floor(np.clip(y, 0, 255) + 0.5).astype(np.uint8)
    return y
