"""A TIFF as libvips opens it, completed by what its directories say: the meaning of channels, metadata of the file."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import jpeg, tiff
from subpixel.image.files.containers.tiff_extent import list_extent
from subpixel.image.files.containers.tiff_images import UNIT, TiffImages
from subpixel.image.files.source_metadata import TIFF_TAGS, get_blob, set_aspect, set_blob

__all__ = ["set_tiff_metadata", "with_colours", "with_fields_of_the_file"]

_ORIENTATION, _RESOLUTIONS = 274, (282, 283)
_XMP, _PHOTOSHOP, _ICC = 700, 34377, 34675
_SHARED = {"xmp-data": _XMP, "photoshop-data": _PHOTOSHOP, "icc-profile-data": _ICC}


def with_fields_of_the_file(image: pyvips.Image, images: TiffImages, file: BinaryIO) -> pyvips.Image:
    """The main image with the profile, XMP, Photoshop's resources and orientation of the first, where it has none.

    Raises:
        OSError: the file cannot be read.
    """
    if images.first is images.main.directory:
        return image
    image = image.copy()
    for name, tag in _SHARED.items():
        blob = None if image.get_typeof(name) else images.first.value(file, tag)
        if blob is not None:
            set_blob(image, name, blob)
    if _ORIENTATION not in images.main.directory.entries and _ORIENTATION in images.first.entries:
        image.set_type(pyvips.GValue.gint_type, "orientation", images.first.integer(file, _ORIENTATION, 1))
    return image


def with_colours(
    image: pyvips.Image, images: TiffImages, file: BinaryIO, path: Path
) -> tuple[pyvips.Image, tuple[str, ...]]:
    """The channels that are colour or alpha, and what that means for others, one sentence each.

    libvips takes whatever follows the colours for alpha. By ExtraSamples it may be anything, such as infrared.

    Args:
        image: as libvips opened it.
        images: of the file.
        file: the file.
        path: of the file, for errors.

    Raises:
        OSError: the file cannot be read.
        ImageReadError: there is no telling which channels are colours.
    """
    (samples, colours), alpha = images.channels(file), images.alpha(file)
    extra = samples - colours
    if image.bands == 4 and extra <= 0 and colours < 4:  # libtiff's conversion of YCbCr and old JPEG adds opaque alpha
        return _first(image, 3), ()
    if extra <= 0 or image.bands != samples or (alpha and extra == 1):
        return image, ()
    if colours == 1 and extra == 2 and not alpha:
        return image, ("three channels of unspecified meaning (338 ExtraSamples) are upscaled as red, green and blue",)
    if extra > 1:
        raise ImageReadError(
            f"{path}: {image.bands} channels, {colours} of them colour, are more than colour and alpha "
            "(338 ExtraSamples); choose gray or RGB, with or without alpha, first"
        )
    return _first(image, colours), (
        f"channel {colours + 1} is not transparency (338 ExtraSamples: unspecified): it is not kept",
    )


def _first(image: pyvips.Image, count: int) -> pyvips.Image:
    return image.extract_band(0, n=count).copy(interpretation=image.interpretation)


def set_tiff_metadata(header: pyvips.Image, file: BinaryIO, images: TiffImages) -> tuple[str, ...]:
    """Set EXIF, IPTC and other tags in a header; returns what the result will lack, one sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    block, records = tiff.read_exif(file, images), tiff.read_iptc(file, images)
    if block is not None:
        set_blob(header, "exif-data", block)
    if header.get_typeof("iptc-data"):
        header.remove("iptc-data")  # libvips reads a quarter of it where its type is a 32-bit integer
    others = get_blob(header, "photoshop-data") or b""
    if jpeg.from_photoshop(others) is not None or (others and records is None):
        set_blob(header, "iptc-data", others)
    elif records is not None:
        set_blob(header, "iptc-data", jpeg.to_photoshop(records, others))
    tags = tiff.read_tags(file, images)
    if tags:
        set_blob(header, TIFF_TAGS, tiff.pack_tags(tags))
    if header.get_typeof("image-description"):
        header.remove("image-description")  # it is in EXIF
    aspect = _pixel_aspect(images, file)
    if aspect is not None:
        set_aspect(header, *aspect)
    unit = images.main.directory.integer(file, UNIT, 2)
    unknown = () if unit in (1, 2, 3) else (f"the unit of the resolution ({unit}) is not known: it is not kept",)
    return (*tiff.list_losses(file, images), *list_extent(images, file), *unknown)


def _pixel_aspect(images: TiffImages, file: BinaryIO) -> tuple[int, int] | None:
    """Pixels across and down that are equally long, where a resolution without a unit states them; None if square."""
    directory = images.main.directory
    if directory.integer(file, UNIT, 2) != 1:
        return None
    across, down = (_fraction(directory.value(file, tag), directory.layout.order) for tag in _RESOLUTIONS)
    if not across or not down or across == down:
        return None
    ratio = across / down
    most = (1 << 31) - 1
    return (ratio.numerator, ratio.denominator) if max(ratio.numerator, ratio.denominator) <= most else None


def _fraction(value: bytes | None, order: str) -> Fraction | None:
    if value is None or len(value) != 8:
        return None
    numerator, denominator = struct.unpack(order + "II", value)
    return Fraction(numerator, denominator) if denominator else None
