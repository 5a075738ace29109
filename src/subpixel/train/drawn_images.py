"""Training images that code draws: type, gratings, grids in perspective, dead leaves, gradients, ramps.

Photographs under free licences have little lettering, few exact grids and hardly a slope without noise. These images
fill the gap. They are drawn four times as large and reduced by an antialiased cubic filter, so that their edges are
sharp and yet free of aliases. The same number and seed give the same image.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.ops import resize

__all__ = ["KINDS", "SIDE", "Drawn", "drawn"]

SIDE = 512
_FACTOR = 4  # of the canvas, on a side
_LEAST_CONTRAST = 0.15

Canvas = NDArray[np.float32]  # (side, side): 0 … 1
Random = np.random.Generator

_FONTS = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono")  # those that come with matplotlib
_LETTERS = string.ascii_letters + string.digits + ".,;:!?()-+/&%"


@dataclass(frozen=True)
class Drawn:
    """An image that is drawn when its pixels are read.

    Args:
        number: 0, 1, …; kinds take turns.
        seed: another seed gives other images.
        side: the side in pixels.
    """

    number: int
    seed: int = 0
    side: int = SIDE

    @property
    def name(self) -> str:
        return f"drawn {self.number}, {tuple(KINDS)[self.number % len(KINDS)]}"

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """``(side, side, 3)``, the same at each call."""
        rng = np.random.default_rng((self.seed, self.number))
        layers = tuple(KINDS.values())[self.number % len(KINDS)](rng, self.side * _FACTOR)
        image = np.broadcast_to(_colour(rng), (self.side, self.side, 3)).astype(np.float32)
        for layer in layers:
            # Colours are mixed after the reduction: it is linear, and one plane takes a third of the time.
            cover = resize(np.ascontiguousarray(layer[..., None]), scale=1 / _FACTOR, antialias=True)
            image = image + np.clip(cover, 0, 1) * (_other_colour(rng, image) - image)
        pixels: NDArray[np.uint8] = np.clip(np.floor(image * 255 + 0.5), 0, 255).astype(np.uint8)
        return pixels


def drawn(count: int, seed: int) -> list[Drawn]:
    """So many images, all kinds in turn.

    >>> [image.name for image in drawn(2, seed=1)]
    ['drawn 0, type', 'drawn 1, gratings']
    """
    return [Drawn(number, seed) for number in range(count)]


def _colour(rng: Random) -> NDArray[np.float32]:
    """A colour; every second one is gray, as ink, paper and stone are."""
    value = rng.uniform(0, 1, 3) if rng.integers(2) else np.repeat(rng.choice([0.0, 1.0, rng.uniform(0, 1)]), 3)
    return value.astype(np.float32)


def _other_colour(rng: Random, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A colour whose mean differs from the image's, so that something is to be seen."""
    mean = float(image.mean())
    while abs(float((colour := _colour(rng)).mean()) - mean) < _LEAST_CONTRAST:
        pass
    return colour


def _plane(rng: Random, side: int) -> tuple[Canvas, Canvas]:
    """Coordinates of a rotated plane, seen in perspective or straight, in units of pixels of the reduced image."""
    y, x = (np.mgrid[:side, :side].astype(np.float32) - side / 2) / _FACTOR
    angle = rng.uniform(0, np.pi)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    # Depth falls by up to four fifths from one side of the image to the other.
    tilt = rng.choice([0.0, rng.uniform(0, 0.8)]) / (0.75 * side / _FACTOR)
    depth = 1 / np.maximum(1 + tilt * v, 0.15)
    return u * depth, v * depth


def _gratings(rng: Random, side: int) -> list[Canvas]:
    """Stripes with hard edges or as sines, straight, in rings or in rays."""
    u, v = _plane(rng, side)
    period = float(np.exp(rng.uniform(np.log(2.5), np.log(40))))
    kind = rng.integers(4)
    if kind == 2:
        u = np.hypot(u - rng.uniform(-200, 200), v - rng.uniform(-200, 200))
    elif kind == 3:
        u, period = np.arctan2(v, u) * 60, 60 * 2 * np.pi / int(rng.integers(12, 90))
    phase = (u / period + rng.uniform()) % 1
    if rng.integers(2):
        return [(phase < rng.uniform(0.2, 0.8)).astype(np.float32)]
    return [(0.5 + rng.uniform(0.2, 0.5) * np.sin(2 * np.pi * phase)).astype(np.float32)]


def _grids(rng: Random, side: int) -> list[Canvas]:
    """Windows, tiles and bricks in perspective."""
    u, v = _plane(rng, side)
    width = float(np.exp(rng.uniform(np.log(6), np.log(60))))
    height = width * rng.uniform(0.4, 2.0)
    row = np.floor(v / height)
    across = u / width + (0.5 * (row % 2) if rng.integers(2) else 0.0)
    gap = rng.uniform(0.05, 0.4)
    inside = ((across % 1 > gap) & ((v / height) % 1 > gap)).astype(np.float32)
    # Each tile has its own shade: a window is dark or lit.
    shades = rng.uniform(0, 1, (64, 64)).astype(np.float32)
    shade = shades[row.astype(np.int64) % 64, np.floor(across).astype(np.int64) % 64]
    return [inside, inside * shade * rng.choice([0.0, 1.0])]


def _leaves(rng: Random, side: int) -> list[Canvas]:
    """Dead leaves: discs, ellipses and polygons of all sizes, each over those before it (Lee et al. 2001)."""
    canvases = [np.zeros((side, side), np.float32) for _ in range(2)]
    for _ in range(1500):
        radius = float(rng.uniform(1 / 700**2, 1 / 24**2) ** -0.5)
        y0, x0 = rng.uniform(-0.1, 1.1, 2) * side
        top, left = (int(np.clip(at - radius, 0, side)) for at in (y0, x0))
        end, right = (int(np.clip(at + radius, 0, side)) for at in (y0, x0))
        y, x = np.mgrid[top:end, left:right].astype(np.float32)
        if not y.size:
            continue
        angle = rng.uniform(0, np.pi)
        u, v = (y - y0) * np.cos(angle) + (x - x0) * np.sin(angle), (x - x0) * np.cos(angle) - (y - y0) * np.sin(angle)
        flat = rng.uniform(0.3, 1.0) * radius
        shape = rng.integers(3)
        if shape == 0:
            inside = (u / radius) ** 2 + (v / flat) ** 2 < 1
        elif shape == 1:
            inside = (abs(u) < 0.7 * radius) & (abs(v) < 0.7 * flat)
        else:
            inside = (v > -0.4 * flat) & (v + abs(u) * rng.uniform(1, 2) < 0.6 * flat) & (abs(u) < radius)
        part = (slice(top, top + y.shape[0]), slice(left, left + y.shape[1]))
        for canvas in canvases:
            canvas[part][inside] = rng.uniform()
    return canvases


def _slopes(rng: Random, side: int) -> list[Canvas]:
    """Smooth gradients, straight and round, with sharp shapes in front."""
    u, v = _plane(rng, side)
    far = np.hypot(u - rng.uniform(-200, 200), v - rng.uniform(-200, 200)) if rng.integers(2) else u
    slope = 0.5 + 0.5 * np.sin(far / rng.uniform(60, 300))
    edge = np.sin(u / rng.uniform(20, 80)) * rng.uniform(5, 40) + rng.uniform(-150, 150)
    return [slope.astype(np.float32), (v > edge).astype(np.float32) * rng.choice([0.0, 1.0, rng.uniform()])]


def _ramps(rng: Random, side: int) -> list[Canvas]:
    """Steps of equal brightness, wide and narrow, and lines of every width across them."""
    u, v = _plane(rng, side)
    width = rng.uniform(8, 60)
    steps = (np.floor(u / width) * rng.uniform(0.05, 0.4)) % 1
    number = np.floor(v / rng.uniform(10, 30))
    lines = abs(v / 20 % 1 - 0.5) < 0.01 + 0.02 * (number % 12)
    return [steps.astype(np.float32), lines.astype(np.float32) * rng.choice([0.0, 1.0])]


def _type(rng: Random, side: int) -> list[Canvas]:
    """Lines of random letters in several sizes, turned a little or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1, 1), dpi=side)
    canvas = FigureCanvasAgg(figure)
    points = 72 / (side / _FACTOR)  # for a letter of one pixel of the reduced image
    turn = float(rng.choice([0.0, 0.0, rng.uniform(-40, 40), 90.0]))
    height, font = 0.0, str(rng.choice(_FONTS))
    while height < 1:
        size = float(np.exp(rng.uniform(np.log(8), np.log(70))))
        letters: Sequence[str] = rng.choice([*_LETTERS, *" " * 12], int(2.2 * SIDE / size) + 1).tolist()
        x, y = (height, -0.05) if turn == 90 else (-0.05, height)
        line = figure.text(x, y, "".join(letters), ha="left", va="bottom", rotation=turn, rotation_mode="anchor")
        line.set(parse_math=False, fontfamily=font, fontsize=size * points)
        line.set(fontweight=str(rng.choice(["normal", "bold"])), fontstyle=str(rng.choice(["normal", "italic"])))
        height += 1.3 * size * _FACTOR / side
    canvas.draw()  # type: ignore[no-untyped-call]
    paper: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., 0]  # type: ignore[no-untyped-call]
    return [1 - paper.astype(np.float32) / np.float32(255)]


KINDS: dict[str, Callable[[Random, int], list[Canvas]]] = {
    "type": _type,
    "gratings": _gratings,
    "grids": _grids,
    "dead leaves": _leaves,
    "gradients": _slopes,
    "ramps": _ramps,
}
