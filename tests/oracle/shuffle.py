"""Pixel shuffle by its index law, one sample at a time."""

import numpy as np


def source_channel(c, i, j, r, channels, order):
    """Input channel of the sample (i, j) of a cell of output channel c, of so many output channels."""
    return {"CRD": c * r * r + i * r + j, "DCR": (i * r + j) * channels + c}[order]


def pixel_shuffle_nchw(x, r, order):
    """(N, C*r*r, H, W) to (N, C, H*r, W*r)."""
    n, cin, height, width = x.shape
    channels = cin // (r * r)
    out = np.empty((n, channels, height * r, width * r), x.dtype)
    for k, c, h, w, i, j in np.ndindex(n, channels, height, width, r, r):
        out[k, c, h * r + i, w * r + j] = x[k, source_channel(c, i, j, r, channels, order), h, w]
    return out


def pixel_shuffle_planes(x, factors, order):
    """(N, C*prod(factors), *S) to (N, C, *(S*factors)) with as many spatial axes as factors."""
    n, cin, *sides = x.shape
    channels = cin // int(np.prod(factors))
    out = np.empty((n, channels, *(s * f for s, f in zip(sides, factors, strict=True))), x.dtype)
    for k, c, *place in np.ndindex(*out.shape):
        cell = 0
        for p, f in zip(place, factors, strict=True):
            cell = cell * f + p % f
        source = {"CRD": c * int(np.prod(factors)) + cell, "DCR": cell * channels + c}[order]
        out[(k, c, *place)] = x[(k, source, *(p // f for p, f in zip(place, factors, strict=True)))]
    return out
