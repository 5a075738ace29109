"""Upscale a real photograph and compare the result with bicubic interpolation.

python examples/demo.py [PHOTO] [--out FOLDER]

The photograph is made 2 and 3 times smaller (MATLAB's bicubic, as for the standard test sets), upscaled again and
measured against the original. For each scale a folder receives the upscaled image and a sheet that shows bicubic,
subpixel and the original. A PHOTO of your own is also upscaled itself, with its metadata. Without one a public-domain
photograph is used that comes with scikit-image.
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
from subpixel.image import ImageData, compare, read, write
from subpixel.metrics import psnr
from subpixel.ops import resize

SMALLEST = 48  # pixels: below, a comparison says little


def photograph(path: Path | None) -> tuple[str, NDArray[np.uint8]]:
    """A name and ``(H, W, 3)`` u8 without transparency."""
    if path is None:
        from skimage import data

        return "astronaut", data.astronaut()
    pixels = read(path).pixels
    if pixels.dtype != np.uint8:
        raise InvalidArgument(f"{path}: {pixels.dtype}; the comparison takes 8-bit images")
    if min(pixels.shape[:2]) < SMALLEST:
        raise InvalidArgument(f"{path}: at least {SMALLEST} pixels each way are needed")
    return path.stem, np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] < 3 else pixels[..., :3]


def luma(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """BT.601 luma, 16 … 235, in which PSNR is usually given."""
    return image @ np.array([65.481, 128.553, 24.966]) / 255 + 16


def compare_at(scale: int, name: str, image: NDArray[np.uint8], folder: Path) -> None:
    height, width = (side // scale * scale for side in image.shape[:2])
    original = image[:height, :width]
    small = resize(original, scale=1 / scale, antialias=True, border="replicate")
    results, notes = {}, {}
    for label, model in (("Bicubic", "bicubic"), (f"subpixel fast ×{scale}", "fast")):
        upscaler = Upscaler(scale, model=model)
        upscaler(small)  # the first call also prepares the network
        start = time.perf_counter()
        results[label] = upscaler(small)
        seconds = time.perf_counter() - start
        figure = psnr(luma(results[label]), luma(original), data_range=255, crop=scale)
        notes[label] = f"PSNR {figure:.2f} dB"
        print(f"  ×{scale} {model:<8} {width // scale}×{height // scale} → {width}×{height}"
              f"  {seconds * 1000:5.0f} ms  PSNR {figure:.2f} dB")  # fmt: skip
    sheet = compare(results, truth=original, notes=notes)
    for path, pixels in (
        (folder / f"{name}_x{scale}.png", results[f"subpixel fast ×{scale}"]),
        (folder / f"{name}_x{scale}_comparison.png", sheet),
    ):
        write(ImageData(pixels), path, overwrite=True)
        print(f"     → {path}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Upscale a photograph and compare the result with bicubic.")
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    options = parser.parse_args(arguments)
    try:
        name, image = photograph(options.photo)
        options.out.mkdir(parents=True, exist_ok=True)
        print(f"{name}: {image.shape[1]}×{image.shape[0]}")
        for scale in (2, 3):
            compare_at(scale, name, image, options.out)
        if options.photo is not None:
            source, upscaler = read(options.photo), Upscaler(2)
            result = source.with_frames([upscaler(frame) for frame in source.frames])
            path = options.out / f"{name}_upscaled.{'webp' if source.pages > 1 else 'png'}"
            write(result, path, overwrite=True)
            print(f"  the photograph itself, ×2 → {path}")
    except (SubpixelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
