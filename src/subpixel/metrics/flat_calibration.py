"""The largest threshold of flat cells whose cost nobody sees, measured on images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS
from subpixel.backends.integer import to_halves
from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.image.compression import Jpeg
from subpixel.metrics.protocol import images_below, luma_255, shrink
from subpixel.metrics.quality import psnr
from subpixel.models.files import Model
from subpixel.models.flat import flat_samples, plain_detail
from subpixel.models.zoo import is_for_compressed

__all__ = ["measure_flat"]

# How many images are used, and the side of the crop of each, in samples of the small image.
_IMAGES, _SIDE = 48, 128

# What flat cells may cost: the mean loss of PSNR in dB, the largest difference from the network in codes of 255, and
# the root of the mean square of differences inside of flat cells. The last one holds however much of an image is flat:
# with half of it, results differ by 65 dB. It is measured from the network in f32: int8 itself is further from that, by
# 0.2 to 0.35 codes in flat cells, which says nothing about the resize.
_MOST_DB, _MOST_CODES, _MOST_RMS = 0.01, 3, 0.2
# The same for a network for compressed images, which smooths flat parts too: PSNR is higher without.
_MOST_RMS_COMPRESSED = 0.3
# PSNR counts up to this: a drawing that the network makes at 55 dB loses 0.7 of them to one code, which nobody sees.
_TOP_DB = 50.0

# The thresholds that are tried, in codes of 255. Larger ones would not find more cells in most images.
_THRESHOLDS = tuple(k / 2 for k in range(1, 33))

# What small images go through before a network for compressed ones: a quality in the middle of those it is used for.
_QUALITY = 75


def measure_flat(model: Model, folder: str | Path, say: Callable[[str], None] | None = None) -> Model:
    """A copy of the model with the largest threshold of flat cells that costs at most 0.01 dB and 3 codes.

    In flat cells, the root mean square of the differences from the network in f32 is at most 0.2 codes as well (0.3 for
    compressed images).

    Args:
        model: a luma network that is a plain chain, see :mod:`subpixel.models.flat`.
        folder: a folder of 8-bit images, also in folders below it. Up to 48, evenly chosen, are used. They must not be
            the images of the test sets. For a network for compressed images, the small images are compressed as JPEG.
        say: called with a line about the result.

    Returns:
        The model with ``flat``: ``threshold`` in codes of 255, ``loss_db`` (mean of PSNR without flat cells minus
        PSNR with them, each at most 50; negative is a gain), ``largest_codes`` (the largest difference from the
        network), ``rms_codes`` (of differences from f32 in flat cells), ``int8_rms_codes`` (the same of int8 without
        flat cells; None in f32), ``share`` (of samples in flat cells) and ``calibration``. It is None if even the
        smallest threshold costs more.

    Raises:
        InvalidArgument: there are no images, or one is not of 8 bits.
        Unsupported: the network has no flat cells.
    """
    spec = model.spec
    precision = "f32" if model.quantisation is None else "int8"
    backend = BACKENDS["reference"] if BACKENDS["native"].unavailable() else BACKENDS["native"]
    backend.prepare(spec, model.weights, precision, 1, model.quantisation, 0)  # refuses networks without flat cells
    session, real = (backend.prepare(spec, model.weights, each, 1, model.quantisation) for each in (precision, "f32"))
    compression = Jpeg(_QUALITY) if is_for_compressed(model) else None
    paths = images_below(Path(folder))
    paths = [paths[k] for k in np.linspace(0, len(paths) - 1, min(_IMAGES, len(paths))).astype(int)]
    rows = []
    for path in paths:
        pixels = read(path).pixels
        if pixels.dtype != np.uint8:
            raise InvalidArgument(f"{path}: has dtype {pixels.dtype}; calibration needs 8-bit images")
        side = _SIDE * spec.scale
        top, left = (max(0, (n - side) // 2) for n in pixels.shape[:2])
        small, large = shrink(pixels[top : top + side, left : left + side, :3], spec.scale)
        small = small if compression is None else compression(small)
        plane = (luma_255(small) / 255).astype(np.float32)
        rows.append(_costs(plane, session(plane[None])[0], real(plane[None])[0], luma_255(large), spec.scale))
    costs = np.array(rows)  # (image, threshold, (dB, codes, share, squares, squares of int8))
    losses, largest, shares = costs[..., 0].mean(axis=0), costs[..., 1].max(axis=0), costs[..., 2].mean(axis=0)
    rms, rms_int8 = (np.sqrt(costs[..., k].mean(axis=0) / np.maximum(shares, 1e-12)) for k in (3, 4))
    fits = (
        (losses <= _MOST_DB)
        & (largest <= _MOST_CODES)
        & (rms <= (_MOST_RMS if compression is None else _MOST_RMS_COMPRESSED))
    )
    # A larger threshold finds more cells: those after the first that costs too much are not worth a look.
    count = len(fits) if fits.all() else int(np.argmin(fits))
    if count == 0:
        if say:
            say("flat cells cost too much at any threshold; the network computes everything")
        return replace(model, flat=None)
    best = count - 1
    flat: dict[str, Any] = {
        "threshold": _THRESHOLDS[best],
        "loss_db": round(float(losses[best]), 4),
        "largest_codes": int(largest[best]),
        "rms_codes": round(float(rms[best]), 3),
        "int8_rms_codes": round(float(rms_int8[best]), 3) if precision == "int8" else None,
        "share": round(float(shares[best]), 3),
        "calibration": {
            "data": Path(folder).name,
            "images": len(paths),
            "precision": precision,
            "compression": None if compression is None else compression.name,
        },
    }
    if say:
        say(
            f"flat cells: up to {flat['threshold']:g} codes, {100 * flat['share']:.0f} % of {len(paths)} images; "
            f"they cost {flat['loss_db']:.4f} dB and {flat['largest_codes']} codes at most"
        )
    return replace(model, flat=flat)


def _costs(
    plane: NDArray[np.float32],
    network: NDArray[np.float32],
    real: NDArray[np.float32],
    large: NDArray[np.float64],
    scale: int,
) -> list[tuple[float, ...]]:
    """For each threshold: the loss in dB, the largest difference in codes, the share of flat samples, and the mean
    squares of what the resize and the network differ from f32 there."""
    halves = to_halves(plane)
    # The same with and without a base: the sum of the base in halves and of its detail.
    resized = plain_detail(halves, scale, base=False) / 16
    exact, plain = _codes(network.astype(np.float64) * 255), _codes(resized)
    without = min(_TOP_DB, psnr(exact, large, data_range=255, crop=scale))
    result = []
    for threshold in _THRESHOLDS:
        flat = flat_samples(halves, int(2 * threshold), scale)
        mixed = np.where(flat, plain, exact)
        loss = without - min(_TOP_DB, psnr(mixed, large, data_range=255, crop=scale)) if flat.any() else 0.0
        largest = np.abs(mixed - exact).max()
        # Before rounding, which is the same for both.
        squares = (float(np.where(flat, np.square(each - 255 * real), 0).mean()) for each in (resized, 255 * network))
        result.append((loss, float(largest), float(flat.mean()), *squares))
    return result


def _codes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.floor(values + 0.5), 0, 255)
