"""Intervals of 95 % by a bootstrap, paired differences, and ranks: what is better, or that nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "LEVEL", "Bootstrap", "Difference", "Estimate", "bootstrap_means", "groups_of", "ranks_of"]

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


def bootstrap_means(scores: Mapping[str, F64], *, draws: int = DRAWS, seed: int = 0) -> Bootstrap:
    """The mean score of every kind, with what resampling makes of it.

    A resample draws seeds with replacement and images with replacement. All kinds share the draws, so differences are
    paired.

    Args:
        scores: by kind, ``(seeds, images)``; every seed is measured on the same images.
        draws: how many resamples.
        seed: of the resamples.

    >>> import numpy as np
    >>> one = np.array([[30.0, 40.0], [31.0, 41.0]])
    >>> figures = bootstrap_means({"a": one, "b": one - 1})
    >>> figures.values, figures.difference("a", "b").exists
    ({'a': 35.5, 'b': 34.5}, True)
    """
    rng = np.random.default_rng([seed, 13])
    seeds, images = next(iter(scores.values())).shape
    by_seed, by_image = (rng.multinomial(n, np.full(n, 1 / n), size=draws) / n for n in (seeds, images))
    return Bootstrap(
        {kind: float(values.mean()) for kind, values in scores.items()},
        {kind: ((by_seed @ values) * by_image).sum(1) for kind, values in scores.items()},
    )


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
