"""PSNR and SSIM against an independent implementation, scikit-image's, on arrays and tensors of every usual shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.metrics import psnr, ssim

SHAPES = [(41, 57), (23, 31, 3), (2, 3, 24, 19), (2, 2, 1, 17, 18)]


def arrays(shape: tuple[int, ...], noise: float = 5.0, seed: int = 3) -> tuple[NDArray[Any], NDArray[Any]]:
    """A smooth pattern with noise, and the same without some of it, in 0 … 255."""
    rng = np.random.default_rng(seed)
    truth = 120 + 70 * np.sin(np.arange(math.prod(shape)) / 7).reshape(shape) + rng.normal(0, 15, shape)
    return np.clip(truth + rng.normal(0, noise, shape), 0, 255), np.clip(truth, 0, 255)


def reference_psnr(truth: NDArray[Any], result: NDArray[Any], data_range: float | None) -> float:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the independent implementation")
    return float(metrics.peak_signal_noise_ratio(truth, result, data_range=data_range))


def reference_ssim(
    truth: NDArray[Any], result: NDArray[Any], data_range: float, channel_axis: int | None = None
) -> float:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the independent implementation")
    # truncate=3.5 of sigma 1.5 is the window of 11; its mean is over the valid region, as here.
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "K1": 0.01, "K2": 0.03}
    return float(
        metrics.structural_similarity(truth, result, data_range=data_range, channel_axis=channel_axis, **options)
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("peak", [255.0, 1.0, 65535.0])
@pytest.mark.parametrize("noise", [0.5, 60.0])
def test_psnr_is_the_known_one(shape: tuple[int, ...], peak: float, noise: float) -> None:
    result, truth = (array * peak / 255 for array in arrays(shape, noise))
    assert psnr(result, truth, data_range=peak) == pytest.approx(reference_psnr(truth, result, peak), abs=1e-9)


@pytest.mark.parametrize("crop", [0, 3])
@pytest.mark.parametrize("peak", [255.0, 1.0])
@pytest.mark.parametrize("noise", [0.5, 60.0])
def test_ssim_is_the_known_one(peak: float, crop: int, noise: float) -> None:
    result, truth = (array * peak / 255 for array in arrays((41, 57), noise))
    inside = (slice(crop, 41 - crop), slice(crop, 57 - crop))
    expected = reference_ssim(truth[inside], result[inside], peak)
    assert ssim(result, truth, data_range=peak, crop=crop) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_have_their_own_range(dtype: Any) -> None:
    most = np.iinfo(dtype).max
    result, truth = (np.rint(array * (most / 255)).astype(dtype) for array in arrays((23, 31)))
    # scikit-image's own default is that of the dtype, too.
    assert psnr(result, truth) == pytest.approx(reference_psnr(truth, result, None), abs=1e-9)
    assert ssim(result, truth) == pytest.approx(reference_ssim(truth, result, float(most)), abs=1e-9)
    assert psnr(result, truth, data_range=1) < psnr(result, truth) - 40


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_channels_may_be_any_axis(axis: int) -> None:
    result, truth = (np.moveaxis(array, -1, axis) for array in arrays((23, 31, 3)))
    expected = reference_ssim(truth, result, 255, channel_axis=axis)
    assert ssim(result, truth, data_range=255, channel_axis=axis) == pytest.approx(expected, abs=1e-9)


def test_a_batch_is_the_mean_of_its_images() -> None:
    result, truth = arrays((2, 3, 24, 19))
    each = [reference_ssim(t, r, 255, channel_axis=0) for r, t in zip(result, truth, strict=True)]
    assert ssim(result, truth, data_range=255) == pytest.approx(np.mean(each), abs=1e-9)
    assert ssim(result, truth, data_range=255, channel_axis=1) == pytest.approx(np.mean(each), abs=1e-9)
    last = [np.moveaxis(array, 1, -1) for array in (result, truth)]
    assert ssim(*last, data_range=255, channel_axis=-1) == pytest.approx(np.mean(each), abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("crop", [1, 2])
def test_the_crop_is_of_rows_and_columns(shape: tuple[int, ...], crop: int) -> None:
    result, truth = arrays(shape)
    inside = (..., slice(crop, -crop), slice(crop, -crop))
    if len(shape) == 3:
        inside = (slice(crop, -crop), slice(crop, -crop), slice(None))
    axis = -1 if len(shape) == 3 else None
    for measure in (psnr, ssim):
        expected = measure(result[inside], truth[inside], data_range=255, channel_axis=axis)
        given = measure(result, truth, data_range=255, crop=crop, channel_axis=axis)
        assert given == pytest.approx(expected, abs=1e-12)
        assert given != measure(result, truth, data_range=255, channel_axis=axis)


def test_the_crop_is_left_out_at_every_side() -> None:
    truth = np.full((20, 30), 100.0)
    for hurt in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        result = truth.copy()
        result[hurt] = 0
        assert psnr(result, truth, data_range=255, crop=2) == math.inf
        assert ssim(result, truth, data_range=255, crop=2) == pytest.approx(1)
        assert psnr(result, truth, data_range=255, crop=1) < 30


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "bfloat16"])
def test_tensors_of_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    result, truth = (torch.from_numpy(array).to(getattr(torch, dtype)) for array in arrays((2, 3, 24, 19)))
    values = [tensor.double().numpy() for tensor in (result, truth)]
    for measure in (psnr, ssim):
        expected = measure(*values, data_range=255)
        assert measure(result, truth, data_range=255) == pytest.approx(expected, abs=1e-12)
        assert measure(result.clone().requires_grad_(dtype != "uint8"), truth, data_range=255) == expected
    with pytest.raises(InvalidArgument, match="torch tensors and ndarray cannot be mixed"):
        psnr(result, values[1], data_range=255)


def test_tensors_of_codes_have_their_own_range() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    result, truth = (array.astype(np.uint8) for array in arrays((23, 31)))
    tensors = torch.from_numpy(result), torch.from_numpy(truth)
    assert psnr(*tensors) == psnr(result, truth)
    assert ssim(*tensors) == ssim(result, truth)


def test_equal_arrays() -> None:
    _, truth = arrays((20, 20), 0)
    assert psnr(truth, truth, data_range=255) == math.inf
    assert ssim(truth, truth, data_range=255) == pytest.approx(1, abs=1e-12)


def test_values_worked_out_by_hand() -> None:
    truth = np.zeros((12, 12))
    assert psnr(truth + 255, truth, data_range=255) == pytest.approx(0)
    assert psnr(truth + 25.5, truth, data_range=255) == pytest.approx(20)
    assert psnr(truth + 0.1, truth, data_range=1) == pytest.approx(20)
    # Two constant planes: the contrast term is 1, the luminance term is c1 / (255² + c1).
    assert ssim(truth + 255, truth, data_range=255) == pytest.approx(6.5025 / (65025 + 6.5025))


def test_bytes_do_not_wrap_around() -> None:
    low, high = np.zeros((12, 12), np.uint8), np.full((12, 12), 255, np.uint8)
    assert psnr(low, high) == pytest.approx(0)
    assert ssim(low, high) < 0.001


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("a", "b", "options", "text"),
    [
        ((20, 20), (20, 21), {}, r"arrays of one shape are needed, not \(20, 20\) and \(20, 21\)"),
        ((20,), (20,), {}, r"shape \(20,\): at least \(H, W\)"),
        ((20, 20), (20, 20), {"crop": 10}, r"crop=10 leaves nothing of shape \(20, 20\)"),
        ((40, 20), (40, 20), {"crop": 10}, r"crop=10 leaves nothing of shape \(40, 20\)"),
        ((20, 20), (20, 20), {"crop": -1}, "crop=-1: an integer of at least 0"),
        ((20, 20), (20, 20), {"crop": 1.5}, "crop=1.5: an integer"),
        ((20, 20), (20, 20), {"crop": True}, "crop=True: an integer"),
        ((0, 20), (0, 20), {}, "leaves nothing"),
        ((0, 3, 20, 20), (0, 3, 20, 20), {}, "leaves nothing"),
        ((20, 20), (20, 20), {"data_range": 0}, "data_range=0: a number above 0"),
        ((20, 20), (20, 20), {"data_range": -255}, "data_range=-255: a number above 0"),
        ((20, 20), (20, 20), {"data_range": math.inf}, "data_range=inf: a number above 0"),
        ((20, 20), (20, 20), {"data_range": math.nan}, "data_range=nan: a number above 0"),
        ((20, 20), (20, 20), {"data_range": "255"}, "data_range='255': a number above 0"),
        ((20, 20), (20, 20), {"data_range": True}, "data_range=True: a number above 0"),
        ((20, 20), (20, 20), {"channel_axis": -1}, r"channel_axis=-1: \(H, W\) has no axis for channels"),
        ((20, 20, 3), (20, 20, 3), {"channel_axis": 3}, "channel_axis=3: an array of 3 axes"),
        ((20, 20, 3), (20, 20, 3), {"channel_axis": -4}, "channel_axis=-4: an array of 3 axes"),
    ],
)
def test_what_does_not_fit_is_refused(
    measure: Any, a: tuple[int, ...], b: tuple[int, ...], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidArgument, match=rf"^{measure.__name__}: .*{text}"):
        measure(np.zeros(a), np.zeros(b), **{"data_range": 255, **options})


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize(
    ("dtypes", "text"),
    [
        (("float32", "float32"), "float32"),
        (("float64", "float64"), "float64"),
        (("uint8", "uint16"), "uint8 and uint16"),
        (("uint8", "float32"), "uint8 and float32"),
        (("int16", "int16"), "int16"),
        (("bool", "bool"), "bool"),
    ],
)
def test_other_values_need_a_range(measure: Any, dtypes: tuple[str, str], text: str) -> None:
    a, b = (np.zeros((12, 12), dtype) for dtype in dtypes)
    with pytest.raises(InvalidArgument, match=rf"{measure.__name__}: data_range is needed for {text}, for example 1"):
        measure(a, b)
    assert measure(a, b, data_range=1) >= 1


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_complex_numbers_are_refused(measure: Any) -> None:
    with pytest.raises(InvalidArgument, match="complex128 and complex128: integers or floats"):
        measure(np.zeros((12, 12), complex), np.zeros((12, 12), complex), data_range=1)


def test_three_axes_need_the_one_of_the_channels() -> None:
    image = np.zeros((12, 12, 3), np.uint8)
    with pytest.raises(InvalidArgument, match=r"ssim: shape \(12, 12, 3\): channel_axis is needed, -1 for \(H, W, C\)"):
        ssim(image, image)
    assert psnr(image, image) == math.inf


@pytest.mark.parametrize(("shape", "crop"), [((10, 40), 0), ((40, 10), 0), ((14, 14), 2)])
def test_ssim_needs_room_for_its_window(shape: tuple[int, int], crop: int) -> None:
    with pytest.raises(InvalidArgument, match="11×11"):
        ssim(np.zeros(shape), np.zeros(shape), data_range=255, crop=crop)
    assert ssim(np.zeros((11, 11)), np.zeros((11, 11)), data_range=255) == 1
