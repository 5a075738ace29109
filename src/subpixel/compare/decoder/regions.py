"""IoU and boundary IoU as counts of pixels, which can be added over images before they are divided.

Boundary IoU compares only the pixels of a region that lie within a distance of its contour (Cheng et al., arXiv
2103.16562, equation 2): ``|(G_d ∩ G) ∩ (P_d ∩ P)| / |(G_d ∩ G) ∪ (P_d ∩ P)|``. As in the authors' code, the distance is
2 % of the image's diagonal, rounded, at least one pixel, measured by erosions with a 3×3 square, and the image's border
counts as a contour.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNTS", "boundary", "boundary_distance", "count_regions", "iou"]

# What is counted of each image and class.
COUNTS = ("intersection", "union", "boundary intersection", "boundary union")


def boundary_distance(height: int, width: int) -> int:
    """The distance in pixels: 2 % of the diagonal, rounded, at least 1.

    >>> boundary_distance(64, 64), boundary_distance(10, 10)
    (2, 1)
    """
    return max(1, round(0.02 * math.hypot(height, width)))


def boundary(region: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """The pixels of regions that lie within a distance of their contours.

    Args:
        region: ``(..., H, W)``.
        distance: in pixels.

    >>> boundary(np.ones((5, 5), bool), 2).astype(int)[2].tolist()
    [1, 1, 0, 1, 1]
    """
    inner = region
    for axis in (-2, -1):
        length = region.shape[axis]
        pads = [(0, 0)] * region.ndim
        pads[axis] = (distance, distance)
        padded = np.pad(inner, pads)  # outside is not inside, so the border is a contour
        inner = np.ones_like(region)
        for start in range(2 * distance + 1):
            part = [slice(None)] * region.ndim
            part[axis] = slice(start, start + length)
            inner &= padded[tuple(part)]
    return region & ~inner


def count_regions(truth: NDArray[Any], found: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """The counts of :data:`COUNTS` for each image and class.

    Args:
        truth: ``(N, H, W)``, the classes.
        found: ``(N, H, W)``, the classes that a network found.
        classes: how many there are.

    Returns:
        ``(N, classes, 4)``.
    """
    distance = boundary_distance(*truth.shape[1:])
    counts = np.empty((len(truth), classes, len(COUNTS)), np.int64)
    for number in range(classes):
        a, b = truth == number, found == number
        edge_a, edge_b = boundary(a, distance), boundary(b, distance)
        for place, mask in enumerate((a & b, a | b, edge_a & edge_b, edge_a | edge_b)):
            counts[:, number, place] = mask.sum((1, 2))
    return counts


def iou(counts: NDArray[Any]) -> NDArray[np.float64]:
    """IoU and boundary IoU from counts: ``(..., 4)`` to ``(..., 2)``; NaN for a class that is nowhere."""
    values = np.asarray(counts, np.float64).reshape(*np.shape(counts)[:-1], 2, 2)
    with np.errstate(invalid="ignore"):
        result: NDArray[np.float64] = values[..., 0] / values[..., 1]
    return result
