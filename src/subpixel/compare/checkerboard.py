"""Checkerboard energy: how much of an image repeats with the stride of an upsampler.

An upsampler of stride r treats its r·r phases differently if its weights do. The result then carries a pattern of
period r, whose energy lies at the frequencies k/r: (k/r, l/r) in cycles per pixel, without (0, 0). The spectrum is
measured in overlapping blocks, so that a pattern that follows the brightness of the image is found as well.

An image has energy of its own there, little for a photograph. So the figure is read beside that of the reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["checkerboard", "stride_bins"]

# Periods of the stride in a block, if the plane is large enough. With more, less of what an image holds beside these
# frequencies is counted; with fewer, a pattern is found in smaller places.
_PERIODS = 32
_MIN = 2  # blocks need at least this many periods


def checkerboard(plane: NDArray[Any], stride: int) -> float:
    """The root mean square of the part of a plane that repeats every ``stride`` samples, in units of the plane.

    Args:
        plane: ``(H, W)``, such as luma of 0 … 255.
        stride: the factor of the upsampler, at least 2.

    Returns:
        At least 0. A pattern ``a·(-1)^(x+y)`` gives ``a`` for a stride of 2. Infinite precision is not claimed: the
        window leaks, so a smooth gradient gives a little more than 0.

    Raises:
        InvalidArgument: the stride is less than 2, or the plane has fewer than two periods along an axis.

    Source: Odena et al., "Deconvolution and Checkerboard Artifacts", Distill 2016, for the artefact; Welch 1967 for the
    mean over windowed blocks.

    >>> import numpy as np
    >>> y, x = np.mgrid[:64, :64]
    >>> round(checkerboard(100 + 5.0 * (-1) ** (x + y), 2), 6)
    5.0
    """
    if stride < 2:
        raise InvalidArgument(f"stride={stride}: at least 2 is needed")
    height, width = plane.shape
    periods = min(_PERIODS, height // stride, width // stride)
    if periods < _MIN:
        raise InvalidArgument(f"{width}×{height} is too small for a pattern of {stride}: {_MIN * stride} is needed")
    side = periods * stride
    across = np.hanning(side + 1)[:-1]  # periodic, so that a constant leaks into the bins beside 0 alone
    window = np.outer(across, across)
    rows, columns = (_starts(length, side) for length in (height, width))
    bins = stride_bins(stride, periods)
    total = 0.0
    for top in rows:
        # A row of blocks at a time, to limit memory.
        blocks = np.stack([plane[top : top + side, left : left + side] for left in columns]).astype(np.float64)
        blocks -= blocks.mean(axis=(1, 2), keepdims=True)
        spectrum = np.fft.fft2(blocks * window)
        total += float((np.abs(spectrum[:, bins[0], bins[1]]) ** 2).sum())
    # Parseval for a component that fills one bin: |sum of window|² belongs to amplitude 1.
    return float(np.sqrt(total / (len(rows) * len(columns)) / window.sum() ** 2))


def stride_bins(stride: int, periods: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns, in the spectrum of a block, of the frequencies of a stride, without (0, 0).

    >>> rows, columns = stride_bins(2, 8)
    >>> list(zip(rows.tolist(), columns.tolist()))
    [(0, 8), (8, 0), (8, 8)]
    """
    steps = np.arange(stride) * periods
    rows, columns = (axis.ravel()[1:] for axis in np.meshgrid(steps, steps, indexing="ij"))
    return rows, columns


def _starts(length: int, side: int) -> list[int]:
    """Starts of blocks that overlap by half; the rest at the end that is no full step is left out."""
    return list(range(0, length - side + 1, max(1, side // 2)))
