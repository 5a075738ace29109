"""Rows of an image that go through together, so that what lies in between does not grow with the image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Band", "bands", "rows_at_once"]

# Output samples of a band: some megabytes for each plane at hand.
_SAMPLES = 1 << 20


@dataclass(frozen=True)
class Band:
    """Rows ``top`` … ``bottom``; ``source``: these and the halo of the input; ``crop``: the rows to keep of what the
    source becomes; ``result``: where they belong."""

    top: int
    bottom: int
    source: slice
    crop: slice
    result: slice


def bands(height: int, width: int, scale: int, halo: int) -> Iterator[Band]:
    """An image's bands, from the top.

    Args:
        height: of the input.
        width: of the input.
        scale: how many times larger the result is.
        halo: input rows that one of the result depends on, above and below.

    >>> next(bands(3000, 1024, 2, 4))
    Band(top=0, bottom=256, source=slice(0, 260, None), crop=slice(0, 512, None), result=slice(0, 512, None))
    """
    step = rows_at_once(width * scale**2)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first = max(top - halo, 0)
        yield Band(
            top,
            bottom,
            slice(first, min(bottom + halo, height)),
            slice((top - first) * scale, (bottom - first) * scale),
            slice(top * scale, bottom * scale),
        )


def rows_at_once(samples: int) -> int:
    """How many rows of so many output samples make a band."""
    return max(1, _SAMPLES // samples)
