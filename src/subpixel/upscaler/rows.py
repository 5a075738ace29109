"""Stages that turn blocks of rows into blocks of rows: upscaling by a network, and a resize.

A stage holds only the rows that its next block needs, so a chain of stages needs memory for a few strips, however high
the image is. Its result depends neither on the height of the input's blocks nor on the number of rows at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.models.flat import cell_start
from subpixel.ops.resizing.strips import StripResize
from subpixel.upscaler.network import Network
from subpixel.upscaler.pixels import Alpha, opaque, unpremultiply

__all__ = ["RowWindow", "resize_rows", "upscale_rows"]

Block = NDArray[Any]


class RowWindow:
    """The rows of a stream that later blocks still need.

    >>> window = RowWindow(np.full((2, 3, 1), k) for k in range(4))
    >>> window.take(3, 6).ravel().tolist()
    [1, 1, 1, 2, 2, 2, 2, 2, 2]
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self._buffer: deque[Block] = deque()
        self._top = self._end = 0

    def take(self, first: int, last: int) -> Block:
        """Rows ``first`` to ``last - 1``. Rows above ``first`` are dropped, so ``first`` must not decrease."""
        while self._end < last:
            block = next(self._blocks)
            self._buffer.append(block)
            self._end += len(block)
        while self._buffer and self._top + len(self._buffer[0]) <= first:
            self._top += len(self._buffer.popleft())
        rows = self._buffer[0] if len(self._buffer) == 1 else np.concatenate(self._buffer)
        return rows[first - self._top : last - self._top]


def upscale_rows(
    blocks: Iterable[Block],
    size: tuple[int, int],
    network: Network,
    alpha: Alpha,
    rows: int,
    columns: int | None = None,
) -> Iterator[Block]:
    """Upscale an image's rows by a network.

    Args:
        blocks: ``(h, W, C)``, from the top.
        size: ``(H, W)`` of the image.
        network: a network that runs on parts of an image, or any network if ``rows`` is the whole height.
        alpha: of the whole image.
        rows: how many rows of the image are upscaled at a time.
        columns: how many columns are upscaled at a time; None for all.
    """
    height, width = size
    scale = network.scale
    window, margin = RowWindow(blocks), network.margin(alpha)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        first, last = _around(top, bottom, height, margin)
        strip = window.take(first, last)
        inner = slice((top - first) * scale, (bottom - first) * scale)
        if columns is None or columns >= width:
            yield network.part(strip, alpha)[inner]
            continue
        block = np.empty(((bottom - top) * scale, width * scale, strip.shape[2]), strip.dtype)
        for left in range(0, width, columns):
            right = min(left + columns, width)
            start, stop = _around(left, right, width, margin)
            part = network.part(strip[:, start:stop], alpha)[inner, (left - start) * scale :]
            block[:, left * scale : right * scale] = part[:, : (right - left) * scale]
        yield block


def resize_rows(
    blocks: Iterable[Block],
    source: tuple[int, int],
    size: tuple[int, int],
    alpha: Alpha,
    rows: int,
    threads: int | None = None,
) -> Iterator[Block]:
    """Resize an image's rows to another size, antialiased when shrinking.

    The kernel is the cubic of Keys, a = −0.5, which also made the small images of the training. Measured as in
    :mod:`subpixel.upscaler.sizes`, from ×3 down to ×2.5: cubic 30.06 dB, Lanczos with 3 lobes 30.05, a triangle
    29.96; from ×2 down to ×1.5: 35.40, 35.49, 34.44. Lanczos rings further, at edges and around transparency. Sums are
    in f32 and rounded once, half up. Colour is interpolated premultiplied.

    Args:
        blocks: ``(h, W, C)``.
        source: ``(H, W)`` of the image.
        size: ``(H, W)`` of the result.
        alpha: of the whole image.
        rows: how many rows of the result are made at a time.
        threads: how many to use; None for all that this process may use.
    """
    window = RowWindow(blocks)
    strips = StripResize(source, size, "cubic", threads)
    for top in range(0, size[0], rows):
        bottom = min(top + rows, size[0])
        yield _resize(window.take(*strips.needs(top, bottom)), alpha, strips, top, bottom)


def _resize(x: Block, alpha: Alpha, strips: StripResize, top: int, bottom: int) -> Block:
    full = np.float32(opaque(x.dtype))
    codes = x.astype(np.float32)
    if alpha == "none":
        result = strips(codes, top, bottom)
    elif alpha == "opaque":
        colour = strips(np.ascontiguousarray(codes[..., :-1]), top, bottom)
        result = np.concatenate([colour, np.full((*colour.shape[:2], 1), full)], axis=2)
    else:
        colour, opacity = codes[..., :-1], np.clip(codes[..., -1:] * (1 / full), 0, 1)
        sums = strips(np.concatenate([colour * opacity, opacity, colour], axis=2), top, bottom)
        count = colour.shape[2]
        new_alpha = sums[..., count : count + 1]
        colour = unpremultiply(sums[..., :count], new_alpha, sums[..., count + 1 :])
        result = np.concatenate([colour, np.clip(new_alpha, 0, 1) * full], axis=2)
    if x.dtype == np.float32:
        return result
    result += np.float32(0.5)
    np.clip(result, 0, full, out=result)
    return result.astype(x.dtype)  # casting rounds towards zero, so this rounds half up


def _around(start: int, end: int, size: int, halo: int | None) -> tuple[int, int]:
    """A range with its halo, within the image; it begins where a cell does. Without a halo, the whole image."""
    if halo is None:
        return 0, size
    return cell_start(start - halo), min(end + halo, size)
