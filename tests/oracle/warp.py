"""Sampling one place after the other, in f64, from the image continued without end."""

import itertools
import math

import numpy as np


def sample_index(i, side, outside, align_corners):
    """Which sample stands at whole position ``i`` of an axis continued without end; None is a zero."""
    if 0 <= i < side:
        return i
    if outside == "zeros":
        return None
    if outside == "border":
        return min(max(i, 0), side - 1)
    if side == 1:
        return 0
    while not 0 <= i < side:
        edge = 0 if i < 0 else side - 1
        i = 2 * edge - i if align_corners else 2 * edge - i + (1 if i >= side else -1)
    return i


def folded(p, side, outside, align_corners):
    """A position brought inside, for the nearest sample: ties are decided there."""
    if outside == "reflection":
        low, high = (0, side - 1) if align_corners else (-0.5, side - 0.5)
        while high > low and not low <= p <= high:
            p = 2 * low - p if p < low else 2 * high - p
    return p if outside == "zeros" else min(max(p, 0), side - 1)


def kernel(d, mode, a):
    d = abs(d)
    if mode == "bilinear":
        return max(0.0, 1 - d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def axis_taps(p, side, mode, outside, align_corners, a):
    """``(sample or None, weight)`` of each sample that position ``p`` needs."""
    if mode == "nearest":
        i = round(folded(p, side, outside, align_corners))  # halves to even
        return [(i if 0 <= i < side else None, 1.0)]
    reach = 1 if mode == "bilinear" else 2
    first = math.floor(p) - reach + 1
    return [
        (sample_index(i, side, outside, align_corners), kernel(p - i, mode, a)) for i in range(first, first + 2 * reach)
    ]


def sample(x, places, mode, outside, align_corners, a=-0.75):
    """``(N, C, *S)`` at positions ``(N, *P, len(S))`` in samples, in the order of the axes ``S``."""
    sides = x.shape[2:]
    out = np.zeros((*x.shape[:2], *places.shape[1:-1]))
    for at in np.ndindex(*places.shape[:-1]):
        taps = [
            axis_taps(float(p), side, mode, outside, align_corners, a)
            for p, side in zip(places[at], sides, strict=True)
        ]
        for combination in itertools.product(*taps):
            index = tuple(i for i, _ in combination)
            if None not in index:
                weight = math.prod(w for _, w in combination)
                out[(at[0], slice(None), *at[1:])] += weight * x[(at[0], slice(None), *index)]
    return out


def grid_sample(x, grid, mode, outside, align_corners, a=-0.75):
    sides = np.array(x.shape[2:], np.float64)
    grid = np.asarray(grid, np.float64)[..., ::-1]
    places = (grid + 1) / 2 * (sides - 1) if align_corners else ((grid + 1) * sides - 1) / 2
    return sample(x, places, mode, outside, align_corners, a)


def warp(x, flow, mode, outside, a=-0.75):
    _, _, height, width = x.shape
    own = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)
    return sample(x, own + flow.transpose(0, 2, 3, 1)[..., ::-1], mode, outside, False, a)


def affine_grid(theta, size, align_corners):
    n, sides = size[0], size[2:]
    out = np.empty((n, *sides, len(sides)))
    for at in np.ndindex(n, *sides):
        unit = []
        for i, side in zip(at[1:], sides, strict=True):
            if align_corners:
                unit.append(0.0 if side == 1 else 2 * i / (side - 1) - 1)
            else:
                unit.append((2 * i + 1) / side - 1)
        out[at] = theta[at[0]] @ np.array([*unit[::-1], 1.0])
    return out
