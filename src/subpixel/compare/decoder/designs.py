"""The network as data: its layers, what they cost, and the widths with which every kind meets one budget.

An encoder halves the grid twice and a decoder doubles it twice. There are no skip connections, so whatever
is known about places passes through the upsamplers; max unpooling alone also gets the encoder's positions, which is
what it is. Every convolution but the last is followed by batch normalisation and ReLU.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from subpixel.errors import SubpixelError

__all__ = ["LEVELS", "REFERENCE", "SIDE", "TOLERANCE", "Design", "budget_of", "design_of"]

SIDE = 64  # of the images that the networks are trained on, and for which multiply-adds are counted
LEVELS = 2  # how often the grid is halved
# The widths whose counts, with nearest + convolution, are the budgets: channels on each grid, from the finest to the
# coarsest, and those that leave the coarsest.
REFERENCE = (8, 16, 36, 36)
TOLERANCE = 0.01
_RANGE = 0.3  # how far a width may be from its share, relative to it


@dataclass(frozen=True)
class Design:
    """One network.

    Args:
        kind: the name of its upsampler.
        widths: channels on each grid, from the finest to the coarsest, and those that leave the coarsest.
        classes: channels of the result.
    """

    kind: str
    widths: tuple[int, ...]
    classes: int

    @property
    def ups(self) -> tuple[tuple[int, int], ...]:
        """Channels before and after each upsampler, from the finest grid to the coarsest."""
        return (*zip(self.widths[1:-2], self.widths, strict=False), (self.widths[-1], self.widths[-3]))

    @property
    def parameters(self) -> int:
        """Learned numbers, those of the batch normalisation included."""
        return sum(count for count, _ in self._counts())

    @property
    def macs(self) -> int:
        """Multiply-adds for one image of 64×64: of convolutions, and four for each sample of an interpolation.

        Batch normalisation is not counted, since it can be folded into the convolutions.
        """
        return sum(count for _, count in self._counts())

    def _counts(self) -> Iterator[tuple[int, int]]:
        """Parameters and multiply-adds, layer by layer."""
        pixels = [(SIDE >> level) ** 2 for level in range(LEVELS + 1)]
        yield _conv(3, self.widths[0], pixels[0])
        for level in range(LEVELS):
            given = self.widths[level] * (4 if self.kind == "shuffle" else 1)
            yield _conv(given, self.widths[level + 1], pixels[level + 1])
        yield _conv(self.widths[-2], self.widths[-1], pixels[-1])
        for level in reversed(range(LEVELS)):
            given, made = self.ups[level]
            yield from _up(self.kind, given, made, pixels[level + 1], pixels[level])
            yield _conv(made, made, pixels[level])
        yield self.widths[0] * self.classes + self.classes, self.widths[0] * self.classes * pixels[0]


def _conv(given: int, made: int, pixels: int, kernel: int = 9) -> tuple[int, int]:
    """Of a convolution and its batch normalisation."""
    return kernel * given * made + 2 * made, kernel * given * made * pixels


def _up(kind: str, given: int, made: int, small: int, large: int) -> Iterator[tuple[int, int]]:
    if kind == "transposed":
        yield 16 * given * made + 2 * made, 16 * given * made * small
    elif kind == "subpixel":
        yield 36 * given * made + 2 * made, 36 * given * made * small
    elif kind == "unpool":
        yield _conv(given, made, small)
    elif kind == "shuffle":
        yield _conv(given // 4, made, large)
    else:
        if kind == "grid":
            yield 9 * given * 8 + 8, 9 * given * 8 * small
        if kind in ("grid", "bilinear"):
            yield 0, 4 * given * large
        yield _conv(given, made, large)


def budget_of(budget: str, classes: int) -> int:
    """How many parameters or multiply-adds a network may have.

    >>> budget_of("parameters", 4), budget_of("multiply-adds", 4)
    (27756, 21254144)
    """
    return _count(Design("nearest", REFERENCE, classes), budget)


def _count(design: Design, budget: str) -> int:
    return design.parameters if budget == "parameters" else design.macs


@lru_cache(maxsize=64)
def design_of(kind: str, budget: str, classes: int) -> Design:
    """The network of a kind whose count is within 1 % of the budget, and whose widths are closest to the reference's.

    All widths are multiplied by nearly one factor.

    >>> design_of("nearest", "parameters", 4).widths
    (8, 16, 36, 36)
    >>> design_of("subpixel", "parameters", 4).widths
    (6, 12, 29, 28)
    """
    goal = budget_of(budget, classes)
    factor = _factor(kind, budget, classes, goal)
    # Pixel shuffle divides the channels that it gets by 4.
    steps = (1, 4, 1, 4) if kind == "shuffle" else (1, 1, 1, 1)
    choices = [_near(width * factor, step) for width, step in zip(REFERENCE, steps, strict=True)]
    fitting = []
    for widths in itertools.product(*choices):
        design = Design(kind, widths, classes)
        miss = abs(_count(design, budget) / goal - 1)
        if miss <= TOLERANCE:
            logs = [math.log(width / usual) for width, usual in zip(widths, REFERENCE, strict=True)]
            mean = sum(logs) / len(logs)
            fitting.append((round(sum((log - mean) ** 2 for log in logs), 9), miss, widths))
    if not fitting:
        raise SubpixelError(f"no network with '{kind}' has {goal:,} {budget}, give or take {TOLERANCE:.0%}")
    return Design(kind, min(fitting)[2], classes)


def _factor(kind: str, budget: str, classes: int, goal: int) -> float:
    """The factor of all widths that meets the goal, rounding aside; by bisection."""
    low, high = 0.25, 4.0
    for _ in range(30):
        middle = math.sqrt(low * high)
        widths = tuple(max(4, round(width * middle * 16)) for width in REFERENCE)
        # Sixteen times as wide costs about 256 times as much, and rounds sixteen times as finely.
        if _count(Design(kind, widths, classes * 16), budget) / 256 < goal:
            low = middle
        else:
            high = middle
    return middle


def _near(width: float, step: int) -> list[int]:
    least, most = width * (1 - _RANGE), width * (1 + _RANGE)
    return [one for one in range(step, math.ceil(most) + step, step) if least <= one <= most]
