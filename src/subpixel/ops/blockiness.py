"""How much of a grid of 8×8 blocks an image shows: what JPEG, and to a lesser degree other codecs, leave behind.

Between every two neighbouring samples, how much their difference stands out is set in relation to those beside it::

    d[i] = x[i+1] - x[i]
    s[i] = |2 d[i] - d[i-1] - d[i+1]|
    f[i] = s[i] / (s[i] + |d[i-1]| + |d[i+1]| + 1)

which is 0 on ramps and 1 at a step between flat sides, whatever its height: so faint blocks in a sky count as much as
coarse ones, and texture, equally rough everywhere, counts little. Of each of the eight phases that a grid can have the
mean of f is taken over the middle half of its lines, which leaves out the few that happen to lie on an edge of the
image. The figure of an axis is how far the highest phase lies above the median of the others, as a share of it; that
of the image the smaller of both axes, since codecs cut both and patterns of 8 often lie along one.

The idea of comparing differences across the grid with those within is that of Wang, Sheikh and Bovik, "No-reference
perceptual quality assessment of JPEG compressed images", ICIP 2002; the relation and the search for the phase are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["LEAST_SIDE", "blockiness", "blockiness_of_windows", "sample_windows"]

_GRID = 8
# Smaller images have too few lines of a grid to tell it from chance.
LEAST_SIDE = 64
# What is looked at: windows of this side, so many along each axis at most. Of a few windows every second line counts,
# of more every fourth: there are enough of them.
_WINDOW, _WINDOWS, _FEW = 256, 4, 4
# f is kept in integers, so that its sums are the same on every machine.
_UNIT = 1024
# Keeps an image in which nearly nothing happens from showing a grid of nearly nothing.
_CALM = 0.02

Codes = NDArray[np.int16]


def blockiness(image: NDArray[Any]) -> float:
    """How much more happens on a grid of 8×8 than between its lines; about 0 where there is none.

    Images from cameras and renderers, not compressed, lie below 0.03 or so; after JPEG of quality 90 the middle is
    0.08, of 75 0.23, of 50 0.45. A grid may begin anywhere. Of large images 16 windows of 256×256 are looked at.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``: gray, gray and alpha, RGB or RGBA; u8, u16 or f32 of 0 … 1. Alpha is not
            looked at.

    Returns:
        0 or more; 0 where a side is shorter than 64. The same on every machine.

    Raises:
        InvalidArgument: another shape or dtype.

    >>> import numpy as np
    >>> blocks = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8).repeat(8, 0).repeat(8, 1)
    >>> blockiness(blocks) > 1, blockiness(np.full((128, 128), 77, np.uint8))
    (True, 0.0)
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and not 1 <= image.shape[2] <= 4):
        raise InvalidArgument(f"blockiness: shape {image.shape}: (H, W) or (H, W, 1 to 4) is needed")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise InvalidArgument(f"blockiness: dtype {image.dtype}: uint8, uint16 or float32 is needed")
    return blockiness_of_windows([image[rows, columns] for rows, columns in sample_windows(*image.shape[:2])])


def sample_windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """The parts of an image that are looked at, rows and columns, from the top; none where it is too small."""
    if min(height, width) < LEAST_SIDE:
        return []
    tops, lefts = _starts(height), _starts(width)
    return [(slice(top, top + _WINDOW), slice(left, left + _WINDOW)) for top in tops for left in lefts]


def blockiness_of_windows(parts: Sequence[NDArray[Any]]) -> float:
    """:func:`blockiness` of an image by its :func:`sample_windows`, for whoever does not have all of it at once.

    >>> image = np.random.default_rng(0).integers(0, 256, (300, 400), np.uint8)
    >>> blockiness_of_windows([image[rows, columns] for rows, columns in sample_windows(300, 400)]) == blockiness(image)
    True
    """
    if not parts:
        return 0.0
    step = 2 if len(parts) <= _FEW else 4
    across, down = [], []
    for part in parts:
        across.append(_by_phase(_luma(part[::step])))
        down.append(_by_phase(np.ascontiguousarray(_luma(part[:, ::step]).T)))
    return min(_excess(np.concatenate(lines)) for lines in (across, down))


def _starts(side: int) -> list[int]:
    """Where windows begin: evenly spaced, on lines of one grid."""
    count = min(_WINDOWS, -(-side // _WINDOW))
    last = max(0, side - _WINDOW)
    return sorted({int(k * last / max(1, count - 1)) // _GRID * _GRID for k in range(count)})


def _luma(image: NDArray[Any]) -> Codes:
    """Codes of 0 … 255, by BT.601's weights in 256ths."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype == np.float32:
        image = np.where(image > 0, np.minimum(image, 1) * np.float32(255) + np.float32(0.5), 0).astype(np.uint8)
    if image.ndim == 2:
        return image.astype(np.int16)
    if image.shape[2] < 3:
        return image[..., 0].astype(np.int16)
    red, green, blue = (np.ascontiguousarray(image[..., k]).astype(np.uint16) for k in range(3))
    return ((77 * red + 150 * green + 29 * blue) >> 8).astype(np.int16)


def _by_phase(y: Codes) -> NDArray[np.int64]:
    """Sums of f down each line between columns, ``(lines / 8, 8)``, divided by how many there are."""
    d = y[:, 1:] - y[:, :-1]
    rough = np.abs(d)
    around = rough[:, :-2] + rough[:, 2:]
    bent = np.abs(2 * d[:, 1:-1] - d[:, :-2] - d[:, 2:])
    f = bent * np.float32(_UNIT) / (bent + around + np.int16(1))
    sums: NDArray[np.int64] = f.astype(np.int16).sum(axis=0, dtype=np.int64) // len(y)
    whole = len(sums) // _GRID * _GRID
    return sums[:whole].reshape(-1, _GRID)


def _excess(lines: NDArray[np.int64]) -> float:
    cut = len(lines) // 4
    means = np.sort(lines, axis=0)[cut : len(lines) - cut].mean(axis=0) / _UNIT
    others = float(np.median(np.delete(means, np.argmax(means))))
    return (float(means.max()) - others) / (others + _CALM)
