"""The task made here."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.compare.decoder import datasets
from subpixel.compare.decoder.datasets import Scenes
from subpixel.compare.decoder.drawing import letter, line, shape
from subpixel.compare.decoder.scenes import CLASSES, backgrounds, scene


@pytest.mark.parametrize("draw", [shape, letter, line])
def test_objects_are_coverage_and_mostly_visible(draw) -> None:
    inked = 0
    for seed in range(40):
        cover = draw(np.random.default_rng(seed), 64)
        assert cover.shape == (64, 64)
        assert cover.dtype == np.float32
        assert 0 <= cover.min() <= cover.max() <= 1 + 1e-6
        inked += (cover >= 0.5).sum() >= 12
    assert inked >= 38


def test_lines_are_thin_and_shapes_are_not() -> None:
    def thickest(draw, seed: int) -> int:
        """Half the side of the largest square inside."""
        region, steps = draw(np.random.default_rng(seed), 64) >= 0.5, 0
        while region.any():
            padded = np.pad(region, 1)
            region = np.logical_and.reduce([padded[y : y + 64, x : x + 64] for y in range(3) for x in range(3)])
            steps += 1
        return steps

    assert np.median([thickest(shape, seed) for seed in range(20)]) >= 4
    assert np.median([thickest(line, seed) for seed in range(20)]) <= 2


def test_objects_differ_from_what_they_cover() -> None:
    rng = np.random.default_rng(5)
    photographs = backgrounds(rng)
    contrasts = []
    for _ in range(30):
        image, mask = scene(rng, photographs, 64)
        for number in range(1, len(CLASSES)):
            if (mask == number).sum() >= 30:
                inside, outside = image[mask == number].mean(0), image[mask == 0].mean(0)
                contrasts.append(np.abs(inside - outside).mean())
    assert np.median(contrasts) > 40


def test_a_seed_gives_the_same_images_and_parts_share_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("TRAINING", 6), ("VALIDATION", 4), ("TEST", 5)):
        monkeypatch.setattr(datasets, name, count)
    first, again, other = Scenes().dataset(3), Scenes().dataset(3), Scenes().dataset(4)
    np.testing.assert_array_equal(first.test.images, again.test.images)
    np.testing.assert_array_equal(first.training.masks, again.training.masks)
    assert (first.test.images != other.test.images).any()
    images = [one for part in (first.training, first.validation, first.test) for one in part.images]
    assert len({one.tobytes() for one in images}) == 15
