"""The protocol of ``evaluate``: luma of BT.601, rounded prediction, border of ``scale`` cropped, images averaged.

Most published figures that "cannot be reproduced" differ in one of four things: the range of luma, rounding, crop, or
the bicubic that made the small picture. So all four are part of every report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import read
from subpixel.image.compression import Compression
from subpixel.metrics.quality import psnr, ssim
from subpixel.ops import resize
from subpixel.upscaler import Upscaler, luma

__all__ = ["evaluate", "luma_255", "pictures_below", "shrink"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Score:
    """One picture's figures."""

    name: str
    psnr_y: float
    ssim_y: float


def evaluate(
    upscaler: Upscaler,
    folder: str | Path,
    progress: Callable[[str], None] | None = None,
    degradation: Compression | None = None,
) -> dict[str, Any]:
    """Measure a network on a test set, or on a folder of test sets.

    Args:
        upscaler: the network; a luma network is given the plane itself, f32.
        folder: with ``HR/`` and, if the small pictures are given, ``LR_x2/`` … of the same names (then the large ones
            are cropped top-left to ``scale`` times their size); or a folder of such folders. Without ``LR_xS/``
            the small pictures are made by MATLAB's antialiased bicubic, u8.
        progress: called with each picture's name.
        degradation: what the small pictures, given or made, then go through; a channel of alpha is left out.

    Returns:
        ``{"model", "scale", "backend", "precision", "protocol": {…}, "sets": {name: {"psnr_y", "ssim_y", "images"}}}``.

    Raises:
        InvalidArgument: no test set there.
        ImageReadError: a picture that cannot be read, or a small one without its large one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder")
    sets = [folder] if (folder / "HR").is_dir() else sorted(p for p in folder.iterdir() if (p / "HR").is_dir())
    if not sets:
        raise InvalidArgument(f"{folder}: a folder with HR/ in it, or a folder of such folders, is needed")
    results: dict[str, Any] = {}
    sources = set()
    for one in sets:
        scores = []
        pairs, source = _pairs(one, upscaler.scale)
        sources.add(source)
        for name, small_path, large_path in pairs:
            if progress:
                progress(f"{one.name}/{name}")
            scores.append(_score(name, upscaler, small_path, large_path, degradation))
        results[one.name] = {
            "psnr_y": float(np.mean([s.psnr_y for s in scores])),
            "ssim_y": float(np.mean([s.ssim_y for s in scores])),
            "images": [asdict(s) for s in scores],
        }
    return {
        "model": upscaler.model.name,
        "scale": upscaler.scale,
        "backend": upscaler.backend,
        "precision": upscaler.precision,
        "protocol": {
            "colour": "Y of BT.601, studio range 16-235, float64, not rounded",
            "prediction": "rounded and clipped to 8 bits",
            "crop": upscaler.scale,
            "psnr": "peak 255, averaged over images",
            "ssim": "Gaussian 11x11, sigma 1.5, K1 0.01, K2 0.03, valid region",
            "low_resolution": " and ".join(sorted(sources)) + (f"; then {degradation.name}" if degradation else ""),
        },
        "sets": results,
    }


def pictures_below(folder: Path) -> list[Path]:
    """The pictures of a folder and of those below it, in the order of their paths; two at least.

    Raises:
        InvalidArgument: no such folder, or fewer than two pictures.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if len(paths) < 2:
        raise InvalidArgument(f"{folder}: {len(paths)} pictures; at least 2 are needed, one of them to measure with")
    return paths


def luma_255(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """BT.601 studio luma of an ``(H, W, C)`` u8 picture, 16 … 235, f64, not rounded.

    >>> import numpy as np
    >>> luma_255(np.full((1, 1, 3), 255, np.uint8)).tolist()
    [[235.0]]
    """
    planes = np.moveaxis(pixels[..., :3].astype(np.float64) / 255, -1, 0)
    if len(planes) < 3:
        planes = np.repeat(planes[:1], 3, axis=0)
    # Summed in units of 255 the three factors are exact decimals; rounding away the last bits keeps white at 235.
    return np.round(luma(planes) * 255, 9)


def shrink(pixels: NDArray[np.uint8], scale: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The small picture and the part of the large one that it covers.

    Args:
        pixels: ``(H, W, C)`` u8.
        scale: how many times smaller.

    Returns:
        ``(small, large)``: ``large`` cropped top-left to multiples of ``scale``, ``small`` by MATLAB's ``imresize``
        with the edge repeated, as the published small pictures of Set5 and Set14 are, to the byte.
    """
    height, width = (side // scale * scale for side in pixels.shape[:2])
    if not height or not width:
        raise InvalidArgument(f"a picture of {pixels.shape[1]}×{pixels.shape[0]} cannot be made {scale} times smaller")
    large = pixels[:height, :width]
    return resize(large, scale=1 / scale, antialias=True, border="replicate"), large


def _score(
    name: str, upscaler: Upscaler, small_path: Path | None, large_path: Path, degradation: Compression | None
) -> Score:
    large = _read_u8(large_path)
    scale = upscaler.scale
    if small_path is None:
        small, large = shrink(large, scale)
    else:
        small = _read_u8(small_path)
        height, width = small.shape[0] * scale, small.shape[1] * scale
        if large.shape[0] < height or large.shape[1] < width:
            raise ImageReadError(f"{large_path}: smaller than {scale} times {small_path}")
        large = large[:height, :width]
    if degradation is not None:
        small = degradation(small[..., :3] if small.shape[2] >= 3 else small[..., :1])
    if upscaler.colour == "luma":
        plane = upscaler.plane((luma_255(small) / 255).astype(np.float32)).astype(np.float64) * 255
        made = np.clip(np.floor(plane + 0.5), 0, 255)
    else:
        made = luma_255(upscaler(small))  # here the prediction is R, G and B, and they are rounded
    truth = luma_255(large)
    return Score(name, psnr(made, truth, crop=scale), ssim(made, truth, crop=scale))


def _pairs(folder: Path, scale: int) -> tuple[list[tuple[str, Path | None, Path]], str]:
    large = {p.stem: p for p in sorted((folder / "HR").iterdir()) if p.suffix.lower() in _SUFFIXES}
    if not large:
        raise InvalidArgument(f"{folder / 'HR'}: holds no picture")
    small_folder = folder / f"LR_x{scale}"
    if not small_folder.is_dir():
        made = "made here: MATLAB imresize bicubic, antialiased, u8, edge repeated"
        return [(path.name, None, path) for path in large.values()], made
    small = {p.stem: p for p in sorted(small_folder.iterdir()) if p.suffix.lower() in _SUFFIXES}
    if set(small) != set(large):
        odd = ", ".join(sorted(set(small) ^ set(large))[:5])
        raise ImageReadError(f"{folder}: HR and LR_x{scale} do not hold the same pictures: {odd}")
    return [(path.name, small[stem], path) for stem, path in large.items()], f"given, LR_x{scale}"


def _read_u8(path: Path) -> NDArray[np.uint8]:
    pixels = read(path).pixels
    if pixels.dtype != np.uint8:
        raise ImageReadError(f"{path}: {pixels.dtype}: the protocol is for 8-bit pictures")
    return pixels
