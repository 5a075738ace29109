"""Codecs in memory: the bytes of other programs, no shift of levels or positions, every size."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from subpixel.errors import InvalidArgument
from subpixel.image.compression import H264, Compression, Jpeg, WebP, parse
from subpixel.image.yuv import rgb_to_yuv

CODECS = [
    Jpeg(75),
    Jpeg(75, "444"),
    WebP(75),
    H264(22),
    H264(22, 3, 1, (1, -2)),
    H264(22, 4, 3, (2, 1), "medium"),
]


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Coloured waves with some texture, without symmetry."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (3 + k) + y / 11) * np.cos(y / (5 + k) - x / 17) for k in range(3)]
    return np.clip(128 + 55 * np.dstack(waves) + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    return rgb_to_yuv(a, "bt601", False)[0] - rgb_to_yuv(b, "bt601", False)[0]


def shift(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[float, float]:
    """The shift of ``a`` against ``b`` in pixels, down and right: a shift by d adds -d times the gradient."""
    inner = (slice(8, -8), slice(8, -8))
    gradients = np.stack([g[inner].ravel() for g in np.gradient(rgb_to_yuv(b, "bt601", False)[0])], 1)
    down, right = np.linalg.lstsq(-gradients, difference(a, b)[inner].ravel(), rcond=None)[0]
    return float(down), float(right)


def test_shift_measures_shifts() -> None:
    wide = scene(130, 150)
    down, right = shift(wide[9:-1, 10:], wide[10:, 10:])
    assert down == pytest.approx(1, abs=0.25)
    assert abs(right) < 0.1


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_jpeg_has_the_quality_and_subsampling_asked_for(quality: int, subsampling: Any) -> None:
    """Another library finds the standard's tables of that quality, and decodes the same pixels."""
    pixels = scene(40, 56)
    mode = {"420": "on", "444": "off"}[subsampling]
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    with Image.open(io.BytesIO(image.jpegsave_buffer(Q=quality, subsample_mode=mode))) as opened:
        reference = io.BytesIO()
        Image.fromarray(pixels).save(reference, "jpeg", quality=quality)
        with Image.open(reference) as expected:
            assert opened.quantization == expected.quantization
        assert opened.layer[0][1:3] == ((2, 2) if subsampling == "420" else (1, 1))
        shown = np.asarray(opened).astype(int)
    result = Jpeg(quality, subsampling)(pixels)
    assert np.abs(result - shown).max() <= 4  # decoders may round and upscale chroma differently
    assert np.abs(result - shown).mean() < 0.1


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: c.name)
def test_levels_and_positions_stay(codec: Compression) -> None:
    pixels = scene(120, 150)
    error = difference(codec(pixels), pixels)
    assert abs(error.mean()) < 0.3
    # Prediction from above and the left moves texture by hundredths of a pixel, a wrong crop by a whole one.
    assert max(map(abs, shift(codec(pixels), pixels))) < 0.08


@pytest.mark.parametrize("level", [16, 77, 200, 255])
def test_h264_keeps_levels_and_colours(level: int) -> None:
    """At the best quality only rounding to 8 bits remains: range and matrix are the same on both sides."""
    flat = np.full((32, 48, 3), level, np.uint8)
    assert np.abs(H264(1)(flat).astype(int) - flat).max() <= 1
    coloured = flat.copy()
    coloured[..., 0] //= 2
    assert np.abs(H264(1)(coloured).astype(int) - coloured).max() <= 2
    moving = scene(64, 96)
    fine = difference(H264(1, 3, 2, (0, 2))(moving), moving)
    assert abs(fine.mean()) < 0.05
    assert fine.std() < 1.5
    assert max(map(abs, shift(H264(1, 3, 2, (0, 2))(moving), moving))) < 0.02


def test_a_lower_quality_is_worse() -> None:
    pixels = scene(96, 96)
    for kind, steps in ((Jpeg, (95, 75, 30)), (WebP, (95, 75, 30)), (H264, (18, 25, 32))):
        errors = [difference(kind(step)(pixels), pixels).std() for step in steps]
        assert errors == sorted(errors)
        assert errors[0] < 0.8 * errors[-1]


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: c.name)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (15, 17), (16, 16), (33, 18)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_is_kept(codec: Compression, size: tuple[int, int], channels: int) -> None:
    pixels = scene(*size)[..., :channels]
    result = codec(pixels)
    assert (result.shape, result.dtype) == (pixels.shape, np.uint8)
    np.testing.assert_array_equal(result, codec(pixels))
    assert np.abs(result.astype(int) - pixels).mean() < 60


def test_a_gray_image_is_its_luma() -> None:
    gray = scene(40, 40)[..., :1]
    for codec in CODECS:
        triple = codec(np.repeat(gray, 3, axis=2))
        assert np.abs(codec(gray).astype(float) - triple.mean(axis=2, keepdims=True)).max() <= 3


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8)])
def test_images_other_than_u8_are_refused(pixels: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"u8 of \(H, W, 1\) or \(H, W, 3\)"):
        Jpeg(75)(pixels)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("jpeg:75", Jpeg(75, "420")),
        ("jpeg:1:420", Jpeg(1, "420")),
        ("jpeg:100:444", Jpeg(100, "444")),
        ("webp:0", WebP(0)),
        ("h264:51", H264(51, preset="medium")),
    ],
)
def test_parse(text: str, codec: Compression) -> None:
    assert parse(text) == codec
    assert text.split(":")[1] in codec.name


@pytest.mark.parametrize(
    "text",
    ["", "jpeg", "jpeg:", "jpeg:x", "jpeg:-1", "jpeg:75:422", "jpeg:75:", "png:1", "h264:2:1", "jpeg:²", "jpeg:9999"],
)
def test_parse_refuses_other_texts(text: str) -> None:
    with pytest.raises(InvalidArgument, match="jpeg:75, jpeg:75:444, webp:80 or h264:23"):
        parse(text)


@pytest.mark.parametrize("text", ["jpeg:0", "jpeg:101", "webp:101", "h264:52"])
def test_numbers_out_of_range(text: str) -> None:
    kind, number = text.split(":")
    with pytest.raises(InvalidArgument, match=f"{kind}: {number}: a number from"):
        parse(text)


def test_wrong_settings() -> None:
    with pytest.raises(InvalidArgument, match="frame 3 of 3"):
        H264(20, 3, 3)
    with pytest.raises(InvalidArgument, match="effort=7"):
        WebP(80, 7)
    with pytest.raises(InvalidArgument, match="422"):
        Jpeg(80, "422")  # type: ignore[arg-type]
