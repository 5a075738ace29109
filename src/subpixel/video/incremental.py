"""Frames upscaled from the decoder's memory to the encoder's, without computing anything twice.

A frame that equals the one before takes over its result. If only parts differ, only the samples that depend on them are
computed again. A sample of the result depends on the input within the network's halo, and its value does not depend on
what else is computed at the same time, so the bytes are the same as for the whole frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat
from subpixel.upscaler import Network
from subpixel.video.formats import Layout, Plane, new_frame, planes_of
from subpixel.video.frame import StillUpscaler

__all__ = ["IncrementalUpscaler", "Rectangle", "changes"]

# Side of the blocks that count as changed or unchanged: larger than most halos, so that margins around them are small.
_BLOCK = 32
# If more than this share of a frame must be computed, all of it is.
_MAX_SHARE = 0.5
# Before all rows are compared, one of this many is.
_SAMPLED = 16
# Chroma samples to each side that a cubic resize reads.
_CHROMA_HALO = 3


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of luma samples."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    def with_margin(self, margin: int, size: tuple[int, int]) -> Rectangle:
        """The rectangle with a margin to each side, within (height, width); it begins at multiples of ``_BLOCK``."""
        top, left = (max(0, start - margin) // _BLOCK * _BLOCK for start in (self.top, self.left))
        return Rectangle(top, min(size[0], self.bottom + margin), left, min(size[1], self.right + margin))


class IncrementalUpscaler(StillUpscaler):
    """Upscales the frames of one video, in order, by one network.

    Args:
        network: a luma network; for RGB frames, any network.
        layout: of the frames.
        siting: where chroma samples lie.
        full_range: whether codes use their full range.
        size: (width, height) of the frames.
    """

    def __init__(self, network: Network, layout: Layout, siting: str, full_range: bool, size: tuple[int, int]) -> None:
        self.network, self.layout = network, layout
        self.result_size = size[0] * network.scale, size[1] * network.scale
        self._format: FrameFormat | None = None if layout.rgb else layout.frame_format(siting, full_range)
        self._before: tuple[list[Plane], list[Plane]] | None = None
        self.repeated_frames = 0
        self.partial_frames = 0

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.network.model.name

    def upscale(self, source: Any) -> Any:
        result, results = new_frame(self.result_size, self.layout)
        self.upscale_planes(planes_of(source, self.layout), results)
        return result

    def upscale_planes(self, planes: list[Plane], results: list[Plane]) -> None:
        """Upscale the planes of the next frame into those of its result. Neither may change afterwards."""
        if self._format is None:
            self._upscale_rgb(planes, results)
        else:
            self._upscale_yuv(planes, results, self._format)
        # They stay as they are: a decoder does not write to a frame that is still in use, nor an encoder to its input.
        self._before = planes, results

    def _upscale_yuv(self, planes: list[Plane], results: list[Plane], frame_format: FrameFormat) -> None:
        parts = None if self._before is None or self.network.halo is None else self._changed_parts(planes, frame_format)
        if parts is None:
            self.network.frame(planes, frame_format, results)
            return
        self._repeat(results)
        if not parts:
            self.repeated_frames += 1
            return
        self.partial_frames += 1
        for part in parts:
            self._upscale_part(part, planes, results, frame_format)

    def _repeat(self, results: list[Plane]) -> None:
        """Copy the result of the frame before."""
        assert self._before is not None
        for plane, old in zip(results, self._before[1], strict=True):
            np.copyto(plane, old)

    def _changed_parts(self, planes: list[Plane], frame_format: FrameFormat) -> list[Rectangle] | None:
        """The parts of the frame that must be computed; None for all of it."""
        assert self._before is not None
        height, width = planes[0].shape
        if np.mean(self._before[0][0][::_SAMPLED] != planes[0][::_SAMPLED]) > _MAX_SHARE:
            return None  # as for most frames, for which some rows are enough
        halo = self._halo(frame_format)
        found = [
            each.with_margin(halo, (height, width)) for each in changes(self._before[0], planes, frame_format.factors)
        ]
        # To compute them, the network reads the halo around each once more.
        work = sum(each.with_margin(halo, (height, width)).area for each in found)
        return None if work > _MAX_SHARE * height * width else found

    def _upscale_part(
        self, part: Rectangle, planes: list[Plane], results: list[Plane], frame_format: FrameFormat
    ) -> None:
        height, width = planes[0].shape
        source = part.with_margin(self._halo(frame_format), (height, width))
        scale = self.network.scale
        crops = [
            np.ascontiguousarray(plane[_span(source.top, source.bottom, f), _span(source.left, source.right, g)])
            for plane, f, g in _with_factors(planes, frame_format)
        ]
        shape = (source.bottom - source.top) * scale, (source.right - source.left) * scale
        shapes = [shape, *(frame_format.chroma(shape) for _ in crops[1:])]
        output = [np.empty(each, frame_format.dtype) for each in shapes]
        self.network.frame(crops, frame_format, output)
        for (result, f, g), new in zip(_with_factors(results, frame_format), output, strict=True):
            rows = _span(part.top * scale, part.bottom * scale, f)
            columns = _span(part.left * scale, part.right * scale, g)
            top, left = (start * scale // n for start, n in ((source.top, f), (source.left, g)))
            result[rows, columns] = new[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]

    def _halo(self, frame_format: FrameFormat) -> int:
        """Luma samples around a change within which results change too."""
        assert self.network.halo is not None
        return max(self.network.halo, _CHROMA_HALO * max(frame_format.factors))

    def _upscale_rgb(self, planes: list[Plane], results: list[Plane]) -> None:
        """Upscale a frame of RGB, whose planes come in the order G, B, R."""
        if self._before is not None and all(map(np.array_equal, planes, self._before[0])):
            self._repeat(results)
            self.repeated_frames += 1
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
    """Rectangles of luma that cover every difference of two frames, one for each run of rows of blocks.

    Args:
        old: planes of one frame.
        new: planes of the other.
        factors: rows and columns of luma for one chroma sample.
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


def _with_factors(planes: Sequence[Plane], frame_format: FrameFormat) -> Iterator[tuple[Plane, int, int]]:
    for number, plane in enumerate(planes):
        yield (plane, *(frame_format.factors if number else (1, 1)))


def _span(start: int, stop: int, factor: int) -> slice:
    return slice(start // factor, -(-stop // factor))
