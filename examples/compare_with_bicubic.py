"""Upscale an image twice, by bicubic interpolation and by a network, and show both on one sheet.

python examples/compare_with_bicubic.py PHOTO SHEET [MODEL]
"""

from __future__ import annotations

import sys
from pathlib import Path

from subpixel import Upscaler
from subpixel.image import ImageData, compare, read, write


def main(source: str, sheet: str, model: str = "fast") -> None:
    image = read(Path(source)).frames[0]
    bicubic = Upscaler(2, model="bicubic")(image)
    network = Upscaler(2, model=model)(image)
    # Where the original is known, truth= shows it too, and notes= takes figures for the captions.
    write(ImageData(compare({"Bicubic": bicubic, f"subpixel {model} ×2": network})), Path(sheet))


if __name__ == "__main__":
    if len(sys.argv) - 1 not in (2, 3):
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
