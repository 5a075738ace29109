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
    height, width, channels = pixels.shape
    framed = np.pad(pixels[..., -1], 1)
    alpha = framed[1:-1, 1:-1]
    across = np.maximum(np.maximum(framed[:, :-2], framed[:, 1:-1]), framed[:, 2:])
    largest = np.maximum(np.maximum(across[:-2], across[1:-1]), across[2:])
    known = largest > 0
    nothing = np.zeros(channels, pixels.dtype)
    nothing[-1] = opaque(pixels.dtype)
    result = _choose(known, pixels, nothing)
    result[..., -1] = nothing[-1]
    _blend(pixels, largest, np.nonzero(known & (alpha < largest)), result)
    for _ in range(reach - 1):
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


def merge(filled: NDArray[Any], plain: NDArray[Any]) -> NDArray[Any]:
    """The result of an image with alpha.

    Args:
        filled: ``(H, W, C)``, the network's result of :func:`fill_invisible`.
        plain: the bicubic one of the image, every channel by itself.

    Returns:
        The network's colours where ``plain`` is visible, else those of ``plain``; its alpha.
    """
    invisible = plain[..., -1] <= _INVISIBLE * opaque(plain.dtype)
    if plain.dtype == np.float32:
        result = np.where(invisible[..., None], plain, filled)
        np.clip(plain[..., -1], 0, 1, out=result[..., -1])
        return result
    colours = np.zeros(plain.shape[2], plain.dtype)
    colours[:-1] = np.iinfo(plain.dtype).max
    mask = np.where(invisible, 0, _words(colours))  # 0 takes all from plain
    mask = mask.astype(_words(colours).dtype, copy=False)
    result = (_words(filled) & mask) | (_words(plain) & ~mask)
    return result.view(plain.dtype).reshape(plain.shape)


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


def _blend(
    pixels: NDArray[Any], largest: NDArray[Any], where: tuple[NDArray[np.intp], ...], result: NDArray[Any]
) -> None:
    """Mix each pixel with its neighbourhood, by alpha."""
    rows, columns = where
    height, width, channels = pixels.shape
    total = np.zeros((len(rows), channels - 1), np.float32)
    weights = np.zeros((len(rows), 1), np.float32)
    for y, x in _AROUND:
        down, right = rows + y - 1, columns + x - 1
        inside = (down >= 0) & (down < height) & (right >= 0) & (right < width)
        near = to_f32(pixels[down[inside], right[inside]])
        weight = np.clip(near[:, -1:], 0, 1)
        total[inside] += weight * near[:, :-1]
        weights[inside] += weight
    own = np.clip(to_f32(pixels[rows, columns]), 0, 1)[:, -1:] / np.clip(to_f32(largest[rows, columns]), 0, 1)[:, None]
    colour: F32 = to_f32(pixels[rows, columns])[:, :-1]
    mixed = np.empty((len(rows), channels - 1), pixels.dtype)
    total /= np.maximum(weights, np.finfo(np.float32).tiny)
    total *= 1 - own
    total += own * colour
    store(total, mixed)
    result[rows, columns, :-1] = mixed
