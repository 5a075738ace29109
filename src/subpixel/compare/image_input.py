"""An image file as the laboratory takes it: 8-bit gray or RGB, with a note for whatever that leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.image import read

__all__ = ["read_image"]


def read_image(path: str | Path) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read an image for a comparison.

    Args:
        path: of any image that the product reads.

    Returns:
        ``(H, W, 1)`` gray or ``(H, W, 3)`` RGB, u8, and notes about what was converted or left out.

    Raises:
        ImageReadError: it cannot be read.
        InvalidArgument: it is no image.
    """
    source = read(Path(path))
    notes = [note.rstrip(".") for note in source.notes]
    pixels = source.frames[0]
    if source.pages > 1:
        notes.append(f"the first of {source.pages} frames is compared")
    if pixels.shape[2] in (2, 4):
        notes.append("alpha is ignored")
        pixels = pixels[..., :-1]
    if pixels.dtype == np.uint16:
        notes.append("16 bits are reduced to 8")
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        notes.append("floating point is clipped to 0 … 1 and reduced to 8 bits")
        pixels = np.floor(np.clip(np.nan_to_num(pixels), 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels), tuple(notes)
