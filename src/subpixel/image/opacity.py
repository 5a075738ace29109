"""Whether a channel of transparency says anything: where it is opaque everywhere, a result can do without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from subpixel.image.files.reading import ImageFile, load_pixels
from subpixel.image.files.rows import ImageRows

__all__ = ["is_opaque"]


def is_opaque(file: ImageFile, folder: Path) -> bool:
    """Whether every pixel is opaque. The pixels are read, so a file that libvips reads must be opened again.

    Args:
        file: the open image, with alpha.
        folder: for a temporary file.

    Raises:
        ImageReadError: the image is damaged or truncated.
        ImageWriteError: there is no space for the temporary file.
    """
    top = 1.0 if file.dtype == np.float32 else float(np.iinfo(file.dtype).max)
    if file.decoder is not None or file.pages > 1:
        return bool((load_pixels(file).pixels[..., -1] == top).all())
    with ImageRows(file, folder) as rows:
        return all(bool((block[..., -1] == top).all()) for block in rows.blocks())
