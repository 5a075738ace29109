"""Images to any size: the bytes of the whole by rows and tiles, and what stands behind each step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import subpixel
from subpixel import Upscaler, ops
from subpixel.errors import InvalidArgument
from subpixel.image.compression import Jpeg
from subpixel.models import zoo
from subpixel.models.auto import Source
from subpixel.upscaler import Target
from subpixel.upscaler.pixels import alpha_of

Pixels = NDArray[Any]
Name = Callable[..., str]
DTYPES = (np.uint8, np.uint16, np.float32)


def random_image(height: int, width: int, channels: int, dtype: Any, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.standard_normal((height, width, channels)), axis=1) * 12 + 128
    if channels in (2, 4):
        values[..., -1] = rng.choice([0, 40, 255], (height, width))
    values = np.clip(values, 0, 255)
    if dtype == np.float32:
        return (values / 255).astype(np.float32)
    return (values * (257 if dtype == np.uint16 else 1)).astype(dtype)


def in_codes(x: Pixels) -> Pixels:
    """An image's codes in f32, as the operator takes them."""
    return x.astype(np.float32)


def rounded(x: Pixels, dtype: Any) -> Pixels:
    return x if dtype == np.float32 else np.clip(np.floor(x + 0.5), 0, np.iinfo(dtype).max).astype(dtype)


# What the steps are


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("scale", "factors"), [(2.5, (3,)), (1.2, (2,)), (5, (2, 3)), (6, (2, 3)), (0.4, ())])
def test_networks_in_a_row_then_the_operator(dtype: Any, channels: int, scale: float, factors: tuple[int, ...]) -> None:
    x = random_image(13, 22, channels, dtype)
    result = subpixel.upscale(x, scale, model="fast")
    expected = x
    for factor in factors:
        expected = Upscaler(factor, model="fast")(expected)
    if result.shape != expected.shape:
        expected = rounded(ops.resize(in_codes(expected), result.shape[:2], antialias=True), dtype)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == dtype


def test_the_resize_down_is_pillows_but_for_rounding() -> None:
    x = random_image(41, 57, 3, np.uint8)
    result = subpixel.upscale(x, 0.6, model="fast")
    expected = np.asarray(Image.fromarray(x).resize((result.shape[1], result.shape[0]), Image.Resampling.BICUBIC))
    inner = (slice(4, -4), slice(4, -4))  # Pillow's border is another
    assert np.abs(result.astype(int) - expected)[inner].max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [0.5, 1.5, 2.5])
def test_what_is_invisible_leaves_no_fringe(dtype: Any, scale: float) -> None:
    """A disk of one colour on transparent pixels of another keeps its colour up to its edge."""
    y, x = np.mgrid[:40, :40]
    inside = (y - 20) ** 2 + (x - 20) ** 2 < 120
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = np.where(inside[..., None], [0.8, 0.2, 0.4, 1.0], [0.0, 1.0, 0.0, 0.0]) * top
    result = subpixel.upscale(image.astype(dtype), scale, model="bicubic")
    shown = result[..., 3] > top * 0.05
    assert shown.any()
    off = np.abs(result[..., :3] / top - [0.8, 0.2, 0.4])[shown]
    assert off.max() < 0.03  # two roundings where little shows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [0.7, 2, 2.5, 5])
def test_opaque_alpha_changes_no_colour(dtype: Any, scale: float) -> None:
    x = random_image(12, 17, 3, dtype)
    full = np.full((12, 17, 1), 1 if dtype == np.float32 else np.iinfo(dtype).max, dtype)
    result = subpixel.upscale(np.concatenate([x, full], axis=2), scale, model="fast")
    np.testing.assert_array_equal(result[..., :3], subpixel.upscale(x, scale, model="fast"))
    assert (result[..., 3] == full.max()).all()


@pytest.mark.parametrize(("size", "shape"), [((1, 1), (3, 3)), ((1, 50), (3, 125)), ((50, 1), (125, 3))])
@pytest.mark.parametrize("channels", [1, 4])
def test_the_smallest_images(size: tuple[int, int], shape: tuple[int, int], channels: int) -> None:
    x = random_image(*size, channels, np.uint8)
    for backend in ("auto", "reference"):
        assert subpixel.upscale(x, 2.5, model="fast", backend=backend).shape == (*shape, channels)
        assert subpixel.upscale(x, 0.1, model="fast", backend=backend).shape[2] == channels


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pil_images_keep_their_mode(mode: str) -> None:
    image = Image.new(mode, (8, 6))
    image.info["dpi"] = (300, 300)
    result = subpixel.upscale(image, 2.5, model="fast")
    assert (result.mode, result.size, result.info["dpi"]) == (mode, (20, 15), (300, 300))
    np.testing.assert_array_equal(np.asarray(result), subpixel.upscale(np.asarray(image), 2.5, model="fast"))


def test_sizes_in_python() -> None:
    x = random_image(10, 20, 3, np.uint8)
    shapes = [
        subpixel.upscale(x, model="fast", **size).shape for size in ({"width": 50}, {"height": 50}, {"fit": (99, 31)})
    ]
    assert shapes == [(25, 50, 3), (50, 100, 3), (31, 62, 3)]
    assert subpixel.upscale(x, model="fast").shape == (20, 40, 3)
    same = subpixel.upscale(x, width=20, model="fast")
    np.testing.assert_array_equal(same, x)
    assert same is not x
    same[...] = 0
    assert x.any()


def test_gray_without_a_channel_stays_so() -> None:
    x = random_image(10, 20, 1, np.uint8)
    result = subpixel.upscale(x[..., 0], 2.5, model="fast")
    np.testing.assert_array_equal(result, subpixel.upscale(x, 2.5, model="fast")[..., 0])


# Rows, tiles, threads


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("backend", "precision"), [("native", "int8"), ("native", "f32"), ("reference", "f32")])
def test_no_tile_strip_or_thread_changes_a_byte(
    dtype: Any, channels: int, backend: str, precision: str, rng: np.random.Generator
) -> None:
    if backend == "native":
        pytest.importorskip("subpixel._native", reason="this installation has no compiled module")
    for scale in (2, 2.5, 5, 0.4) if backend == "native" else (2.5,):
        height, width = (int(side) for side in rng.integers(1, 40 if backend == "native" else 14, 2))
        x = random_image(height, width, channels, dtype, height)
        whole = Upscaler(scale, model="fast", backend=backend, precision=precision, threads=1)(x)
        for tile, threads in ((int(rng.integers(5, 20)), 1), (64, 3), (None, 3)):
            result = Upscaler(scale, model="fast", backend=backend, precision=precision, threads=threads, tile=tile)(x)
            np.testing.assert_array_equal(result, whole, err_msg=f"{scale} {height}×{width} {tile} {threads}")
        step = int(rng.integers(1, 9))
        blocks = (x[top : top + step] for top in range(0, height, step))
        upscaler = Upscaler(scale, model="fast", backend=backend, precision=precision, threads=1)
        plan = upscaler.plan(width, height)
        strips = upscaler.stream(blocks, plan, channels, x.dtype, alpha_of(x), at_once=1000)
        result = np.concatenate(list(strips))
        np.testing.assert_array_equal(result, whole, err_msg=f"{scale} {height}×{width} by {step}")


@pytest.mark.parametrize("kind", ["rgb", "zero", "bicubic"])
def test_nor_for_other_kinds_of_networks(model: Name, kind: str) -> None:
    x = random_image(31, 23, 4, np.uint8)
    for options in ({}, {"ensemble": True}, {"strength": 0.5}):
        whole = Upscaler(1.5, model=model(kind), backend="auto", precision="f32", **options)(x)
        np.testing.assert_array_equal(
            Upscaler(1.5, model=model(kind), backend="auto", precision="f32", tile=9, **options)(x), whole
        )


def test_a_large_result_is_put_together_of_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    x = random_image(60, 40, 3, np.uint8)
    whole = subpixel.upscale(x, 2.5, model="fast")
    monkeypatch.setattr("subpixel.upscaler.upscaler._IN_MEMORY", 5000)
    np.testing.assert_array_equal(subpixel.upscale(x, 2.5, model="fast"), whole)


# Choices


@pytest.fixture
def blocky() -> Pixels:
    y, x = np.mgrid[:160, :192]
    waves = [np.sin(x / (7 + k) + y / 31) * np.cos(y / (9 + k) - x / 43) for k in range(3)]
    return Jpeg(40)(np.clip(128 + 80 * np.dstack(waves), 0, 255).astype(np.uint8))


def test_auto_chooses_once_from_the_original(
    with_compressed: str, blocky: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = zoo.resolve("auto")
    first, second = Upscaler(2, model=with_compressed), Upscaler(2, model=clean)
    monkeypatch.setitem(zoo.ZOO, clean, zoo.Entry(clean, (2,), "a stand-in"))
    upscaler = Upscaler(4, model="auto")
    choice = upscaler.choose_model(blocky)
    assert choice.compressed
    np.testing.assert_array_equal(upscaler(blocky), second(first(blocky)))
    np.testing.assert_array_equal(upscaler(blocky, choice), second(first(blocky)))
    plain = np.zeros_like(blocky)
    assert not upscaler.choose_model(plain).compressed
    assert upscaler.choose_model(plain, Source("jpeg", 30)).compressed


def test_a_scale_of_1_cleans_a_compressed_image(with_compressed: str, blocky: Pixels) -> None:
    result = subpixel.upscale(blocky, 1)
    large = Upscaler(2, model=with_compressed)(blocky)
    expected = rounded(ops.resize(in_codes(large), blocky.shape[:2], antialias=True), np.uint8)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(subpixel.upscale(blocky, 1, model=with_compressed), expected)
    with pytest.raises(InvalidArgument, match=f"scale=1: no compression is seen; model '{with_compressed}'"):
        subpixel.upscale(np.zeros((80, 80), np.uint8), 1)
    with pytest.raises(InvalidArgument, match=r"scale=1: .*does not clean"):
        Upscaler(1, model="bicubic")


def test_its_text_is_the_call_that_makes_it() -> None:
    for upscaler, text in (
        (
            Upscaler(3, model="espcn", backend="reference", precision="f32", threads=1),
            "Upscaler(scale=3, model='espcn', backend='reference', precision='f32', threads=1)",
        ),
        (
            Upscaler(
                fit=(30, 20), model="bicubic", backend="reference", threads=2, tile=64, ensemble=True, strength=0.5
            ),
            "Upscaler(fit=(30, 20), model='bicubic', backend='reference', precision='f32', threads=2, tile=64, "
            "ensemble=True, strength=0.5)",
        ),
        (
            Upscaler(width=70, model="bicubic", backend="reference", threads=2),
            "Upscaler(width=70, model='bicubic', backend='reference', precision='f32', threads=2)",
        ),
    ):
        assert repr(upscaler) == text
        assert repr(eval(text)) == text


def test_another_target_has_the_same_networks() -> None:
    two = Upscaler(2, model="fast")
    box = two.with_target(Target(fit=(20, 20)))
    assert (two.scale, box.scale) == (2, None)
    assert box(random_image(4, 6, 3, np.uint8)).shape == (13, 20, 3)
    assert two.with_target(Target(2)).network() is two.network()


# Kinds of pixels


def test_doubles_are_computed_in_floats_and_come_back_as_doubles() -> None:
    x = random_image(9, 7, 3, np.float32)
    result = subpixel.upscale(x.astype(np.float64), 2, model="fast")
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, subpixel.upscale(x, 2, model="fast").astype(np.float64))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_tensors_come_back_as_tensors(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    x = random_image(9, 7, 4, np.uint8)
    values = (x / 255).astype(dtype) if dtype.startswith("float") else x.astype(dtype)
    result = subpixel.upscale(torch.from_numpy(values), 2.5, model="fast")
    assert isinstance(result, torch.Tensor)
    assert result.dtype == getattr(torch, dtype)
    np.testing.assert_array_equal(result.numpy(), subpixel.upscale(values, 2.5, model="fast"))


def test_other_tensors_are_refused() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidArgument, match=r"requires a gradient.*detach"):
        subpixel.upscale(torch.zeros(4, 4, requires_grad=True), 2)
    with pytest.raises(InvalidArgument, match=r"dtype torch.bfloat16: uint8, uint16, float32 or float64"):
        subpixel.upscale(torch.zeros(4, 4, dtype=torch.bfloat16), 2)
    with pytest.raises(InvalidArgument, match=r"shape \(3, 8, 8\): .*\(H, W, 3\)"):
        subpixel.upscale(torch.zeros(3, 8, 8), 2)


def test_arrays_of_other_libraries_come_back_as_such() -> None:
    xp = pytest.importorskip("array_api_strict")
    x = random_image(6, 5, 3, np.float32)
    result = subpixel.upscale(xp.asarray(x), 2, model="fast")
    assert type(result) is type(xp.asarray(x))
    np.testing.assert_array_equal(np.from_dlpack(result), subpixel.upscale(x, 2, model="fast"))


@pytest.mark.parametrize("path", ["photo.jpg", Path("photo.jpg")])
def test_errors_for_paths_name_the_function_for_files(path: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"'photo.jpg' is a path, not pixels; subpixel.image.upscale_file"):
        subpixel.upscale(path, 2)


# What is refused


@pytest.mark.parametrize("tile", [0, -1, 2.5, True, "8"])
def test_other_tiles_are_refused(tile: Any) -> None:
    with pytest.raises(InvalidArgument, match="tile="):
        Upscaler(model="bicubic", tile=tile)


def test_wrong_arguments_are_errors_before_the_first_image(model: Name) -> None:
    for scale, options, text in (
        (2, {"model": "espcm"}, "espcm"),
        (65, {"model": "bicubic"}, "scale=65"),
        (2, {"model": "bicubic", "backend": "cuda"}, "cuda"),
        (5, {"model": model("luma")}, "scale=5: two networks in a row reach ×4"),
        ("fast", {}, "scale='fast': a number is needed; write Upscaler"),
    ):
        with pytest.raises(InvalidArgument, match=text):
            Upscaler(scale, **options)
    with pytest.raises(InvalidArgument, match=r"^scale=2, width=5: only one of scale=, width="):
        subpixel.upscale(np.zeros((2, 2), np.uint8), 2, width=5)
    for fit in ("10x10", 10):
        with pytest.raises(InvalidArgument, match=f"fit={fit!r}: a width and a height are needed"):
            subpixel.upscale(np.zeros((2, 2), np.uint8), fit=fit)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"×4 with this model"):
        Upscaler(model=model("luma"), width=500)(np.zeros((100, 100), np.uint8))
