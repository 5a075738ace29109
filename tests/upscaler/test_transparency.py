"""Images with alpha: no fringe at the edge of what is visible, no influence of what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle.transparency
from helpers import random_image
from subpixel import Upscaler
from subpixel.upscaler.transparency import fill_invisible

DTYPES = [np.uint8, np.uint16, np.float32]


def top_of(dtype: Any) -> float:
    return 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    channels=st.sampled_from([2, 4]),
    dtype=st.sampled_from(DTYPES),
    reach=st.integers(1, 5),
    hole=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_colour_is_continued_as_the_oracle_does(
    height: int, width: int, channels: int, dtype: Any, reach: int, hole: float, seed: int
) -> None:
    image = random_image((height, width, channels), dtype)
    image[..., -1][np.random.default_rng(seed).random((height, width)) < hole] = 0
    exact = oracle.transparency.fill(image, reach)
    result = fill_invisible(image, reach)
    assert result.dtype == dtype
    assert (result[..., -1] == top_of(dtype)).all()
    result = result[..., :-1]
    if dtype == np.float32:
        np.testing.assert_allclose(result, exact, atol=1e-5)
    else:
        # A tie may be rounded either way, and carries one unit into what is filled after it.
        assert np.abs(result - exact).max() <= 1.51
        assert (np.abs(result - exact) <= 0.51).mean() > 0.97


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["fast", "balanced", "bicubic"])
@pytest.mark.parametrize("hidden", [0.0, 1.0])
def test_a_soft_edge_of_one_colour_keeps_it(name: str, dtype: Any, hidden: float) -> None:
    y, x = np.mgrid[:32, :32]
    alpha = np.clip((12 - np.hypot(x - 16, y - 16)) * 0.4 + 0.5, 0, 1)[..., None]
    colour = np.array([0.94, 0.5, 0.1])
    image = np.concatenate([np.where(alpha > 0, colour, hidden), alpha], axis=2) * top_of(dtype)
    image = image.astype(dtype)
    result = Upscaler(2, model=name)(image) / top_of(dtype)
    shown = result[..., 3] > 1 / 255
    assert shown.sum() > 1500
    edge = image[16, 16, :3] / top_of(dtype)
    # The networks change flat colours by less than a code of 8 bits.
    assert np.abs(result[shown][:, :3] - edge).max() < 1.1 / 255


@pytest.mark.parametrize("level", [1, 100])
def test_alpha_that_is_the_same_everywhere_changes_no_colour(level: int) -> None:
    colour = random_image((20, 24, 3), np.uint8)
    image = np.dstack([colour, np.full((20, 24), level, np.uint8)])
    upscaler = Upscaler(2, model="fast")
    result = upscaler(image)
    np.testing.assert_array_equal(result[..., :3], upscaler(colour))
    assert (result[..., 3] == level).all()


def test_colours_of_what_is_invisible_are_kept() -> None:
    image = np.zeros((24, 24, 4), np.uint8)
    image[..., :3] = (10, 200, 30)
    image[:, 12:] = (90, 90, 90, 255)
    result = Upscaler(2, model="fast")(image)
    assert (result[:, :16, 3] == 0).all()
    assert (result[:, :16, :3] == (10, 200, 30)).all()


@pytest.mark.parametrize("name", ["fast", "bicubic"])
@pytest.mark.parametrize("tile", [8, 17])
def test_tiles_change_no_byte(name: str, tile: int) -> None:
    image = random_image((60, 70, 4), np.uint8)
    image[10:40, 20:60, 3] = 0
    whole, tiles = Upscaler(2, model=name)(image), Upscaler(2, model=name, tile=tile)(image)
    np.testing.assert_array_equal(tiles, whole)
