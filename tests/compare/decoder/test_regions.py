"""IoU and boundary IoU against loops over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from subpixel.compare.decoder.regions import boundary, boundary_distance, count_regions, iou


def near_the_contour(region: np.ndarray, distance: int) -> np.ndarray:
    """Pixels of the region with a pixel outside of it, or of the image, in the square around them."""
    height, width = region.shape
    found = np.zeros_like(region)
    for y in range(height):
        for x in range(width):
            for v in range(y - distance, y + distance + 1):
                for u in range(x - distance, x + distance + 1):
                    outside = not (0 <= v < height and 0 <= u < width) or not region[v, u]
                    found[y, x] |= region[y, x] and outside
    return found


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (17, 13)])
@pytest.mark.parametrize("distance", [1, 2, 3])
def test_the_boundary_is_what_lies_near_the_contour(
    shape: tuple[int, int], distance: int, rng: np.random.Generator
) -> None:
    for density in (0.1, 0.7, 0.97, 1.0):
        region = rng.random(shape) < density
        np.testing.assert_array_equal(boundary(region[None], distance)[0], near_the_contour(region, distance))


def test_the_distance_is_two_percent_of_the_diagonal() -> None:
    assert boundary_distance(480, 640) == 16
    assert boundary_distance(3, 4) == 1


def test_counts_are_those_of_single_pixels(rng: np.random.Generator) -> None:
    truth, found = rng.integers(0, 3, (2, 4, 70, 90))
    distance = boundary_distance(70, 90)
    assert distance == round(0.02 * math.hypot(70, 90)) == 2
    counts = count_regions(truth, found, 4)
    for image in range(4):
        for number in range(4):
            a, b = truth[image] == number, found[image] == number
            p, q = near_the_contour(a, distance), near_the_contour(b, distance)
            expected = [(a & b).sum(), (a | b).sum(), (p & q).sum(), (p | q).sum()]
            assert counts[image, number].tolist() == expected
    assert np.isnan(iou(counts.sum(0))[3]).all()  # a class that is nowhere


def test_a_shift_of_a_square_costs_more_at_its_boundary() -> None:
    truth, found = np.zeros((2, 1, 64, 64), int)
    truth[0, 20:40, 20:40] = 1
    found[0, 20:40, 21:41] = 1
    area, edge = iou(count_regions(truth, found, 2)[0, 1])
    assert area == 380 / 420
    # Rings of 144 pixels. They share their upper and lower bands, 2 × 19 each, and one column of each side's.
    assert edge == (2 * 2 * 19 + 2 * 16) / (2 * 144 - (2 * 2 * 19 + 2 * 16))
