"""The range of floating point values: networks know 0 … 1, and files hold anything, such as metres above the sea."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatRange"]

Block = NDArray[Any]
# Highlights and overshoot of images of 0 … 1 stay within this.
_LOWEST, _HIGHEST = -0.5, 1.5


class FloatRange:
    """The range of the values that pass by; of integers nothing is measured.

    >>> values = FloatRange()
    >>> blocks = list(values.measure([np.array([[[20.0]], [[3000.0]]], np.float32)]))
    >>> values.notes[0][:44]
    'values from 20 to 3000 are far from 0 … 1, w'
    """

    def __init__(self) -> None:
        self._lowest, self._highest = np.inf, -np.inf

    def measure(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The same blocks ``(h, W, C)``."""
        for block in blocks:
            if block.dtype == np.float32 and block.size:
                # NaN is no value; the smallest and largest of nothing but NaN are NaN, which no comparison finds.
                with np.errstate(invalid="ignore"):
                    self._lowest = min(self._lowest, float(np.fmin.reduce(block, axis=None)))
                    self._highest = max(self._highest, float(np.fmax.reduce(block, axis=None)))
            yield block

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the range, one sentence each."""
        if not (self._lowest < _LOWEST or self._highest > _HIGHEST):
            return ()
        return (
            f"values from {self._lowest:g} to {self._highest:g} are far from 0 … 1, which networks are made for; "
            "model='bicubic' is exact for any",
        )
