"""Optical flow between two frames, by the method of Lucas and Kanade from coarse to fine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops import resize, warp

__all__ = ["flow_between"]

F32 = NDArray[np.float32]

_LEAST = 16  # samples of the shorter side at the coarsest level
_ROUNDS = 4  # iterations at each level
_WINDOW = 7  # half the side of the square that moves as one
# Regularisation in squared codes of 255: with less contrast than this, the motion is unknown and stays small.
_FLAT = 0.5


def flow_between(before: NDArray[np.floating], after: NDArray[np.floating]) -> F32:
    """The flow from a frame back to the one before it: ``warp(before, flow)`` is nearly ``after``.

    Args:
        before: ``(H, W)``, values 0 … 255.
        after: the same.

    Returns:
        ``(2, H, W)``: displacements in samples, x, then y.

    Raises:
        InvalidArgument: the planes differ in shape or are empty.

    Source: Lucas & Kanade 1981; Bouguet, "Pyramidal implementation of the Lucas Kanade feature tracker", 2001.

    >>> y, x = np.mgrid[:48, :64]
    >>> moved = [128 + 50 * np.sin((x - 3 * t) / 5) + 50 * np.sin((y + t) / 4) for t in (0, 1)]
    >>> flow_between(*moved)[:, 24, 32].round(1).tolist()
    [-3.0, 1.0]
    """
    a, b = (np.asarray(x, np.float32) for x in (before, after))
    if a.shape != b.shape or a.ndim != 2 or 0 in a.shape:
        raise InvalidArgument(f"flow: planes of one shape (H, W) are needed, not {a.shape} and {b.shape}")
    pyramid = [(a, b)]
    while min(pyramid[-1][0].shape) >= 2 * _LEAST:
        pyramid.append(tuple(resize(x, scale=0.5, antialias=True, layout="HW") for x in pyramid[-1]))
    flow = np.zeros((2, *pyramid[-1][0].shape), np.float32)
    for a, b in reversed(pyramid):
        if flow.shape[1:] != a.shape:
            ratio = np.array([a.shape[1] / flow.shape[2], a.shape[0] / flow.shape[1]], np.float32)
            flow = resize(flow, size=a.shape, mode="linear", layout="CHW") * ratio[:, None, None]
        for _ in range(_ROUNDS):
            flow += _step(_warp(a, flow), b)
    return flow


def _warp(plane: F32, flow: F32) -> F32:
    result: F32 = warp(plane[None, None], flow[None], padding_mode="border")[0, 0]
    return result


def _step(moved: F32, target: F32) -> F32:
    """The correction of the flow, at most one sample."""
    gy, gx = (np.asarray(g, np.float32) for g in np.gradient(moved)) if min(moved.shape) > 1 else (0 * moved, 0 * moved)
    error = target - moved
    xx, xy, yy, ex, ey = (_mean(p) for p in (gx * gx, gx * gy, gy * gy, gx * error, gy * error))
    xx, yy = xx + _FLAT, yy + _FLAT
    scale = 1 / (xx * yy - xy * xy)
    step = np.stack([(yy * ex - xy * ey) * scale, (xx * ey - xy * ex) * scale])
    return np.clip(step, -1, 1).astype(np.float32)


def _mean(x: F32) -> F32:
    """The mean over squares of side ``2 * _WINDOW + 1``, the edge repeated."""
    for axis in (0, 1):
        ends = [(_WINDOW + 1, _WINDOW) if k == axis else (0, 0) for k in (0, 1)]
        total = np.cumsum(np.pad(x, ends, mode="edge"), axis=axis, dtype=np.float64)
        side, n = 2 * _WINDOW + 1, x.shape[axis]
        x = ((total.take(range(side, side + n), axis) - total.take(range(n), axis)) / side).astype(np.float32)
    return x
