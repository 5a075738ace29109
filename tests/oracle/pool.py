"""Max pooling and unpooling, one window and one value at a time."""

import math

import numpy as np


def max_pool(x, kernel, stride, padding, dilation, counts):
    """(N, C, *S) to values and coordinates (tuples) of so many windows; NaN wins, the last of several."""
    values = np.empty((*x.shape[:2], *counts), x.dtype)
    where = np.empty(values.shape, object)
    for n, c, *place in np.ndindex(*values.shape):
        best = None
        for tap in np.ndindex(*kernel):
            at = tuple(
                p * s - before + t * d
                for p, s, (before, _), t, d in zip(place, stride, padding, tap, dilation, strict=True)
            )
            if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                v = x[(n, c, *at)]
                if best is None or v > x[(n, c, *best)] or (v.dtype.kind == "f" and math.isnan(v)):
                    best = at
        values[(n, c, *place)] = x[(n, c, *best)]
        where[(n, c, *place)] = best
    return values, where


def flat(where, shape, counting, storage_order=0):
    """Coordinates in an array of ``shape`` (N, C, *S) as numbers."""
    result = np.empty(where.shape, np.int64)
    for n, c, *place in np.ndindex(*where.shape):
        inside = np.ravel_multi_index(where[(n, c, *place)], shape[2:], order="CF"[storage_order])
        plane = 0 if counting == "torch" else (n * shape[1] + c) * math.prod(shape[2:])
        result[(n, c, *place)] = plane + inside
    return result


def max_unpool(values, positions, size):
    """torch's counting; a later value in raster order overwrites."""
    y = np.zeros((*values.shape[:2], math.prod(size)), values.dtype)
    for n, c, *place in np.ndindex(*values.shape):
        y[n, c, positions[(n, c, *place)]] = values[(n, c, *place)]
    return y.reshape(*values.shape[:2], *size)
