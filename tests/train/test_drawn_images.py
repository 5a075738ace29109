"""Drawn training images: equal for equal seeds, with edges, without aliases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subpixel.train import train
from subpixel.train.data import load_pairs
from subpixel.train.drawn_images import KINDS, Drawn, drawn

from .test_loop import MakeSettings, Network


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_each_kind_shows_something_and_is_repeatable(number: int) -> None:
    image = Drawn(number, seed=3, side=64)
    pixels = image.pixels
    assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
    assert pixels.std() > 3
    np.testing.assert_array_equal(pixels, image.pixels)
    assert not np.array_equal(pixels, Drawn(number, seed=4, side=64).pixels)
    assert tuple(KINDS)[number] in image.name


def test_edges_are_antialiased() -> None:
    """Between ink and paper lie pixels of in-between values, a few beside each edge."""
    pixels = Drawn(2, seed=1, side=128).pixels.astype(float)[..., 0]
    assert len(np.unique(pixels)) > 20


def test_drawn_images_are_trained_on_and_never_held_out(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    lines: list[str] = []
    model = train(settings(steps=2, drawn=6), network(2), data, tmp_path / "m.safetensors", say=lines.append)
    assert "5 images and 6 drawn ones for training, 1 held out" in lines[0]
    assert (model.training["images"], model.training["held_out"]) == (5, ["0.png"])
    assert model.training["settings"]["drawn"] == 6


def test_a_drawn_image_becomes_a_pair() -> None:
    (pair,) = load_pairs(drawn(1, seed=0), 2, (1.0,), 1)
    assert (pair.small.shape, pair.large.shape) == ((1, 256, 256), (1, 512, 512))
