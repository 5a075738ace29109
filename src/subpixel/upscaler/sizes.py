"""The sizes of results, and the factors of the networks that reach them, as data.

A result's side is the image's side times the scale, rounded half up, and at least 1. The scale counts as the decimal
or the fraction that was written (:func:`subpixel.ops.resizing.scales.exact_scale`), so 1.1 times 5 is exactly 5.5. With
a width, a height or a box, that side is exact and the other follows from the aspect by the same rule.

Networks upscale by a few integer factors. The plan takes the smallest product of one or two factors that is large
enough, and resizes down to the exact size. Of equal products it prefers one network to two; of two networks, the one
with the smaller factor runs first, where it costs less.

Measured with ``fast`` on Set14 and 30 images of BSD100, PSNR of luma in dB: ×6 by 2·3 25.34, by 3·2 25.33, by ×8 and
down 25.28; ×5 by 2·3 and down 26.12, by ×8 and down 26.06; ×2.5 by ×3 and down 30.06, by ×4 and down 30.03; ×12 by 3·4
22.81, by 4·3 22.78, by 2·8 and down 22.80.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.models.auto import Choice
from subpixel.ops.resizing.scales import exact_scale
from subpixel.upscaler.options import as_written

__all__ = ["MOST", "SizePlan", "Target", "network_factors", "plan_size"]

# Two of the largest networks, ×8, one after the other.
MOST = 64
# No format and no array of this package has a longer side.
_MAX_SIDE = 2**31 - 1


@dataclass(frozen=True)
class Target:
    """The size of a result, stated in exactly one of four ways.

    Args:
        scale: how many times larger, above 0 and up to 64. Below 1 an image becomes smaller.
        width: width of the result in pixels; its height follows from the aspect.
        height: height of the result in pixels; its width follows.
        fit: ``(width, height)`` of a box: the result is the largest with the image's aspect that fits.

    Raises:
        InvalidArgument: none of them, more than one, or one out of range.

    >>> Target(2.5).size(5, 3), Target(width=7).size(5, 3), Target(fit=(100, 30)).size(5, 3)
    ((13, 8), (7, 4), (50, 30))
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        given = [f"{name}={as_written(value)}" for name, value in vars(self).items() if value is not None]
        if not given:
            raise InvalidArgument("size: one of scale, width, height and fit is needed")
        if len(given) > 1:
            box = "; fit=(width, height) takes a box" if self.width is not None and self.height is not None else ""
            raise InvalidArgument(f"{', '.join(given)}: only one of scale=, width=, height= and fit= is possible{box}")
        if self.scale is not None:
            _check_scale(self.scale)
        for name in ("width", "height"):
            if getattr(self, name) is not None:
                _check_side(name, getattr(self, name))
        if self.fit is not None:
            if not isinstance(self.fit, (tuple, list)) or len(self.fit) != 2:
                raise InvalidArgument(f"fit={self.fit!r}: a width and a height are needed, as in (3840, 2160)")
            for side in self.fit:
                _check_side("fit", side)
            object.__setattr__(self, "fit", (int(self.fit[0]), int(self.fit[1])))

    def factor(self, width: int | Fraction, height: int | Fraction) -> Fraction:
        """How many times larger than an image of this size the result is, before rounding.

        A width may be a fraction: that of a frame of video whose pixels are not square, as it is shown.
        """
        if self.scale is not None:
            return exact_scale(self.scale)
        if self.width is not None:
            return Fraction(int(self.width), width)
        if self.height is not None:
            return Fraction(int(self.height), height)
        assert self.fit is not None
        return min(Fraction(int(self.fit[0]), width), Fraction(int(self.fit[1]), height))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """``(width, height)`` of the result of an image.

        Raises:
            InvalidArgument: more than 64 times larger, or a side of 2³¹ and more.
        """
        factor = self.factor(width, height)
        if factor > MOST:
            raise InvalidArgument(
                f"{self}: {float(factor):.4g} times the {width}×{height} of the image; up to {MOST} times is possible"
            )
        sides = tuple(max(1, math.floor(factor * side + Fraction(1, 2))) for side in (width, height))
        if max(sides) > _MAX_SIDE:
            raise InvalidArgument(f"{self}: {sides[0]}×{sides[1]}: sides of up to {_MAX_SIDE} are possible")
        return sides[0], sides[1]

    @property
    def label(self) -> str:
        """For the name of a file: ``x2.5``, ``w3840``, ``h2160``, ``fit3840x2160``."""
        if self.scale is not None:
            return f"x{_plain(self.scale)}"
        if self.fit is not None:
            return f"fit{self.fit[0]}x{self.fit[1]}"
        return f"w{self.width}" if self.width is not None else f"h{self.height}"

    def __str__(self) -> str:
        if self.scale is not None:
            return f"scale={_plain(self.scale)}"
        if self.fit is not None:
            return f"fit={self.fit[0]}x{self.fit[1]}"
        return f"width={self.width}" if self.width is not None else f"height={self.height}"


@dataclass(frozen=True)
class SizePlan:
    """The plan for one image: networks one after another, then a resize. Sizes are ``(width, height)``.

    Args:
        source: of the image.
        factors: by which the networks upscale, in their order; empty if the image does not become larger.
        size: of the result.

    >>> print(SizePlan((20, 10), (2, 3), (100, 50)))
    ×2, ×3, down to 100×50
    """

    source: tuple[int, int]
    factors: tuple[int, ...]
    size: tuple[int, int]

    @property
    def network_size(self) -> tuple[int, int]:
        """``(width, height)`` after the networks."""
        factor = math.prod(self.factors)
        return self.source[0] * factor, self.source[1] * factor

    @property
    def resizes(self) -> bool:
        """Whether a resize follows the networks."""
        return self.network_size != self.size

    def ran(self, choice: Choice) -> Choice:
        """What makes the result: the model that was chosen, or nothing but a resize if no network is needed.

        Args:
            choice: the model.
        """
        if self.factors:
            return choice
        return Choice("resize" if self.resizes else "none", False, "no network is needed")

    @property
    def note(self) -> str | None:
        """Why no network runs, as part of a sentence; None if one does."""
        if self.factors:
            return None
        width, height = self.size
        if not self.resizes:
            return f"it is {width}×{height} already; its pixels are unchanged"
        return f"{width}×{height} is smaller than the image: it was resized, no network ran"

    def __str__(self) -> str:
        parts = [f"×{factor}" for factor in self.factors]
        if self.resizes:
            parts.append(f"down to {self.size[0]}×{self.size[1]}")
        return ", ".join(parts) or "as it is"


def plan_size(
    width: int,
    height: int,
    target: Target,
    first: Sequence[int],
    second: Sequence[int] | None = None,
    *,
    cleans: bool = False,
) -> SizePlan:
    """The networks for an image, by the rule above.

    Args:
        width: of the image.
        height: of the image.
        target: the size of the result.
        first: the factors of the first network.
        second: the factors of the second one; None for the same.
        cleans: whether the first network cleans what it upscales. Only then is a scale of 1 possible: the image is
            upscaled by the smallest factor and resized down to its own size.

    Raises:
        InvalidArgument: more than two networks in a row reach, or a scale of 1 without a network that cleans.

    >>> plan_size(400, 300, Target(6), (2, 3, 4, 8)).factors
    (2, 3)
    """
    size = target.size(width, height)
    factors = network_factors(target, target.factor(width, height), first, second, cleans=cleans)
    return SizePlan((width, height), factors, size)


def network_factors(
    target: Target, factor: Fraction, first: Sequence[int], second: Sequence[int] | None = None, *, cleans: bool = False
) -> tuple[int, ...]:
    """The factors of the networks that make something so many times larger, by the rule above.

    Args:
        target: the size of the result, for errors.
        factor: how many times larger the result is, before rounding; of two sides, the larger.
        first: as in :func:`plan_size`.
        second: likewise.
        cleans: likewise.

    Returns:
        The factors, in the order of the networks; none if nothing becomes larger.

    Raises:
        InvalidArgument: as in :func:`plan_size`.

    >>> network_factors(Target(2.25), Fraction(9, 4), (2, 3, 4, 8))
    (3,)
    """
    if target.scale is not None and factor == 1:
        if not cleans:
            raise InvalidArgument(
                "scale=1: this network makes images larger and does not clean them; one for compressed images "
                "(model 'fast-compressed') does, or another scale is needed"
            )
        return (min(first),)
    if factor <= 1:
        return ()
    options: list[tuple[int, ...]] = [(one,) for one in first]
    options += [(one, two) for one in first for two in (first if second is None else second)]
    enough = [factors for factors in options if math.prod(factors) >= factor]
    if not enough:
        most = max(math.prod(factors) for factors in options)
        raise InvalidArgument(f"{target}: two networks in a row reach ×{most} with this model; less is needed")
    return min(enough, key=lambda factors: (math.prod(factors), len(factors), factors))


def _check_scale(scale: Any) -> None:
    number = isinstance(scale, (int, float, np.integer, np.floating)) and not isinstance(scale, bool)
    if not number or not 0 < scale <= MOST:  # NaN fails this comparison
        raise InvalidArgument(f"scale={as_written(scale)}: a number above 0 and up to {MOST} is needed")


def _check_side(name: str, side: Any) -> None:
    if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or not 1 <= side <= _MAX_SIDE:
        raise InvalidArgument(f"{name}={side!r}: an integer of pixels of at least 1 is needed")


def _plain(scale: float) -> str:
    """A scale as text: 2 for 2.0."""
    return str(int(scale)) if scale == int(scale) else str(float(scale))
