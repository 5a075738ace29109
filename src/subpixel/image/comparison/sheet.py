"""Images of one size side by side on a sheet: the whole, divided among them, and below it a detail of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.comparison.labels import HEIGHT, lettering
from subpixel.image.files.image_data import ImageData
from subpixel.ops import resize

__all__ = ["beside_bicubic", "comparison", "sheet_of"]

U8 = NDArray[np.uint8]

PANEL = 480  # width of the column that each image has, in dots of the sheet
TALLEST = 720  # height of the whole image on the sheet
DETAIL = 160  # side of the detail, in pixels: three dots for each fill the column
_MOST = 16  # dots for each pixel of a smaller image's detail

_CELL = 8  # side of the squares of which differences are summed
_LINE = 2  # thickness of the divider
_TEXT = 2  # side of a letter's dot
_BAR = HEIGHT * _TEXT + 8  # height of a line of labels

_PAPER, _INK, _DIVIDER = 255, 0, 128
_BEHIND = 192  # what shows through transparency: light gray, beside which dark and light fringes can be seen

# Rows, or columns, that are at hand in a wide type at once, so that it needs little memory beyond the image.
_ROWS = 64


def sheet_of(destination: Path, compare: Path) -> Path:
    """Where the sheet of a result goes: to a file, or into a folder under the result's name."""
    return compare / f"{destination.stem}_comparison.png" if os.path.isdir(compare) else compare


def beside_bicubic(source: ImageData, result: NDArray[Any], label: str) -> ImageData:
    """A sheet with the plain resize of an image on the left and what was made of it on the right.

    Args:
        source: the image before.
        result: ``(H, W, C)``, the image after, of any size.
        label: what made it.

    Returns:
        The sheet, with the colour profile of the source.
    """
    # What is transparent is laid over gray before: a sum of pixels either way, so that the order changes nothing.
    plain = bicubic(_shown(source.pixels), result.shape[:2])
    return ImageData(comparison({"bicubic": plain, label: result}), _profile_alone(source.header))


def bicubic(image: U8, size: tuple[int, int]) -> U8:
    """The plain resize, rounded once: ``(H, W, C)`` u8 to so many rows and columns; antialiased where it shrinks."""
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


def comparison(images: Mapping[str, NDArray[Any]]) -> U8:
    """A sheet that shows images of one size side by side.

    Above stands the whole image, made smaller if it is larger than the sheet: its left part from the first, its
    right from the last, parts of equal width with a divider between. Below stands a detail of each, upscaled by a
    whole factor so that every pixel is seen as it is. It is where the last two differ most: the absolute differences
    of all channels, blurred by a box as large as the detail, have their maximum there (the topmost, then leftmost,
    on a grid of 8 pixels). A frame around that place is drawn into the whole image.

    Args:
        images: ``(H, W, C)`` arrays by their labels, at least two, C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA); u8,
            u16 or f32 of 0 … 1. What is transparent lies over a light gray.

    Returns:
        ``(height, width, C)`` u8, C = 1 if all are gray, else 3.

    Raises:
        InvalidArgument: fewer than two images, or different sizes.

    >>> import numpy as np
    >>> black, white = np.zeros((6, 8, 3), np.uint8), np.full((6, 8, 3), 255, np.uint8)
    >>> comparison({"before": black, "after": white}).shape
    (158, 962, 3)
    """
    sizes = {image.shape[:2] for image in images.values()}
    if len(images) < 2 or len(sizes) > 1:
        raise InvalidArgument(f"comparison: {len(images)} images of {len(sizes)} sizes: several of one size needed")
    result = [_shown(image) for image in images.values()]
    channels = max(image.shape[2] for image in result)
    result = [image if image.shape[2] == channels else image.repeat(channels, axis=2) for image in result]
    height, width = result[0].shape[:2]
    box = _detail(result[-2], result[-1])
    zoom = max(1, min(PANEL // (box[1].stop - box[1].start), PANEL // (box[0].stop - box[0].start), _MOST))
    place = f"{width}×{height}, detail at {box[1].start}, {box[0].start}"
    rows = [_labels(list(images)), _whole(result, box), _labels([place] + [""] * (len(result) - 1))]
    rows.append(_columns([image[box].repeat(zoom, axis=0).repeat(zoom, axis=1) for image in result]))
    return np.concatenate([row.repeat(channels // row.shape[2], axis=2) for row in rows])


def _shown(image: NDArray[Any]) -> U8:
    """An image as a screen shows it: ``(H, W, 1 or 3)`` u8, rounded half up, what is transparent over light gray."""
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


def _detail(first: U8, second: U8) -> tuple[slice, slice]:
    """Rows and columns of the square in which two images differ most, or of all where there is no more."""
    height, width = first.shape[:2]
    cells = np.stack([_differences(first[top : top + _CELL], second[top : top + _CELL]) for top in _steps(height)])
    down, across = (min(DETAIL // _CELL, length) for length in cells.shape)
    total = np.pad(cells, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    sums = total[down:, across:] - total[:-down, across:] - total[down:, :-across] + total[:-down, :-across]
    row, column = (int(index) * _CELL for index in np.unravel_index(int(sums.argmax()), sums.shape))
    tall, wide = min(DETAIL, height), min(DETAIL, width)
    top, left = min(row, height - tall), min(column, width - wide)  # the last cells may be narrower
    return slice(top, top + tall), slice(left, left + wide)


def _differences(first: U8, second: U8) -> NDArray[np.int64]:
    columns = np.abs(first.astype(np.int16) - second).sum(axis=(0, 2), dtype=np.int64)
    sums: NDArray[np.int64] = np.add.reduceat(columns, _steps(len(columns)))
    return sums


def _steps(length: int) -> range:
    return range(0, length, _CELL)


def _whole(images: list[U8], box: tuple[slice, slice]) -> U8:
    """The divided image in the middle of a row, as large as fits."""
    height, width = images[0].shape[:2]
    ratio = max(1, width / (PANEL * len(images)), height / TALLEST)
    h, w = max(1, round(height / ratio)), max(1, round(width / ratio))
    if ratio > 1:
        images = [resize(image, (h, w), layout="HWC", antialias=True) for image in images]
    bounds = [round(w * n / len(images)) for n in range(len(images) + 1)]
    joined = np.concatenate([p[:, bounds[n] : bounds[n + 1]] for n, p in enumerate(images)], axis=1)
    _frame(joined, box, ratio)
    parts = np.split(joined, bounds[1:-1], axis=1)
    lines = [part for one in parts for part in (one, np.full((h, _LINE, one.shape[2]), _DIVIDER, np.uint8))][:-1]
    row = np.concatenate(lines, axis=1)
    sheet = np.full((h, _width(len(images)), row.shape[2]), _PAPER, np.uint8)
    left = (sheet.shape[1] - row.shape[1]) // 2
    sheet[:, left : left + row.shape[1]] = row
    return sheet


def _frame(image: U8, box: tuple[slice, slice], ratio: float) -> None:
    """A line of two colours, so that it is seen on any, around a place and not over it."""
    (top, bottom), (left, right) = ((round(s.start / ratio) - 1, round(s.stop / ratio)) for s in box)
    for off, colour in ((0, _PAPER), (1, _INK)):
        t, b, l, r = top - off, bottom + off, left - off, right + off  # noqa: E741
        rows, columns = slice(max(t, 0), b + 1), slice(max(l, 0), r + 1)
        for y in (t, b):
            if 0 <= y < image.shape[0]:
                image[y, columns] = colour
        for x in (l, r):
            if 0 <= x < image.shape[1]:
                image[rows, x] = colour


def _labels(texts: list[str]) -> U8:
    inked = [lettering(text, _TEXT, PANEL - 12) for text in texts]
    bars = []
    for ink in inked:
        bar = np.full((_BAR, PANEL, 1), _PAPER, np.uint8)
        bar[4 : 4 + ink.shape[0], 6 : 6 + ink.shape[1]][ink] = _INK
        bars.append(bar)
    return _columns(bars)


def _columns(parts: list[U8]) -> U8:
    """Each in the left of its column, with dividers."""
    height, channels = parts[0].shape[0], parts[0].shape[2]
    row = np.full((height, _width(len(parts)), channels), _PAPER, np.uint8)
    for number, part in enumerate(parts):
        left = number * (PANEL + _LINE)
        row[:, left : left + part.shape[1]] = part
        row[:, max(0, left - _LINE) : left] = _DIVIDER
    return row


def _width(images: int) -> int:
    return images * PANEL + (images - 1) * _LINE


def _profile_alone(header: pyvips.Image | None) -> pyvips.Image | None:
    """A header with the colour profile of another and nothing else: a sheet was not taken with a camera."""
    if header is None:
        return None
    alone = header.copy()
    for name in header.get_fields():
        if name != "icc-profile-data":
            alone.remove(name)
    return alone
