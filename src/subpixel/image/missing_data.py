"""Pixels that stand for missing data: filled for upscaling, and missing again in the result.

Otherwise -9999 or NaN would spread over the pixels around it. A pixel is missing if all of its colours have the value
that the file states (GDAL_NODATA), or if one of them is NaN or infinite. Alpha that is no number is missing by itself.
It gets the nearest value above, below, left or right; two rounds of this reach further than the networks look. The
result is missing where the nearest pixel of the source is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.colour_spaces import GRAY, RGB
from subpixel.image.files.containers.tiff import unpack_tags
from subpixel.image.files.source_metadata import TIFF_TAGS, get_blob

__all__ = ["MissingData", "missing_value"]

Block = NDArray[Any]
Mask = NDArray[np.bool_]
# What is missing of each pixel: nothing, its colours, its alpha, or both.
Missing = NDArray[np.uint8]
_COLOURS, _ALPHA = 1, 2

_NODATA = 42113
# Pixels that a round of filling reaches, and rounds.
_REACH, _ROUNDS = 16, 2
_CONTEXT = _REACH * _ROUNDS
# Pixels that are filled at a time. Filling takes some 60 bytes for each.
_AT_ONCE = 1 << 20


def missing_value(header: pyvips.Image, dtype: np.dtype[Any]) -> float | None:
    """The value of missing data that the file states, as one of its pixels; None if there is none.

    Args:
        header: of the source.
        dtype: of its pixels.
    """
    entry = unpack_tags(get_blob(header, TIFF_TAGS)).get(_NODATA)
    if entry is None or header.interpretation not in (*GRAY, *RGB):
        return None
    try:
        value = float(entry[2].partition(b"\0")[0])
    except ValueError:
        return None
    if dtype == np.float32:
        with np.errstate(over="ignore"):
            return float(np.float32(value))
    return value if value.is_integer() and 0 <= value <= np.iinfo(dtype).max else None


def _split_rows(image: Block) -> Iterator[Block]:
    """An image ``(H, W, C)`` as blocks of rows that are filled with little memory."""
    rows = max(_CONTEXT, _AT_ONCE // image.shape[1])
    for top in range(0, len(image), rows):
        yield image[top : top + rows]


class MissingData:
    """Missing data of one image, from the blocks of the source to those of the result. Memory is for some rows.

    Args:
        value: of missing pixels.
        size: height and width of the source.
        result: height and width of the result.
        colours: channels of the source without alpha.
        stated: whether the file states the value; otherwise only those pixels are missing that are not finite.

    >>> image = np.array([[[7], [0], [9]]], np.uint8)
    >>> data = MissingData(0, (1, 3), (1, 6), 1)
    >>> [block.ravel().tolist() for block in data.fill([image])]
    [[7, 7, 9]]
    >>> [block.ravel().tolist() for block in data.restore([np.full((1, 6, 1), 8, np.uint8)])]
    [[8, 8, 0, 0, 8, 8]]
    """

    def __init__(
        self, value: float, size: tuple[int, int], result: tuple[int, int], colours: int, *, stated: bool = True
    ) -> None:
        self._value, self._size, self._result, self._colours = value, size, result, colours
        self._rows: deque[Missing | None] = deque()  # of the source from _top on; None where nothing is missing
        self._top = 0
        self._stated = stated
        self.count = self.infinite = self.transparent = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, one sentence each; nothing if no pixel was missing."""
        notes = []
        if self.count:
            pixels = f"{self.count} pixel{'s' if self.count > 1 else ''} of missing data (GDAL_NODATA {self._value:g})"
            notes.append(f"{pixels} were filled for upscaling and are missing in the result again")
        if self.infinite:
            pixels = "a pixel that was" if self.infinite == 1 else f"{self.infinite} pixels that were"
            value = "NaN" if np.isnan(self._value) else f"{self._value:g}"
            was, are = ("was", "is") if self.infinite == 1 else ("were", "are")
            notes.append(f"{pixels} NaN or infinite {was} filled for upscaling and {are} {value} in the result")
        if self.transparent:
            pixels = "a pixel" if self.transparent == 1 else f"{self.transparent} pixels"
            notes.append(f"alpha of {pixels} was NaN or infinite, was filled for upscaling and is NaN in the result")
        return tuple(notes)

    def fill_image(self, image: Block) -> Block:
        """An image ``(H, W, C)`` likewise: the same one if nothing is missing, which takes no memory."""
        blocks = list(self.fill(_split_rows(image)))
        return np.concatenate(blocks) if self.count or self.infinite or self.transparent else image

    def fill(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Blocks ``(h, W, C)`` of the source, from the top, with other values where data is missing."""
        above: list[tuple[Block, Missing]] = []
        below: deque[tuple[Block, Missing]] = deque()
        for block in blocks:
            missing = self._missing(block)
            self._rows.extend(row if row.any() else None for row in missing)
            below.append((block, missing))
            while sum(len(each) for each, _ in below) - len(below[0][0]) >= _CONTEXT:
                yield self._filled(above, below)
        while below:
            yield self._filled(above, below)

    def restore(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Blocks of the result, from the top, with the value where data is missing."""
        columns = ((2 * np.arange(self._result[1]) + 1) * self._size[1]) // (2 * self._result[1])
        y = 0
        for block in blocks:
            copied = False
            for row in range(len(block)):
                missing = self._row(((2 * y + 1) * self._size[0]) // (2 * self._result[0]))
                y += 1
                if missing is None:
                    continue
                if not copied:
                    block, copied = block.copy(), True
                here = missing[columns]
                block[row, here & _COLOURS > 0, : self._colours] = self._value
                if self.transparent:  # of a float image
                    block[row, here & _ALPHA > 0, self._colours :] = np.nan
            yield block

    def _row(self, y: int) -> Missing | None:
        while self._top < y:
            self._rows.popleft()
            self._top += 1
        return self._rows[0]

    def _missing(self, block: Block) -> Missing:
        colours = block[..., : self._colours]
        if self._stated:
            same = np.isnan(colours) if np.isnan(self._value) else colours == colours.dtype.type(self._value)
            missing = np.asarray(same.all(axis=2))
        else:
            missing = np.zeros(block.shape[:2], bool)
        self.count += int(missing.sum())
        found = missing.astype(np.uint8)
        if block.dtype.kind == "f" and not _is_finite(block):
            infinite = ~np.isfinite(colours).all(axis=2) & ~missing
            alpha = ~np.isfinite(block[..., self._colours :]).all(axis=2)
            self.infinite += int(infinite.sum())
            self.transparent += int(alpha.sum())
            found[infinite] |= _COLOURS
            found[alpha] |= _ALPHA
        return found

    def _filled(self, above: list[tuple[Block, Missing]], below: deque[tuple[Block, Missing]]) -> Block:
        """The first block below, filled. It moves to those above, of which as many stay as are needed."""
        block, missing = below.popleft()
        result = block
        if missing.any():
            parts = [*above, (block, missing), *_head(below)]
            start = sum(len(each) for each, _ in above)
            values = np.concatenate([each for each, _ in parts])
            gaps = np.concatenate([each for _, each in parts])
            result = _fill(values, gaps & _COLOURS > 0, slice(None, self._colours))
            if (gaps & _ALPHA).any():
                result = _fill(result, gaps & _ALPHA > 0, slice(self._colours, None))
            result = result[start : start + len(block)]
        above.append((block, missing))
        while sum(len(each) for each, _ in above[1:]) >= _CONTEXT:
            del above[0]
        first, gaps = above[0]
        if len(above) == 1 and len(first) > _CONTEXT:
            above[0] = first[-_CONTEXT:], gaps[-_CONTEXT:]
        return result


def _is_finite(values: Block) -> bool:
    """Whether all values are finite; False also for a sum beyond the type, which takes another look."""
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(values.sum(dtype=np.float64)))


def _head(blocks: deque[tuple[Block, Missing]]) -> list[tuple[Block, Missing]]:
    """The first rows of blocks, as many as filling looks at."""
    parts: list[tuple[Block, Missing]] = []
    rows = 0
    for block, missing in blocks:
        if rows >= _CONTEXT:
            break
        parts.append((block[: _CONTEXT - rows], missing[: _CONTEXT - rows]))
        rows += len(block)
    return parts


def _fill(values: Block, missing: Mask, channels: slice) -> Block:
    """Values ``(H, W, C)`` with others in some channels where they are missing: the nearest around, or 0."""
    values, missing = values.copy(), missing.copy()
    filled = values[..., channels]
    for _ in range(_ROUNDS):
        distance = np.full(missing.shape, _REACH + 1, np.int32)
        place = np.zeros(missing.shape, np.int64)
        for axis in (0, 1):
            for backwards in (False, True):
                steps, index = _nearest(missing, axis, backwards)
                closer = steps < distance
                distance[closer], place[closer] = steps[closer], index[closer]
        found = missing & (distance <= _REACH)
        filled[found] = filled.reshape(-1, filled.shape[2])[place[found]]
        missing &= ~found
    filled[missing] = 0
    return values


def _nearest(missing: Mask, axis: int, backwards: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps to the nearest pixel that is there, in one direction, and its index in the flattened image."""
    height, width = missing.shape
    length = missing.shape[axis]
    along = np.arange(length).reshape((-1, 1) if axis == 0 else (1, -1))
    gaps = np.flip(missing, axis) if backwards else missing
    last = np.maximum.accumulate(np.where(gaps, -(1 << 30), along), axis=axis)
    steps = along - last
    if backwards:
        steps, last = np.flip(steps, axis), np.flip(length - 1 - last, axis)
    last = np.clip(last, 0, length - 1)
    index = last * width + np.arange(width) if axis == 0 else np.arange(height)[:, None] * width + last
    return steps, index
