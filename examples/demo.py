"""Upscale a real photograph and compare the result with bicubic interpolation.

    python examples/demo.py [PHOTO] [--out FOLDER]

The photograph is made 2 and 3 times smaller (MATLAB's bicubic, as test sets are), upscaled again, and measured against
the original. Without PHOTO a public-domain image that comes with scikit-image is used. Written are the upscaled
images and one PNG for each scale that shows original, bicubic and result side by side, with a upscaled detail
where the last two differ most.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.image import ImageData, Job, read, write
from subpixel.image.comparison.sheet import comparison
from subpixel.metrics import psnr
from subpixel.metrics.protocol import luma_255, shrink

Pixels = NDArray[np.uint8]

SMALLEST = 48  # pixels each way of what a comparison says something about


def main() -> int:
    parser = argparse.ArgumentParser(description="Upscale a photograph and compare with bicubic.")
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    arguments = parser.parse_args()
    try:
        name, image = photograph(arguments.photo)
        arguments.out.mkdir(parents=True, exist_ok=True)
        print(f"{name}: {image.shape[1]}×{image.shape[0]}")
        for scale in (2, 3):
            compare(name, image, scale, arguments.out)
        if arguments.photo is not None:
            upscale(arguments.photo, arguments.out)
    except (SubpixelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def photograph(path: Path | None) -> tuple[str, Pixels]:
    """The image as ``(H, W, 3)`` u8, without transparency."""
    if path is None:
        from skimage import data

        return "astronaut", data.astronaut()
    pixels = read(path).pixels
    if pixels.dtype != np.uint8:
        raise InvalidArgument(f"{path}: {pixels.dtype}; the comparison takes 8-bit images")
    if min(pixels.shape[:2]) < SMALLEST:
        raise InvalidArgument(f"{path}: at least {SMALLEST} pixels each way are needed")
    return path.stem, np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


def compare(name: str, image: Pixels, scale: int, out: Path) -> None:
    small, large = shrink(image, scale)
    results: dict[str, Pixels] = {}
    figures: dict[str, float] = {}
    for model in ("bicubic", "auto"):
        upscaler = Upscaler(scale, model=model)
        begun = time.perf_counter()
        results[model] = upscaler(small)
        seconds = time.perf_counter() - begun
        figures[model] = psnr(luma_255(results[model]), luma_255(large), data_range=255, crop=scale)
        print(
            f"  ×{scale} {upscaler.model.name:<8} {small.shape[1]}×{small.shape[0]} → {large.shape[1]}×{large.shape[0]}"
            f"  {seconds * 1000:5.0f} ms  PSNR {figures[model]:.2f} dB"
        )
    upscaled = out / f"{name}_x{scale}.png"
    write(ImageData(results["auto"]), upscaled, overwrite=True)
    labels = {
        "original": large,
        f"bicubic ×{scale}, {figures['bicubic']:.2f} dB": results["bicubic"],
        f"subpixel ×{scale}, {figures['auto']:.2f} dB": results["auto"],
    }
    sheet = out / f"{name}_x{scale}_comparison.png"
    write(ImageData(comparison(labels)), sheet, overwrite=True)
    print(f"     result {upscaled}, comparison {sheet}")


def upscale(photo: Path, out: Path) -> None:
    """The photograph itself, twice as large, with all that belongs to it."""
    result = Job(photo, Upscaler(2, model="auto"), destination=out / f"{photo.stem}_upscaled.png", overwrite=True).run()
    print(f"  the photograph itself: {result.destination}, {result.size_out[0]}×{result.size_out[1]}")


if __name__ == "__main__":
    sys.exit(main())
