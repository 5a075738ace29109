"""The task made here: shapes, letters and line art on photographs, with known masks, among clutter, and blurred.

Clutter looks like objects and is background: soft spots, stripes, patches of noise. Photographs are made by the package
itself unless the caller has some.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.decoder.drawing import letter, line, shape
from subpixel.image.synthetic import photograph

__all__ = ["CLASSES", "backgrounds", "scene"]

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

CLASSES = ("background", "shape", "letter", "line")
_PHOTOGRAPHS = 12
_PHOTOGRAPH_SIDE = 256
_CONTRAST = 55  # codes between an object and what it covers, in the mean over the channels, at least
_MOST_BLUR = 0.9  # standard deviation in pixels
_MOST_NOISE = 6.0  # standard deviation in codes


def backgrounds(rng: np.random.Generator) -> list[U8]:
    """Synthetic photographs for a seed."""
    return [photograph(_PHOTOGRAPH_SIDE, _PHOTOGRAPH_SIDE, int(rng.integers(2**31))) for _ in range(_PHOTOGRAPHS)]


def scene(rng: np.random.Generator, photographs: Sequence[U8], side: int) -> tuple[U8, U8]:
    """One image and its mask.

    Args:
        rng: where everything comes from.
        photographs: the backgrounds to choose from, ``(H, W, 3)``, at least ``side`` wide and high.
        side: of the square result.

    Returns:
        ``(side, side, 3)`` u8 RGB, and ``(side, side)`` u8 numbers of :data:`CLASSES`. A pixel belongs to the last
        object that fills at least half of it.

    >>> image, mask = scene(np.random.default_rng(0), backgrounds(np.random.default_rng(0)), 64)
    >>> image.shape, mask.shape
    ((64, 64, 3), (64, 64))
    """
    image = _crop(rng, photographs, side).astype(np.float32)
    for _ in range(int(rng.integers(1, 4))):
        _paint(rng, image, _clutter(rng, side), rng.uniform(0.4, 0.9))
    mask = np.zeros((side, side), np.uint8)
    draws = [(1, shape), (2, letter), (3, line)]
    objects = [draws[k] for k in rng.permutation(3) if rng.random() < 0.85]
    objects += [draws[k] for k in rng.integers(0, 3, int(rng.integers(0, 3)))]
    for number, draw in objects:
        cover = draw(rng, side)
        _paint(rng, image, cover, 1)
        mask[cover >= 0.5] = number
    image = _blurred(image, rng.uniform(0, _MOST_BLUR))
    image += rng.normal(0, rng.uniform(0, _MOST_NOISE), image.shape).astype(np.float32)
    return np.floor(np.clip(image, 0, 255) + 0.5).astype(np.uint8), mask


def _crop(rng: np.random.Generator, photographs: Sequence[U8], side: int) -> U8:
    photo = photographs[int(rng.integers(len(photographs)))]
    top, left = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
    part = photo[top : top + side, left : left + side]
    return part[:, ::-1] if rng.random() < 0.5 else part


def _paint(rng: np.random.Generator, image: F32, cover: F32, strength: float) -> None:
    """Cover the image with one colour that differs from what is there."""
    inked = cover >= 0.5
    under = image[inked].mean(0) if inked.any() else image.mean((0, 1))
    colour = rng.uniform(0, 255, 3)
    while np.abs(colour - under).mean() < _CONTRAST:
        colour = rng.uniform(0, 255, 3)
    alpha = (cover * np.float32(strength))[..., None]
    image += alpha * (colour.astype(np.float32) - image)


def _clutter(rng: np.random.Generator, side: int) -> F32:
    """Background that looks like an object: a soft spot, stripes, or noise with a soft edge."""
    axis = (np.arange(side, dtype=np.float32) + 0.5) / side
    centre, radius, turn = rng.uniform(0, 1, 2), rng.uniform(0.08, 0.2, 2), rng.uniform(0, np.pi)
    x, y = axis[None, :] - np.float32(centre[0]), axis[:, None] - np.float32(centre[1])
    across, down = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    spot = np.exp(-((across / radius[0]) ** 2 + (down / radius[1]) ** 2))
    which = rng.integers(3)
    if which == 1:
        spot = spot * (0.5 + 0.5 * np.sin(across * side * rng.uniform(0.7, 2)))
    elif which == 2:
        spot = spot * rng.random((side, side))
    result: F32 = np.asarray(spot, np.float32)
    return result


def _blurred(image: F32, deviation: float) -> F32:
    """A Gaussian blur of three pixels' reach, the edge repeated."""
    if deviation < 0.2:  # less than 1/100000 goes to the neighbours
        return image
    taps = np.exp(-(np.arange(-3, 4) ** 2) / (2 * deviation**2)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        length = image.shape[axis]
        padded = np.pad(image, [(3, 3) if a == axis else (0, 0) for a in range(3)], mode="edge")
        image = sum(
            (tap * np.take(padded, range(k, k + length), axis) for k, tap in enumerate(taps)), np.zeros_like(image)
        )
    return image
