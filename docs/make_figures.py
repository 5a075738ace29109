"""Makes the figures of the laboratory for the documentation, of the photograph that `make demo` uses.

python docs/make_figures.py [FOLDER]      # needs the extras dev and demo

The photograph is of the astronaut Eileen Collins, by NASA, in the public domain; it comes with scikit-image.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from skimage.data import astronaut

from subpixel.compare.figures import FIGURES, draw

LARGEST = 250_000  # bytes of a file
STEP = 5  # values are rounded to its multiples if a file would be larger: less than is visible


def photo() -> np.ndarray:
    """The upper part, at 3:2."""
    return astronaut()[:341]


def save(name: str, folder: Path) -> Path:
    """Makes one figure, with one thread, since sums depend on the number."""
    with TemporaryDirectory() as scratch:
        drawn = np.asarray(Image.open(draw(name, photo(), scratch, threads=1)).convert("RGB"))
    data = encoded(drawn)
    if len(data) > LARGEST:
        data = encoded((np.rint(drawn / STEP) * STEP).astype(np.uint8))
    path = folder / f"{name}.png"
    path.write_bytes(data)
    return path


def encoded(pixels: np.ndarray) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, format="PNG", optimize=True)
    return memory.getvalue()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        path = save(name, folder)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images" / "laboratory")
