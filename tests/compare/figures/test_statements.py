"""What the figures state is computed, and it is what the source material says."""

import numpy as np
import pytest

from subpixel.compare import checkerboard
from subpixel.compare.figures.checkerboards import log_spectrum, outcomes, resize_layer
from subpixel.compare.figures.identity import digits, phases, two_forms
from subpixel.compare.figures.interpolated import pooled, same_place
from subpixel.compare.figures.sampled import FIELD_NOISE, field, full_grid, grid_results, largest_difference
from subpixel.compare.figures.shuffled import origins, shuffles, unequal
from subpixel.compare.figures.subject import Subject, halved
from subpixel.compare.figures.tiny import enlargements
from subpixel.compare.figures.transposed import energy, learn
from subpixel.compare.figures.weights import converted
from subpixel.compare.methods.trained import subpixel_layer
from subpixel.ops import resize


def picture(height=40, width=52, seed=3):
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return resize(small, (height, width), mode="cubic", layout="HWC")


@pytest.fixture(scope="module")
def subject():
    return Subject.of(picture(), 0, 1)


def repeated(image):
    return image.repeat(2, axis=0).repeat(2, axis=1)


def test_the_mosaic_follows_the_law_of_crd():
    small = picture(8, 8)
    mosaic, _, _ = shuffles(small)
    for channel in range(3):
        for i in range(2):
            for j in range(2):
                # Channel k of the four copies is colour k % 3.
                source = (channel * 4 + i * 2 + j) % 3
                assert (mosaic[i::2, j::2, channel] == small[..., source]).all()
    assert (mosaic != repeated(small)).any()


def test_dcr_and_channels_repeated_in_place_give_nearest():
    small = picture(20, 28)
    _, dcr, each = shuffles(small)
    assert (dcr == repeated(small)).all()
    assert (each == repeated(small)).all()


def test_the_output_r_is_made_of_r_g_b_r():
    mosaic, dcr, each = origins()
    assert mosaic == [[[0, 1], [2, 0]], [[1, 2], [0, 1]], [[2, 0], [1, 2]]]
    assert dcr == each == [[[colour] * 2] * 2 for colour in range(3)]


def test_a_difference_is_counted():
    one = np.zeros((2, 2, 3), np.uint8)
    other = one.copy()
    other[0, 0, 1] = 7
    assert unequal(one, other, "nearest") == "Differs from nearest in 1 of 12 bytes."
    assert unequal(one, one, "nearest") == "Equal to nearest in every byte: 0 of 12 differ."


def test_half_size_is_the_mean_of_four():
    image = picture()
    mean = image.reshape(20, 2, 26, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved(image) - mean).max() <= 0.5


def test_unpooling_keeps_one_value_of_each_window_and_channel():
    image = np.maximum(picture(), 1)
    values, back, positions = pooled(image)
    windows = back.reshape(20, 2, 26, 2, 3)
    assert ((windows != 0).sum(axis=(1, 3)) == 1).all()
    assert (windows.max(axis=(1, 3)) == values).all()
    assert (back[back != 0] == image[back != 0]).all()
    assert 0 < same_place(positions) < 1
    gray = np.repeat(image[..., :1], 3, axis=2)
    assert same_place(pooled(gray)[2]) == 1


def test_a_transposed_convolution_learns_and_shows_a_checkerboard(subject):
    learned = learn(subject)
    assert len(learned.losses) == 100
    assert learned.losses[-1] < learned.losses[0] / 2
    assert energy(learned.before) > 10 * energy(subject.picture)
    assert energy(learned.after) > 10 * energy(subject.picture)


def test_the_full_grid_goes_from_one_end_to_the_other():
    grid = full_grid(5, 9)[0]
    np.testing.assert_allclose(grid[0, :, 0], np.linspace(-1, 1, 9), atol=1e-6)
    np.testing.assert_allclose(grid[:, 0, 1], np.linspace(-1, 1, 5), atol=1e-6)


def test_both_sides_must_agree_on_align_corners():
    results = grid_results(halved(picture()), 0)
    assert largest_difference(results["full-true"], results["resize-true"]) < 0.01
    assert largest_difference(results["regular-false"], results["resize-false"]) < 0.01
    for name in ("resize-true", "resize-false"):
        assert largest_difference(results["full-false"], results[name]) > 10
    assert 0.5 < largest_difference(results["noise"], results["full-true"]) < 128


def test_a_flow_field_is_the_grid_with_noise():
    flow = field(40, 52, 0)
    noise = flow - np.moveaxis(full_grid(40, 52), -1, 1)
    assert noise.std() == pytest.approx(FIELD_NOISE, rel=0.05)
    assert (flow == field(40, 52, 0)).all()
    assert (flow != field(40, 52, 1)).any()


def test_the_three_ways_from_32_to_128():
    small, large = enlargements(Subject.of(picture(160, 200), 0, 1))
    assert small.shape == (32, 32, 3)
    assert {name: one.shape for name, one in large.items()} == dict.fromkeys(
        ("bilinear", "transposed", "subpixel", "repeats"), (128, 128, 3)
    )
    assert (large["repeats"] == small.repeat(4, axis=0).repeat(4, axis=1)).all()


def test_kernels_split_in_the_phases_of_the_source():
    assert phases((1, 2, 3)) == ([[1, 3], [2]], [[3, 1], [0, 2]])
    assert phases((1, 2, 3, 4)) == ([[1, 3], [2, 4]], [[3, 1], [4, 2]])


def test_both_forms_give_the_same_eight_numbers():
    forms = two_forms(np.array([6.0, 3, 0, 9, 3]))
    assert forms.difference == 0
    expected = np.convolve([6, 0, 3, 0, 0, 0, 9, 0, 3], [1, 2, 3, 4])
    assert (forms.whole == expected).all()
    assert forms.padded.tolist() == [0, 6, 3, 0, 9, 3, 0]
    assert forms.channels.shape == (2, 6)
    for result in forms.results:
        assert result.tolist() == expected[2:-2].tolist()


def test_the_inputs_come_from_the_picture(subject):
    numbers = digits(subject)
    assert numbers.min() == 0
    assert numbers.max() == 9
    assert (digits(Subject.of(np.full((20, 20), 77, np.uint8), 0, 1)) == 5).all()


def test_weights_only_change_places(subject):
    weights = converted(subject)
    assert weights.subpixel.shape == (9, 32, 3, 3)
    assert weights.transposed.shape == (1, 32, 9, 9)
    assert weights.lost == 0
    assert (np.sort(weights.subpixel, axis=None) == np.sort(weights.transposed, axis=None)).all()
    for phase in range(9):
        i, j = divmod(phase, 3)
        taps = weights.transposed[0, :, i::3, j::3]
        assert (taps[:, ::-1, ::-1] == weights.subpixel[phase]).all()
    assert [result.shape for result in weights.results] == [(126, 126)] * 3
    assert 0 < weights.difference < 1e-5


def test_a_resize_convolution_is_nearest_and_a_convolution():
    image = picture(16, 16)
    layer = resize_layer(2, 0)
    large = repeated(image).astype(np.float64)
    around = np.pad(large, ((1, 1), (1, 1), (0, 0)))
    expected = sum(
        around[i : i + 32, j : j + 32] @ layer.weight[:, :, i, j].T.astype(np.float64)
        for i in range(3)
        for j in range(3)
    )
    np.testing.assert_allclose(layer(image), expected, atol=1e-3)
    assert (layer.weight == subpixel_layer(2, "icnr", 0).weight[3::4]).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_only_the_transposed_convolution_starts_with_a_checkerboard(seed):
    one = Subject.of(picture(64, 64), seed, 1)
    results = {key: tuple(map(energy, pair)) for key, pair in outcomes(one).items()}
    truth = energy(one.picture)
    assert results["transposed"][0] > 5
    assert results["transposed"][1] > 1
    for key in ("icnr", "resize"):
        assert results[key][0] < max(3 * truth, 1), (key, results[key], truth)


def test_the_spectrum_shows_a_checkerboard_at_one_half():
    y, x = np.mgrid[:64, :96]
    plane = 100 + 20.0 * (-1) ** (x + y)
    image = np.repeat(plane[..., None], 3, axis=2)
    spectrum = log_spectrum(image)
    # 0 is a quarter along each axis, 1/2 three quarters.
    assert spectrum.shape == (48, 48)
    assert np.unravel_index(spectrum.argmax(), spectrum.shape) == (36, 36)
    assert energy(image) == pytest.approx(checkerboard(plane, 2) * 219 / 255, rel=1e-6)
