"""Grid sampling: the full grid under both conventions, a grid with noise, and a flow field as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.interpolated import BOX
from subpixel.compare.figures.sheet import Section, fitted, picture, written
from subpixel.compare.figures.subject import Subject, halved, to_u8
from subpixel.compare.methods.warping import NOISE
from subpixel.ops import affine_grid, grid_sample, resize

__all__ = ["FIELD_NOISE", "FIGURE", "field", "field_colours", "full_grid", "grid_results", "largest_difference"]

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

FIELD_NOISE = 1 / 20  # ten times the grid's above, to be visible in the colours of a field


def full_grid(height: int, width: int, *, align_corners: bool = True) -> F32:
    """A regular grid ``(1, H, W, 2)``; with ``align_corners`` it goes from −1 to 1."""
    grid: F32 = affine_grid(np.array([[[1, 0, 0], [0, 1, 0]]], np.float32), (1, 1, height, width), align_corners)
    return grid


def grid_results(small: U8, seed: int) -> dict[str, F32]:
    """``(H, W, 3)`` at twice its size, floats of 0 … 255, by each grid and resize that the figure shows.

    The keys: ``full-true`` and ``full-false`` are the grid from −1 to 1, sampled with either ``align_corners``;
    ``regular-false`` is the grid of ``align_corners=False`` sampled alike, the edge repeated; ``noise`` is the first
    with noise of 1/200; ``resize-true`` and ``resize-false`` are the bilinear resizes.
    """
    planes = np.ascontiguousarray(np.moveaxis(small, -1, 0), np.float32)[None]
    height, width = (2 * side for side in small.shape[:2])
    full = full_grid(height, width)
    noise = np.random.default_rng(seed).normal(0, NOISE, full.shape).astype(np.float32)
    results = {
        "full-true": grid_sample(planes, full, align_corners=True),
        "full-false": grid_sample(planes, full, align_corners=False),
        "regular-false": grid_sample(
            planes, full_grid(height, width, align_corners=False), padding_mode="border", align_corners=False
        ),
        "noise": grid_sample(planes, full + noise, align_corners=True),
    }
    for name, aligned in (("resize-true", True), ("resize-false", False)):
        results[name] = resize(planes, (height, width), mode="linear", align_corners=aligned, layout="NCHW")
    return {name: np.moveaxis(result[0], 0, -1) for name, result in results.items()}


def largest_difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference between samples of two arrays."""
    return float(np.abs(one.astype(np.float64) - other).max())


def field(height: int, width: int, seed: int) -> F32:
    """A flow field ``(1, 2, H, W)`` of x and y: the grid from −1 to 1 with normal noise of 1/20."""
    grid = np.moveaxis(full_grid(height, width), -1, 1)
    noise = np.random.default_rng(seed).normal(0, FIELD_NOISE, grid.shape)
    return np.ascontiguousarray(grid + noise, np.float32)


def field_colours(flow: F32) -> U8:
    """A field as a picture: x from dark to yellow, y from dark to blue, so that −1, −1 is black and 1, 1 white."""
    across, down = (np.clip((axis + 1) * 127.5, 0, 255) for axis in flow[0])
    return to_u8(np.stack([across, across, down], axis=-1))


def _draw(subject: Subject) -> Sequence[Section]:
    raw = subject.picture
    whole = fitted(raw, BOX)
    small = halved(raw)
    results = grid_results(small, subject.seed)
    shown = {name: to_u8(result) for name, result in results.items()}

    def against(name: str, other: str) -> str:
        return written(largest_difference(results[name], results[other]))

    true, false = "resize(align_corners=True)", "resize(align_corners=False)"
    equal = against("full-true", "resize-true")
    up = f"Sampled with align_corners=True. Largest difference from {true}: {equal} of 255."
    far = [against("full-false", name) for name in ("resize-true", "resize-false")]
    other = (
        f"Largest difference from {true}: {far[0]}, from {false}: {far[1]} of 255. "
        "The grid reaches half a pixel beyond the outermost centres, to zeros: the rim is dark."
    )
    regular = (
        "Here −1 and 1 are the outer edges of the picture on both sides. Largest difference from "
        f"{false}: {against('regular-false', 'resize-false')} of 255."
    )
    across = NOISE * (small.shape[1] - 1) / 2
    noise = (
        f"Normal noise of 1/200 on a grid of −1 … 1: {across:.2f} pixels across the small picture. Outside are zeros."
    )
    flow = field(raw.shape[0], raw.shape[1], subject.seed)
    half = resize(flow, scale=0.5, mode="linear", layout="NCHW")
    back = resize(half, flow.shape[2:], mode="linear", layout="NCHW")
    regular_field = np.moveaxis(full_grid(*raw.shape[:2]), -1, 1)

    def deviation(one: F32) -> str:
        return f"Deviation from the regular grid: {np.sqrt(np.square(one - regular_field).mean()):.4f}."

    colours = "Yellow grows with x, blue with y."
    return (
        Section(
            (
                picture(raw, "Raw", "The picture.", box=whole),
                picture(small, "Down, bilinear ×1/2", "What all grids sample.", box=whole),
                picture(shown["full-true"], "Up, full grid −1 … 1", up, box=whole),
            )
        ),
        Section(
            (
                picture(shown["full-false"], "Full grid, align_corners=False", other, box=whole),
                picture(shown["regular-false"], "Grid and sampling both False", regular, box=whole),
                picture(shown["noise"], "Full grid with noise of 1/200", noise, box=whole),
            ),
            "The two conventions, and a grid with noise",
            "A grid from −1 to 1 names the centres of the corner pixels only if grid_sample is told align_corners=True "
            "as well. Then it equals the regular resize; otherwise it equals neither.",
        ),
        Section(
            (
                picture(field_colours(flow), "Flow field, raw", f"{colours} {deviation(flow)}", box=whole),
                picture(field_colours(half), "Down, bilinear ×1/2", "Four neighbours are averaged.", box=whole),
                picture(field_colours(back), "Up, bilinear ×2", f"The noise is smoothed. {deviation(back)}", box=whole),
            ),
            "A flow field as a picture",
            "The regular grid plus normal noise of 1/20, its x and y as colours, made small and brought back as a "
            "picture is.",
        ),
    )


FIGURE = Figure(
    "grid-sample",
    "Grid sample: raw, down, up",
    "Each pixel of the result is read at a place that a grid names; −1 … 1 is the whole picture, and align_corners "
    "says whether that means the outermost centres or the outer edges.",
    _draw,
)
