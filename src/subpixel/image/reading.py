"""Reading pictures with libvips: pixels as arrays, upright, everything else carried beside them.

What is kept: orientation (applied to the pixels, its tag dropped), colour profile, EXIF, XMP, IPTC, resolution,
16 bits, alpha. What is converted is said in :attr:`subpixel.image.picture.Picture.notes`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.metadata import GRAY, RGB
from subpixel.image.names import for_libvips
from subpixel.image.picture import Picture
from subpixel.image.reasons import reason

__all__ = ["Opened", "damaged", "opened", "read"]

# What pixels are read as, by libvips' formats.
_DTYPES: dict[str, Any] = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float32}


@dataclass(frozen=True)
class Opened:
    """A picture file of which nothing but the header was read.

    Args:
        header: the file as it is, for its metadata; its pixels are never asked for.
        image: gray or RGB, with or without alpha, not yet turned upright; its rows can be read once, from the top.
        notes: what is converted on the way in, a sentence each.
        dtype: of the pixels.
        naming: what the file's name for libvips lives by, and ends with: libvips opens the file once more when pixels
            are asked for.
    """

    header: pyvips.Image
    image: pyvips.Image
    notes: tuple[str, ...]
    dtype: np.dtype[Any]
    naming: Any

    @property
    def orientation(self) -> int:
        """1 … 8, as EXIF counts."""
        value = self.header.get("orientation") if self.header.get_typeof("orientation") else 1
        return value if 1 <= value <= 8 else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(H, W, C)`` when it is upright."""
        height, width = self.image.height, self.image.width
        if self.orientation >= 5:
            height, width = width, height
        return height, width, self.image.bands


def read(path: str | Path) -> Picture:
    """Read a picture, upright.

    Raises:
        ImageReadError: not there, not a picture, damaged, cut short, or of a kind that cannot be enlarged.
    """
    found = opened(path)
    try:
        # Turning takes rows in another order than the file has them, and libvips keeps few of them at hand.
        stored = found.image if found.orientation < 3 else found.image.copy_memory()
        pixels = stored.autorot().numpy()
    except pyvips.Error as error:
        raise damaged(path, error) from None
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return Picture(pixels.astype(found.dtype, copy=False), found.header, found.notes)


def damaged(path: str | Path, error: pyvips.Error) -> ImageReadError:
    """What is raised for a file whose pixels cannot all be read."""
    return ImageReadError(f"{path}: the picture is damaged or cut short ({reason(error)})")


def opened(path: str | Path) -> Opened:
    """Open a picture and read its header.

    Raises:
        ImageReadError: not there, not a picture, or of a kind that cannot be enlarged.
    """
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir it never raises; what is wrong with a path shows when it is opened
        raise ImageReadError(f"{path}: is a folder; the path of a picture is needed")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ImageReadError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if empty:
        raise ImageReadError(f"{path}: the file is empty")
    naming = for_libvips(path)
    try:
        # "error", not "truncated": with the latter a TIFF cut short is filled up with black without a word.
        header = pyvips.Image.new_from_file(naming.__enter__(), access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise ImageReadError(f"{path}: not a picture that can be read ({reason(error)})") from None
    try:
        # Each new operation starts another sequential pass, so metadata is taken from the unread image.
        image, notes = _plain_colour(header)
    except pyvips.Error as error:
        raise damaged(path, error) from None
    pages = header.get("n-pages") if header.get_typeof("n-pages") else 1
    if pages > 1:
        notes = (*notes, f"the file holds {pages} pictures; the first was read")
    if image.format == "double":
        notes = (*notes, "64-bit floating point was read as 32-bit")
    if image.format not in _DTYPES or image.bands > 4:
        raise ImageReadError(
            f"{path}: {image.bands} bands of {image.format}: 1 to 4 bands of uint8, uint16 or float32 are needed"
        )
    return Opened(header, image, notes, np.dtype(_DTYPES[image.format]), naming)


def _plain_colour(image: pyvips.Image) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Bring what is neither gray nor RGB (CMYK, Lab, …) to sRGB."""
    space = image.interpretation
    if space in GRAY or (space in RGB and image.bands <= 4):
        return image, ()
    with_profile = image.get_typeof("icc-profile-data") != 0
    converted = image.icc_transform("srgb") if with_profile else image.colourspace("srgb")
    return converted, (f"colours were converted from {space} to sRGB",)
