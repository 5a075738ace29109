"""The protocol of ``evaluate``: BT.601 luma, rounded results, a border of ``scale`` cropped, the mean over images.

Published figures that nobody can reproduce usually differ in one of four points: the range of luma, the rounding, the
crop, or the bicubic filter of the small images. Every report states all four.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image.compression import Compression
from subpixel.metrics.heatmap import destination, prepare_destinations, write_heatmap
from subpixel.metrics.image_sets import Pair, images_below, pairs_of, read_u8
from subpixel.metrics.quality import psnr, ssim
from subpixel.ops import resize
from subpixel.upscaler import Upscaler, luma

__all__ = ["codes_255", "evaluate", "images_below", "luma_255", "score_sets", "shrink"]

ImageData = NDArray[np.uint8]
Plane = NDArray[np.float64]

# The figures of a set are the means of these figures of its images.
_MEANS = ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "round_trip_psnr_y")


@dataclass(frozen=True)
class Score:
    """The figures of one image: ``seconds`` of the call, and ``megapixels`` of its result."""

    name: str
    psnr_y: float
    ssim_y: float
    psnr_rgb: float
    ssim_rgb: float
    round_trip_psnr_y: float
    seconds: float
    megapixels: float


def evaluate(
    upscaler: Upscaler,
    folder: str | Path,
    progress: Callable[[str], None] | None = None,
    degradation: Compression | None = None,
    *,
    heatmaps: str | Path | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Measure a model on a test set, or on a folder of test sets.

    Args:
        upscaler: the model to measure. For ``psnr_y`` and ``ssim_y``, a luma network reads the f32 plane of luma.
        folder: a folder with the large images in ``HR/``, or a folder of such folders. If ``LR_x2/`` … exists, it must
            hold small images of the same names; the large ones are then cropped at the top left to ``scale`` times
            their size. Otherwise the small images are made by MATLAB's antialiased bicubic filter in u8. Alpha is
            ignored.
        progress: called with the name of each image.
        degradation: a compression that the small images go through first.
        heatmaps: a folder for one PNG per image that shows where the round trip differs, see
            :func:`subpixel.metrics.heatmap.heatmap`. Each set has a folder below it. Created if missing.
        overwrite: replace existing heat maps.

    Returns:
        ``{"model", "scale", "backend", "precision", "threads", "ensemble", "strength", "exact", "time", "protocol",
        "sets"}``.
        A set has the means of ``psnr_y``, ``ssim_y``, ``psnr_rgb``, ``ssim_rgb`` and ``round_trip_psnr_y`` (PSNR in dB,
        infinite for equal images), the sum of ``seconds``, ``megapixels_per_second`` of output, and ``images`` with
        the same figures for each image. ``protocol`` defines the figures, ``time`` says what was timed.

    Raises:
        InvalidArgument: the folder holds no test set.
        ImageReadError: an image cannot be read, or a small image has no large one.
        ImageWriteError: a heat map exists or cannot be written.
    """
    network = upscaler.network()
    plane = upscaler.plane if network.colour == "luma" else None
    maps = None if heatmaps is None else Path(heatmaps)
    report = score_sets(
        upscaler,
        network.scale,
        folder,
        progress,
        plane=plane,
        degradation=degradation,
        heatmaps=maps,
        overwrite=overwrite,
    )
    return {
        "model": network.model.name,
        "scale": network.scale,
        "backend": upscaler.backend,
        "precision": upscaler.precision,
        "threads": upscaler.threads,
        "ensemble": upscaler.ensemble,
        "strength": upscaler.strength,
        "exact": upscaler.exact,
        "time": "of one call for each image, u8 in memory to u8 in memory; files and measuring left out",
        **report,
    }


def score_sets(
    upscale: Callable[[ImageData], ImageData],
    scale: int,
    folder: str | Path,
    progress: Callable[[str], None] | None = None,
    *,
    plane: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    degradation: Compression | None = None,
    heatmaps: Path | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """The ``protocol`` and ``sets`` of :func:`evaluate` for anything that upscales images.

    Args:
        upscale: ``(H, W, 1)`` gray or ``(H, W, 3)`` RGB u8 to the same, ``scale`` times larger.
        scale: the factor.
        folder: see :func:`evaluate`, as for ``progress``, ``degradation``, ``heatmaps`` and ``overwrite``.
        plane: upscales ``(H, W)`` studio luma, f32, 16/255 … 235/255, without rounding. None: luma of ``upscale``.
    """
    pairs, source = pairs_of(Path(folder), scale)
    maps = {p: destination(heatmaps, p.test_set, p.name, scale) for p in pairs} if heatmaps is not None else {}
    prepare_destinations(maps.values(), overwrite=overwrite)
    scores: dict[str, list[Score]] = {}
    for pair in pairs:
        if progress:
            progress(f"{pair.test_set}/{pair.name}")
        score, difference = _score(pair, scale, upscale, plane, degradation)
        if pair in maps:
            write_heatmap(difference, maps[pair], overwrite=overwrite)
        scores.setdefault(pair.test_set, []).append(score)
    protocol = {
        "colour": "Y of BT.601, studio range 16-235, float64, not rounded",
        "prediction": "rounded and clipped to 8 bits",
        "crop": scale,
        "psnr": "peak 255, averaged over images",
        "ssim": "Gaussian 11x11, sigma 1.5, K1 0.01, K2 0.03, valid region",
        "rgb": "of the u8 image, same crop: PSNR of R, G and B together, mean of their SSIM; gray has one channel",
        "round_trip": "Y of the u8 image made smaller again (MATLAB imresize bicubic, antialiased, u8) beside that "
        "of the small image, no crop",
        "low_resolution": source + (f"; then {degradation.name}" if degradation else ""),
    }
    return {"protocol": protocol, "sets": {name: _set(set_scores) for name, set_scores in scores.items()}}


def _set(scores: list[Score]) -> dict[str, Any]:
    seconds = sum(s.seconds for s in scores)
    return {
        **{name: float(np.mean([getattr(s, name) for s in scores])) for name in _MEANS},
        "seconds": seconds,
        "megapixels_per_second": sum(s.megapixels for s in scores) / seconds,
        "images": [asdict(s) for s in scores],
    }


def luma_255(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """BT.601 studio luma of an ``(H, W, C)`` u8 image: ``(H, W)``, f64, 16 … 235, not rounded.

    >>> import numpy as np
    >>> luma_255(np.full((1, 1, 3), 255, np.uint8)).tolist()
    [[235.0]]
    """
    planes = np.moveaxis(pixels[..., :3].astype(np.float64) / 255, -1, 0)
    if len(planes) < 3:
        planes = np.repeat(planes[:1], 3, axis=0)
    # In units of 255 the three factors are exact decimals. Rounding the last bits away keeps white at 235.
    return np.round(luma(planes) * 255, 9)


def codes_255(samples: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Samples of 0 … 1, of any shape, as the codes of an 8-bit file, in f64: as they are stored, so they are measured.

    >>> import numpy as np
    >>> codes_255(np.array([-0.1, 0.5, 1.0])).tolist()
    [0.0, 128.0, 255.0]
    """
    return np.clip(np.floor(samples.astype(np.float64) * 255 + 0.5), 0, 255)


def shrink(pixels: NDArray[np.uint8], scale: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The small image of a large one, and the part of the large one that it covers.

    Args:
        pixels: ``(H, W, C)`` u8.
        scale: the factor.

    Returns:
        ``(small, large)``: ``large`` cropped top-left to multiples of ``scale``, ``small`` by MATLAB's ``imresize``
        with the edge repeated, to the byte the published small images of Set5 and Set14.

    Raises:
        InvalidArgument: the image is smaller than ``scale``.
    """
    height, width = (side // scale * scale for side in pixels.shape[:2])
    if not height or not width:
        raise InvalidArgument(f"an image of {pixels.shape[1]}×{pixels.shape[0]} is too small to shrink by {scale}")
    large = pixels[:height, :width]
    return resize(large, scale=1 / scale, antialias=True, border="replicate"), large


def _score(
    pair: Pair,
    scale: int,
    upscale: Callable[[ImageData], ImageData],
    plane: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None,
    degradation: Compression | None,
) -> tuple[Score, Plane]:
    """The figures of an image, and the difference of luma after the round trip."""
    small, large = _read_pair(pair, scale)
    if degradation is not None:
        small = degradation(small)
    y_small, truth = luma_255(small), luma_255(large)
    if plane is not None:
        y = codes_255(plane((y_small / 255).astype(np.float32)))
    start = time.perf_counter()
    result = upscale(small)
    seconds = time.perf_counter() - start
    if plane is None:
        y = luma_255(result)  # the prediction is the rounded RGB image
    y_again = luma_255(shrink(result, scale)[0])
    score = Score(
        pair.name,
        psnr_y=psnr(y, truth, data_range=255, crop=scale),
        ssim_y=ssim(y, truth, data_range=255, crop=scale),
        **_rgb(result, large, scale),
        round_trip_psnr_y=psnr(y_again, y_small, data_range=255),
        seconds=seconds,
        megapixels=result.shape[0] * result.shape[1] / 1e6,
    )
    return score, y_again - y_small


def _rgb(result: ImageData, large: ImageData, crop: int) -> dict[str, float]:
    """PSNR and SSIM of RGB. A gray image beside a colour image counts as three equal channels."""
    a, b = np.broadcast_arrays(result, large)
    return {
        "psnr_rgb": psnr(a, b, data_range=255, crop=crop, channel_axis=-1),
        "ssim_rgb": ssim(a, b, data_range=255, crop=crop, channel_axis=-1),
    }


def _read_pair(pair: Pair, scale: int) -> tuple[ImageData, ImageData]:
    """The small image, and the part of the large one that it covers."""
    large = read_u8(pair.large)
    if pair.small is None:
        return shrink(large, scale)
    small = read_u8(pair.small)
    height, width = small.shape[0] * scale, small.shape[1] * scale
    if large.shape[0] < height or large.shape[1] < width:
        raise ImageReadError(f"{pair.large}: is smaller than {scale} times {pair.small}")
    return small, large[:height, :width]
