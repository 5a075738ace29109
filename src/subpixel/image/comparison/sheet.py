"""A sheet that shows images of one size beside each other: the whole once, and the same detail of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.comparison.detail import find_detail
from subpixel.image.comparison.layout import Box, plan_layout
from subpixel.image.comparison.lettering import lettering, line_height, text_width
from subpixel.image.files.image_data import ImageData
from subpixel.ops import resize

__all__ = ["beside_bicubic", "bicubic", "compare"]

U8 = NDArray[np.uint8]

# Neutral, so that no colour of an image looks different beside it.
_PAPER, _INK, _QUIET = 244, 28, 104
_LABEL, _NOTE = 20, 16  # sizes of the two lines of a caption
_ABOVE, _BETWEEN = 9, 1  # pixels above a caption's first line, and between its lines

# The outline of the detail in the overview, from the inside out: visible on light and on dark. It covers no detail.
_OUTLINE = (_INK, 255, 255, _INK)

_BEHIND = 192  # behind transparent pixels: a light gray, on which dark and light fringes are visible

# Rows or columns that are resized at a time in f32, to limit memory.
_ROWS = 64


def beside_bicubic(source: ImageData, result: NDArray[Any], model: str) -> ImageData:
    """A sheet of the bicubic resize of an image and the result of a network.

    Args:
        source: the image before.
        result: ``(H, W, C)``, the image after, of any size.
        model: the name of the network.

    Returns:
        The sheet, with the colour profile of the source.
    """
    # Transparent pixels are laid over gray first. Both steps are sums of pixels, so their order changes nothing.
    plain = bicubic(_as_displayed(source.pixels), result.shape[:2])
    # The scale is no round number if a width or a box was given.
    label = f"subpixel {model} ×{round(result.shape[1] / source.pixels.shape[1], 2):g}"
    return ImageData(compare({"Bicubic": plain, label: result}), _profile_alone(source.header))


def bicubic(image: U8, size: tuple[int, int]) -> U8:
    """The bicubic resize of ``(H, W, C)`` u8 to ``(rows, columns)``, rounded once, antialiased when shrinking."""
    height, width = size
    wide = np.empty((len(image), width, image.shape[2]), np.float32)
    for first in range(0, len(image), _ROWS):
        rows = slice(first, first + _ROWS)
        wide[rows] = resize(image[rows].astype(np.float32), width, axes=1, antialias=True)
    result = np.empty((height, *wide.shape[1:]), np.uint8)
    for first in range(0, width, _ROWS):
        columns = slice(first, first + _ROWS)
        values = resize(np.ascontiguousarray(wide[:, columns]), height, axes=0, antialias=True)
        result[:, columns] = np.clip(values + np.float32(0.5), 0, 255)
    return result


def compare(
    images: Mapping[str, NDArray[Any]],
    *,
    truth: NDArray[Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> U8:
    """A sheet that shows images of one size beside each other, with captions.

    The last image is shown whole, made smaller if it is larger than its panel. The same detail of each image is shown
    with square pixels at an integer magnification; an outline marks it in the whole image. The detail is where the
    last two images differ most. Images of up to about 300 pixels are shown whole and magnified instead.

    Args:
        images: ``(H, W, C)`` arrays by their labels, at least two, C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA); u8,
            u16 or f32 of 0 … 1. Transparent pixels are laid over a light gray.
        truth: the original of the same size, if it is known. It is shown last and does not influence the choice of the
            detail.
        notes: second lines of captions by label, such as ``{"Bicubic": "PSNR 31.70 dB"}``.

    Returns:
        ``(height, width, C)`` u8, C = 1 if all images are gray, else 3.

    Raises:
        InvalidArgument: fewer than two images, different sizes, or a note whose label no image has.

    >>> import numpy as np
    >>> black, white = np.zeros((60, 80, 3), np.uint8), np.full((60, 80, 3), 255, np.uint8)
    >>> compare({"before": black, "after": white}).shape
    (542, 1208, 3)
    """
    notes = notes or {}
    labels = [*images, *(["Original"] if truth is not None else [])]
    arrays = [*images.values(), *([truth] if truth is not None else [])]
    _check(labels, arrays, len(images), notes)
    shown = [_as_displayed(image) for image in arrays]
    channels = max(image.shape[2] for image in shown)
    height, width = shown[0].shape[:2]
    layout = plan_layout(width, height, len(shown))
    result = len(images) - 1
    # As far from the border as the outline is thick, and where pixels do not depend on how edges are continued.
    ratio = 1.0 if layout.overview is None else width / layout.overview.width
    margin = round(max(len(_OUTLINE) + 4, 16 / ratio) * ratio)
    left, top = find_detail(shown[result - 1], shown[result], layout.detail, margin)
    detail_box = Box(left, top, *layout.detail)
    sheet = np.full((layout.height, layout.width, channels), _PAPER, np.uint8)
    kind = f"shown at {layout.zoom}:1"
    if layout.overview is not None:
        _draw_overview(sheet, layout.overview, shown[result], detail_box)
        scale = f"{100 / ratio:.0f} %" if layout.overview.width < width else "1:1"
        outlined = f"outlined: {detail_box.width} × {detail_box.height} at ({left}, {top})"
        facts = f"{width} × {height} pixels at {scale}; {outlined}"
        facts = facts if text_width(facts, _NOTE) <= layout.captions[0].width else outlined
        _draw_caption(sheet, layout.captions[0], labels[result], facts)
        kind = f"detail {layout.zoom}:1"
    captions = layout.captions[-len(shown) :]
    for box, caption, image, label in zip(layout.panels, captions, shown, labels, strict=True):
        detail = image[detail_box.slices].repeat(layout.zoom, axis=0).repeat(layout.zoom, axis=1)
        sheet[box.slices] = detail
        note = notes.get(label)
        _draw_caption(sheet, caption, label, f"{note} · {kind}" if note else kind)
    return sheet


def _check(labels: list[str], images: list[NDArray[Any]], compared: int, notes: Mapping[str, str]) -> None:
    sizes = {image.shape[:2] for image in images}
    if compared < 2 or len(sizes) > 1:
        raise InvalidArgument(
            f"compare: {len(images)} images of {len(sizes)} sizes; two or more of one size are needed"
        )
    if len(set(labels)) < len(labels):
        raise InvalidArgument("compare: 'Original' is the label of truth; give the image another one")
    for label in notes:
        if label not in labels:
            raise InvalidArgument(f"compare: a note for {label!r}, which is none of {', '.join(labels)}")


def _draw_overview(sheet: U8, box: Box, image: U8, detail_box: Box) -> None:
    height, width = image.shape[:2]
    if (box.width, box.height) != (width, height):
        image = resize(image, (box.height, box.width), layout="HWC", antialias=True)
    whole = sheet[box.slices]
    whole[:] = image
    across, down = box.width / width, box.height / height
    left, right = int(detail_box.left * across), -int(-(detail_box.left + detail_box.width) * across // 1)
    top, bottom = int(detail_box.top * down), -int(-(detail_box.top + detail_box.height) * down // 1)
    for off, tone in enumerate(_OUTLINE, start=1):
        rows = slice(max(0, top - off), bottom + off)
        columns = slice(max(0, left - off), right + off)
        for row in (top - off, bottom + off - 1):
            if 0 <= row < box.height:
                whole[row, columns] = tone
        for column in (left - off, right + off - 1):
            if 0 <= column < box.width:
                whole[rows, column] = tone


def _draw_caption(sheet: U8, box: Box, label: str, note: str) -> None:
    part = sheet[box.slices]
    top = _ABOVE
    for text, size, tone, bold in ((label, _LABEL, _INK, True), (note, _NOTE, _QUIET, False)):
        ink = lettering(text, size, box.width, bold=bold)[..., None].astype(np.int32)
        part[top : top + len(ink)] = (_PAPER * (255 - ink) + tone * ink + 127) // 255
        top += line_height(size) + _BETWEEN


def _as_displayed(image: NDArray[Any]) -> U8:
    """An image as a screen shows it: ``(H, W, 1 or 3)`` u8, rounded half up, over light gray where transparent."""
    colours = image.shape[2] - 1 if image.shape[2] in (2, 4) else image.shape[2]
    if image.dtype == np.uint8 and colours == image.shape[2]:
        return image
    top = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    result = np.empty((*image.shape[:2], colours), np.uint8)
    for first in range(0, len(image), _ROWS):
        values = image[first : first + _ROWS].astype(np.float64) * (255 / top)
        if colours < image.shape[2]:
            opacity = values[..., colours:] / 255
            values = values[..., :colours] * opacity + _BEHIND * (1 - opacity)
        result[first : first + _ROWS] = np.floor(np.clip(values, 0, 255) + 0.5)
    return result


def _profile_alone(header: pyvips.Image | None) -> pyvips.Image | None:
    """A header with only the colour profile of another: the other metadata is not true of a sheet."""
    if header is None:
        return None
    alone = header.copy()
    for name in header.get_fields():
        if name != "icc-profile-data":
            alone.remove(name)
    return alone
