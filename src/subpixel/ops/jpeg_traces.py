"""The quality of a JPEG that pixels came from, found in the pixels themselves.

A JPEG stores each coefficient of the DCT of 8×8 samples as a multiple of a step. Decoded pixels are rounded, so their
coefficients lie near those multiples, scattered by less than half a code. For each of the 63 frequencies the step is
sought that the coefficients fit best: the mean of ``cos(2 pi c / step)`` over those of at least half a step is about 1
on its multiples, less what the rounding takes, and about 0 for any other set. The steps that are found give the quality
whose table they resemble most on the scale of the Independent JPEG Group.

Pixels that were resized or turned by other than right angles after the compression show nothing. Blocks with samples of
0 or 255 are left out, since clipping moves their coefficients; so drawings on white or black seldom have enough blocks.

The distribution of coefficients as evidence is from Fan and de Queiroz, "Identification of bitmap compression history:
JPEG detection and quantizer estimation", IEEE Transactions on Image Processing 12(2), 2003. The measure is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.blockiness import check_image, grid_of_windows, sample_windows

__all__ = ["jpeg_quality", "jpeg_quality_of_windows", "table_of_quality"]

# The luma table that ITU-T T.81, annex K.1 suggests, row by row: quality 50 on the scale.
_ANNEX_K = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_SIDE = 8
# Enough blocks for a verdict, and few enough to be quick.
_MAX_BLOCKS = 2048
# Steps that are sought, and the largest coefficient that counts. Steps of 1 drown in the rounding.
_STEPS = np.arange(2, 61)
_RANGE = 256
_BINS = 8  # of the histogram, per code
# The deviation of a coefficient of decoded luma: rounding of Y, then of R, G and B.
_ROUNDING = 0.35
# A step counts with so many coefficients, so many deviations above 0, and so near to what a true step would reach.
_MIN_COUNT, _MIN_DEVIATIONS, _MIN_SHARE = 20, 6.0, 0.6
# A table is found if so many frequencies have a step. A few may be chance, so they must also differ from a table of the
# IJG by no more than this, as a mean of logs; many are never chance, and tables of other makers are flatter or steeper.
_MIN_FREQUENCIES, _MAX_MISFIT, _MANY_FREQUENCIES = 5, 0.35, 20
# The basis as integers: all sums are exact in f64, so the result is equal on every machine.
_UNIT = 2048


def jpeg_quality(image: NDArray[Any]) -> int | None:
    """The quality of the JPEG that an image was decoded from, 1 … 97 on the IJG's scale, by its pixels.

    Of several compressions it finds the one with the coarsest steps. The grid may start anywhere. In large images, 16
    windows of 256×256 pixels are examined.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``: gray, gray and alpha, RGB or RGBA; u8, u16 or f32 of 0 … 1. Alpha is
            ignored.

    Returns:
        The quality, equal on every machine; None if there are no such traces, or if they cannot be told: above quality
        97, in images with a side below 64, in flat ones, and where white or black is nearly everywhere.

    Raises:
        InvalidArgument: another shape or dtype.

    >>> import numpy as np
    >>> jpeg_quality(np.random.default_rng(0).integers(1, 255, (128, 128), np.uint8)) is None
    True
    """
    check_image(image, "jpeg_quality")
    return jpeg_quality_of_windows([image[rows, columns] for rows, columns in sample_windows(*image.shape[:2])])


def jpeg_quality_of_windows(parts: Sequence[NDArray[Any]]) -> int | None:
    """The :func:`jpeg_quality` of an image from its windows, for images that are not in memory as a whole."""
    if not parts:
        return None
    # A file that was cropped and compressed again has its own grid and an earlier one, which shows more.
    found = [_quality_on_grid(parts, grid) for grid in {(0, 0), grid_of_windows(parts)}]
    return min((quality for quality in found if quality is not None), default=None)


def table_of_quality(quality: int) -> NDArray[np.int64]:
    """The luma table ``(8, 8)`` of a quality of 1 … 100 on the IJG's scale.

    >>> table_of_quality(50)[0, :3], int(table_of_quality(100).max())
    (array([16, 11, 10]), 1)
    """
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table: NDArray[np.int64] = np.clip((np.array(_ANNEX_K).reshape(_SIDE, _SIDE) * scale + 50) // 100, 1, 255)
    return table


def _quality_on_grid(parts: Sequence[NDArray[Any]], grid: tuple[int, int]) -> int | None:
    most = _MAX_BLOCKS // len(parts)
    blocks = np.concatenate([_blocks(part[grid[0] :, grid[1] :], most) for part in parts])
    if len(blocks) < _MIN_COUNT:
        return None
    steps = _steps(_histograms(blocks))
    known = steps > 0
    if known.sum() < _MIN_FREQUENCIES:
        return None
    misfits = np.abs(np.log(steps[known]) - _log_tables()[:, known]).mean(axis=1)
    best = int(np.argmin(misfits))
    return best + 1 if misfits[best] <= _MAX_MISFIT or known.sum() >= _MANY_FREQUENCIES else None


def _blocks(part: NDArray[Any], most: int) -> NDArray[np.float64]:
    """The blocks of luma in 256ths ``(N, 8, 8)`` of a window, evenly chosen if there are more than ``most``.

    Flat blocks and those that reach 0 or 255 are left out.
    """
    rows, columns = part.shape[0] // _SIDE, part.shape[1] // _SIDE
    codes = _codes(part[: rows * _SIDE, : columns * _SIDE])
    low, high = (_of_blocks(codes, reduce) for reduce in (np.minimum, np.maximum))
    usable = np.flatnonzero((low > 0).all(axis=1) & (high < 255).all(axis=1) & (high > low).any(axis=1))
    if len(usable) > most:
        usable = usable[np.arange(most) * len(usable) // most]
    blocks = codes.reshape(rows, _SIDE, columns, _SIDE, -1)[usable // columns, :, usable % columns]
    weights = np.array([256.0] if blocks.shape[-1] == 1 else [77.0, 150.0, 29.0])
    luma: NDArray[np.float64] = blocks @ weights
    return luma


def _of_blocks(codes: NDArray[np.uint8], reduce: np.ufunc) -> NDArray[np.uint8]:
    """The least or the greatest sample of each block and channel, ``(blocks, channels)``."""
    height, width, channels = codes.shape
    lines = reduce.reduce(codes.reshape(height // _SIDE, _SIDE, width * channels), axis=1)
    result: NDArray[np.uint8] = reduce.reduce(lines.reshape(-1, _SIDE, channels), axis=1)
    return result


def _codes(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Codes of 0 … 255 ``(H, W, 1)`` or ``(H, W, 3)``, without alpha."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype == np.float32:
        image = np.where(image > 0, np.minimum(image, 1) * np.float32(255) + np.float32(0.5), 0).astype(np.uint8)
    if image.ndim == 2:
        image = image[..., None]
    return image[..., : 1 if image.shape[2] < 3 else 3]


@cache
def _basis() -> NDArray[np.float64]:
    """The DCT's orthonormal basis ``(frequency, sample)`` as integers of 1 / 2048."""
    k, n = np.mgrid[:_SIDE, :_SIDE]
    basis = np.sqrt(np.where(k == 0, 1, 2) / _SIDE) * np.cos((2 * n + 1) * k * np.pi / (2 * _SIDE))
    return np.asarray(np.rint(basis * _UNIT))


def _histograms(blocks: NDArray[np.float64]) -> NDArray[np.int64]:
    """How often each size of a coefficient occurs, ``(64, bins)``. Those beyond the range are left out."""
    basis = _basis()
    across = blocks @ basis.T  # (N, y, v)
    coefficients = across.swapaxes(1, 2) @ basis.T  # (N, v, u)
    sizes = np.abs(coefficients.swapaxes(1, 2).reshape(-1, _SIDE * _SIDE)) * (_BINS / (256 * _UNIT * _UNIT))
    bins = np.rint(np.minimum(sizes, _RANGE * _BINS)).astype(np.int64)
    offsets = np.arange(_SIDE * _SIDE) * (_RANGE * _BINS + 1)
    counts = np.bincount((bins + offsets).ravel(), minlength=_SIDE * _SIDE * (_RANGE * _BINS + 1))
    return counts.reshape(_SIDE * _SIDE, -1)[:, :-1]


@cache
def _waves() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each step, over the bins: the cosine in 4096ths, and whether a coefficient is at least half a step."""
    sizes = np.arange(_RANGE * _BINS) / _BINS
    far = sizes >= _STEPS[:, None] / 2
    return np.where(far, np.rint(4096 * np.cos(2 * np.pi * sizes / _STEPS[:, None])), 0), far.astype(np.float64)


def _steps(histograms: NDArray[np.int64]) -> NDArray[np.int64]:
    """The step of each frequency ``(64,)``; 0 where there is none, and for the mean."""
    waves, far = _waves()
    counts = far @ histograms.T  # (steps, 64)
    sums = waves @ histograms.T / 4096
    means = sums / np.maximum(counts, 1)
    reachable = np.exp(-2 * (np.pi * _ROUNDING / _STEPS[:, None]) ** 2)
    fits = (
        (counts >= _MIN_COUNT)
        & (means >= _MIN_SHARE * reachable)
        & (sums >= _MIN_DEVIATIONS * np.sqrt(np.maximum(counts, 1) / 2))
    )
    best = np.where(fits, sums, 0).argmax(axis=0)
    steps: NDArray[np.int64] = np.where(fits.any(axis=0), _STEPS[best], 0)
    steps[0] = 0
    return steps


@cache
def _log_tables() -> NDArray[np.float64]:
    """The logarithms of the tables of quality 1 … 97, ``(97, 64)``."""
    return np.log(np.stack([table_of_quality(quality).ravel() for quality in range(1, 98)]))
