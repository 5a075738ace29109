"""Intervals, differences and ranks on counts that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.compare.decoder.bootstrap import bootstrap
from subpixel.compare.intervals import groups_of, ranks_of


def counts_of(quality: float, seeds: int, images: int, noise: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Two classes; each image's IoU is about ``quality``."""
    result = []
    for _ in range(seeds):
        union = rng.integers(200, 400, (images, 2, 2))
        share = np.clip(quality + rng.normal(0, noise, (images, 2, 2)), 0, 1)
        result.append(np.stack([np.round(union * share), union], axis=-1).reshape(images, 2, 4).astype(np.int64))
    return result


def test_equal_kinds_have_no_difference(rng: np.random.Generator) -> None:
    one = counts_of(0.6, 5, 20, 0.1, rng)
    figure, edge = bootstrap({"a": one, "b": [each.copy() for each in one]})
    difference = figure.difference("a", "b")
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)
    assert not difference.exists
    assert ranks_of(figure) == ranks_of(edge) == {"a": 1, "b": 1}
    assert groups_of(figure) == [("a", "b")]


def test_a_better_kind_ranks_first(rng: np.random.Generator) -> None:
    kinds = {"worse": counts_of(0.5, 5, 20, 0.05, rng), "better": counts_of(0.7, 5, 20, 0.05, rng)}
    figure, _ = bootstrap(kinds)
    assert ranks_of(figure) == {"better": 1, "worse": 2}
    assert groups_of(figure) == [("better",), ("worse",)]
    difference = figure.difference("better", "worse")
    assert difference.exists
    assert difference.low < 0.2 < difference.high
    estimate = figure.estimate("better")
    assert estimate.low < estimate.mean < estimate.high
    assert estimate.mean == pytest.approx(0.7, abs=0.02)


def test_noise_alone_is_no_difference(rng: np.random.Generator) -> None:
    """Of 40 comparisons of kinds that differ by chance only, few are called different."""
    called = 0
    for _ in range(40):
        figure, _ = bootstrap({kind: counts_of(0.6, 5, 10, 0.15, rng) for kind in "ab"}, draws=400)
        called += figure.difference("a", "b").exists
    assert called <= 8  # with five seeds, an interval of 95 % is somewhat short


def test_seeds_count_as_seeds_and_not_as_more_images() -> None:
    """Where seeds differ and their images do not, the interval is that of the seeds."""
    seeds = [np.tile(np.array([k, 10, k, 10]), (30, 1, 1)) for k in (2, 4, 6, 8)]
    figure, _ = bootstrap({"a": seeds})
    estimate = figure.estimate("a")
    assert estimate.mean == pytest.approx(0.5)
    assert estimate.high - estimate.low > 0.3


def test_images_count_too() -> None:
    """Where seeds agree and their images differ, the interval is not empty."""
    images = np.array([[[k, 10, k, 10]] for k in (0, 10) * 5])
    figure, _ = bootstrap({"a": [images, images]})
    estimate = figure.estimate("a")
    assert estimate.low < 0.45 < 0.55 < estimate.high


def test_pairing_removes_what_the_images_have_in_common(rng: np.random.Generator) -> None:
    base = counts_of(0.5, 5, 20, 0.2, rng)
    shifted = [each + np.array([6, 0, 6, 0]) for each in base]
    figure, _ = bootstrap({"a": shifted, "b": base})
    assert figure.difference("a", "b").exists
    assert figure.estimate("a").low < figure.estimate("b").high  # although their own intervals overlap


def test_groups_overlap_where_a_kind_is_between_two_others() -> None:
    draws = {"a": np.array([3.0, 3, 3, 3]), "b": np.array([1.0, 2, 4, 3]), "c": np.array([2.0, 2, 2, 2])}
    from subpixel.compare.intervals import Bootstrap

    figure = Bootstrap({"a": 3.0, "b": 2.5, "c": 2.0}, draws)
    assert groups_of(figure) == [("a", "b"), ("b", "c")]
    assert ranks_of(figure) == {"a": 1, "b": 1, "c": 2}


def test_the_same_seed_draws_the_same(rng: np.random.Generator) -> None:
    kinds = {"a": counts_of(0.5, 3, 8, 0.1, rng)}
    assert bootstrap(kinds)[0].estimate("a") == bootstrap(kinds)[0].estimate("a")
    assert bootstrap(kinds)[0].estimate("a") != bootstrap(kinds, seed=1)[0].estimate("a")
