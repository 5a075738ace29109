"""Intervals by a hierarchical bootstrap over seeds and images, paired differences, and the ranking.

A resample draws seeds with replacement, and for each draw images of that seed with replacement. All kinds share the
draws, so differences are paired. In a resample, as in the result itself, the counts of a seed's images are added, the
ratio of each class is taken, classes are averaged, then seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.decoder.regions import iou

__all__ = ["DRAWS", "LEVEL", "Bootstrap", "Difference", "Estimate", "bootstrap", "groups_of", "ranks_of"]

DRAWS = 2000
LEVEL = 0.95

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much more one kind has than another, with its interval of 95 %.

    Args:
        first: the kind that is subtracted from.
        second: the kind that is subtracted.
        mean: of the difference.
        low: of the interval.
        high: of the interval.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float

    @property
    def exists(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Bootstrap:
    """Values of one figure for every kind and resample.

    Args:
        values: of the whole data, by kind.
        draws: ``(draws,)`` of the resamples, by kind.
    """

    values: dict[str, float]
    draws: dict[str, F64]

    def estimate(self, kind: str) -> Estimate:
        """The value of a kind."""
        return Estimate(self.values[kind], *_interval(self.draws[kind]))

    def difference(self, first: str, second: str) -> Difference:
        """What ``first`` has more than ``second``, resample by resample."""
        low, high = _interval(self.draws[first] - self.draws[second])
        return Difference(first, second, self.values[first] - self.values[second], low, high)


def bootstrap(
    counts: Mapping[str, Sequence[NDArray[np.int64]]], *, draws: int = DRAWS, seed: int = 0
) -> tuple[Bootstrap, Bootstrap]:
    """IoU and boundary IoU with what resampling makes of them.

    Args:
        counts: by kind, for each seed ``(images, classes, 4)``; the images of a seed are the same for all kinds.
        draws: how many resamples.
        seed: of the resamples.
    """
    rng = np.random.default_rng([seed, 11])
    kinds = list(counts)
    stacked = [np.stack([counts[kind][s] for kind in kinds], axis=1) for s in range(len(counts[kinds[0]]))]
    whole = np.mean([_means(each.sum(0)) for each in stacked], axis=0)
    total = np.zeros((draws, len(kinds), 2))
    for _ in stacked:
        chosen = rng.integers(len(stacked), size=draws)
        for number, each in enumerate(stacked):
            rows = np.flatnonzero(chosen == number)
            images = len(each)
            weights = rng.multinomial(images, np.full(images, 1 / images), size=len(rows)).astype(np.float64)
            sums = weights @ each.reshape(images, -1).astype(np.float64)
            total[rows] += _means(sums.reshape(len(rows), *each.shape[1:]))
    total /= len(stacked)
    iou_, edge = (
        Bootstrap(
            {kind: float(whole[k, figure]) for k, kind in enumerate(kinds)},
            {kind: total[:, k, figure] for k, kind in enumerate(kinds)},
        )
        for figure in range(2)
    )
    return iou_, edge


def _means(counts: NDArray[np.generic]) -> F64:
    """``(..., classes, 4)`` to the means over the classes that are somewhere, ``(..., 2)``."""
    ratios = iou(counts)
    there = ~np.isnan(ratios)
    result: F64 = np.where(there, ratios, 0).sum(-2) / np.maximum(1, there.sum(-2))
    return result


def _interval(values: F64) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def ranks_of(figure: Bootstrap) -> dict[str, int]:
    """The rank of each kind: one more than the number of kinds that are better by a difference that exists.

    Kinds between which there is no difference can still have different ranks, if only one of them is worse than a
    third; see :func:`groups_of` for what may be called equal.
    """
    kinds = sorted(figure.values, key=lambda kind: -figure.values[kind])
    return {kind: 1 + sum(figure.difference(other, kind).low > 0 for other in kinds if other != kind) for kind in kinds}


def groups_of(figure: Bootstrap) -> list[tuple[str, ...]]:
    """Kinds between which there is no difference, best first: the longest rows of neighbours in the order of the means.

    A kind can be in several groups. One that differs from both neighbours is a group of its own.
    """
    kinds = sorted(figure.values, key=lambda kind: -figure.values[kind])
    groups: list[tuple[str, ...]] = []
    end = 0
    for start in range(len(kinds)):
        stop = start + 1
        while stop < len(kinds) and not any(
            figure.difference(kinds[k], kinds[stop]).exists for k in range(start, stop)
        ):
            stop += 1
        if stop > end:
            groups.append(tuple(kinds[start:stop]))
            end = stop
    return groups
