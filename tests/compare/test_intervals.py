"""The bootstrap over seeds and images."""

import numpy as np
import pytest

from subpixel.compare.intervals import bootstrap_means


def test_means_are_those_of_the_data_and_draws_repeat():
    scores = np.random.default_rng(0).normal(30, 2, (3, 20))
    first, second = (bootstrap_means({"a": scores, "b": scores + 1}) for _ in range(2))
    assert first.values["a"] == pytest.approx(scores.mean())
    assert (first.draws["a"] == second.draws["a"]).all()
    one = first.estimate("a")
    assert one.low < one.mean < one.high


def test_differences_are_paired():
    """Images that differ a lot hide no difference that every image has."""
    scores = np.random.default_rng(0).normal(30, 5, (3, 20))
    figures = bootstrap_means({"a": scores, "b": scores - 0.1})
    one = figures.difference("a", "b")
    assert one.low == pytest.approx(0.1) == one.high
    assert one.exists
    assert figures.estimate("a").low < figures.estimate("b").high


def test_noise_is_no_difference_and_one_odd_seed_is_none_either():
    rng = np.random.default_rng(1)
    noise = bootstrap_means({"a": rng.normal(0, 1, (3, 30)), "b": rng.normal(0, 1, (3, 30))})
    assert not noise.difference("a", "b").exists
    odd = np.zeros((3, 30))
    odd[0] = 1.0  # one seed of three is better on every image
    assert not bootstrap_means({"a": odd, "b": np.zeros((3, 30))}).difference("a", "b").exists


def test_a_resample_draws_seeds_and_images():
    """The spread is that of drawing both, as a slow loop finds it."""
    scores = np.random.default_rng(2).normal(0, 1, (4, 10)) + np.arange(4)[:, None]
    rng = np.random.default_rng(3)
    slow = [scores[np.ix_(rng.integers(4, size=4), rng.integers(10, size=10))].mean() for _ in range(4000)]
    fast = bootstrap_means({"a": scores}, draws=4000).draws["a"]
    assert np.quantile(fast, [0.025, 0.5, 0.975]) == pytest.approx(np.quantile(slow, [0.025, 0.5, 0.975]), abs=0.08)
