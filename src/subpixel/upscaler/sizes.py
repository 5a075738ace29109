"""What an image is to become, and by which networks: sizes and factors as data, before any pixel.

Sizes: a side times the scale, rounded half up, and at least 1. The scale is the decimal number that was written, so
that 1.1 times 5 is exactly 5.5. With a width, a height or a box to fit in, that side is exact and the other follows
from the aspect by the same rule.

Networks upscale by a few whole factors. Taken is the smallest product of one or two of them that is at least as large
as what is wanted, and what is too much is resized down. Of equal products one network goes before two, and of two the
smaller factor goes first, where it costs less. Measured with ``fast`` on Set14 and 30 images of BSD100, PSNR of luma
in dB: ×6 by 2·3 25.34, by 3·2 25.33, by ×8 and down 25.28; ×5 by 2·3 and down 26.12, by ×8 and down 26.06; ×2.5 by ×3
and down 30.06, by ×4 and down 30.03; ×12 by 3·4 22.81, by 4·3 22.78, by 2·8 and down 22.80.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument

__all__ = ["MOST", "Plan", "Target", "plan"]

# Two of the largest networks, ×8, in a row.
MOST = 64
# What no format, and no array of this package, has.
_MAX_SIDE = 2**31 - 1


@dataclass(frozen=True)
class Target:
    """How large a result is to be; exactly one of the four.

    Args:
        scale: how many times larger, above 0 and up to 64. Below 1 an image becomes smaller.
        width: of the result; its height follows from the aspect.
        height: of the result; its width follows.
        fit: ``(width, height)`` of a box: the largest result with the image's aspect that fits.

    Raises:
        InvalidArgument: none of them, more than one, or one out of range.

    >>> Target(2.5).size(3, 5), Target(width=7).size(3, 5), Target(fit=(100, 30)).size(3, 5)
    ((8, 13), (4, 7), (30, 50))
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        given = [f"{name}={value!r}" for name, value in vars(self).items() if value is not None]
        if len(given) != 1:
            more = f"{', '.join(given)}: one of scale, width, height and fit is needed"
            box = "; fit=(width, height) takes a box" if self.width is not None and self.height is not None else ""
            raise InvalidArgument(more + box if given else f"size: {more.removeprefix(': ')}")
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

    def factor(self, height: int, width: int) -> Fraction:
        """How many times larger than an image of that size the result is, before rounding."""
        if self.scale is not None:
            # The decimal as it is written: 1.1 is 11/10 here, not the binary number next to it.
            return Fraction(str(float(self.scale)))
        if self.width is not None:
            return Fraction(int(self.width), width)
        if self.height is not None:
            return Fraction(int(self.height), height)
        assert self.fit is not None
        return min(Fraction(int(self.fit[0]), width), Fraction(int(self.fit[1]), height))

    def size(self, height: int, width: int) -> tuple[int, int]:
        """``(height, width)`` of the result of an image.

        Raises:
            InvalidArgument: more than 64 times larger, or a side of 2³¹ and more.
        """
        factor = self.factor(height, width)
        if factor > MOST:
            raise InvalidArgument(
                f"{self}: {float(factor):.4g} times the {width}×{height} of the image; up to {MOST} times is possible"
            )
        sides = tuple(max(1, math.floor(factor * side + Fraction(1, 2))) for side in (height, width))
        if max(sides) > _MAX_SIDE:
            raise InvalidArgument(f"{self}: {sides[1]}×{sides[0]}: sides of up to {_MAX_SIDE} are possible")
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
class Plan:
    """The way of one image: networks in a row, then a resize to the exact size.

    Args:
        source: ``(height, width)`` of the image.
        factors: by which the networks upscale, in their order; none for an image that becomes smaller.
        size: ``(height, width)`` of the result.

    >>> print(Plan((10, 20), (2, 3), (50, 100)))
    ×2, ×3, down to 100×50
    """

    source: tuple[int, int]
    factors: tuple[int, ...]
    size: tuple[int, int]

    @property
    def upscaled(self) -> tuple[int, int]:
        """``(height, width)`` after the networks."""
        factor = math.prod(self.factors)
        return self.source[0] * factor, self.source[1] * factor

    @property
    def resized(self) -> bool:
        """Whether a resize follows."""
        return self.upscaled != self.size

    @property
    def note(self) -> str | None:
        """What somebody who asked for a larger image should know, a sentence's part."""
        if self.factors:
            return None
        height, width = self.size
        if not self.resized:
            return f"it is {width}×{height} already; its pixels are as they were"
        return f"{width}×{height} is smaller than the image: it was resized, no network ran"

    def __str__(self) -> str:
        parts = [f"×{factor}" for factor in self.factors]
        if self.resized:
            parts.append(f"down to {self.size[1]}×{self.size[0]}")
        return ", ".join(parts) or "as it is"


def plan(
    height: int,
    width: int,
    target: Target,
    first: Sequence[int],
    then: Sequence[int] | None = None,
    *,
    cleans: bool = False,
) -> Plan:
    """The networks for an image, by the rule above.

    Args:
        height: of the image.
        width: of the image.
        target: what it is to become.
        first: factors that the first network comes in.
        then: those of the second; None for the same.
        cleans: the first network cleans what it upscales. Then a scale of 1 means that: upscaled by the smallest factor
            and resized down to the old size. Otherwise it means nothing and is refused.

    Raises:
        InvalidArgument: larger than two networks in a row can, or a scale of 1 without a network that cleans.

    >>> plan(300, 400, Target(6), (2, 3, 4, 8)).factors
    (2, 3)
    """
    size, wanted = target.size(height, width), target.factor(height, width)
    source = (height, width)
    if target.scale is not None and wanted == 1:
        if not cleans:
            raise InvalidArgument(
                "scale=1: this network makes images larger and does not clean them; one for compressed images "
                "(model 'fast-compressed') does, or another scale is needed"
            )
        return Plan(source, (min(first),), size)
    if wanted <= 1:
        return Plan(source, (), size)
    ways: list[tuple[int, ...]] = [(factor,) for factor in first]
    ways += [(one, two) for one in first for two in (first if then is None else then)]
    enough = [way for way in ways if math.prod(way) >= wanted]
    if not enough:
        most = max(math.prod(way) for way in ways)
        raise InvalidArgument(f"{target}: two networks in a row reach ×{most} with this model; less is needed")
    return Plan(source, min(enough, key=lambda way: (math.prod(way), len(way), way)), size)


def _check_scale(scale: Any) -> None:
    number = isinstance(scale, (int, float, np.integer, np.floating)) and not isinstance(scale, bool)
    if not number or not 0 < scale <= MOST:  # what is not a number is not within
        raise InvalidArgument(f"scale={scale!r}: a number above 0 and up to {MOST} is needed")


def _check_side(name: str, side: Any) -> None:
    if isinstance(side, bool) or not isinstance(side, (int, np.integer)) or not 1 <= side <= _MAX_SIDE:
        raise InvalidArgument(f"{name}={side!r}: an integer of pixels of at least 1 is needed")


def _plain(scale: float) -> str:
    """2 for 2.0, as it would be written."""
    return str(int(scale)) if scale == int(scale) else str(float(scale))
