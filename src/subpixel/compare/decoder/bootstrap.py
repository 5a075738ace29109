"""IoU and boundary IoU under a hierarchical bootstrap over seeds and images.

A resample draws seeds with replacement, and for each draw images of that seed with replacement. All kinds share the
draws, so differences are paired. In a resample, as in the result itself, the counts of a seed's images are added, the
ratio of each class is taken, classes are averaged, then seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.decoder.regions import iou
from subpixel.compare.intervals import DRAWS, Bootstrap

__all__ = ["bootstrap"]

F64 = NDArray[np.float64]


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
