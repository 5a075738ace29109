"""Bands: groups of rows that are upscaled together, so that the memory for intermediate values stays constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from subpixel.models.flat import cell_start

__all__ = ["Band", "bands", "rows_at_once"]

# Output samples of a band: a few megabytes for each plane in memory.
_SAMPLES = 1 << 20


@dataclass(frozen=True)
class Band:
    """A group of rows.

    Args:
        top: the first input row.
        bottom: the input row after the last.
        source: these rows of the input and their halo; they begin at a multiple of
            :data:`~subpixel.models.flat.CELL`.
        crop: the rows of the upscaled source that belong to the band.
        result: the rows of the output that they are.
    """

    top: int
    bottom: int
    source: slice
    crop: slice
    result: slice


def bands(height: int, width: int, scale: int, halo: int | None) -> Iterator[Band]:
    """The bands of an image, from the top.

    Args:
        height: rows of the input.
        width: columns of the input.
        scale: the upscaling factor.
        halo: input rows above and below that an output row depends on; None if a network must see the whole image,
            which is then one band.

    >>> next(bands(3000, 1024, 2, 4))
    Band(top=0, bottom=256, source=slice(0, 260, None), crop=slice(0, 512, None), result=slice(0, 512, None))
    """
    if halo is None:
        everything = slice(0, height * scale)
        yield Band(0, height, slice(0, height), everything, everything)
        return
    step = rows_at_once(width * scale**2)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first = cell_start(top - halo)
        yield Band(
            top,
            bottom,
            slice(first, min(bottom + halo, height)),
            slice((top - first) * scale, (bottom - first) * scale),
            slice(top * scale, bottom * scale),
        )


def rows_at_once(samples: int) -> int:
    """How many rows make a band, each of ``samples`` output samples; at least 1."""
    return max(1, _SAMPLES // samples)
