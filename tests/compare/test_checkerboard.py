"""Checkerboard energy: on patterns whose energy is known, and on upsamplers that make one or do not."""

import numpy as np
import pytest

from subpixel.compare import checkerboard
from subpixel.compare.methods.trained import bilinear_weight, subpixel_layer, transposed_layer
from subpixel.errors import InvalidArgument
from subpixel.ops import resize


def grid(height, width):
    return np.mgrid[:height, :width]


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
def test_a_pattern_of_the_stride_has_its_root_mean_square(stride):
    pattern = np.random.default_rng(stride).normal(size=(stride, stride))
    pattern -= pattern.mean()
    plane = np.tile(pattern, (40, 36)) * 3 + 128
    assert checkerboard(plane, stride) == pytest.approx(3 * np.sqrt(np.mean(pattern**2)), rel=1e-9)


def test_it_grows_linearly_with_the_pattern():
    y, x = grid(96, 128)
    for amplitude in (0.0, 0.5, 20.0):
        assert checkerboard(100 + amplitude * (-1.0) ** (x + y), 2) == pytest.approx(amplitude, abs=1e-9)


def test_a_pattern_of_another_period_is_not_counted():
    _, x = grid(96, 96)
    assert checkerboard(100 + 20 * np.cos(2 * np.pi * x / 8), 2) < 1e-9
    assert checkerboard(100 + 20 * np.cos(2 * np.pi * x / 8), 8) == pytest.approx(20 / np.sqrt(2), rel=1e-6)


def test_a_pattern_that_changes_its_sign_across_the_image_is_found():
    """One transform of the whole image would add it up to nothing."""
    y, x = grid(128, 256)
    plane = 128 + 10 * np.where(x < 128, 1, -1) * (-1.0) ** (x + y)
    assert abs(np.mean(plane * (-1.0) ** (x + y))) < 1e-9
    assert checkerboard(plane, 2) > 8


def test_a_smooth_image_has_next_to_none():
    y, x = grid(96, 96)
    assert checkerboard(128 + 50 * np.sin(x / 20) + 30 * np.cos(y / 15), 2) < 0.01


def noise(size=64):
    image = np.random.default_rng(0).integers(0, 256, (size // 16, size // 16, 3), np.uint8)
    return resize(image, (size, size), mode="cubic")


def energy(layer, image, scale):
    return checkerboard(layer(image).mean(-1), scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_random_weights_make_a_checkerboard_and_equal_phases_do_not(scale):
    image = noise()
    for make in (transposed_layer, subpixel_layer):
        assert energy(make(scale, "random", 1), image, scale) > 10 * energy(make(scale, "icnr", 1), image, scale)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bilinear_weights_are_bilinear_interpolation(scale):
    image = noise(24)
    inside = (slice(scale, -scale), slice(scale, -scale))
    ours = transposed_layer(scale, "bilinear", 0)(image)[inside]
    np.testing.assert_allclose(ours, resize(image.astype(np.float32), scale=scale, mode="linear")[inside], atol=1e-3)
    assert bilinear_weight(scale).shape[:2] == (3, 3)


def test_icnr_gives_both_forms_the_same_result():
    image = noise(24)
    ours, theirs = transposed_layer(3, "icnr", 5)(image), subpixel_layer(3, "icnr", 5)(image)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "stride", "text"),
    [((64, 64), 1, "stride=1: at least 2"), ((3, 64), 2, "64×3 is too small for a pattern of 2: 4 is needed")],
)
def test_wrong_arguments(shape, stride, text):
    with pytest.raises(InvalidArgument, match=text):
        checkerboard(np.zeros(shape), stride)
