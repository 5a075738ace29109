"""Colour where an image is transparent: filled in, so that a network sees no edge where there is only one of alpha.

A network sharpens edges. If colour were premultiplied for it, the edge of a cut-out would be an edge of luma, and its
overshoot, divided by alpha, would be a dark or coloured fringe. So the network gets opaque colours: those of the image
where it is visible, continued outwards where it is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.upscaler.pixels import F32, opaque, store, to_f32

__all__ = ["fill_invisible", "merge"]

# At most this alpha a pixel is invisible.
_INVISIBLE = 1 / 1024

_TINY = np.finfo(np.float32).tiny
# Sides of the tiles that are filled one after another, in pixels: what they need fits in a cache. Tiles without a
# visible pixel, or of one alpha, take next to no time.
_SIDE = 256

# A pixel and its neighbours, row by row: sums have one order, whatever part of an image is filled.
_AROUND = tuple((y, x) for y in (0, 1, 2) for x in (0, 1, 2))


def fill_invisible(pixels: NDArray[Any], reach: int) -> NDArray[Any]:
    """The colours of an image, opaque: visible ones as they are, and continued for ``reach`` pixels beyond.

    The weight of a pixel's own colour is its alpha, relative to the largest alpha of its neighbourhood of 3×3; the
    rest is the mean of the neighbourhood weighted by alpha. A pixel without visible neighbours gets the mean of those
    neighbours that are filled before it. Beyond ``reach`` pixels colour is 0. Colour of alpha 0 has no influence.

    Args:
        pixels: ``(H, W, C)`` u8, u16 or f32; the last channel is alpha.
        reach: in pixels. A result depends on ``reach + 1`` pixels around it.

    Returns:
        ``(H, W, C)`` of the same dtype, opaque.

    >>> image = np.array([[[200, 255], [50, 0], [90, 0], [90, 0]]], np.uint8)
    >>> fill_invisible(image, 2)[0].tolist()
    [[200, 255], [200, 255], [200, 255], [0, 255]]
    """
    height, width, _ = pixels.shape
    halo, side = reach + 1, max(_SIDE, 2 * reach)
    result = np.empty_like(pixels)
    for top in range(0, height, side):
        first, bottom = max(0, top - halo), min(top + side, height)
        for left in range(0, width, side):
            start, right = max(0, left - halo), min(left + side, width)
            tile = _filled(pixels[first : bottom + halo, start : right + halo], reach)
            result[top:bottom, left:right] = tile[top - first : bottom - first, left - start : right - start]
    return result


def _filled(pixels: NDArray[Any], reach: int) -> NDArray[Any]:
    """The same for a tile with its halo."""
    height, width, channels = pixels.shape
    nothing = np.zeros(channels, pixels.dtype)
    nothing[-1] = opaque(pixels.dtype)
    alpha = pixels[..., -1]
    least, most = alpha.min(), alpha.max()
    if most <= 0:
        return np.broadcast_to(nothing, pixels.shape)
    framed = np.pad(alpha, 1)
    across = np.maximum(np.maximum(framed[:, :-2], framed[:, 1:-1]), framed[:, 2:])
    largest = np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
    known = largest > 0
    result = _choose(known, pixels, nothing)
    result[..., -1] = nothing[-1]
    if least < most:
        _blend(pixels, largest, known & (alpha < largest), result)
    for _ in range(0 if known.all() else reach - 1):
        before = np.pad(known, 1)
        near = np.zeros_like(known)
        for y, x in _AROUND:
            near |= before[y : y + height, x : x + width]
        near &= ~known
        rows, columns = np.nonzero(near)
        if not len(rows):
            break
        total = np.zeros((len(rows), channels - 1), np.float32)
        count = np.zeros((len(rows), 1), np.float32)
        for y, x in _AROUND:
            weight = before[rows + y, columns + x]
            total[weight] += to_f32(result[rows[weight] + y - 1, columns[weight] + x - 1, :-1])
            count[weight] += 1
        mean = np.empty((len(rows), channels - 1), pixels.dtype)
        total /= count
        store(total, mean)
        result[rows, columns, :-1] = mean
        known |= near
    return result


def merge(filled: NDArray[Any], plain: NDArray[Any]) -> None:
    """Complete the result of an image with alpha, or some of its rows.

    Args:
        filled: ``(H, W, C)``, the network's result of :func:`fill_invisible`. It keeps its colours where ``plain`` is
            visible, and gets those of ``plain`` elsewhere; and its alpha.
        plain: the bicubic one of the image, every channel by itself.
    """
    invisible = plain[..., -1] <= _INVISIBLE * opaque(plain.dtype)
    if plain.dtype == np.float32:
        np.copyto(filled, plain, where=invisible[..., None])
        np.clip(plain[..., -1], 0, 1, out=filled[..., -1])
        return
    np.copyto(_words(filled), _words(plain), where=invisible)
    filled[..., -1] = plain[..., -1]


def _words(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels of 2 or 4 integers as one integer each."""
    words: NDArray[Any] = pixels.view(f"u{pixels.itemsize * pixels.shape[-1]}")[..., 0]
    return words


def _choose(mask: NDArray[np.bool_], one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Pixels of one image where the mask is set, of another elsewhere."""
    if one.dtype == np.float32:
        return np.where(mask[..., None], one, other)
    words = np.where(mask, _words(np.ascontiguousarray(one)), _words(other))
    return words.view(one.dtype).reshape(one.shape)


def _blend(pixels: NDArray[Any], largest: NDArray[Any], where: NDArray[np.bool_], result: NDArray[Any]) -> None:
    """Mix each pixel of a mask with its neighbourhood, by alpha."""
    height, width, _ = pixels.shape
    *colours, alpha = np.ascontiguousarray(to_f32(pixels).transpose(2, 0, 1))
    alpha = np.clip(alpha, 0, 1)
    own = alpha / np.maximum(np.clip(to_f32(largest), 0, 1), _TINY)
    weights = np.maximum(_around(alpha), _TINY)
    mixed = np.empty((height, width), pixels.dtype)
    for channel, colour in enumerate(colours):
        total = _around(alpha * colour)
        total /= weights
        total *= 1 - own
        total += own * colour
        store(total, mixed)
        np.copyto(result[..., channel], mixed, where=where)


def _around(plane: F32) -> F32:
    """The sum of each sample and its neighbours, in one order."""
    height, width = plane.shape
    framed = np.pad(plane, 1)
    total = np.zeros_like(plane)
    for y, x in _AROUND:
        total += framed[y : y + height, x : x + width]
    return total
