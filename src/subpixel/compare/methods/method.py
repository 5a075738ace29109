"""What the laboratory knows of an upsampler: its name, what it needs, and how it is made ready for a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.degradations import Degradation
from subpixel.errors import InvalidArgument

__all__ = ["FAMILIES", "Method", "NotPossible", "Prepared", "Sample"]

U8 = NDArray[np.uint8]

# The groups of methods in a report, in this order.
FAMILIES = ("interpolation", "unpooling", "rearrangement", "warping", "learned here", "network", "own")


class NotPossible(InvalidArgument):
    """A method cannot run on a sample; the text says why. The report lists it without figures."""


@dataclass(frozen=True)
class Sample:
    """What a method is run on.

    Args:
        small: ``(H, W, 3)`` u8, the image to upscale.
        scale: the factor, an integer of at least 2.
        truth: ``(scale*H, scale*W, 3)`` u8, the reference; None if there is none.
        degradation: how ``small`` was made, or, without a reference, how training pairs are made from it.
        threads: how many threads a method may use.
        seed: of everything random.
    """

    small: U8
    scale: int
    truth: U8 | None
    degradation: Degradation
    threads: int = 1
    seed: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return self.small.shape[0] * self.scale, self.small.shape[1] * self.scale


@dataclass(frozen=True)
class Prepared:
    """A method that is ready for one sample.

    Args:
        run: makes the result: ``(scale*H, scale*W, 3)`` u8, or floats of 0 … 255, which are rounded. This call is
            timed.
        macs: multiply-adds for each pixel of the result, over all channels; None if unknown.
        parameters: how many numbers were learned.
        seconds: time that preparing took, such as for training.
        details: what else a report should show, such as the curve of the training loss.
    """

    run: Callable[[], Any]
    macs: float | None = None
    parameters: int = 0
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """An upsampler.

    Args:
        name: what people type, of lower-case letters, digits and hyphens.
        title: its name in tables.
        family: one of :data:`FAMILIES`.
        about: the convention in one sentence.
        prepare: makes it ready for a sample; not timed. It raises :class:`NotPossible` if it cannot run.
        sees_truth: whether it reads the reference, so that its figures are no measure of upscaling.
        extra: the extra of this package that it needs, or nothing.
    """

    name: str
    title: str
    family: str
    about: str
    prepare: Callable[[Sample], Prepared]
    sees_truth: bool = False
    extra: str = ""
