"""Unpooling and pixel shuffle: operators that put values back where something from the large image says so."""

from __future__ import annotations

import numpy as np

from subpixel.compare.methods.method import U8, Method, NotPossible, Prepared, Sample
from subpixel.ops import max_pool, max_unpool, pixel_shuffle, pixel_unshuffle

__all__ = ["METHODS"]


def _truth(sample: Sample) -> U8:
    if sample.truth is None:
        raise NotPossible("it needs the reference: it puts back what was taken from it")
    return sample.truth


def _max_unpool(sample: Sample) -> Prepared:
    planes = np.ascontiguousarray(np.moveaxis(_truth(sample), -1, 0))[None]
    values, positions = max_pool(planes, sample.scale, return_indices=True)
    return Prepared(lambda: np.moveaxis(max_unpool(values, positions, sample.scale)[0], 0, -1), 0.0)


def _shuffle(sample: Sample) -> Prepared:
    parts = pixel_unshuffle(_truth(sample)[None], sample.scale, layout="NHWC")
    return Prepared(lambda: pixel_shuffle(parts, sample.scale, layout="NHWC")[0], 0.0)


METHODS = (
    Method(
        "max-unpooling",
        "Max unpooling",
        "unpooling",
        "The maxima of the reference return to their places; all else is zero.",
        _max_unpool,
        sees_truth=True,
    ),
    Method(
        "pixel-shuffle",
        "Pixel shuffle of the unshuffled reference",
        "rearrangement",
        "Pixel unshuffle keeps all pixels as channels, so nothing is lost.",
        _shuffle,
        sees_truth=True,
    ),
)
