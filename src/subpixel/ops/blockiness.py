"""Blockiness: how clearly an image shows the grid of 8×8 blocks that JPEG, and to a lesser degree other codecs, leave.

For every two neighbouring samples, their difference is compared with the differences beside it::

    d[i] = x[i+1] - x[i]
    s[i] = |2 d[i] - d[i-1] - d[i+1]|
    f[i] = s[i] / (s[i] + |d[i-1]| + |d[i+1]| + 1)

f is 0 on ramps and 1 at a step between flat sides, whatever its height. So faint blocks in a sky count as much as
coarse ones, and texture, which is equally rough everywhere, counts little. A grid can have eight phases. For each of
them, the mean of f is taken over the middle half of its lines by value, which leaves out the few lines that lie on an
edge of the image. The blockiness of an axis is how far the highest phase lies above the median of the others, relative
to that median. The blockiness of the image is the smaller of both axes, since codecs divide both, and patterns with a
period of 8 often lie along one axis only.

The idea of comparing differences across the grid with those within is from Wang, Sheikh and Bovik, "No-reference
perceptual quality assessment of JPEG compressed images", ICIP 2002. The formula and the search for the phase are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = [
    "MIN_SIDE",
    "blockiness",
    "blockiness_of_windows",
    "check_image",
    "grid_of_windows",
    "sample_windows",
]

_GRID = 8
# Smaller images have too few grid lines to distinguish a grid from chance.
MIN_SIDE = 64
# The side of a window, the largest number of windows along each axis, and how many windows are few. In a few windows
# every second line is used, in more every fourth: there are then enough lines.
_WINDOW, _WINDOWS, _FEW = 256, 4, 4
# f is stored as an integer, so that its sums are equal on every machine.
_UNIT = 1024
# Added to the median, so that a nearly flat image does not get a high value from tiny differences.
_MIN_ACTIVITY = 0.02

Codes = NDArray[np.int16]


def blockiness(image: NDArray[Any]) -> float:
    """How much more an image changes on a grid of 8×8 than between its lines; about 0 without a grid.

    Uncompressed images from cameras and renderers are below about 0.03. The median after JPEG of quality 90 is 0.08,
    of quality 75 0.23, and of quality 50 0.45. The grid may start anywhere. In large images, 16 windows of 256×256
    pixels are measured.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``: gray, gray and alpha, RGB or RGBA; u8, u16 or f32 of 0 … 1. Alpha is
            ignored.

    Returns:
        A number of at least 0, equal on every machine. It is 0 if a side is shorter than 64.

    Raises:
        InvalidArgument: another shape or dtype.

    >>> import numpy as np
    >>> blocks = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8).repeat(8, 0).repeat(8, 1)
    >>> blockiness(blocks) > 1, blockiness(np.full((128, 128), 77, np.uint8))
    (True, 0.0)
    """
    check_image(image, "blockiness")
    return blockiness_of_windows([image[rows, columns] for rows, columns in sample_windows(*image.shape[:2])])


def check_image(image: NDArray[Any], name: str) -> None:
    """Refuse what cannot be measured, in the name of a function.

    Raises:
        InvalidArgument: the shape or the dtype is not one of an image.
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and not 1 <= image.shape[2] <= 4):
        raise InvalidArgument(f"{name}: shape {image.shape}: (H, W) or (H, W, 1 to 4) is needed")
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise InvalidArgument(f"{name}: dtype {image.dtype}: uint8, uint16 or float32 is needed")


def sample_windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """The windows of an image that are measured, as slices of rows and columns; none if it is too small."""
    if min(height, width) < MIN_SIDE:
        return []
    tops, lefts = _window_starts(height), _window_starts(width)
    return [(slice(top, top + _WINDOW), slice(left, left + _WINDOW)) for top in tops for left in lefts]


def blockiness_of_windows(parts: Sequence[NDArray[Any]]) -> float:
    """The :func:`blockiness` of an image from its :func:`sample_windows`, for images that are not in memory as a whole.

    >>> image = np.random.default_rng(0).integers(0, 256, (300, 400), np.uint8)
    >>> blockiness_of_windows([image[rows, columns] for rows, columns in sample_windows(300, 400)]) == blockiness(image)
    True
    """
    return min(_excess(lines) for lines in _phases(parts)) if parts else 0.0


def grid_of_windows(parts: Sequence[NDArray[Any]]) -> tuple[int, int]:
    """Where the clearest grid starts in each window: the first row and column of a block, 0 … 7.

    >>> blocks = np.random.default_rng(0).integers(0, 256, (16, 16), np.uint8).repeat(8, 0).repeat(8, 1)
    >>> grid_of_windows([blocks[3:, 5:]])
    (5, 3)
    """
    # The first f of a line compares the samples 1 and 2: there a block starts at sample 2.
    left, top = ((int(np.argmax(_phase_means(lines))) + 2) % _GRID for lines in _phases(parts))
    return top, left


def _phases(parts: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lines of all windows by phase: across (between columns), and down (between rows)."""
    step = 2 if len(parts) <= _FEW else 4
    across = [_phase_sums(_luma(part[::step])) for part in parts]
    down = [_phase_sums(np.ascontiguousarray(_luma(part[:, ::step]).T)) for part in parts]
    return np.concatenate(across), np.concatenate(down)


def _window_starts(side: int) -> list[int]:
    """The first samples of the windows along an axis: evenly spaced, and multiples of 8."""
    count = min(_WINDOWS, -(-side // _WINDOW))
    last = max(0, side - _WINDOW)
    return sorted({int(k * last / max(1, count - 1)) // _GRID * _GRID for k in range(count)})


def _luma(image: NDArray[Any]) -> Codes:
    """Luma codes of 0 … 255, with the weights of BT.601 in 256ths."""
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


def _phase_sums(y: Codes) -> NDArray[np.int64]:
    """The mean of f along each line between two columns, ``(lines / 8, 8)``."""
    d = y[:, 1:] - y[:, :-1]
    rough = np.abs(d)
    around = rough[:, :-2] + rough[:, 2:]
    second = np.abs(2 * d[:, 1:-1] - d[:, :-2] - d[:, 2:])
    f = second * np.float32(_UNIT) / (second + around + np.int16(1))
    sums: NDArray[np.int64] = f.astype(np.int16).sum(axis=0, dtype=np.int64) // len(y)
    whole = len(sums) // _GRID * _GRID
    return sums[:whole].reshape(-1, _GRID)


def _excess(lines: NDArray[np.int64]) -> float:
    means = _phase_means(lines)
    others = float(np.median(np.delete(means, np.argmax(means))))
    return (float(means.max()) - others) / (others + _MIN_ACTIVITY)


def _phase_means(lines: NDArray[np.int64]) -> NDArray[np.float64]:
    cut = len(lines) // 4
    means: NDArray[np.float64] = np.sort(lines, axis=0)[cut : len(lines) - cut].mean(axis=0) / _UNIT
    return means
