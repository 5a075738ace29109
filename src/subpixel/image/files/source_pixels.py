"""The pixels of an open image as networks take them: gray or RGB, the whole range of 16 bits, straight alpha."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.colour_spaces import GRAY, RGB
from subpixel.image.files.containers import png
from subpixel.image.files.icc_check import check_profile
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.source_metadata import PREMULTIPLIED, get_blob, get_field, loader_name

__all__ = ["heif_pixels", "on_canvas", "to_gray_or_rgb", "without_palette_bands"]

# What becomes of a frame of a GIF before the next one: its area is cleared, or is again what it was.
_BACKGROUND, _PREVIOUS = 2, 3


def to_gray_or_rgb(image: pyvips.Image) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Convert what is neither gray nor RGB (CMYK, Lab, …) to sRGB of the same depth."""
    space = image.interpretation
    few_bits = get_field(image, "bits-per-sample", 8)
    if space in GRAY and few_bits < 8 and not image.get_typeof("palette"):
        return image, (f"{few_bits}-bit gray was read as 8-bit: upscaled edges need the grays between",)
    if space in GRAY or (space in RGB and image.bands <= 4):
        return image, ()
    deep = image.format in ("ushort", "short") or few_bits > 8
    found = get_blob(image, "icc-profile-data")
    if found is not None:
        profile, problem = check_profile(found)
        plain = image.colourspace("rgb16" if deep else "srgb")
        if profile is None:
            return plain, (f"colours were converted from {space} to sRGB without the file's profile: {problem}",)
        try:
            # As in Photoshop: black ink becomes black, not dark gray.
            depth, black = 16 if deep else 8, {"intent": "relative", "black_point_compensation": True}
            converted = image.icc_transform("srgb", embedded=True, depth=depth, **black)
            return converted, (f"colours were converted from {space} to sRGB with the file's profile",)
        except pyvips.Error:
            pass  # the profile is for another space than the pixels'
        return plain, (f"colours were converted from {space} to sRGB; the file's profile does not fit them",)
    return image.colourspace("rgb16" if deep else "srgb"), (f"colours were converted from {space} to sRGB",)


def heif_pixels(image: pyvips.Image, metadata: pyvips.Image) -> pyvips.Image:
    """Samples of 9 to 15 bits over the whole range of 16, so that white is white; colours without their alpha."""
    bits = get_field(metadata, "bits-per-sample", 16)
    if image.format == "ushort" and 8 <= bits < 16:
        image = image | (image >> bits)  # libvips shifts them up: 1023 of 10 bits is 65472
    if get_field(metadata, PREMULTIPLIED, 0) and image.bands in (2, 4):
        top = 65535 if image.format == "ushort" else 255
        straight = (image.unpremultiply(max_alpha=top) + 0.5).cast(image.format)
        image = straight.copy(interpretation=image.interpretation)
    return image


def without_palette_bands(
    image: pyvips.Image, header: pyvips.Image, file: OpenFile, contents: png.Contents | None
) -> pyvips.Image:
    """Gray for a palette of grays, which libvips expands to three equal bands; no alpha that is opaque everywhere.

    With a profile for RGB the bands stay, because it does not describe gray. libvips adds an alpha band to a GIF
    wherever a frame leaves pixels of the last one as they are, even if no pixel is transparent in the end.

    Args:
        image: the pixels.
        header: with all metadata.
        file: of the image.
        contents: of a PNG.
    """
    has_profile = header.get_typeof("icc-profile-data") != 0
    if contents is not None and header.get_typeof("palette") and not has_profile:
        return _to_gray(image) if contents.has_gray_palette else image
    if loader_name(header) == "gifload":
        whole = file.vips_image(n=-1, fail_on="error")
        if image.bands == 4 and whole[3].min() == 255:
            image = image[:3]
        if (
            image.bands >= 3
            and not has_profile
            and (whole[0] != whole[1]).max() == 0
            and (whole[1] != whole[2]).max() == 0
        ):
            image = _to_gray(image)
    return image


def on_canvas(
    image: pyvips.Image, pages: int, canvas: tuple[int, int], areas: Iterable[tuple[int, int, int, int, int]]
) -> pyvips.Image:
    """The frames of a GIF on its whole canvas, which is transparent where no frame lies, as browsers show it.

    libvips takes the canvas from the frames if the file states more than 2,048 pixels or a usual size of screens.

    Args:
        image: the frames below each other.
        pages: their number.
        canvas: width and height.
        areas: left, top, width, height and disposal of each frame. Without alpha, libvips draws black around them.
    """
    height = image.height // pages
    space = image.interpretation
    if image.bands in (1, 3):
        covered = _covered(image.width, height, list(areas)[:pages])
        if covered is not None:
            alpha = pyvips.Image.new_from_array(covered).cast("uchar")
            image = image.bandjoin(alpha)
    size = max(image.width, canvas[0]), max(height, canvas[1])
    if size == (image.width, height):
        return image.copy(interpretation=space)
    if image.bands in (1, 3):
        image = image.bandjoin(255)
    frames = [image.crop(0, height * k, image.width, height).embed(0, 0, *size) for k in range(pages)]
    return pyvips.Image.arrayjoin(frames, across=1).copy(interpretation=space)


def _covered(width: int, height: int, areas: list[tuple[int, int, int, int, int]]) -> NDArray[np.uint8] | None:
    """Where the canvas is covered after each frame, 255 or 0, frames below each other; None if it always is."""
    now = np.zeros((height, width), np.uint8)
    masks = []
    for left, top, wide, high, disposal in areas:
        before = now.copy() if disposal == _PREVIOUS else now
        area = (slice(top, top + high), slice(left, left + wide))
        now[area] = 255
        masks.append(now if now.all() else now.copy())
        if disposal == _BACKGROUND:
            now = now.copy()
            now[area] = 0
        elif disposal == _PREVIOUS:
            now = before
    return None if not masks or all(mask.all() for mask in masks) else np.concatenate(masks)


def _to_gray(image: pyvips.Image) -> pyvips.Image:
    first = image[0] if image.bands < 4 else image[0].bandjoin(image[3])
    return first.copy(interpretation="b-w")
