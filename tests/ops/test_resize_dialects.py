"""``like=`` against the library itself: Pillow, OpenCV and scikit-image run here; of the others there are tables."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.transform import resize as skimage_resize

from subpixel.errors import InvalidArgument
from subpixel.ops import resize

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "linear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "linear-exact": cv2.INTER_LINEAR_EXACT,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}


def sizes(rng, most=80):
    """Height, width and the same afterwards; now and then one of them stays, or is divided by an integer."""
    h, w, high, wide = (int(n) for n in rng.integers(1, most, 4))
    kind = rng.random()
    if kind < 0.1:
        high = h
    elif kind < 0.2:
        wide = w
    elif kind < 0.35:
        factor = int(rng.integers(1, 4))
        h, w = high * factor, wide * factor
    return h, w, high, wide


def random_image(rng, shape, dtype):
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, min(np.iinfo(dtype).max, 2**29) + 1, shape).astype(dtype)


@pytest.mark.parametrize("mode", PILLOW)
@pytest.mark.parametrize("kind", ["L", "LA", "RGB", "RGBA", "CMYK"])
def test_pillow_to_the_byte(rng, mode, kind):
    options = {"alpha": "plain"} if kind == "CMYK" else {}
    for k in range(150):
        h, w, high, wide = sizes(rng)
        bands = len(Image.new(kind, (1, 1)).getbands())
        x = random_image(rng, (h, w, bands) if bands > 1 else (h, w), np.uint8)
        if kind in ("LA", "RGBA"):  # often opaque or clear, and nearly so
            x[..., -1] = rng.choice([0, 1, 2, 128, 254, 255, *rng.integers(0, 256, 2)], (h, w))
        image = Image.fromarray(x, "CMYK") if kind == "CMYK" else Image.fromarray(x)
        assert image.mode == kind
        expected = np.asarray(image.resize((wide, high), PILLOW[mode]))
        result = resize(x, (high, wide), mode=mode, like="pillow", **options)
        np.testing.assert_array_equal(result, expected, err_msg=f"{x.shape} to {(high, wide)}")
        if k % 10 == 0:
            in_torch = resize(torch.from_numpy(x), (high, wide), mode=mode, like="pillow", **options)
            np.testing.assert_array_equal(in_torch.numpy(), expected)


def test_where_pillow_finds_alpha(rng):
    x = rng.integers(0, 256, (7, 9, 4), np.uint8)
    expected = np.asarray(Image.fromarray(x).resize((5, 4), PILLOW["cubic"]))
    options = {"size": (4, 5), "mode": "cubic", "like": "pillow"}
    plain = resize(x, alpha="plain", **options)
    assert not np.array_equal(plain, expected)
    for layout, order in (("HWC", (0, 1, 2)), ("CHW", (2, 0, 1))):
        for alpha in (None, "premultiply"):
            result = resize(x.transpose(order), layout=layout, alpha=alpha, **options)
            np.testing.assert_array_equal(result, expected.transpose(order))
    several = resize(np.stack([x, x]), layout="NHWC", **options)
    np.testing.assert_array_equal(several, np.stack([expected, expected]))
    # Numbers of axes do not say which one has the channels.
    np.testing.assert_array_equal(resize(x, axes=(0, 1), **options), plain)
    for wrong in (x[..., :3], x[..., 0], x.astype(np.float32)):
        with pytest.raises(InvalidArgument, match="u8 with 2 or 4 channels and a layout with C are needed"):
            resize(wrong, alpha="premultiply", **options)
    with pytest.raises(InvalidArgument, match="'plain' says that"):
        resize(x, transfer="srgb", **options)
    with pytest.raises(InvalidArgument, match="alpha is not a parameter of like='torch'"):
        resize(x, 3, like="torch", alpha="plain")
    with pytest.raises(InvalidArgument, match="premultiply"):
        resize(x, alpha="straight", **options)


@pytest.mark.parametrize("mode", PILLOW)
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-6), (np.int32, 1), (np.uint16, 1)])
def test_pillow_of_other_depths(rng, mode, dtype, error):
    for _ in range(60):
        h, w, high, wide = sizes(rng)
        x = random_image(rng, (h, w), dtype)
        if dtype == np.uint16:
            x = x // 4 + 20000  # clear of both ends, beyond which it cuts the two bytes of a sample apart
        expected = np.asarray(Image.fromarray(x).resize((wide, high), PILLOW[mode]))
        result = resize(x, (high, wide), mode=mode, like="pillow")
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result.astype(float), expected.astype(float), rtol=0, atol=error)


def test_every_tie_of_pillows_box():
    # A box has a sharp edge: a rounding in the position gains or loses a sample.
    for n in range(1, 80):
        x = np.arange(n, dtype=np.float32)[None]
        for m in range(1, 120, 2):
            expected = np.asarray(Image.fromarray(x).resize((m, 1), PILLOW["box"]))
            np.testing.assert_allclose(resize(x, (1, m), mode="box", like="pillow"), expected, rtol=1e-6)


@pytest.mark.parametrize("mode", OPENCV)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_opencv(rng, mode, dtype):
    exact = mode == "nearest" or (dtype == np.uint8 and mode.startswith("linear"))
    for _ in range(150 if dtype == np.uint8 else 50):
        h, w, high, wide = sizes(rng)
        channels = int(rng.integers(1, 5))
        x = random_image(rng, (h, w, channels), dtype)
        if rng.random() < 0.7:
            expected = cv2.resize(x, (wide, high), interpolation=OPENCV[mode])
            result = resize(x, (high, wide), mode=mode, like="opencv")
        else:
            factors = [max(float(f), 0.51 / n) for f, n in zip(rng.uniform(0.4, 3, 2), (h, w), strict=True)]
            expected = cv2.resize(x, None, fx=factors[1], fy=factors[0], interpolation=OPENCV[mode])
            result = resize(x, scale=factors, mode=mode, like="opencv")
        expected = expected.reshape(*expected.shape[:2], channels)
        assert result.dtype == expected.dtype
        error = 0 if exact else 1
        if np.dtype(dtype).kind == "f" and not exact:
            # With two channels it keeps positions in single precision: 1e-5 of a sample, steps of 5 between samples.
            error = 1e-4 if channels == 2 else 3e-5
        np.testing.assert_allclose(result.astype(float), expected.astype(float), rtol=0, atol=error)


@pytest.mark.parametrize("mode", ["linear", "linear-exact"])
def test_opencv_of_many_channels(rng, mode):
    for k in range(120):
        h, w, high, wide = sizes(rng, 30)
        if k % 2:
            h, w = 2 * high, 2 * wide
        x = random_image(rng, (h, w, int(rng.integers(1, 9))), np.uint8)
        expected = cv2.resize(x, (wide, high), interpolation=OPENCV[mode]).reshape(high, wide, -1)
        np.testing.assert_array_equal(resize(x, (high, wide), mode=mode, like="opencv"), expected)
        in_torch = resize(torch.from_numpy(x), (high, wide), mode=mode, like="opencv")
        np.testing.assert_array_equal(in_torch.numpy(), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_opencv_takes_area_for_upscaling_by_the_factor(rng, dtype):
    # A factor of 1.01 that leaves a side as it is makes the other side's area a linear interpolation.
    x = random_image(rng, (40, 37, 3), dtype)
    for factors in ((0.5, 1.01), (0.5, 1.0), (0.5, 0.99), (1.01, 0.5)):
        theirs = cv2.resize(x, None, fx=factors[1], fy=factors[0], interpolation=cv2.INTER_AREA)
        ours = resize(x, scale=factors, mode="area", like="opencv")
        np.testing.assert_allclose(
            ours.astype(float), theirs.astype(float), rtol=0, atol=1 if dtype == np.uint8 else 1e-5
        )


@pytest.mark.parametrize("mode", OPENCV)
def test_opencv_copies_what_keeps_its_size(rng, mode):
    # Only where both sides stay: else the positions of the one that stays follow from its factor.
    for dtype, error in ((np.uint8, 0 if "linear" in mode or mode == "nearest" else 1), (np.float32, 1e-5)):
        x = random_image(rng, (7, 9), dtype)
        for factors in ((1.05, 0.96), (0.96, 1.0), (1.5, 1.05)):
            theirs = cv2.resize(x, None, fx=factors[1], fy=factors[0], interpolation=OPENCV[mode])
            ours = resize(x, scale=factors, mode=mode, like="opencv")
            np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=0, atol=error)
            assert (factors[0] != 1.5) == np.array_equal(ours, x)


@pytest.mark.parametrize("shape", [(4, 9), (16, 12), (31, 50)])
@pytest.mark.parametrize("size", [(8, 9), (20, 33), (7, 5)])
def test_scikit_image(rng, shape, size):
    x = rng.random(shape)
    theirs = skimage_resize(x, size, order=1, mode="edge", anti_aliasing=False)
    np.testing.assert_allclose(resize(x, size, mode="linear", layout="HW"), theirs, atol=1e-12)
    np.testing.assert_allclose(resize(x, size, mode="linear", like="torch", axes=(0, 1)), theirs, atol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "box", "linear", "cubic", "lanczos2", "lanczos3"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_matlab(rng, mode, dtype):
    for scale in (0.3, 0.5, 0.77, 1.4, 2, 3):
        x = (rng.random((14, 11)) * 255).astype(dtype)
        result = resize(x, scale=scale, mode=mode, like="matlab")
        expected = imresize(x, scale, mode)
        assert result.dtype == x.dtype
        np.testing.assert_allclose(result.astype(float), expected, rtol=0, atol=0 if dtype == np.uint8 else 1e-10)


def imresize(x, scale, mode):
    """MATLAB's imresize from its documentation and arithmetic, in 1-based loops; the axes shrink alike, rows first."""
    kernel, width = MATLAB_KERNELS[mode]
    for _ in range(2):
        n_in, n_out = len(x), int(np.ceil(len(x) * scale))
        shrinks = scale < 1 and mode != "nearest"
        wide = width / scale if shrinks else width
        y = np.empty((n_out, x.shape[1]))
        for i in range(1, n_out + 1):
            u = i / scale + 0.5 * (1 - 1 / scale)
            left = int(np.floor(u - wide / 2))
            indices = np.arange(left, left + int(np.ceil(wide)) + 2)
            weights = np.array([kernel((scale if shrinks else 1.0) * (u - k)) for k in indices])
            mirrored = np.concatenate([np.arange(n_in), np.arange(n_in)[::-1]])
            y[i - 1] = weights / weights.sum() @ x[mirrored[(indices - 1) % (2 * n_in)]].astype(float)
        if x.dtype == np.uint8:
            y = np.floor(np.clip(y, 0, 255) + 0.5).astype(np.uint8)
        x = y.T
    return x.astype(float)


def box(t):
    return 1.0 if -0.5 <= t < 0.5 else 0.0


def triangle(t):
    return max(0.0, 1 - abs(t))


def keys(t):
    t = abs(t)
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t <= 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t <= 2 else 0.0


def lanczos(lobes):
    return lambda t: float(np.sinc(t) * np.sinc(t / lobes)) if abs(t) < lobes else 0.0


MATLAB_KERNELS = {
    "nearest": (box, 1),
    "box": (box, 1),
    "linear": (triangle, 2),
    "cubic": (keys, 4),
    "lanczos2": (lanczos(2), 4),
    "lanczos3": (lanczos(3), 6),
}


def recorded(name):
    """The entries of a table of another library's results; tables/make_*.py made it and has the same image."""
    return json.loads((Path(__file__).parent / "tables" / f"{name}.json").read_text())


def digits(shape):
    n = np.arange(math.prod(shape))
    return ((n * n * 37 + n * 11) % 101).reshape(shape).astype(np.float32)


def test_tensorflow():
    entries = recorded("tensorflow")["entries"]
    for entry in entries:
        x, size = digits(entry["shape"]), tuple(entry["size"])
        result = resize(x[..., None], size, mode=entry["mode"], like=entry["like"], **entry["options"])
        expected = np.reshape(entry["result"], (*size, 1))
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=2e-4, err_msg=str({**entry, "result": ...}))
    assert {entry["mode"] for entry in entries} >= {"nearest", "linear", "cubic", "area", "lanczos3", "gaussian"}
    assert {entry["like"] for entry in entries} == {"tensorflow", "tensorflow_v1"}


def test_paddle():
    table = recorded("paddle")
    for entry in table["entries"]:
        x = digits(entry["shape"])[None, None]
        size, scale, options = entry.get("size"), entry.get("scale"), entry["options"]
        result = resize(x, size, scale=scale, mode=entry["mode"], like="paddle", **options)[0, 0]
        assert result.shape == tuple(entry["result_shape"])
        expected = np.reshape(entry["result"], result.shape)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=2e-4, err_msg=str({**entry, "result": ...}))
    assert {entry["mode"] for entry in table["entries"]} == {"nearest", "linear", "cubic", "area"}
    # What Paddle itself refuses: nearest of one axis or with align_corners, area without a size.
    assert {entry["mode"] for entry in table["refused"]} == {"nearest", "area"}
