"""Flat cells: the parts of an image that a luma network does not compute, because a plain resize shows the same.

An image is divided into cells of 8×8 samples, from its top left corner, and each cell into quarters of 4×4. The *bend*
at a sample is the largest second difference ``|before - 2 * sample + after|`` along a row, a column or a diagonal;
outside the image its edge is repeated. A cell is *busy* if

- a bend in one of its quarters, or in one of their eight neighbours, exceeds a threshold, or
- the mean bend in the cell exceeds a quarter of the threshold. What the network does to a cell follows from all of its
  samples, so this finds fine texture and lets a little noise pass.

A cell is *flat* if it lies in a square of 3×3 cells of which none is busy; outside the image no cell is. Smaller parts
would be computed for their neighbours anyway. In flat cells the result is the cubic resize (Keys, a = −0.5) of the
samples, in all others the network's.

So that the decision is the same everywhere, samples are compared as integers: in halves of a code, 0 … 510, as int8
networks read them. int8 networks compute the resize in integers too, separably, with numbers of 16 bits. ``d`` are
differences from the nearest sample ``h``, of which a tap's weight ``w`` has 15 bits after the point::

    p(a, w)  = (a * w + 2**14) >> 15
    down     = Σ p(16 d, w)                    of the rows around a sample, in units of 1/32 of a code
    v        = 16 h + down
    across   = Σ p(d of v, w)                  of the columns around it
    z        = (down + across + 1) >> 1        in units of 1/16 of a code, as the last layer's

``z`` takes the place of the last layer's, and the base is added to it alike. A network without a base gets 16 times the
code, 8 h, as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.resizing.taps import axis_taps

__all__ = [
    "CELL",
    "FLAT_HALO",
    "LEAST_HALO",
    "cell_start",
    "flat_cells",
    "flat_samples",
    "integer_taps",
    "plain_detail",
    "plain_resize",
    "plain_taps",
    "threshold_halves",
]

# The side of a cell. Parts of an image must begin at multiples of it to have the same cells.
CELL = 8

_QUARTER = CELL // 2

# The samples to each side that the decision for a sample depends on: the rest of its cell, two cells of a square, the
# quarter beside them, one more.
FLAT_HALO = CELL - 1 + 2 * CELL + _QUARTER + 1

# The samples to each side that the resize reads. The engine has them at hand in networks that see as many.
LEAST_HALO = _REACH = 2
_OFFSETS = (-2, -1, 1, 2)
_BITS = 15  # after the point of integer weights

Ints = NDArray[np.int64]


def cell_start(position: int) -> int:
    """Where the part of an image that begins at this row or column, or before it, begins: at a cell, and inside.

    >>> cell_start(-5), cell_start(23)
    (0, 16)
    """
    return max(position, 0) // CELL * CELL


def threshold_halves(threshold: Any) -> int:
    """A threshold in codes of 255 as a number of halves.

    Raises:
        InvalidArgument: it is no multiple of one half from 0 to 255.

    >>> threshold_halves(6)
    12
    """
    halves = 2 * threshold if isinstance(threshold, (int, float)) and not isinstance(threshold, bool) else -1
    if not 0 <= halves <= 510 or halves != int(halves):
        raise InvalidArgument(f"flat threshold {threshold!r}: a multiple of 0.5 from 0 to 255 is needed")
    return int(halves)


def flat_cells(halves: NDArray[Any], threshold: int) -> NDArray[np.bool_]:
    """The flat cells of a plane.

    Args:
        halves: ``(H, W)`` integers, 0 … 510.
        threshold: the largest bend of a flat cell, in halves of a code.

    Returns:
        ``(ceil(H / 8), ceil(W / 8))``: True for flat cells.

    >>> plane = np.full((8, 40), 100)
    >>> plane[3, 2] = 120
    >>> flat_cells(plane, 12).tolist()
    [[False, True, True, True, True]]
    """
    rows, columns = (-(-side // CELL) for side in halves.shape)
    if 0 in halves.shape:
        return np.zeros((rows, columns), bool)
    bends = np.zeros((rows * CELL, columns * CELL), np.int64)
    bends[: halves.shape[0], : halves.shape[1]] = _bends(halves)
    sharp = bends.reshape(2 * rows, _QUARTER, 2 * columns, _QUARTER).max(axis=(1, 3)) > threshold
    busy = np.pad(_any_near(np.pad(sharp, 1)).reshape(rows, 2, columns, 2).any(axis=(1, 3)), 2)
    busy[2:-2, 2:-2] |= 4 * bends.reshape(rows, CELL, columns, CELL).sum(axis=(1, 3)) > CELL**2 * threshold
    return _any_near(~_any_near(busy))


def _bends(halves: NDArray[Any]) -> Ints:
    """The largest second difference at each sample."""
    height, width = halves.shape
    x = np.pad(halves.astype(np.int64), 1, mode="edge")
    middle = 2 * x[1:-1, 1:-1]
    largest = np.zeros((height, width), np.int64)
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before = x[1 - down : 1 - down + height, 1 - across : 1 - across + width]
        after = x[1 + down : 1 + down + height, 1 + across : 1 + across + width]
        np.maximum(largest, np.abs(before + after - middle), out=largest)
    return largest


def _any_near(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a flag or one of its eight neighbours is set; one at each side has no result."""
    rows, columns = (side - 2 for side in flags.shape)
    result = np.zeros((rows, columns), bool)
    for i, j in np.ndindex(3, 3):
        result |= flags[i : i + rows, j : j + columns]
    return result


def flat_samples(halves: NDArray[Any], threshold: int, scale: int) -> NDArray[np.bool_]:
    """For each sample of the result ``(H*scale, W*scale)``, whether it lies in a flat cell."""
    height, width = halves.shape
    side = CELL * scale
    cells = flat_cells(halves, threshold)
    samples: NDArray[np.bool_] = np.repeat(np.repeat(cells, side, axis=0), side, axis=1)
    return samples[: height * scale, : width * scale]


@lru_cache(maxsize=16)
def plain_taps(scale: int) -> NDArray[np.float64]:
    """The weights ``(scale, 4)`` of the samples −2, −1, +1 and +2 from the nearest one, for each position in it.

    >>> plain_taps(2)[0].tolist()
    [-0.0234375, 0.2265625, -0.0703125, 0.0]
    """
    middle = 4
    taps = axis_taps(2 * middle + 1, (2 * middle + 1) * scale, scale)
    weights = np.zeros((scale, 2 * _REACH + 1))
    for k in range(scale):
        row = middle * scale + k
        np.add.at(weights[k], taps.index[row] - middle + _REACH, taps.weight[row])
    return np.delete(weights, _REACH, axis=1)


@lru_cache(maxsize=16)
def integer_taps(scale: int) -> NDArray[np.int16]:
    """:func:`plain_taps` with 15 bits after the point."""
    result: NDArray[np.int16] = np.rint(plain_taps(scale) * 2**_BITS).astype(np.int16)
    return result


def plain_detail(halves: NDArray[Any], scale: int, *, base: bool) -> Ints:
    """The plain resize in place of a last layer's result.

    Args:
        halves: ``(H, W)`` integers, 0 … 510.
        scale: the upscaling factor.
        base: whether the network adds its input to the result.

    Returns:
        ``(H*scale, W*scale)`` in units of 1/16 of a code.

    >>> plain_detail(np.array([[100, 120]]), 2, base=True).tolist()
    [[-11, 33, -32, 12], [-11, 33, -32, 12]]
    """
    x = np.pad(halves.astype(np.int64), _REACH, mode="edge")
    taps = integer_taps(scale).astype(np.int64)
    result = np.zeros((halves.shape[0] * scale, halves.shape[1] * scale), np.int64)
    for i in range(scale):
        down = _sum_of(16 * x, taps[i], 0)
        v = 16 * x[_REACH:-_REACH] + down
        for j in range(scale):
            z = (down[:, _REACH:-_REACH] + _sum_of(v, taps[j], 1) + 1) >> 1
            result[i::scale, j::scale] = z if base else z + 8 * halves
    return result


def plain_resize(plane: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """The plain resize of a plane ``(H, W)`` to ``(H*scale, W*scale)``, in f32: as above, but nothing is rounded.

    >>> plain_resize(np.array([[0, 1]], np.float32), 2)[0].tolist()
    [-0.0703125, 0.203125, 0.796875, 1.0703125]
    """
    x = np.pad(plane, _REACH, mode="edge")
    taps = plain_taps(scale).astype(np.float32)
    result = np.zeros((plane.shape[0] * scale, plane.shape[1] * scale), np.float32)
    for i in range(scale):
        down = _sum_of(x, taps[i], 0)
        v = x[_REACH:-_REACH] + down
        for j in range(scale):
            result[i::scale, j::scale] = plane + (down[:, _REACH:-_REACH] + _sum_of(v, taps[j], 1))
    return result


def _sum_of(x: NDArray[Any], weights: NDArray[Any], axis: int) -> NDArray[Any]:
    """The weighted differences from each sample along an axis; two samples at each end have no result."""
    size = x.shape[axis] - 2 * _REACH
    centre = x.take(range(_REACH, _REACH + size), axis)
    total = np.zeros_like(centre)
    for offset, weight in zip(_OFFSETS, weights, strict=True):
        part = x.take(range(_REACH + offset, _REACH + offset + size), axis) - centre
        total += part * weight if x.dtype == np.float32 else (part * weight + 2 ** (_BITS - 1)) >> _BITS
    return total
