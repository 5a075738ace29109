"""Makes the image of the README: a photograph made three times smaller and upscaled again, beside the original.

python docs/make_comparison.py [FILE]      # needs the extra demo

The photograph is scikit-image's astronaut, a portrait of Eileen Collins by NASA, in the public domain.
"""

from __future__ import annotations

import sys
from pathlib import Path

from skimage.data import astronaut

from subpixel import Upscaler
from subpixel.image import ImageData, compare, write
from subpixel.metrics import psnr
from subpixel.metrics.protocol import luma_255, shrink

SCALE = 3
FACE = (slice(20, 212), slice(130, 322))  # rows and columns that are shown; measured is the whole photograph


def main(path: Path) -> None:
    small, original = shrink(astronaut(), SCALE)
    results = {
        "Bicubic": Upscaler(SCALE, model="bicubic")(small),
        f"subpixel fast ×{SCALE}": Upscaler(SCALE, model="fast")(small),
    }
    figures = {
        label: f"PSNR {psnr(luma_255(image), luma_255(original), data_range=255, crop=SCALE):.2f} dB"
        for label, image in results.items()
    }
    faces = {label: image[FACE] for label, image in results.items()}
    write(ImageData(compare(faces, truth=original[FACE], notes=figures)), path, overwrite=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images" / "comparison.webp")
