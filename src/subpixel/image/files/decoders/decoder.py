"""What a decoder states of an image before its pixels are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.source_metadata import set_blob

__all__ = ["Decoder", "Layout", "header_image", "require_bytes"]

# libvips' finest resolution, in pixels per millimetre. It is far from plausible, and not written.
_FINEST = 1e6
_FORMATS = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}


class Decoder(Protocol):
    """Reads the pixels of an open image that libvips does not read."""

    def load(self, file: OpenFile, bands: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """All pixels, ``(H, W, C)``; the frames of an animation below each other.

        Args:
            file: the file.
            bands: C, as stated before.
            dtype: u8, u16 or f32, as stated before.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is damaged or truncated; the message says how.
        """


@dataclass(frozen=True)
class Layout:
    """What a file states of its image.

    Args:
        loader: a name like those of libvips' loaders: ``bmpload``.
        size: width and height of a frame.
        bands: 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
        dtype: u8, u16 or f32.
        bits: of a sample in the file.
        resolution: pixels per millimetre across and down; None if it states none.
        profile: the colour profile.
        notes: what a result will lack, one sentence each.
        times: of the frames of an animation in seconds: numerator and denominator; one or none for a still image.
        plays: how often an animation is played; 0 for ever.
        orientation: 1 … 8, as in EXIF.
    """

    loader: str
    size: tuple[int, int]
    bands: int
    dtype: np.dtype[Any]
    bits: int
    resolution: tuple[float, float] | None = None
    profile: bytes | None = None
    notes: tuple[str, ...] = ()
    times: tuple[tuple[int, int], ...] = ()
    plays: int = 0
    orientation: int = 1

    @property
    def pages(self) -> int:
        """The number of frames."""
        return max(1, len(self.times))


def require_bytes(there: int, size: int, what: str) -> None:
    """Raise an ImageReadError, without the name of the file, if it has fewer bytes of pixels than it should.

    Args:
        there: bytes from the start of the pixels to the end of the file.
        size: bytes that pixels take.
        what: they are.
    """
    if there < size:
        raise ImageReadError(f"the image is damaged or truncated ({max(0, there)} of {size} bytes of {what} are there)")


def header_image(layout: Layout) -> pyvips.Image:
    """An image without pixels in memory, all frames below each other, with the fields that libvips' loaders set."""
    width, height = layout.size
    image = pyvips.Image.black(width, height * layout.pages, bands=layout.bands).cast(_FORMATS[layout.dtype.name])
    gray = layout.bands < 3
    deep = {"uint8": ("b-w", "srgb"), "uint16": ("grey16", "rgb16"), "float32": ("b-w", "scrgb")}[layout.dtype.name]
    across, down = (min(value, _FINEST) for value in layout.resolution or (1.0, 1.0))
    image = image.copy(interpretation=deep[0 if gray else 1], xres=across, yres=down)
    image.set_type(pyvips.GValue.gstr_type, "vips-loader", layout.loader)
    image.set_type(pyvips.GValue.gint_type, "bits-per-sample", layout.bits)
    if layout.resolution is not None:
        image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
    if layout.profile is not None:
        set_blob(image, "icc-profile-data", layout.profile)
    return image
