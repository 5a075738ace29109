"""Upscale one image file; its metadata is kept.

python examples/upscale_image.py PHOTO RESULT [SCALE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from subpixel import Upscaler
from subpixel.image import read, write


def main(source: str, destination: str, scale: str = "2") -> None:
    image = read(Path(source))
    upscaler = Upscaler(float(scale))
    # An animation has several frames, any other image one.
    result = image.with_frames([upscaler(frame) for frame in image.frames])
    for note in write(result, Path(destination)):
        print(note)
    height, width = result.frames[0].shape[:2]
    print(f"{destination}: {width}×{height}")


if __name__ == "__main__":
    if len(sys.argv) - 1 not in (2, 3):
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
