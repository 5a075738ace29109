"""Interpolation kernels: the weight of a sample by its distance from a position."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KERNELS", "Kernel"]

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A kernel: ``weigh(d, a)`` for distances ``d = sample - position``, 0 from ``support`` samples on."""

    support: float
    weigh: Callable[[Reals, float], Reals]


def _linear(d: Reals, _: float) -> Reals:
    return np.maximum(0.0, 1.0 - np.abs(d))


def _cubic(d: Reals, a: float) -> Reals:
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _box(d: Reals, _: float) -> Reals:
    return np.where((d > -0.5) & (d <= 0.5), 1.0, 0.0)


def _hamming(d: Reals, _: float) -> Reals:
    # This kernel is Pillow's, which has both constants in single precision.
    high, low = float(np.float32(0.54)), float(np.float32(0.46))
    inside = np.where(d == 0, 1.0, np.sinc(d) * (high + low * np.cos(math.pi * d)))
    return np.where(np.abs(d) < 1, inside, 0.0)


def _lanczos(d: Reals, _: float, *, lobes: int) -> Reals:
    return np.where(np.abs(d) < lobes, np.sinc(d) * np.sinc(d / lobes), 0.0)


def _gaussian(d: Reals, _: float) -> Reals:
    # As in TensorFlow: radius 1.5, and a standard deviation of a third of it.
    return np.where(np.abs(d) < 1.5, np.exp(-2.0 * d * d), 0.0)


def _mitchell(d: Reals, _: float) -> Reals:
    # B = C = 1/3 of Mitchell and Netravali, "Reconstruction filters in computer graphics", 1988, equation 8.
    d = np.abs(d)
    near = (7 / 6 * d - 2) * d * d + 8 / 9
    far = ((-7 / 18 * d + 2) * d - 10 / 3) * d + 16 / 9
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


KERNELS: dict[str, Kernel] = {
    "linear": Kernel(1, _linear),
    "cubic": Kernel(2, _cubic),
    "box": Kernel(0.5, _box),
    "hamming": Kernel(1, _hamming),
    **{f"lanczos{n}": Kernel(n, functools.partial(_lanczos, lobes=n)) for n in (2, 3, 4, 5)},
    "gaussian": Kernel(1.5, _gaussian),
    "mitchell": Kernel(2, _mitchell),
}
