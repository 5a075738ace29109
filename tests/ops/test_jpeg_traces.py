"""The quality of a JPEG found in its pixels: right to a step or two, wherever the grid begins, and none without one."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from subpixel.errors import InvalidArgument
from subpixel.image.compression import Jpeg
from subpixel.metrics import jpeg_quality
from subpixel.ops import resize
from subpixel.ops.jpeg_traces import table_of_quality

from .test_blockiness import scene


def detailed(height: int = 240, width: int = 320, seed: int = 0) -> NDArray[np.uint8]:
    """A scene with noise, as of a camera, that stays away from black and white."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 1))
    return np.clip(scene(height, width, seed) * 0.8 + 25 + noise, 5, 250).astype(np.uint8)


def decoded(pixels: NDArray[np.uint8], quality: int, **options: Any) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, **options)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("quality", [20, 40, 60, 75, 85, 90, 93, 96])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_quality_is_found(quality: int, subsampling: int) -> None:
    found = jpeg_quality(decoded(detailed(), quality, subsampling=subsampling))
    assert found is not None
    assert abs(found - quality) <= (3 if quality < 50 else 1)


def test_another_encoder_is_found_as_well() -> None:
    assert jpeg_quality(Jpeg(70)(detailed())) == pytest.approx(70, abs=1)


@pytest.mark.parametrize("cut", [(1, 0), (0, 3), (5, 7), (4, 4)])
def test_the_grid_may_begin_anywhere(cut: tuple[int, int]) -> None:
    pixels = decoded(detailed(320, 400), 60)[cut[0] :, cut[1] :]
    for turned in (pixels, pixels[::-1], pixels[:, ::-1], np.rot90(pixels)):
        assert jpeg_quality(np.ascontiguousarray(turned)) == pytest.approx(60, abs=2)


def test_of_two_compressions_the_coarser_counts() -> None:
    twice = decoded(decoded(detailed(320, 400), 60), 96)
    assert jpeg_quality(twice) == pytest.approx(60, abs=2)
    moved = decoded(np.ascontiguousarray(decoded(detailed(320, 400), 40)[3:, 5:]), 96)
    assert jpeg_quality(moved) == pytest.approx(40, abs=3)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_never_compressed_or_was_resized_shows_nothing(seed: int) -> None:
    pixels = detailed(seed=seed)
    assert jpeg_quality(pixels) is None
    assert jpeg_quality(scene(seed=seed)) is None
    assert jpeg_quality(resize(decoded(pixels, 60), scale=0.75, antialias=True)) is None
    assert jpeg_quality(np.full((300, 300), 9, np.uint8)) is None
    blocks = np.random.default_rng(seed).integers(1, 255, (40, 40), np.uint8).repeat(8, 0).repeat(8, 1)
    assert jpeg_quality(blocks) is None


def test_tables_of_other_scales_are_compared_with_the_nearest() -> None:
    """A camera's tables: flatter than those of annex K."""
    for step in (4, 10, 16):
        flat = [step] * 64
        found = jpeg_quality(decoded(detailed(), 50, qtables=[flat, flat]))  # 50 leaves tables as they are
        sums = [abs(int(table_of_quality(quality).sum()) - 64 * step) for quality in range(1, 101)]
        assert found == pytest.approx(1 + int(np.argmin(sums)), abs=2)


def test_kinds_of_pixels_agree() -> None:
    pixels = decoded(detailed(), 60)
    found = jpeg_quality(pixels)
    assert jpeg_quality(pixels.astype(np.uint16) * 257) == found
    assert jpeg_quality((pixels / 255).astype(np.float32)) == found
    assert jpeg_quality(np.dstack([pixels, np.full((240, 320), 7, np.uint8)])) == found
    gray = decoded(detailed()[..., 1], 60)
    assert jpeg_quality(gray) == jpeg_quality(gray[..., None]) == pytest.approx(60, abs=2)


def test_clipped_blocks_are_left_out_and_too_few_tell_nothing() -> None:
    pixels = decoded(detailed(), 60).copy()
    pixels[::8, ::8] = 255
    assert jpeg_quality(pixels) is None
    pixels = decoded(detailed(480, 640), 60).copy()
    pixels[:240:8, ::8] = 0
    assert jpeg_quality(pixels) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("shape", [(1, 1), (63, 500), (500, 63, 3), (64, 64), (65, 1500), (1100, 1300, 3)])
def test_every_size(shape: tuple[int, ...]) -> None:
    assert jpeg_quality(np.random.default_rng(0).integers(0, 256, shape, np.uint8)) is None


def test_values_outside_of_the_range_do_no_harm() -> None:
    pixels = (decoded(detailed(), 60) / 255).astype(np.float32)
    pixels[10, 10], pixels[20, 20], pixels[30, 30] = np.nan, np.inf, -5.0
    assert jpeg_quality(pixels) == pytest.approx(60, abs=2)


def test_tables_are_those_that_encoders_write() -> None:
    for quality in (1, 10, 49, 50, 75, 97, 100):
        file = io.BytesIO()
        Image.fromarray(detailed(64, 64)).save(file, "JPEG", quality=quality)
        written = Image.open(file).quantization[0]  # type: ignore[attr-defined]
        np.testing.assert_array_equal(np.array(written).reshape(8, 8), table_of_quality(quality))


@pytest.mark.parametrize(
    "image", [np.zeros(70, np.uint8), np.zeros((70, 70, 5), np.uint8), np.zeros((70, 70)), np.zeros((70, 70), np.int32)]
)
def test_what_is_no_image(image: Any) -> None:
    with pytest.raises(InvalidArgument, match="jpeg_quality: "):
        jpeg_quality(image)
