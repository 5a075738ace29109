"""The images of one seed: for training, for the learning curve, and for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.decoder.designs import SIDE
from subpixel.compare.decoder.scenes import CLASSES, backgrounds, scene

__all__ = ["TEST", "TRAINING", "VALIDATION", "Dataset", "Examples", "Scenes", "Task"]

U8 = NDArray[np.uint8]

# How many patches of a seed are drawn for training, for the learning curve, and for the test.
TRAINING, VALIDATION, TEST = 1024, 32, 96


@dataclass(frozen=True)
class Examples:
    """Patches with their masks.

    Args:
        images: ``(N, 64, 64, 3)`` u8 RGB.
        masks: ``(N, 64, 64)`` u8, the number of a class.
        sources: ``(N,)``, the number of the image that each is from, from 0.
    """

    images: U8
    masks: U8
    sources: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """What one seed trains on and is measured with; no image is in two of them."""

    training: Examples
    validation: Examples
    test: Examples


class Task(Protocol):
    """Where images and masks come from. It can be pickled, and gives the same images for the same seed."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""

    @property
    def about(self) -> str:
        """What the task is, in a sentence."""

    @property
    def digest(self) -> str:
        """Changes if the images change."""

    def dataset(self, seed: int) -> Dataset:
        """The images of a seed."""


@dataclass(frozen=True)
class Scenes:
    """The task made here, see :mod:`subpixel.compare.decoder.scenes`.

    Args:
        photographs: files for the backgrounds; none for synthetic ones.
        digest: of these files.
    """

    photographs: tuple[str, ...] = ()
    digest: str = "synthetic"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return CLASSES

    @property
    def about(self) -> str:
        """What the task is, in a sentence."""
        made = f"{len(self.photographs)} photographs" if self.photographs else "synthetic photographs"
        return f"shapes, letters and line art on {made}, with clutter, blur and noise; {SIDE}×{SIDE} pixels"

    def dataset(self, seed: int) -> Dataset:
        """The images of a seed; each is an image of its own, drawn anew."""
        streams = [np.random.default_rng([seed, part, 7]) for part in range(3)]
        counts = (TRAINING, VALIDATION, TEST)
        parts = [
            _drawn(rng, self._backgrounds(rng, part), count)
            for part, (rng, count) in enumerate(zip(streams, counts, strict=True))
        ]
        return Dataset(*parts)

    def _backgrounds(self, rng: np.random.Generator, part: int) -> Sequence[U8]:
        if not self.photographs:
            return backgrounds(rng)
        from subpixel.compare.decoder.own_images import some_photographs

        return some_photographs(rng, self.photographs, part)


def _drawn(rng: np.random.Generator, photographs: Sequence[U8], count: int) -> Examples:
    images, masks = zip(*(scene(rng, photographs, SIDE) for _ in range(count)), strict=True)
    return Examples(np.stack(images), np.stack(masks), np.arange(count))
