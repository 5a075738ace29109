"""Reading images with libvips: pixels as arrays, upright, everything else carried beside them.

What is kept: orientation (applied to the pixels, its tag dropped), colour profile, EXIF, XMP, IPTC, resolution,
16 bits, alpha, the frames of an animation. What is converted is said in
:attr:`subpixel.image.files.image_data.ImageData.notes`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import png
from subpixel.image.files.formats import known_by_bytes
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.output_metadata import GRAY, RGB
from subpixel.image.files.source_metadata import collected, field, frames_of, loader_of
from subpixel.image.files.vips_errors import reason
from subpixel.image.files.vips_paths import for_libvips
from subpixel.storage.os_errors import os_error_text

__all__ = ["LIMIT", "Opened", "damaged", "loaded", "opened", "read"]

# Megapixels from which an image is refused unless it was asked for: three times the largest photographs that are
# stitched by hand; in memory 3 GB of 8-bit colours. A file of a few hundred bytes can claim more.
LIMIT = 1000.0

# What pixels are read as, by libvips' formats.
_DTYPES: dict[str, Any] = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float32}

# libvips also reads tables of numbers as images.
_NO_IMAGES = ("csvload", "matrixload", "rawload")

# What EXIF says of the values 1 … 8 of its orientation, for axes 0 (down) and 1 (across).
_UPRIGHT: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda x: x,
    lambda x: x[:, ::-1],
    lambda x: x[::-1, ::-1],
    lambda x: x[::-1],
    lambda x: x.swapaxes(0, 1),
    lambda x: np.rot90(x, -1),
    lambda x: x[::-1, ::-1].swapaxes(0, 1),
    lambda x: np.rot90(x),
)


@dataclass(frozen=True)
class Opened:
    """An image file of which nothing but the header was read.

    Args:
        header: the file's metadata; its pixels are never asked for.
        image: gray or RGB, with or without alpha, not yet turned upright, the frames of an animation below each other;
            its rows can be read once, from the top.
        notes: what is converted on the way in, a sentence each.
        dtype: of the pixels.
        naming: what the file's name for libvips lives by, and ends with: libvips opens the file once more when pixels
            are asked for.
        pages: frames.
    """

    header: pyvips.Image
    image: pyvips.Image
    notes: tuple[str, ...]
    dtype: np.dtype[Any]
    naming: Any
    pages: int = 1

    @property
    def orientation(self) -> int:
        """1 … 8, as EXIF counts."""
        value: int = field(self.header, "orientation", 1)
        return value if 1 <= value <= 8 else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(H, W, C)`` of a frame when it is upright."""
        height, width = self.image.height // self.pages, self.image.width
        if self.orientation >= 5:
            height, width = width, height
        return height, width, self.image.bands

    @property
    def loader(self) -> str:
        """By which libvips reads it."""
        return loader_of(self.header)


def read(path: str | Path, *, limit: float = LIMIT) -> ImageData:
    """Read an image, upright; of an animation all frames.

    Args:
        path: the file. Its content says what it is, whatever its name.
        limit: megapixels, of all frames together, from which it is refused before anything is allocated.

    Raises:
        ImageReadError: not there, not an image, damaged, cut short, too large, or of a kind that cannot be upscaled.
    """
    return loaded(path, opened(path, limit=limit))


def loaded(path: str | Path, found: Opened) -> ImageData:
    """The pixels of a file that was opened.

    Raises:
        ImageReadError: damaged or cut short.
    """
    try:
        # Turning takes rows in another order than the file has them, and libvips keeps few of them at hand.
        image = found.image if found.orientation < 3 or found.pages > 1 else found.image.copy_memory()
        image = image if found.pages > 1 else image.autorot()
        pixels = image.numpy().reshape(image.height, image.width, image.bands)
    except pyvips.Error as error:
        raise damaged(path, error) from None
    data = ImageData(pixels.astype(found.dtype, copy=False), found.header, found.notes, found.pages)
    if found.pages > 1 and found.orientation > 1:
        return data.with_frames([_UPRIGHT[found.orientation - 1](frame) for frame in data.frames])
    return data


def damaged(path: str | Path, error: pyvips.Error) -> ImageReadError:
    """What is raised for a file whose pixels cannot all be read."""
    return ImageReadError(f"{path}: the image is damaged or cut short ({reason(error)})")


def opened(path: str | Path, *, limit: float = LIMIT) -> Opened:
    """Open an image and read its header.

    Args:
        path: the file.
        limit: as for :func:`read`.

    Raises:
        ImageReadError: not there, not an image, too large, or of a kind that cannot be upscaled.
    """
    path = Path(path)
    start = _first_bytes(path)
    naming = for_libvips(path)
    name = naming.__enter__()
    header, pages = _header(path, name, start)
    megapixels = header.width * header.height / 1e6
    if megapixels > limit:
        size = f"{header.width}×{header.height // pages}" + (f" pixels in {pages} frames" if pages > 1 else " pixels")
        raise ImageReadError(
            f"{path}: {size} are {megapixels:,.0f} megapixels, the limit is {limit:,.0f};"
            f" --limit {int(np.ceil(megapixels))} reads it all the same"
        )
    try:
        # Each new operation starts another sequential pass, so metadata is taken from the unread image.
        image, notes = _plain_colour(header, path)
        image = _without_what_the_palette_brought(image, header, path, name)
        header, lost = collected(header, path)
    except pyvips.Error as error:
        raise damaged(path, error) from None
    held = field(header, "n-pages", 1)
    if held > pages:
        notes = (*notes, f"the file holds {held} images; the first was read")
    if image.format == "double":
        notes = (*notes, "64-bit floating point was read as 32-bit")
    if image.format not in _DTYPES or image.bands > 4:
        raise ImageReadError(
            f"{path}: {image.bands} bands of {image.format}: 1 to 4 bands of uint8, uint16 or float32 are needed"
        )
    return Opened(header, image, (*notes, *lost), np.dtype(_DTYPES[image.format]), naming, pages)


def _first_bytes(path: Path) -> bytes:
    if os.path.isdir(path):  # unlike Path.is_dir it never raises; what is wrong with a path shows when it is opened
        raise ImageReadError(f"{path}: is a folder; the path of an image is needed")
    try:
        with open(path, "rb") as file:
            start = file.read(32)
    except OSError as error:
        raise ImageReadError(f"{path}: {os_error_text(error)}") from None
    if not start:
        raise ImageReadError(f"{path}: the file is empty")
    return start


def _header(path: Path, name: str, start: bytes) -> tuple[pyvips.Image, int]:
    """The opened file, of an animation all frames, and how many they are."""
    # "error", not "truncated": with the latter a TIFF cut short is filled up with black without a word.
    options = {"access": "sequential", "fail_on": "error"}
    try:
        header = pyvips.Image.new_from_file(name, **options)
        loader = loader_of(header)
        pages = frames_of(header)
        if pages > 1:
            header = pyvips.Image.new_from_file(name, n=-1, **options)
    except pyvips.Error as error:
        lacking = known_by_bytes(start)
        if lacking is not None:
            text = f"{path}: is {lacking}, which the installed libvips cannot read; saved as PNG or TIFF it can be"
            raise ImageReadError(text) from None
        raise ImageReadError(f"{path}: not an image that can be read ({reason(error)})") from None
    if loader in _NO_IMAGES:
        raise ImageReadError(f"{path}: is a table of numbers, no image")
    return header, pages


def _plain_colour(image: pyvips.Image, path: Path) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Bring what is neither gray nor RGB (CMYK, Lab, …) to sRGB, as deep as it was."""
    space = image.interpretation
    few_bits = field(image, "bits-per-sample", 8)
    if space in GRAY and few_bits < 8 and not image.get_typeof("palette"):
        return image, (f"{few_bits}-bit gray became 8-bit: upscaled edges need the grays between",)
    if space in GRAY or (space in RGB and image.bands <= 4):
        return image, ()
    deep = image.format in ("ushort", "short") or few_bits > 8
    if image.get_typeof("icc-profile-data") != 0:
        try:
            # As Photoshop does it: black ink becomes black, no dark gray.
            depth, black = 16 if deep else 8, {"intent": "relative", "black_point_compensation": True}
            converted = image.icc_transform("srgb", embedded=True, depth=depth, **black)
            return converted, (f"colours were converted from {space} to sRGB by the file's profile",)
        except pyvips.Error:
            pass  # a profile of another space than the pixels'
        plain = image.colourspace("rgb16" if deep else "srgb")
        return plain, (f"colours were converted from {space} to sRGB; the file's profile does not fit them",)
    return image.colourspace("rgb16" if deep else "srgb"), (f"colours were converted from {space} to sRGB",)


def _without_what_the_palette_brought(image: pyvips.Image, header: pyvips.Image, path: Path, name: str) -> pyvips.Image:
    """A palette is a way of storing. One of grays holds a gray image; libvips gives it three equal bands.

    A profile for RGB describes such bands and no gray, so with it they stay. A GIF has an alpha band wherever a frame
    leaves pixels of the last as they are, even if none of them can be looked through in the end.
    """
    loader = loader_of(header)
    if loader == "pngload" and header.get_typeof("palette") and not header.get_typeof("icc-profile-data"):
        return _gray(image) if png.has_gray_palette(path) else image
    if loader == "gifload":
        whole = pyvips.Image.new_from_file(name, n=-1, fail_on="error")
        if image.bands == 4 and whole[3].min() == 255:
            image = image[:3]
        if image.bands >= 3 and (whole[0] != whole[1]).max() == 0 and (whole[1] != whole[2]).max() == 0:
            image = _gray(image)
    return image


def _gray(image: pyvips.Image) -> pyvips.Image:
    first = image[0] if image.bands < 4 else image[0].bandjoin(image[3])
    return first.copy(interpretation="b-w")
