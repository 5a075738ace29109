"""PSNR and SSIM against an independent implementation, scikit-image's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.metrics import psnr, ssim

skimage_metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the independent implementation")


def planes(height: int, width: int, noise: float, seed: int = 3) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    truth = 120 + 70 * np.sin(x / 7) * np.cos(y / 5) + rng.normal(0, 15, (height, width))
    return np.clip(truth + rng.normal(0, noise, truth.shape), 0, 255), np.clip(truth, 0, 255)


@pytest.mark.parametrize("peak", [255.0, 1.0, 65535.0])
@pytest.mark.parametrize("crop", [0, 1, 4])
@pytest.mark.parametrize("noise", [0.5, 5.0, 60.0])
def test_psnr_is_the_known_one(peak: float, crop: int, noise: float) -> None:
    result, truth = (plane * peak / 255 for plane in planes(41, 57, noise))
    inside = (slice(crop, 41 - crop), slice(crop, 57 - crop))
    expected = skimage_metrics.peak_signal_noise_ratio(truth[inside], result[inside], data_range=peak)
    assert psnr(result, truth, peak=peak, crop=crop) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("peak", [255.0, 1.0])
@pytest.mark.parametrize("crop", [0, 3])
@pytest.mark.parametrize("noise", [0.5, 5.0, 60.0])
def test_ssim_is_the_known_one(peak: float, crop: int, noise: float) -> None:
    result, truth = (plane * peak / 255 for plane in planes(41, 57, noise))
    inside = (slice(crop, 41 - crop), slice(crop, 57 - crop))
    # truncate=3.5 of sigma 1.5 is the window of 11; its mean is over the valid region, as here.
    expected = skimage_metrics.structural_similarity(
        truth[inside],
        result[inside],
        data_range=peak,
        gaussian_weights=True,
        sigma=1.5,
        truncate=3.5,
        use_sample_covariance=False,
        K1=0.01,
        K2=0.03,
    )
    assert ssim(result, truth, peak=peak, crop=crop) == pytest.approx(expected, abs=1e-9)


def test_equal_planes() -> None:
    _, truth = planes(20, 20, 0)
    assert psnr(truth, truth) == math.inf
    assert ssim(truth, truth) == pytest.approx(1, abs=1e-12)


def test_values_worked_out_by_hand() -> None:
    truth = np.zeros((12, 12))
    assert psnr(truth + 255, truth) == pytest.approx(0)
    assert psnr(truth + 25.5, truth) == pytest.approx(20)
    assert psnr(truth + 0.1, truth, peak=1) == pytest.approx(20)
    # Two constant planes: the contrast term is 1, the luminance term is c1 / (255² + c1).
    assert ssim(truth + 255, truth) == pytest.approx(6.5025 / (65025 + 6.5025))


def test_the_crop_is_left_out_at_every_side() -> None:
    truth = np.full((20, 30), 100.0)
    for hurt in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        result = truth.copy()
        result[hurt] = 0
        assert psnr(result, truth, crop=2) == math.inf
        assert ssim(result, truth, crop=2) == pytest.approx(1)
        assert psnr(result, truth, crop=1) < 30


def test_bytes_do_not_wrap_around() -> None:
    low, high = np.zeros((12, 12), np.uint8), np.full((12, 12), 255, np.uint8)
    assert psnr(low, high) == pytest.approx(0)
    assert ssim(low, high) < 0.001


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("a", "b", "crop"),
    [
        ((20, 20), (20, 21), 0),
        ((20, 20, 3), (20, 20, 3), 0),
        ((20,), (20,), 0),
        ((20, 20), (20, 20), 10),
        ((20, 20), (20, 20), -1),
        ((0, 20), (0, 20), 0),
    ],
)
def test_planes_that_do_not_fit_are_refused(measure: Any, a: tuple[int, ...], b: tuple[int, ...], crop: int) -> None:
    with pytest.raises(InvalidArgument, match=measure.__name__):
        measure(np.zeros(a), np.zeros(b), crop=crop)


@pytest.mark.parametrize(("shape", "crop"), [((10, 40), 0), ((40, 10), 0), ((14, 14), 2)])
def test_ssim_needs_room_for_its_window(shape: tuple[int, int], crop: int) -> None:
    with pytest.raises(InvalidArgument, match="11×11"):
        ssim(np.zeros(shape), np.zeros(shape), crop=crop)
    assert ssim(np.zeros((11, 11)), np.zeros((11, 11))) == 1
