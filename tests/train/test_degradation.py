"""What befalls small images: every stage against what it should be, ranges, places, the same bytes from a seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.image.compression import H264, Jpeg, WebP
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.ops import resize
from subpixel.train.data import load_pairs
from subpixel.train.degradation import CLEAN, COMPRESSED, KERNELS, Degradation, Recipe, Variants, degrade


def scene(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (6 + k) + y / 23) * np.cos(y / (9 + k) - x / 31) for k in range(3)]
    return np.clip(128 + 55 * np.dstack(waves) + rng.normal(0, 6, (height, width, 1)), 0, 255).astype(np.uint8)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def recipes(count: int, degradation: Degradation = COMPRESSED) -> list[Recipe]:
    source = generator(5)
    return [degradation.draw(source) for _ in range(count)]


# Each stage alone


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_clean_is_what_the_clean_pairs_are(scale: int) -> None:
    small, large = shrink(scene(60, 84), scale)
    np.testing.assert_array_equal(degrade(large, scale, generator(), CLEAN), small)
    np.testing.assert_array_equal(Recipe().apply(large, scale), small)


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ("cubic", {"mode": "cubic", "antialias": True}),
        ("linear", {"mode": "linear", "antialias": True}),
        ("lanczos", {"mode": "lanczos", "antialias": True}),
    ],
)
def test_a_kernel_is_that_of_resize(kernel: str, options: dict[str, Any]) -> None:
    large = scene(48, 66)
    exact = resize(large.astype(np.float64), (16, 22), **options)
    result = Recipe(kernel).apply(large, 3)
    assert np.abs(result - np.clip(exact, 0, 255)).max() <= (0.5001 if kernel != "cubic" else 1.1)
    if kernel == "cubic":  # rounded after each axis, as MATLAB does
        np.testing.assert_array_equal(result, resize(large, (16, 22), **options))


def test_area_is_the_mean_of_what_it_covers() -> None:
    large = scene(40, 60)
    mean = large.reshape(20, 2, 30, 2, 3).astype(float).mean(axis=(1, 3))
    result = Recipe("area").apply(large, 2)
    np.testing.assert_array_equal(result, np.rint(mean))
    assert abs((result - mean).mean()) < 0.01


def test_the_kernels_differ() -> None:
    large = scene(60, 60)
    result = [Recipe(kernel).apply(large, 2).astype(int) for kernel in KERNELS]
    assert all(np.abs(a - b).max() > 1 for k, a in enumerate(result) for b in result[:k])


def test_blur_is_a_gaussian() -> None:
    """A bright dot spreads with the variance asked for, in the middle of where it was."""
    large = np.zeros((42, 42, 1), np.uint8)
    large[20:22, 20:22] = 250
    for sigma in (0.5, 0.7, 1.2):
        result = Recipe("area", sigma=sigma).apply(large, 2)[..., 0].astype(float)
        assert result.sum() == pytest.approx(250, abs=12)  # rounded at every pixel
        y, x = np.mgrid[:21, :21] - 10.0
        for place in (y, x):
            assert (place * result).sum() / result.sum() == pytest.approx(0, abs=1e-9)
            # Sampling at whole pixels adds nothing to speak of from 0.5 on; rounding cuts the tails.
            assert np.sqrt((place**2 * result).sum() / result.sum()) == pytest.approx(sigma, abs=0.06)
    edge = np.full((20, 20, 3), 200, np.uint8)
    np.testing.assert_array_equal(Recipe(sigma=0.7).apply(edge, 2), edge[:10, :10])


def test_noise_has_the_deviations_asked_for() -> None:
    large = np.full((400, 400, 3), 128, np.uint8)
    luma = Recipe(noise=(3.0, 0.0), noise_seed=1).apply(large, 2).astype(float) - 128
    assert luma.std() == pytest.approx(3.0, rel=0.02)
    assert abs(luma.mean()) < 0.06  # four deviations of a mean of 40,000
    assert np.abs(luma - luma[..., :1]).max() == 0
    chroma = Recipe(noise=(0.0, 3.0), noise_seed=1).apply(large, 2).astype(float) - 128
    assert chroma[..., 0].std() == pytest.approx(3.0 * 1.402, rel=0.02)
    assert chroma[..., 2].std() == pytest.approx(3.0 * 1.772, rel=0.02)
    assert (chroma @ [0.299, 0.587, 0.114]).std() < 0.3  # luma has none of it but rounding
    assert (Recipe(noise=(3.0, 0.0), noise_seed=2).apply(large, 2).astype(float) - 128 != luma).any()


def test_codecs_come_in_their_order_and_on_their_grids() -> None:
    large = scene(80, 96)
    small, _ = shrink(large, 2)
    np.testing.assert_array_equal(Recipe(codecs=((Jpeg(40), (0, 0)),)).apply(large, 2), Jpeg(40)(small))
    once = Jpeg(40)(small)
    twice = Recipe(codecs=((Jpeg(40), (0, 0)), (WebP(60), (3, 5)))).apply(large, 2)
    padded = once[np.maximum(np.arange(-3, 40), 0)[:, None], np.maximum(np.arange(-5, 48), 0)]
    np.testing.assert_array_equal(twice, WebP(60)(padded)[3:, 5:])
    assert twice.shape == small.shape


# Whole recipes


def test_nothing_moves_whatever_happens() -> None:
    """Least squares over the image's gradients find no shift of its content, and luma keeps its level."""
    large = scene(160, 240)
    small = luma_255(shrink(large, 2)[0])
    gradients = np.stack([g[8:-8, 8:-8].ravel() for g in np.gradient(small)], 1)
    for recipe in recipes(40):
        error = luma_255(recipe.apply(large, 2)) - small
        # Of 400 such recipes the largest difference is 0.7 codes, of clips at crf 26 to 32.
        assert abs(error.mean()) < 0.8, recipe
        shift = np.linalg.lstsq(gradients, error[8:-8, 8:-8].ravel(), rcond=None)[0]
        assert np.abs(shift).max() < 0.15, (recipe, shift)


def test_draws_stay_in_their_ranges_and_reach_their_ends() -> None:
    drawn = recipes(4000)
    clean = sum(recipe == Recipe() for recipe in drawn)
    assert clean / len(drawn) == pytest.approx(COMPRESSED.clean, abs=0.03)
    kernels = Counter(recipe.kernel for recipe in drawn)
    assert set(kernels) == set(KERNELS)
    assert kernels.most_common(1)[0][0] == "cubic"
    assert {recipe.sigma == 0 for recipe in drawn} == {True, False}
    assert all(recipe.sigma == 0 or 0.2 <= recipe.sigma <= 0.7 for recipe in drawn)
    assert all(0.5 <= recipe.noise[0] <= 3 and 0.5 <= recipe.noise[1] <= 4 for recipe in drawn if any(recipe.noise))
    codecs = [codec for recipe in drawn for codec, _ in recipe.codecs]
    jpegs = [codec for codec in codecs if isinstance(codec, Jpeg)]
    assert {codec.quality for codec in jpegs} == set(range(30, 96))
    assert {codec.subsampling for codec in jpegs} == {"420", "444"}
    assert {codec.quality for codec in codecs if isinstance(codec, WebP)} == set(range(30, 96))
    clips = [codec for codec in codecs if isinstance(codec, H264)]
    assert {codec.crf for codec in clips} == set(range(18, 33))
    assert {(codec.frames, codec.shown) for codec in clips} == {(n, k) for n in range(1, 5) for k in range(n)}
    assert {codec.motion for codec in clips} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}
    twice = [recipe for recipe in drawn if len(recipe.codecs) == 2]
    assert 0.05 < len(twice) / len(drawn) < 0.2
    assert all(recipe.codecs[0][1] == (0, 0) for recipe in twice)
    assert {place for recipe in twice for place in recipe.codecs[1][1]} == set(range(8))


def test_the_same_seed_gives_the_same_bytes() -> None:
    large = scene(64, 72)

    def series(seed: int) -> list[NDArray[np.uint8]]:
        source = generator(seed)
        return [degrade(large, 2, source) for _ in range(12)]

    one, again, other = series(1), series(1), series(2)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert sum(np.array_equal(a, b) for a, b in zip(one, other, strict=True)) <= 2  # both of them clean
    assert len({result.tobytes() for result in one}) > 8


@pytest.mark.parametrize("size", [(2, 2), (2, 6), (14, 10), (34, 62), (66, 18)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size(size: tuple[int, int], channels: int) -> None:
    large = scene(*size)[..., :channels]
    source = generator(3)
    for _ in range(25):
        result = degrade(large, 2, source)
        assert (result.shape, result.dtype) == ((size[0] // 2, size[1] // 2, channels), np.uint8)


@pytest.mark.parametrize(
    ("large", "text"),
    [
        (np.zeros((4, 6, 3)), "u8 of"),
        (np.zeros((4, 6), np.uint8), "u8 of"),
        (np.zeros((4, 6, 4), np.uint8), "u8 of"),
        (np.zeros((4, 7, 3), np.uint8), "7×4: multiples of scale=2"),
        (np.zeros((0, 4, 3), np.uint8), "multiples of scale=2"),
    ],
)
def test_images_that_do_not_fit(large: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        degrade(large, 2, generator())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"clean": 1.5}, "clean=1.5: a probability"),
        ({"blur": float("nan")}, "blur=nan"),
        ({"crf": (30, 20)}, r"crf=\(30, 20\): the lower number must come first"),
        ({"kernels": {"magic": 1.0}}, "kernels=.*: weights of area, cubic, lanczos, linear"),
        ({"kernels": {}}, "weights of"),
        ({"codecs": {"jpeg": -1.0, "none": 3.0}}, "weights of h264, jpeg, none, webp"),
    ],
)
def test_degradations_that_make_no_sense(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        replace(COMPRESSED, **changes)


# As training data


def test_variants_are_the_same_by_any_number_of_threads(data: Path) -> None:
    paths = sorted(data.iterdir())[:4]
    variants = Variants(COMPRESSED, 3, seed=9)
    pairs = load_pairs(paths, 2, (1.0, 0.5), 1, variants=variants)
    assert [pair.name for pair in pairs] == [path.name for path in paths for _ in range(6)]
    for one, two in zip(pairs, load_pairs(paths, 2, (1.0, 0.5), 4, variants=variants), strict=True):
        assert torch.equal(one.small, two.small)
    # One target for all variants of an image: it is kept once.
    assert pairs[0].large is pairs[2].large
    assert pairs[0].large is not pairs[3].large
    assert not torch.equal(pairs[0].small, pairs[1].small)
    _, large = shrink(read(paths[1]).pixels, 2)
    expected = luma_255(degrade(large, 2, np.random.default_rng([9, 1, 0, 2]), COMPRESSED)) / 255
    np.testing.assert_allclose(pairs[8].small.numpy().reshape(expected.shape), expected, atol=1e-6)


def test_a_clip_of_h264_gives_the_same_bytes_every_time(data: Path) -> None:
    """With AVX-512, x264's macroblock tree reads memory that nobody has written; the codec must do without."""
    smalls = [
        shrink(read(path).pixels[:side, : side + 6], 2)[0] for path in sorted(data.iterdir()) for side in (42, 84)
    ]
    codecs = [H264(crf, frames, 0, motion) for crf in (18, 25, 32) for frames in (2, 3) for motion in ((2, -1), (1, 2))]
    first, *others = ([codec(small).tobytes() for small in smalls for codec in codecs] for _ in range(4))
    assert all(other == first for other in others)


def test_clean_variants_are_the_clean_pairs(data: Path) -> None:
    paths = sorted(data.iterdir())[:2]
    result = load_pairs(paths, 2, (1.0,), 1, variants=Variants(CLEAN))
    for one, two in zip(result, load_pairs(paths, 2, (1.0,), 1), strict=True):
        assert torch.equal(one.small, two.small)
        assert torch.equal(one.large, two.large)


def test_transparency_is_left_out_and_gray_stays_gray() -> None:
    large = scene(20, 20)
    four, two = np.concatenate([large, large[..., :1]], axis=2), large[..., :2]
    (result,) = Variants(COMPRESSED, seed=4).of(four, 2, (0,))
    np.testing.assert_array_equal(result, Variants(COMPRESSED, seed=4).of(large, 2, (0,))[0])
    assert Variants(COMPRESSED).of(two, 2, (0,))[0].shape == (10, 10, 1)
    with pytest.raises(InvalidArgument, match="count=0: at least 1"):
        Variants(COMPRESSED, 0)
