"""The position of the detail: where two images differ most, away from the border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_detail"]

U8 = NDArray[np.uint8]

_CELL = 8  # side of the squares of which differences are summed


def find_detail(first: U8, second: U8, size: tuple[int, int], margin: int) -> tuple[int, int]:
    """Where two images differ most.

    Args:
        first: ``(H, W, C)``.
        second: of the same shape.
        size: ``(width, height)`` of the detail, no larger than the images.
        margin: pixels between the detail and the border, if there are so many.

    Returns:
        ``(left, top)`` of the rectangle with the largest sum of squared differences, on a grid of 8 pixels. Of equal
        sums, the topmost counts, then the leftmost.
    """
    height, width = first.shape[:2]
    cells = np.stack([_differences(first[top : top + _CELL], second[top : top + _CELL]) for top in _steps(height)])
    down, across = (max(1, min(side // _CELL, length)) for side, length in zip(size[::-1], cells.shape, strict=True))
    total = np.pad(cells, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = total[down:, across:] - total[:-down, across:] - total[down:, :-across] + total[:-down, :-across]
    tops, lefts = _positions(height, size[1], margin), _positions(width, size[0], margin)
    # Positions at the ends are off the grid, and the last may lie beyond the last window: the nearest one counts.
    rows = np.minimum((tops + _CELL // 2) // _CELL, len(sums) - 1)
    columns = np.minimum((lefts + _CELL // 2) // _CELL, sums.shape[1] - 1)
    row, column = np.unravel_index(int(sums[np.ix_(rows, columns)].argmax()), (len(rows), len(columns)))
    return int(lefts[column]), int(tops[row])


def _positions(length: int, size: int, margin: int) -> NDArray[np.intp]:
    """The possible starts of a detail along an axis: on the grid, and as near to either end as the margin allows."""
    margin = min(margin, (length - size) // 2)
    return np.unique(np.clip(np.arange(0, length, _CELL), margin, length - size - margin))


def _differences(first: U8, second: U8) -> NDArray[np.int64]:
    columns = np.square(first.astype(np.int32) - second).sum(axis=(0, 2), dtype=np.int64)
    sums: NDArray[np.int64] = np.add.reduceat(columns, _steps(len(columns)))
    return sums


def _steps(length: int) -> range:
    return range(0, length, _CELL)
