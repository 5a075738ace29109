"""Reading pictures with libvips: pixels as arrays, upright, everything else carried beside them.

What is kept: orientation (applied to the pixels, its tag dropped), colour profile, EXIF, XMP, IPTC, resolution,
16 bits, alpha. What is converted is said in :attr:`subpixel.image.picture.Picture.notes`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.metadata import GRAY, RGB
from subpixel.image.names import for_libvips
from subpixel.image.picture import Picture
from subpixel.image.reasons import reason

__all__ = ["read"]


def read(path: str | Path) -> Picture:
    """Read a picture, upright.

    Raises:
        ImageReadError: not there, not a picture, damaged, cut short, or of a kind that cannot be enlarged.
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
    with for_libvips(path) as name:
        return _read(path, name)


def _read(path: Path, name: str) -> Picture:
    try:
        # "error", not "truncated": with the latter a TIFF cut short is filled up with black without a word.
        header = pyvips.Image.new_from_file(name, access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise ImageReadError(f"{path}: not a picture that can be read ({reason(error)})") from None
    try:
        # Each new operation starts another sequential pass, so metadata is taken from the unread image.
        image = header.autorot()
        image, notes = _plain_colour(image)
        pixels = image.numpy()
    except pyvips.Error as error:
        raise ImageReadError(f"{path}: the picture is damaged or cut short ({reason(error)})") from None
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    pages = header.get("n-pages") if header.get_typeof("n-pages") else 1
    if pages > 1:
        notes = (*notes, f"the file holds {pages} pictures; the first was read")
    if pixels.dtype == np.float64:
        pixels, notes = pixels.astype(np.float32), (*notes, "64-bit floating point was read as 32-bit")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32) or pixels.shape[2] > 4:
        raise ImageReadError(
            f"{path}: {pixels.shape[2]} bands of {pixels.dtype}: 1 to 4 bands of uint8, uint16 or float32 are needed"
        )
    return Picture(pixels, header, notes)


def _plain_colour(image: pyvips.Image) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Bring what is neither gray nor RGB (CMYK, Lab, …) to sRGB."""
    space = image.interpretation
    if space in GRAY or (space in RGB and image.bands <= 4):
        return image, ()
    with_profile = image.get_typeof("icc-profile-data") != 0
    converted = image.icc_transform("srgb") if with_profile else image.colourspace("srgb")
    return converted, (f"colours were converted from {space} to sRGB",)
