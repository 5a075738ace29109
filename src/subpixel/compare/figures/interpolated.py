"""Raw, down and up by operators without weights: bilinear interpolation, and max pooling with its unpooling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.figures.figure import Figure
from subpixel.compare.figures.sheet import Panel, Section, fitted, picture
from subpixel.compare.figures.subject import Box, Subject, bilinear, cut, detail, halved
from subpixel.metrics.quality import psnr
from subpixel.ops import max_pool, max_unpool, upsample_nearest

__all__ = ["BOX", "FIGURES", "closeups", "pooled", "same_place"]

U8 = NDArray[np.uint8]

BOX = (432, 432)  # three panels in a row
_PARTS = (432, 324)  # of details


def closeups(pictures: Sequence[tuple[str, U8, str]], box: Box) -> Section:
    """A row of the same part of pictures, each with its title and a note."""
    return Section(
        tuple(picture(cut(one, box), f"{title}, detail", note, box=_PARTS) for title, one, note in pictures), columns=3
    )


def pooled(image: U8) -> tuple[U8, U8, NDArray[np.int64]]:
    """Max pooling by 2 of ``(H, W, 3)``, its unpooling, and the positions of the maxima ``(3, H/2, W/2)``."""
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))[None]
    values, positions = max_pool(planes, 2, return_indices=True)
    back = max_unpool(values, positions, 2)
    return np.moveaxis(values[0], 0, -1), np.moveaxis(back[0], 0, -1), positions[0]


def same_place(positions: NDArray[np.int64]) -> float:
    """In which part of the windows all channels have their maximum at the same pixel, 0 … 1."""
    return float((positions == positions[:1]).all(axis=0).mean())


def _bilinear(subject: Subject) -> Sequence[Section]:
    raw = subject.picture
    size = fitted(raw, BOX)
    down = halved(raw)
    up = bilinear(down, (raw.shape[0], raw.shape[1]))
    nearest = np.moveaxis(upsample_nearest(np.moveaxis(down, -1, 0)[None], scale=2)[0], 0, -1)
    box = detail(raw, up)
    close, plain = (f"PSNR {psnr(one, raw):.2f} dB against raw." for one in (up, nearest))
    return (
        Section(
            (
                picture(raw, "Raw", "The outline marks the detail below.", box=size, mark=box),
                picture(down, "Down, bilinear ×1/2", "Each pixel is the mean of four.", box=size),
                picture(up, "Up, bilinear ×2", f"{close} Half-pixel centres, the edge repeated.", box=size),
            )
        ),
        closeups(
            (
                ("Raw", raw, "Here raw and bilinear differ most."),
                ("Nearest ×2", nearest, f"For comparison: each pixel is repeated. {plain}"),
                ("Bilinear ×2", up, "Steps become ramps: smoother than nearest, and not as sharp as raw."),
            ),
            box,
        ),
    )


def _unpooling(subject: Subject) -> Sequence[Section]:
    raw = subject.picture
    size = fitted(raw, BOX)
    down, up, positions = pooled(raw)
    share = same_place(positions)
    colours = (
        "In all of them the three channels have it at the same pixel, so no point is coloured by itself."
        if share == 1
        else f"In {1 - share:.0%} of them the channels have it at different pixels: points of single colours."
    )
    # Where points are most coloured, if any are.
    gray = np.repeat(up.max(axis=2, keepdims=True), 3, axis=2)
    box = detail(raw if (up == gray).all() else gray, up)
    kept = float((up != 0).mean())
    whole: tuple[Panel, ...] = (
        picture(raw, "Raw", "The outline marks the detail below.", box=size, mark=box),
        picture(down, "Down, max pooling by 2", "The largest of each four values, channel by channel.", box=size),
        picture(up, "Up, max unpooling by 2", f"{kept:.1%} of the values are not zero.", box=size),
    )
    nearest = np.moveaxis(upsample_nearest(np.moveaxis(down, -1, 0)[None], scale=2)[0], 0, -1)
    return (
        Section(whole),
        closeups(
            (
                ("Raw", raw, "For comparison."),
                ("Average unpooling", nearest, "Each value fills its window instead: the same as nearest."),
                ("Max unpooling", up, f"One value in each window of 2×2, at the place of the maximum. {colours}"),
            ),
            box,
        ),
    )


FIGURES = (
    Figure(
        "bilinear",
        "Bilinear interpolation: raw, down, up",
        "The picture at half its size, and brought back by bilinear interpolation: what is lost on the way down does "
        "not return.",
        _bilinear,
    ),
    Figure(
        "unpooling",
        "Max pooling and unpooling: raw, down, up",
        "Max pooling keeps the largest of four values and where it was; unpooling puts it back there and fills the "
        "rest with zeros.",
        _unpooling,
    ),
)
