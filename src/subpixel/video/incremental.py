"""Frames upscaled: planes of the decoder's memory to planes of the encoder's, and nothing computed twice.

A frame that equals the one before takes its result. Where only parts differ, only what depends on them is computed
again: a sample of the result depends on the input within the network's halo, and a sample's value does not depend on
what else is computed with it, so the bytes are those of the whole frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat
from subpixel.upscaler import Network
from subpixel.video.formats import Layout, new_frame, planes_of

__all__ = ["IncrementalUpscaler", "Rectangle", "changes"]

Plane = NDArray[Any]

# Side of the blocks that count as changed or not: larger than most halos, so that little is computed around them.
_BLOCK = 32
# Share of a frame from which all of it is computed.
_MOST = 0.5
# Of so many rows one is looked at before all are.
_SAMPLED = 16
# Samples of chroma to each side that a cubic resize reads.
_CHROMA_HALO = 3


@dataclass(frozen=True)
class Rectangle:
    """Rows and columns of luma."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    def grown(self, by: int, size: tuple[int, int]) -> Rectangle:
        """With so much more to each side, within (height, width); begins at multiples of ``_BLOCK``."""
        top, left = (max(0, start - by) // _BLOCK * _BLOCK for start in (self.top, self.left))
        return Rectangle(top, min(size[0], self.bottom + by), left, min(size[1], self.right + by))


class IncrementalUpscaler:
    """Upscales the frames of one video, in order.

    Args:
        network: a luma network, or of any where frames are R, G, B.
        layout: of the frames.
        siting: of chroma.
        full_range: of the codes.
        size: (width, height) of the frames.
    """

    def __init__(self, network: Network, layout: Layout, siting: str, full_range: bool, size: tuple[int, int]) -> None:
        self.network, self.layout = network, layout
        self.result_size = size[0] * network.scale, size[1] * network.scale
        self._form: FrameFormat | None = None if layout.rgb else layout.form(siting, full_range)
        self._before: tuple[list[Plane], list[Plane]] | None = None
        self.repeated = 0
        self.partly = 0

    @property
    def across(self) -> int:
        """Columns of luma to one of chroma."""
        return 1 if self._form is None else self._form.factors[1]

    def __call__(self, frame: Any) -> Any:
        """A new frame, upscaled; its time is not set."""
        planes = planes_of(frame, self.layout)
        result, results = new_frame(self.result_size, self.layout)
        if self._form is None:
            self._image(planes, results)
        else:
            self._planes(planes, results, self._form)
        # The decoder does not write into a frame that somebody holds, nor the encoder into what it is given.
        self._before = planes, results
        return result

    def _planes(self, planes: list[Plane], results: list[Plane], form: FrameFormat) -> None:
        parts = None if self._before is None or self.network.halo is None else self._parts(planes, form)
        if parts is None:
            self.network.frame(planes, form, results)
            return
        self._repeat(results)
        if not parts:
            self.repeated += 1
            return
        self.partly += 1
        for part in parts:
            self._part(part, planes, results, form)

    def _repeat(self, results: list[Plane]) -> None:
        """Take the result of the frame before."""
        assert self._before is not None
        for plane, old in zip(results, self._before[1], strict=True):
            np.copyto(plane, old)

    def _parts(self, planes: list[Plane], form: FrameFormat) -> list[Rectangle] | None:
        """What of the frame must be computed; None for all of it."""
        assert self._before is not None
        height, width = planes[0].shape
        if np.mean(self._before[0][0][::_SAMPLED] != planes[0][::_SAMPLED]) > _MOST:
            return None  # as most frames are: a look at some rows is enough
        halo = self._halo(form)
        found = [each.grown(halo, (height, width)) for each in changes(self._before[0], planes, form.factors)]
        # What is computed for them reaches further by the halo once more.
        work = sum(each.grown(halo, (height, width)).area for each in found)
        return None if work > _MOST * height * width else found

    def _part(self, part: Rectangle, planes: list[Plane], results: list[Plane], form: FrameFormat) -> None:
        height, width = planes[0].shape
        source = part.grown(self._halo(form), (height, width))
        scale = self.network.scale
        taken = [
            np.ascontiguousarray(plane[_span(source.top, source.bottom, f), _span(source.left, source.right, g)])
            for plane, f, g in _with_factors(planes, form)
        ]
        shape = (source.bottom - source.top) * scale, (source.right - source.left) * scale
        output = [np.empty(shape, form.dtype), *(np.empty(form.chroma(shape), form.dtype) for _ in taken[1:])]
        self.network.frame(taken, form, output)
        for (result, f, g), new in zip(_with_factors(results, form), output, strict=True):
            rows = _span(part.top * scale, part.bottom * scale, f)
            columns = _span(part.left * scale, part.right * scale, g)
            top, left = (start * scale // n for start, n in ((source.top, f), (source.left, g)))
            result[rows, columns] = new[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]

    def _halo(self, form: FrameFormat) -> int:
        """Luma samples around a change within which results change, too."""
        assert self.network.halo is not None
        return max(self.network.halo, _CHROMA_HALO * max(form.factors))

    def _image(self, planes: list[Plane], results: list[Plane]) -> None:
        """Frames of R, G, B, whose planes lie as G, B, R."""
        if self._before is not None and all(map(np.array_equal, planes, self._before[0])):
            self._repeat(results)
            self.repeated += 1
            return
        pixels = np.stack([planes[2], planes[0], planes[1]], axis=-1)
        if self.layout.bits in (8, 16):
            result = self.network.image(pixels)
        else:
            most = np.float32((1 << self.layout.bits) - 1)
            values = self.network.image(pixels.astype(np.float32) / most) * most
            result = np.clip(np.floor(values + np.float32(0.5)), 0, most).astype(np.uint16)
        for plane, channel in zip(results, (1, 2, 0), strict=True):
            plane[:] = result[..., channel]


def changes(old: Sequence[Plane], new: Sequence[Plane], factors: tuple[int, int]) -> list[Rectangle]:
    """Where two frames differ: rectangles of luma that cover all of it, one for each run of rows of blocks.

    Args:
        old: planes of one.
        new: planes of the other.
        factors: samples of luma to one of chroma, down and across.
    """
    height, width = new[0].shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    changed = np.zeros((rows, columns), bool)
    for plane, (before, after) in enumerate(zip(old, new, strict=True)):
        down, across = (_BLOCK // f for f in factors) if plane else (_BLOCK, _BLOCK)
        for row in range(rows):
            band = slice(row * down, (row + 1) * down)
            differs = before[band] != after[band]
            if differs.any():
                which = np.flatnonzero(differs.any(axis=0)) // across
                changed[row, which] = True
    return list(_rectangles(changed, height, width))


def _rectangles(changed: NDArray[np.bool_], height: int, width: int) -> Iterator[Rectangle]:
    row = 0
    while row < len(changed):
        if not changed[row].any():
            row += 1
            continue
        end = row
        while end < len(changed) and changed[end].any():
            end += 1
        which = np.flatnonzero(changed[row:end].any(axis=0))
        right = min(width, (int(which[-1]) + 1) * _BLOCK)
        yield Rectangle(row * _BLOCK, min(height, end * _BLOCK), int(which[0]) * _BLOCK, right)
        row = end


def _with_factors(planes: Sequence[Plane], form: FrameFormat) -> Iterator[tuple[Plane, int, int]]:
    for number, plane in enumerate(planes):
        yield (plane, *(form.factors if number else (1, 1)))


def _span(start: int, stop: int, factor: int) -> slice:
    return slice(start // factor, -(-stop // factor))
