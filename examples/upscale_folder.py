"""Upscale every image of a folder; a file that fails does not stop the others.

python examples/upscale_folder.py PHOTOGRAPHS RESULTS

`subpixel upscale PHOTOGRAPHS -o RESULTS` does more: subfolders, several processes, resuming.
"""

from __future__ import annotations

import sys
from pathlib import Path

from subpixel import Upscaler
from subpixel.errors import SubpixelError
from subpixel.image import read, write

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".avif"}


def main(source: str, destination: str) -> int:
    upscaler = Upscaler(2)  # made once: its networks are prepared once
    Path(destination).mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in sorted(p for p in Path(source).iterdir() if p.suffix.lower() in SUFFIXES):
        try:
            image = read(path)
            result = image.with_frames([upscaler(frame) for frame in image.frames])
            write(result, Path(destination) / f"{path.stem}_x2.png")
        except SubpixelError as error:
            print(error, file=sys.stderr)
            failed += 1
        else:
            print(path.name)
    return 3 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) - 1 != 2:
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
