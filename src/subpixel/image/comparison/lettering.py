"""Lines of text as masks, set in a font that comes with the package: sheets look the same on every machine."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray

__all__ = ["lettering", "line_height", "text_width"]

# Inter 4.001, Latin without hinting, under the SIL Open Font License (fonts/OFL.txt), with family names of its own: an
# Inter of the system cannot be used by mistake. A character that it lacks comes from a font of the system.
_FONTS = Path(__file__).parent / "fonts"
_TEXT = ("Subpixel Inter Text", _FONTS / "Inter-Regular.ttf")
_LABEL = ("Subpixel Inter Label", _FONTS / "Inter-SemiBold.ttf")

# The height of a line, relative to the em.
_LEADING = 1.3


def line_height(size: int) -> int:
    """The height in pixels of a line of text of this size, with its ascenders and descenders."""
    return round(size * _LEADING)


def lettering(text: str, size: int, width: int, *, bold: bool = False) -> NDArray[np.uint8]:
    """A line of text, smooth, at the left of a box.

    Args:
        text: one line; a line break becomes a space.
        size: of the em, in pixels.
        width: of the box; text that is wider ends in an ellipsis.
        bold: semi-bold instead of regular.

    Returns:
        ``(line_height(size), width)`` u8: 0 … 255, the amount of ink.

    >>> lettering("Bicubic", 20, 200).shape
    (26, 200)
    """
    box = np.zeros((line_height(size), width), np.uint8)
    mask, left, top = _render(_fit(" ".join(text.split()), size, width, bold), size, bold)
    height, wide = min(mask.shape[0], len(box) - top), min(mask.shape[1], width - left)
    if height > 0 and wide > 0:
        box[top : top + height, left : left + wide] = mask[:height, :wide]
    return box


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    """Pixels from the left of a line of text to the end of its ink."""
    mask, left, _ = _render(text, size, bold)
    return left + int(mask.shape[1])


def _fit(text: str, size: int, width: int, bold: bool) -> str:
    if text_width(text, size, bold=bold) <= width:
        return text
    fits, exceeds = 0, len(text)
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            fits = middle
        else:
            exceeds = middle
    return text[:fits].rstrip() + "…"


def _render(text: str, size: int, bold: bool) -> tuple[NDArray[np.uint8], int, int]:
    """The ink of a text, and how far right and below the beginning of its line it lies."""
    if not text:
        return np.zeros((0, 0), np.uint8), 0, 0
    family, file = _LABEL if bold else _TEXT
    # libvips expects markup in UTF-8; a file name on Unix may hold bytes that are no UTF-8.
    markup = escape(text.encode(errors="replace").decode(), quote=False)
    # At 72 dots an inch a point is a pixel.
    ink = pyvips.Image.text(markup, font=f"{family} {size}", fontfile=str(file), dpi=72)
    mask: NDArray[np.uint8] = ink.numpy().reshape(ink.height, ink.width)
    return mask, max(0, ink.xoffset), max(0, ink.yoffset)
