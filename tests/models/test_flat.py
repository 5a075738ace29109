"""The definition of flat cells against a loop over samples, and the integer resize against Keys' formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle import flat as oracle

from subpixel.errors import InvalidArgument
from subpixel.models.flat import flat_cells, flat_samples, plain_detail, plain_resize, threshold_halves


def image_with_flat_parts(seed, height, width):
    """Halves of codes: a slope with little noise, and a few rectangles of strong noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    slope = rng.uniform(-3, 3, 2)
    plane = 255 + slope[0] * y + slope[1] * x + rng.integers(-1, 2, (height, width))
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        part = plane[top : top + rng.integers(1, 12), left : left + rng.integers(1, 30)]
        part += rng.integers(-200, 200, part.shape)
    return np.clip(plane, 0, 510).astype(np.int64)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 34), st.integers(1, 50), st.integers(0, 30))
def test_flat_cells_equal_a_loop_over_samples(seed, height, width, threshold):
    plane = image_with_flat_parts(seed, height, width)
    assert np.array_equal(flat_cells(plane, threshold), oracle.flat_cells(plane, threshold))


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (16, 17)])
def test_the_integer_resize_is_that_of_keys(scale, shape):
    codes = np.random.default_rng(scale).integers(0, 256, shape)
    exact = oracle.cubic(codes, scale)
    near = np.repeat(np.repeat(codes, scale, 0), scale, 1)
    with_base = near + plain_detail(2 * codes, scale, base=True) / 16
    assert np.abs(with_base - exact).max() < 0.2
    assert np.array_equal(plain_detail(2 * codes, scale, base=False) / 16, with_base)
    floats = plain_resize((codes / 255).astype(np.float32), scale)
    assert np.abs(floats - exact / 255).max() < 1e-6


def test_extreme_steps_stay_within_16_bits():
    codes = np.zeros((12, 12), np.int64)
    codes[::2], codes[:, ::3] = 510, 0
    for scale in (2, 3, 4, 8):
        assert np.abs(plain_detail(codes, scale, base=False)).max() < 2**15
        assert np.abs(plain_detail(510 - codes, scale, base=False)).max() < 2**15


def test_a_constant_is_unchanged():
    for scale in (2, 3, 4, 8):
        assert not plain_detail(np.full((5, 9), 333), scale, base=True).any()


def test_samples_follow_their_cells():
    plane = np.zeros((9, 60), np.int64)
    plane[4, 26] = 100
    samples = flat_samples(plane, 12, 3)
    assert samples.shape == (27, 180)
    assert samples[:, :48].all()
    assert not samples[:, 48:96].any()
    assert samples[:, 96:].all()


def test_an_empty_plane_has_no_cells():
    assert flat_cells(np.zeros((0, 9), np.int64), 4).shape == (0, 2)


@pytest.mark.parametrize("wrong", [-1, 256, 1.3, True, None, "6", float("nan"), float("inf")])
def test_wrong_thresholds_are_refused(wrong):
    with pytest.raises(InvalidArgument, match=r"multiple of 0\.5"):
        threshold_halves(wrong)
