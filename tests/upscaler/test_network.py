"""The boundary between images and networks, with networks made here: no test depends on shipped weights."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import oracle.network
import oracle.resize
import subpixel
import subpixel.backends.bands
from helpers import random_image
from subpixel import Upscaler
from subpixel.models import Model, find
from subpixel.ops import resize
from subpixel.upscaler import luma
from subpixel.upscaler.transparency import fill_invisible

SIZES = [(1, 1), (1, 7), (2, 3), (17, 33), (97, 61)]
CHANNELS = [None, 1, 2, 3, 4]
DTYPES = [np.uint8, np.uint16, np.float32]
KINDS = ["bicubic", "luma", "rgb", "zero"]


def unit(dtype: Any) -> float:
    """One step of 8 bits in the dtype's own numbers."""
    return 1 / 255 if dtype == np.float32 else np.iinfo(dtype).max / 255


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["bicubic", "luma", "rgb"])
def test_an_array_comes_back_as_the_same_kind(
    model: Callable[..., str], kind: str, dtype: Any, channels: int | None, size: tuple[int, int]
) -> None:
    shape = size if channels is None else (*size, channels)
    image = random_image(shape, dtype)
    before = image.copy()
    result = Upscaler(3, model=model(kind, 3))(image)
    assert result.dtype == image.dtype
    assert result.shape == (size[0] * 3, size[1] * 3, *shape[2:])
    np.testing.assert_array_equal(image, before)


def expected_by_the_oracle(kind: str, network: Model, image: NDArray[Any]) -> NDArray[np.float64]:
    """The upscaled image in f64, 0 … 1, sample by sample from the formulas."""
    scale, channels = network.spec.scale, image.shape[2]
    top = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    planes = image.transpose(2, 0, 1) / top

    def bicubic(x: NDArray[Any]) -> NDArray[Any]:
        return np.stack([oracle.resize.upscale(plane, scale, "cubic") for plane in x])

    def colour(x: NDArray[Any]) -> NDArray[Any]:
        if kind == "bicubic":
            return bicubic(x)
        if kind == "rgb":
            result = oracle.network.run(network.spec, network.weights, x if len(x) == 3 else x.repeat(3, axis=0))
            return result if len(x) == 3 else result.mean(axis=0, keepdims=True)
        black, red, green, blue = 16 / 255, 65.481 / 255, 128.553 / 255, 24.966 / 255
        luma = black + (red * x[0] + green * x[1] + blue * x[2] if len(x) == 3 else x[0] * 219 / 255)
        detail = oracle.network.run(network.spec, network.weights, luma[None]) - bicubic(luma[None])
        return bicubic(x) + detail * 255 / 219

    if channels in (1, 3):
        return colour(planes).transpose(1, 2, 0)
    large = bicubic(planes[-1:])
    # How colour is continued has a test of its own.
    shown = colour(fill_invisible(image, max(network.spec.halo, 2))[..., :-1].transpose(2, 0, 1) / top)
    result = np.where(large > 1 / 1024, shown, bicubic(planes[:-1]))
    return np.concatenate([result, np.clip(large, 0, 1)]).transpose(1, 2, 0)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 6)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["bicubic", "luma", "rgb"])
def test_every_sample_is_that_of_the_oracle(
    model: Callable[..., str], kind: str, dtype: Any, channels: int, size: tuple[int, int]
) -> None:
    image = random_image((*size, channels), dtype)
    result = Upscaler(3, model=model(kind, 3), precision="f32")(image)
    expected = expected_by_the_oracle(kind, find(model(kind, 3), 3), image)
    if dtype == np.float32:
        np.testing.assert_allclose(result, expected, atol=2e-5)
    else:
        top = np.iinfo(dtype).max
        exact = np.clip(expected, 0, 1) * top
        # Rounded half up, but for what f32 loses.
        assert np.abs(result - exact).max() <= 0.5 + top * 2e-6


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("kind", ["bicubic", "luma"])
def test_a_pil_image_comes_back_as_the_same_mode_with_its_info(model: Callable[..., str], kind: str, mode: str) -> None:
    channels = {"L": None, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": None}[mode]
    pixels = random_image((9, 13) if channels is None else (9, 13, channels), np.uint16 if mode == "I;16" else np.uint8)
    image = Image.fromarray(pixels)
    assert image.mode == mode
    image.info["icc_profile"] = b"profile"
    image.info["dpi"] = (300, 300)
    upscaler = Upscaler(2, model=model(kind))
    result = upscaler(image)
    assert isinstance(result, Image.Image)
    assert (result.mode, result.size) == (mode, (26, 18))
    assert result.info == {"icc_profile": b"profile", "dpi": (300, 300)}
    np.testing.assert_array_equal(np.asarray(result), upscaler(pixels))


def test_subclasses_of_pil_images_are_taken(tmp_path: Path) -> None:
    """What ``Image.open`` gives is a class of its own for each format."""
    Image.fromarray(random_image((5, 6, 3), np.uint8)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert subpixel.upscale(image, 2, model="bicubic").size == (12, 10)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_colour_equals_the_conversion_through_ycbcr(model: Callable[..., str], scale: int, dtype: Any) -> None:
    """Luma by the network, the two colour differences bicubic, and back: computed here in f64 by the textbook."""
    # Away from the ends of the range, where the textbook's way clips in between and this one does not.
    image = random_image((23, 31, 3), np.float32)
    image = (np.clip(image, 0.15, 0.85) * np.iinfo(dtype).max).astype(dtype)
    upscaler = Upscaler(scale, model=model("luma", scale))
    rgb = image.astype(np.float64) / np.iinfo(dtype).max
    # ITU-R BT.601: luma weights 0.299, 0.587, 0.114; Cb and Cr are the scaled differences from it.
    to_ycc = np.array(
        [
            [65.481, 128.553, 24.966],
            [-37.797, -74.203, 112.0],
            [112.0, -93.786, -18.214],
        ]
    )
    ycc = rgb @ to_ycc.T + np.array([16.0, 128.0, 128.0])
    y = upscaler.plane((ycc[..., 0] / 255).astype(np.float32)).astype(np.float64) * 255
    chroma = resize(ycc[..., 1:], scale=scale)
    expected = (np.dstack([y, chroma]) - np.array([16.0, 128.0, 128.0])) @ np.linalg.inv(to_ycc).T
    expected = np.clip(expected, 0, 1) * np.iinfo(dtype).max
    difference = np.abs(upscaler(image).astype(np.float64) - expected)
    assert difference.max() <= unit(dtype)


def test_luma_is_that_of_bt_601() -> None:
    primaries = luma(np.eye(3)) * 255
    np.testing.assert_allclose(primaries, 16 + np.array([65.481, 128.553, 24.966]), atol=1e-9)
    assert luma(np.zeros(3)) * 255 == pytest.approx(16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_gray_equals_rgb_of_equal_channels(model: Callable[..., str], kind: str, dtype: Any) -> None:
    # Away from the ends of the range, where each channel of an RGB network would be clipped by itself.
    gray = (random_image((14, 19), np.float32) * 0.4 + 0.3) * (1 if dtype == np.float32 else np.iinfo(dtype).max)
    gray = gray.astype(dtype)
    upscaler = Upscaler(2, model=model(kind))
    single, triple = upscaler(gray), upscaler(np.repeat(gray[:, :, None], 3, axis=2))
    if kind == "rgb":
        # A network on RGB may colour a gray image; gray in is then the mean of what it makes.
        triple = np.repeat(triple.astype(np.float64).mean(axis=2, keepdims=True), 3, axis=2)
    for channel in range(3):
        difference = np.abs(single.astype(np.float64) - triple[..., channel].astype(np.float64))
        assert difference.max() <= unit(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_sixteen_bits_agree_with_eight(model: Callable[..., str], kind: str, channels: int | None) -> None:
    shape = (15, 11) if channels is None else (15, 11, channels)
    narrow = random_image(shape, np.uint8)
    if channels in (2, 4):
        narrow[..., -1] = 77  # where alpha varies, colours are mixed, and rounded to the image's own codes
    upscaler = Upscaler(2, model=model(kind))
    eight, sixteen = upscaler(narrow), upscaler(narrow.astype(np.uint16) * 257)
    difference = np.abs(sixteen.astype(np.float64) / 257 - eight.astype(np.float64))
    assert difference.max() <= 0.51  # half a unit of rounding, and the last bits


@pytest.mark.parametrize("kind", KINDS)
def test_floats_are_neither_clipped_nor_rounded(model: Callable[..., str], kind: str) -> None:
    image = random_image((12, 10, 3), np.float32) * np.float32(6) - np.float32(2.5)
    result = Upscaler(2, model=model(kind))(image)
    assert result.min() < -0.5
    assert result.max() > 1.5
    assert np.abs(result * 255 - np.round(result * 255)).max() > 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_ends_of_the_range_are_clipped_not_wrapped(dtype: Any) -> None:
    top = np.iinfo(dtype).max
    image = np.zeros((16, 16), dtype)
    image[:, 8:] = top
    result = Upscaler(4, model="bicubic")(image)  # it overshoots on both sides of the edge
    assert (result[:, :24] < top * 0.1).all()
    assert (result[:, -24:] > top * 0.9).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("value", [0, 1, 100, 254, 255])
def test_a_constant_image_stays_as_it_is(channels: int | None, dtype: Any, value: int) -> None:
    shape = (9, 8) if channels is None else (9, 8, channels)
    image = np.full(shape, value / 255 if dtype == np.float32 else value * (unit(dtype)), dtype)
    result = Upscaler(3, model="bicubic")(image)
    if dtype == np.float32:
        np.testing.assert_allclose(result, value / 255, atol=1e-6)
    elif channels in (2, 4) and value == 0:
        assert (result == 0).all()
    else:
        assert (result == image.flat[0]).all()


@pytest.mark.parametrize("kind", ["luma", "rgb", "zero"])
def test_a_constant_image_gives_one_value_away_from_a_zero_border(model: Callable[..., str], kind: str) -> None:
    image = np.full((24, 20), 120, np.uint8)
    result = Upscaler(2, model=model(kind))(image)
    if kind == "zero":
        assert len(np.unique(result)) > 1  # such a network sees the border, and may
        result = result[10:-10, 10:-10]
    # Each phase of the shuffle has its own value, the same everywhere: the border is repeated, not darkened.
    for row in range(2):
        for column in range(2):
            assert len(np.unique(result[row::2, column::2])) == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colours", [1, 3])
def test_an_opaque_image_equals_the_one_without_alpha(
    model: Callable[..., str], kind: str, dtype: Any, colours: int
) -> None:
    image = random_image((13, 9, colours), dtype)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    opaque = np.dstack([image, np.full(image.shape[:2], top, dtype)])
    upscaler = Upscaler(2, model=model(kind))
    result = upscaler(opaque)
    np.testing.assert_array_equal(result[..., :-1], upscaler(image))
    assert (result[..., -1] == top).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colours", [1, 3])
def test_the_colour_of_what_is_invisible_does_not_bleed(
    model: Callable[..., str], kind: str, dtype: Any, colours: int
) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = np.dstack([random_image((16, 18, colours), dtype), np.full((16, 18), top, dtype)])
    image[4:12, 5:13, -1] = 0
    other = image.copy()
    image[4:12, 5:13, :-1] = top
    other[4:12, 5:13, :-1] = 0
    upscaler = Upscaler(2, model=model(kind))
    one, two = upscaler(image), upscaler(other)
    np.testing.assert_array_equal(one[..., -1], two[..., -1])
    visible = one[..., -1] > top / 255
    assert visible.any()
    assert not visible.all()
    np.testing.assert_array_equal(one[visible], two[visible])


def test_the_edge_of_a_cut_out_keeps_its_colour() -> None:
    """An orange disc on blue that is invisible: no fringe of another colour, outside or inside of the edge."""
    y, x = np.mgrid[:24, :24]
    inside = (y - 12) ** 2 + (x - 12) ** 2 < 64
    image = np.zeros((24, 24, 4), np.uint8)
    image[...] = (0, 0, 255, 0)
    image[inside] = (240, 160, 20, 255)
    for backend in ("native", "reference"):
        result = Upscaler(3, model="bicubic", backend=backend)(image).astype(int)
        visible = result[..., 3] > 8
        assert (result[..., 3] == 255).sum() > 500
        assert np.abs(result[visible][:, :3] - (240, 160, 20)).max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_alpha_keeps_its_range(model: Callable[..., str], kind: str, dtype: Any) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = random_image((20, 20, 4), dtype)
    image[..., 3] = 0
    image[:, 10:, 3] = top
    alpha = Upscaler(2, model=model(kind))(image)[..., 3]
    assert alpha.min() == 0
    assert alpha.max() == top
    assert (alpha[:, :14] == 0).all()
    assert (alpha[:, -14:] == top).all()


def test_a_wholly_invisible_image_stays_invisible_and_finite() -> None:
    image = random_image((7, 5, 4), np.float32)
    image[..., 3] = 0
    result = Upscaler(2, model="bicubic")(image)
    assert np.isfinite(result).all()
    assert (result[..., 3] == 0).all()


@pytest.mark.parametrize("kind", ["luma", "zero"])
@pytest.mark.parametrize("full_range", [False, True])
def test_planes_of_each_dtype_agree(model: Callable[..., str], kind: str, full_range: bool) -> None:
    narrow = random_image((21, 17), np.uint8)
    upscaler = Upscaler(2, model=model(kind))
    exact = upscaler.plane(narrow.astype(np.float32) / np.float32(255), full_range)
    eight = upscaler.plane(narrow, full_range)
    sixteen = upscaler.plane(narrow.astype(np.uint16) * 257, full_range)
    assert (exact.dtype, eight.dtype, sixteen.dtype) == (np.float32, np.uint8, np.uint16)
    assert exact.shape == eight.shape == sixteen.shape == (42, 34)
    bounded = np.clip(exact.astype(np.float64), 0, 1)
    assert np.abs(bounded * 255 - eight).max() <= 0.501
    assert np.abs(bounded * 65535 - sixteen).max() <= 0.6


def test_full_range_is_the_studio_range_stretched(model: Callable[..., str]) -> None:
    upscaler = Upscaler(2, model=model("luma"))
    full = random_image((19, 23), np.float32)
    studio = (16 + 219 * full) / 255
    expected = (upscaler.plane(studio.astype(np.float32)).astype(np.float64) * 255 - 16) / 219
    np.testing.assert_allclose(upscaler.plane(full, full_range=True), expected, atol=2e-6)
    # A gray image is a plane of full range.
    np.testing.assert_array_equal(upscaler.plane(full, full_range=True), upscaler(full))


def test_a_plane_of_floats_is_the_networks_own_output(model: Callable[..., str]) -> None:
    """Neither clipped nor rounded, and values beyond the studio range pass."""
    upscaler = Upscaler(2, model=model("luma"))
    wild = random_image((16, 16), np.float32) * np.float32(4) - np.float32(1.5)
    result = upscaler.plane(wild)
    assert result.min() < 0
    assert result.max() > 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("shape", [(29, 23), (29, 23, 3), (29, 23, 4), (1, 40, 3), (40, 1, 2)])
def test_bands_give_the_bytes_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, model: Callable[..., str], kind: str, backend: str, shape: tuple[int, ...]
) -> None:
    upscaler = Upscaler(3, model=model(kind, 3), backend=backend)
    images = [random_image(shape, dtype) for dtype in DTYPES]
    whole = [upscaler(image) for image in images]
    for band in (1, 23 * 9 * 3, 23 * 9 * 7 + 1):  # one row at a time, three, seven
        monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", band)
        for image, expected in zip(images, whole, strict=True):
            assert upscaler(image).tobytes() == expected.tobytes()


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("full_range", [False, True])
def test_bands_of_a_plane_give_the_bytes_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, model: Callable[..., str], backend: str, full_range: bool
) -> None:
    upscaler = Upscaler(2, model=model("luma"), backend=backend)
    image = random_image((31, 12), np.float32)
    whole = upscaler.plane(image, full_range)
    monkeypatch.setattr(subpixel.backends.bands, "_SAMPLES", 1)
    assert upscaler.plane(image, full_range).tobytes() == whole.tobytes()


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_changes_no_byte(model: Callable[..., str], kind: str, backend: str) -> None:
    image = random_image((151, 133, 4), np.uint16)
    results = [
        Upscaler(2, model=model(kind), backend=backend, threads=threads)(image).tobytes() for threads in (1, 2, 5)
    ]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("backend", ["native", "reference", "torch"])
def test_one_upscaler_serves_many_threads(model: Callable[..., str], backend: str) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    upscaler = Upscaler(2, model=model("luma"), backend=backend, threads=2)
    images = [random_image((20 + k, 50 - k, 3), np.uint8, seed=k) for k in range(24)]
    expected = [upscaler(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for result, alone in zip(pool.map(upscaler, images), expected, strict=True):
            np.testing.assert_array_equal(result, alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_backends_agree(model: Callable[..., str], kind: str, size: tuple[int, int]) -> None:
    pytest.importorskip("torch")
    image = random_image((*size, 3), np.float32)
    reference = Upscaler(2, model=model(kind), backend="reference")(image)
    for backend in ("native", "torch"):
        np.testing.assert_allclose(Upscaler(2, model=model(kind), backend=backend)(image), reference, atol=2e-5)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda a: a[::-1, ::-1], lambda a: a[::2, ::3], np.flipud])
def test_any_strides_are_taken(model: Callable[..., str], make: Callable[[Any], NDArray[Any]]) -> None:
    view = make(random_image((20, 24, 3), np.uint8))
    upscaler = Upscaler(2, model=model("luma"))
    np.testing.assert_array_equal(upscaler(view), upscaler(np.ascontiguousarray(view)))
    np.testing.assert_array_equal(upscaler.plane(view[..., 0]), upscaler.plane(np.ascontiguousarray(view[..., 0])))


def test_read_only_arrays_and_the_other_byte_order(model: Callable[..., str]) -> None:
    image = random_image((8, 9), np.uint16)
    upscaler = Upscaler(2, model=model("luma"))
    expected = upscaler(image)
    image.setflags(write=False)
    np.testing.assert_array_equal(upscaler(image), expected)
