"""Grid sampling: the same resampler with three grids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.methods.method import Method, Prepared, Sample
from subpixel.ops import affine_grid, grid_sample

__all__ = ["AFFINE", "METHODS", "NOISE"]

# Degrees of the rotation and the zoom of the affine grid; the deviation of the perturbed grid, where -1 … 1 is the
# image.
AFFINE = (3.0, 1.05)
NOISE = 1 / 200

_MACS = 3 * 4 + 4  # four weights for each of three channels, and the products that make the weights


def _grid(sample: Sample, theta: Any) -> NDArray[np.float32]:
    grid: NDArray[np.float32] = affine_grid(np.asarray(theta, np.float32)[None], (1, 3, *sample.size))
    return grid


def _sample(sample: Sample, grid: NDArray[np.float32]) -> Prepared:
    planes = np.ascontiguousarray(np.moveaxis(sample.small, -1, 0), np.float32)[None]
    return Prepared(lambda: np.moveaxis(grid_sample(planes, grid, padding_mode="border")[0], 0, -1), float(_MACS))


def _identity(sample: Sample) -> Prepared:
    return _sample(sample, _grid(sample, [[1, 0, 0], [0, 1, 0]]))


def _affine(sample: Sample) -> Prepared:
    degrees, zoom = AFFINE
    angle = np.deg2rad(degrees)
    height, width = sample.size
    across, down = np.cos(angle) / zoom, np.sin(angle) / zoom
    # The axes of the grid have the same range whatever the aspect, so the shear of a rotation is scaled by it.
    return _sample(sample, _grid(sample, [[across, -down * height / width, 0], [down * width / height, across, 0]]))


def _perturbed(sample: Sample) -> Prepared:
    grid = _grid(sample, [[1, 0, 0], [0, 1, 0]])
    noise = np.random.default_rng(sample.seed).normal(0, NOISE, grid.shape).astype(np.float32)
    return _sample(sample, grid + noise)


METHODS = (
    Method(
        "grid-sample",
        "Grid sample, identity",
        "warping",
        "A regular grid, bilinear, align_corners=False on both sides: the same as bilinear.",
        _identity,
    ),
    Method(
        "grid-sample-affine",
        "Grid sample, affine",
        "warping",
        f"Turned by {AFFINE[0]:g} degrees and enlarged by {AFFINE[1]:g}: not aligned with the reference, on purpose.",
        _affine,
    ),
    Method(
        "grid-sample-perturbed",
        "Grid sample, perturbed flow",
        "warping",
        "The regular grid with normal noise of 1/200.",
        _perturbed,
    ),
)
