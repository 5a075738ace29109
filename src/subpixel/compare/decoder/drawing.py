"""Shapes, letters and lines, drawn as coverage: how much of each pixel they fill, 0 … 1."""

from __future__ import annotations

import string
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from subpixel.ops import grid_sample

__all__ = ["letter", "line", "shape"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_LETTERS = string.ascii_uppercase + "abdefghkmnpqrtyz" + "2345679"
_EM = 40  # pixels, at which letters are set before they are turned and sized
_STAMP = 3  # pixels around a point of a line that it may touch
_SPACING = 0.5  # pixels between the points of a line


def shape(rng: np.random.Generator, side: int) -> F32:
    """A filled disc, polygon or star, stretched and turned.

    Args:
        rng: where its form and place come from.
        side: of the square image.

    >>> shape(np.random.default_rng(0), 64).shape
    (64, 64)
    """
    x, y = _turned(rng, side)
    stretch = rng.uniform(0.6, 1)
    x = x / stretch
    radius = rng.uniform(0.1, 0.2) * side
    distance = np.hypot(x, y)
    corners = int(rng.choice([0, 3, 4, 4, 5, 6, -5]))
    if corners > 0:
        share = 2 * np.pi / corners
        angle = np.mod(np.arctan2(y, x), share) - share / 2
        edge = distance * np.cos(angle) - radius * np.cos(share / 2) * 1.15
    elif corners < 0:  # a star: its edge goes from the outer to the inner radius and back
        share = 2 * np.pi / -corners
        wave = np.abs(np.mod(np.arctan2(y, x), share) / share - 0.5) * 2
        edge = distance - radius * (0.5 + 0.75 * wave)
    else:
        edge = distance - radius
    return _coverage(edge * stretch)


def letter(rng: np.random.Generator, side: int) -> F32:
    """A letter or digit of the typeface that comes with the package, turned a little.

    Args:
        rng: where its form and place come from.
        side: of the square image.

    >>> letter(np.random.default_rng(0), 64).shape
    (64, 64)
    """
    ink = _ink(str(rng.choice(list(_LETTERS))), bool(rng.random() < 0.5))
    height, width = ink.shape
    x, y = _turned(rng, side, most_turn=0.6)
    zoom = rng.uniform(0.28, 0.5) * side / _EM
    grid = np.stack([x / zoom * 2 / width, y / zoom * 2 / height], axis=-1).astype(np.float32)
    drawn: F32 = grid_sample(ink[None, None], grid[None])[0, 0]
    return drawn


def line(rng: np.random.Generator, side: int) -> F32:
    """Line art: a curve, a zigzag, a spiral or an outline, one to two and a half pixels thick.

    Args:
        rng: where its form and place come from.
        side: of the square image.

    >>> line(np.random.default_rng(0), 64).shape
    (64, 64)
    """
    points = _resampled(_path(rng) * side)
    thickness = rng.uniform(1, 2.5)
    reach = np.arange(-_STAMP, _STAMP + 1)
    columns = np.floor(points[:, 0]).astype(int)[:, None, None] + reach[None, None, :]
    rows = np.floor(points[:, 1]).astype(int)[:, None, None] + reach[None, :, None]
    distance = np.hypot(columns + 0.5 - points[:, 0, None, None], rows + 0.5 - points[:, 1, None, None])
    cover = np.clip(thickness / 2 + 0.5 - distance, 0, 1).astype(np.float32)
    margin = _STAMP + 1
    canvas = np.zeros((side + 2 * margin,) * 2, np.float32)
    rows, columns = (np.clip(axis + margin, 0, side + 2 * margin - 1) for axis in (rows, columns))
    flat = (rows * canvas.shape[1] + columns).ravel()
    np.maximum.at(canvas.reshape(-1), flat, cover.ravel())
    drawn: F32 = canvas[margin:-margin, margin:-margin]
    return drawn


def _turned(rng: np.random.Generator, side: int, most_turn: float = np.pi) -> tuple[F32, F32]:
    """Coordinates of every pixel about a random centre, turned."""
    centre = rng.uniform(0.12, 0.88, 2) * side
    turn = rng.uniform(-most_turn, most_turn)
    axis = np.arange(side, dtype=np.float32) + 0.5
    x, y = axis[None, :] - np.float32(centre[0]), axis[:, None] - np.float32(centre[1])
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return (x * cos + y * sin).astype(np.float32), (y * cos - x * sin).astype(np.float32)


def _coverage(edge: NDArray[np.floating]) -> F32:
    """From the distance to the edge, negative inside."""
    result: F32 = np.clip(0.5 - edge, 0, 1).astype(np.float32)
    return result


@lru_cache(maxsize=256)
def _ink(text: str, bold: bool) -> F32:
    from subpixel.image.comparison.lettering import lettering, text_width

    ink = lettering(text, _EM, text_width(text, _EM, bold=bold) + 1, bold=bold)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    cut: F32 = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / np.float32(255)
    return cut


def _path(rng: np.random.Generator) -> F64:
    """Points of a line, ``(N, 2)``, in a unit square or a little beyond."""
    which = rng.integers(4)
    t: F64 = np.linspace(0, 1, 48)[:, None]
    if which == 0:  # a cubic Bézier curve
        a, b, c, d = rng.uniform(0.05, 0.95, (4, 2))
        curve: F64 = a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t**2 * (1 - t) + d * t**3
        return curve
    if which == 1:  # a zigzag
        return rng.uniform(0.1, 0.9, (int(rng.integers(2, 5)), 2))
    centre, radius = rng.uniform(0.2, 0.8, 2), rng.uniform(0.1, 0.25, 2)
    start, turns = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1) if which == 2 else rng.uniform(1.3, 2)
    angle = start + 2 * np.pi * turns * t
    grow = 1 if which == 2 else 0.3 + 0.9 * t  # an outline, or a spiral
    turned: F64 = centre + radius * grow * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return turned


def _resampled(points: F64) -> F64:
    """The same line by points at even distances."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.arange(0, length[-1] + _SPACING, _SPACING)
    return np.stack([np.interp(at, length, points[:, axis]) for axis in (0, 1)], axis=1)
