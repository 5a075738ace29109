"""The networks that are compared: four convolutions in LR space or in HR space, of equal cost or equal size.

Every network adds what it computes to the bicubic enlargement. What differs is where it computes:

- ``lr``: at the size of the input, ending in a sub-pixel convolution.
- ``hr-macs``: on the enlargement, with the kernels of ``lr`` and as many multiply-adds, so with fewer channels.
- ``hr-wide``: as many multiply-adds, but wider kernels and still fewer channels. As in the paper's
  example, receptive field and activations are then nearer to those of ``lr``.
- ``hr-parameters``: on the enlargement, with the kernels and the parameters of ``lr``, so at scale² times its cost.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from subpixel.errors import InvalidArgument, unknown
from subpixel.models.spec import INPUT, Add, Conv, Layer, PixelShuffle, Resize, Spec

__all__ = ["BUDGETS", "FAMILIES", "SCALES", "TOLERANCE", "Design", "Family", "design_of", "designs_of"]

SCALES = (2, 3, 4)
TOLERANCE = 0.02  # by which a budget may be missed


@dataclass(frozen=True)
class Family:
    """A way to build the network.

    Args:
        title: its name in tables and charts.
        about: a sentence.
        equal: what it has in common with the LR network: ``multiply-adds``, ``parameters``, or nothing.
    """

    title: str
    about: str
    equal: str = ""


FAMILIES: dict[str, Family] = {
    "lr": Family("LR space", "Works at the size of the input and ends in a sub-pixel convolution."),
    "hr-macs": Family(
        "HR space, equal multiply-adds",
        "Works on the bicubic enlargement with the same kernels and fewer channels.",
        "multiply-adds",
    ),
    "hr-wide": Family(
        "HR space, equal multiply-adds, wide kernels",
        "Works on the bicubic enlargement with wider kernels and the fewest channels, as the paper's example.",
        "multiply-adds",
    ),
    "hr-parameters": Family(
        "HR space, equal parameters",
        "Works on the bicubic enlargement with the same kernels and about the same channels.",
        "parameters",
    ),
}

# Channels of the LR network by scale. At every scale, a budget has about the same multiply-adds for each pixel of the
# result; the exact numbers are those for which networks in HR space of nearly equal channels meet it.
BUDGETS: dict[str, dict[int, int]] = {
    "small": {2: 16, 3: 21, 4: 32},
    "medium": {2: 24, 3: 36, 4: 48},
    "large": {2: 32, 3: 48, 4: 64},
}

_KERNELS = (5, 3, 3, 3)
# In the paper, a 3×3 kernel in LR space stands beside 6×6 in HR space at scale 2. A Spec has odd kernels, and with
# wider ones the smallest budget would leave two or three channels.
_WIDE = (5, 5, 5, 5)


@dataclass(frozen=True)
class Design:
    """A network of one family under one budget.

    Args:
        family: a name of :data:`FAMILIES`.
        budget: a name of :data:`BUDGETS`.
        scale: the factor.
        widths: channels of the first three convolutions.
    """

    family: str
    budget: str
    scale: int
    widths: tuple[int, int, int]

    @property
    def kernels(self) -> tuple[int, ...]:
        """The sides of the kernels."""
        return _WIDE if self.family == "hr-wide" else _KERNELS

    @property
    def spec(self) -> Spec:
        """The network. The last convolution has no bias, which would be one number for each phase in LR space only."""
        first = INPUT if self.family == "lr" else "base"
        end = self.scale**2 if self.family == "lr" else 1
        channels = (1, *self.widths, end)
        layers: list[Layer] = [Resize("base", INPUT, self.scale, "cubic")]
        for number, side in enumerate(self.kernels):
            last = number == len(self.kernels) - 1
            source = f"conv{number}" if number else first
            shape = channels[number], channels[number + 1], (side, side)
            layers.append(Conv(f"conv{number + 1}", source, *shape, "none" if last else "relu", bias=not last))
        detail = layers[-1].name
        if self.family == "lr":
            layers.append(PixelShuffle("up", detail, self.scale))
            detail = "up"
        return Spec((*layers, Add("sum", ("base", detail))), self.scale)

    @property
    def macs(self) -> float:
        """Multiply-adds of the convolutions for each pixel of the result."""
        return self.spec.macs_per_pixel / self.scale**2

    @property
    def parameters(self) -> int:
        """Learned numbers."""
        return self.spec.parameters

    @property
    def activations(self) -> float:
        """Numbers that the convolutions give for each pixel of the result, all layers together."""
        spec = self.spec
        values = [spec.values[layer.name] for layer in spec.layers if isinstance(layer, Conv)]
        return float(sum(Fraction(one.channels) * Fraction(one.scale) ** 2 for one in values) / self.scale**2)


@lru_cache
def design_of(family: str, budget: str, scale: int) -> Design:
    """The network of a family under a budget.

    The LR network sets the budget. The channels of the others are chosen so that they meet it within 2 %, and are as
    equal as that allows.

    >>> design_of("lr", "large", 2).widths, design_of("hr-macs", "large", 2).widths
    ((32, 32, 32), (16, 16, 16))
    """
    if family == "lr":
        return Design(family, budget, scale, (BUDGETS[budget][scale],) * 3)
    goal = design_of("lr", budget, scale)
    wanted = goal.parameters if FAMILIES[family].equal == "parameters" else goal.macs
    kernels = Design(family, budget, scale, (1, 1, 1)).kernels
    middle = next(n for n in itertools.count(1) if _cost(family, kernels, (n, n, n)) >= wanted)
    near = range(max(1, middle - 3), middle + 3)
    choices: list[tuple[bool, int, float, tuple[int, int, int]]] = []
    for widths in itertools.product(near, near, near):
        error = abs(_cost(family, kernels, widths) / wanted - 1)
        choices.append((error > TOLERANCE, max(widths) - min(widths), error, widths))
    return Design(family, budget, scale, min(choices)[3])


def _cost(family: str, kernels: tuple[int, ...], widths: tuple[int, ...]) -> int:
    """What the family has in common with the LR network, of a network in HR space."""
    channels = (1, *widths, 1)
    products = sum(k * k * a * b for k, a, b in zip(kernels, channels, channels[1:], strict=False))
    return products + (sum(widths) if FAMILIES[family].equal == "parameters" else 0)


def designs_of(scale: int, budgets: Iterable[str] | None = None) -> tuple[Design, ...]:
    """The networks of a scale, the smallest budget first.

    Args:
        scale: 2, 3 or 4.
        budgets: names of :data:`BUDGETS`; None for all.

    Raises:
        InvalidArgument: the scale is another one, or a budget is unknown.
    """
    if isinstance(scale, bool) or scale not in SCALES:
        raise InvalidArgument(f"scale={scale!r}: 2, 3 or 4 is needed to compare LR space with HR space")
    chosen = list(BUDGETS if budgets is None else budgets)
    for name in chosen:
        if name not in BUDGETS:
            raise unknown("budget", name, BUDGETS)
    if not chosen:
        raise InvalidArgument("budgets: at least one is needed")
    return tuple(design_of(family, budget, scale) for budget in BUDGETS if budget in chosen for family in FAMILIES)
