"""Compare your own upsampler with those of the package on one image.

python examples/compare_upsamplers.py PHOTO FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from subpixel import compare
from subpixel.image import read
from subpixel.ops import resize


def sharpened(image: np.ndarray, scale: int) -> Any:
    """Bicubic, then what a blur takes away is added once more."""
    large = resize(image, scale=scale, mode="cubic", layout="HWC").astype(np.float32)
    soft = resize(resize(large, scale=0.5, antialias=True, layout="HWC"), large.shape[:2], mode="cubic", layout="HWC")
    return large + 0.5 * (large - soft)


def main(source: str, folder: str) -> None:
    compare.register("sharpened", sharpened, title="Bicubic, sharpened", about="Bicubic and half an unsharp mask.")
    image = read(Path(source)).frames[0]
    results = compare.run(
        image, 2, methods=["nearest", "bilinear", "bicubic", "sharpened", "fast"], name=Path(source).name
    )
    print(results.to_markdown(), end="")
    print("report:", results.to_html(folder))


if __name__ == "__main__":
    if len(sys.argv) - 1 != 2:
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
