"""Convolution (cross-correlation, as every framework has it) and activations, one output sample at a time."""

import math

import numpy as np


def conv(x, weight, bias=None, padding=(0, 0)):
    """(C, H, W) with (out, C, kh, kw), so many zeros around, to (out, …) in f64."""
    out, channels, kh, kw = weight.shape
    _, height, width = x.shape
    top, left = padding
    y = np.empty((out, height + 2 * top - kh + 1, width + 2 * left - kw + 1))
    for o, h, w in np.ndindex(*y.shape):
        total = 0.0 if bias is None else float(bias[o])
        for c, i, j in np.ndindex(channels, kh, kw):
            row, column = h + i - top, w + j - left
            if 0 <= row < height and 0 <= column < width:
                total += float(x[c, row, column]) * float(weight[o, c, i, j])
        y[o, h, w] = total
    return y


def activation(v, kind, slope=0.0):
    """none, relu, prelu with its slope, tanh, clip to 0 … 1, of one number."""
    if kind == "relu":
        return max(v, 0.0)
    if kind == "prelu":
        return v * float(slope) if v < 0 else v
    if kind == "tanh":
        return math.tanh(v)
    if kind == "clip":
        return min(max(v, 0.0), 1.0)
    assert kind == "none"
    return v
