"""Blockiness: nothing without a grid, more with coarser blocks, wherever the grid begins, the same by a slow twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.compression import H264, Jpeg
from subpixel.metrics import blockiness
from subpixel.models.auto import BLOCKINESS_THRESHOLD
from subpixel.ops.blockiness import MIN_SIDE, sample_windows


def scene(height: int = 240, width: int = 320, seed: int = 0) -> NDArray[np.uint8]:
    """Noise whose power falls with the cube of frequency, somewhat smoother than photographs, and a few edges."""
    rng = np.random.default_rng(seed)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    spectrum = np.fft.rfft2(rng.normal(size=(3, height, width))) / np.maximum(np.hypot(y, x), 0.004) ** 1.5
    waves = np.moveaxis(np.fft.irfft2(spectrum, (height, width)), 0, -1)
    waves = 0.8 * waves[..., :1] + 0.2 * waves
    edges = (np.mgrid[:height, :width].sum(axis=0) % 97 > 50)[..., None] * 30
    return np.clip(120 + 45 * waves / waves.std() + edges, 0, 255).astype(np.uint8)


def slow(image: NDArray[np.uint8], step: int = 2) -> float:
    """The definition, a sample at a time, for an image of one window."""
    r, g, b = (image[..., k].astype(int) for k in range(3))
    y = (77 * r + 150 * g + 29 * b) >> 8
    figures = []
    for plane in (y[::step], y[:, ::step].T):
        phases: list[list[int]] = [[] for _ in range(8)]
        for i in range(1, (plane.shape[1] - 3) // 8 * 8 + 1):
            total = 0
            for line in plane.tolist():
                before, here, after = (line[i + k + 1] - line[i + k] for k in (-1, 0, 1))
                bent = abs(2 * here - before - after)
                total += 1024 * bent // (bent + abs(before) + abs(after) + 1)
            phases[(i - 1) % 8].append(total // len(plane))
        means = []
        for lines in phases:
            cut = len(lines) // 4
            middle = sorted(lines)[cut : len(lines) - cut]
            means.append(sum(middle) / len(middle) / 1024)
        highest = max(means)
        means.remove(highest)
        figures.append((highest - np.median(means)) / (np.median(means) + 0.02))
    return float(min(figures))


@pytest.mark.parametrize("size", [(64, 64), (71, 90), (120, 97)])
@pytest.mark.parametrize("quality", [None, 90, 40])
def test_it_is_what_its_definition_says(size: tuple[int, int], quality: int | None) -> None:
    pixels = scene(*size)
    pixels = pixels if quality is None else Jpeg(quality)(pixels)
    assert blockiness(pixels) == pytest.approx(slow(pixels), abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_coarser_blocks_show_more(seed: int) -> None:
    pixels = scene(seed=seed)
    clean = blockiness(pixels)
    figures = [blockiness(Jpeg(quality)(pixels)) for quality in (90, 75, 50, 30)]
    assert clean < BLOCKINESS_THRESHOLD
    assert figures == sorted(figures)
    assert figures[1] > BLOCKINESS_THRESHOLD
    assert figures[3] > 4 * BLOCKINESS_THRESHOLD
    assert blockiness(H264(32)(pixels)) > BLOCKINESS_THRESHOLD


@pytest.mark.parametrize("cut", [(1, 0), (0, 3), (5, 7), (4, 4)])
def test_the_grid_may_begin_anywhere(cut: tuple[int, int]) -> None:
    pixels = Jpeg(50)(scene(248, 328))
    part = pixels[cut[0] : cut[0] + 240, cut[1] : cut[1] + 320]
    assert blockiness(part) == pytest.approx(blockiness(pixels[:240, :320]), rel=0.15)
    for turned in (part[::-1], part[:, ::-1], np.rot90(part)):
        assert blockiness(np.ascontiguousarray(turned)) == pytest.approx(blockiness(part), rel=0.15)
        assert blockiness(turned) == blockiness(np.ascontiguousarray(turned))


@pytest.mark.parametrize(
    ("side", "starts"),
    [(63, []), (64, [0]), (256, [0]), (257, [0]), (300, [0, 40]), (512, [0, 256]), (513, [0, 128, 256])],
)
def test_the_windows_of_a_side(side: int, starts: list[int]) -> None:
    """As few as cover it, evenly spaced on one grid, from edge to edge."""
    found = sample_windows(side, 64)
    assert [rows.start for rows, _ in found] == starts
    assert all(rows.stop - rows.start == 256 and columns == slice(0, 256) for rows, columns in found)


def test_the_windows_of_a_large_image() -> None:
    found = sample_windows(2000, 5000)
    assert [(rows.start, columns.start) for rows, columns in found[:5]] == [
        (0, 0),
        (0, 1576),
        (0, 3160),
        (0, 4744),
        (576, 0),
    ]
    assert len(found) == 16


def test_values_above_one_count_as_one() -> None:
    pixels = (Jpeg(60)(scene()) / 200).astype(np.float32)
    assert pixels.max() > 1
    assert blockiness(pixels) == blockiness(np.minimum(pixels, 1))


def test_kinds_of_pixels_agree() -> None:
    pixels = Jpeg(60)(scene())
    figure = blockiness(pixels)
    assert blockiness(pixels.astype(np.uint16) * 257) == figure
    assert blockiness((pixels / 255).astype(np.float32)) == figure
    alpha = np.random.default_rng(0).integers(0, 256, (240, 320, 1), np.uint8)
    assert blockiness(np.concatenate([pixels, alpha], axis=2)) == figure
    gray = pixels[..., 1]
    assert blockiness(gray) == blockiness(gray[..., None]) == blockiness(np.dstack([gray, alpha[..., 0]]))
    assert blockiness(gray) == pytest.approx(blockiness(np.repeat(gray[..., None], 3, axis=2)), abs=1e-12)


def test_what_lies_outside_of_the_range_does_no_harm() -> None:
    pixels = (scene() / 255).astype(np.float32)
    pixels[10, 10], pixels[20, 20], pixels[30, 30] = np.nan, np.inf, -5.0
    assert 0 <= blockiness(pixels) < BLOCKINESS_THRESHOLD


def test_pages_and_boxes_show_no_grid_of_their_own() -> None:
    rng = np.random.default_rng(1)
    page = np.full((480, 640, 3), 240, np.uint8)
    for _ in range(25):
        top, left, height, width = (int(n) for n in (*rng.integers(0, 400, 2), *rng.integers(10, 200, 2)))
        page[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    assert blockiness(page) < BLOCKINESS_THRESHOLD
    assert blockiness(Jpeg(75)(page)) > BLOCKINESS_THRESHOLD
    assert blockiness(np.full((300, 300), 9, np.uint8)) == 0
    stripes = (np.arange(320) // 8 % 2 * 200).astype(np.uint8)[None].repeat(240, axis=0)
    assert blockiness(stripes) < BLOCKINESS_THRESHOLD  # along one axis only


@pytest.mark.parametrize("shape", [(1, 1), (MIN_SIDE - 1, 500), (500, MIN_SIDE - 1, 3)])
def test_small_images_tell_nothing(shape: tuple[int, ...]) -> None:
    assert blockiness(np.random.default_rng(0).integers(0, 256, shape, np.uint8)) == 0


@pytest.mark.parametrize("shape", [(64, 64), (65, 1500), (1500, 66, 3), (257, 300), (1100, 1300, 3)])
def test_every_size_and_large_ones_by_their_windows(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert 0 <= blockiness(pixels) < 2 * BLOCKINESS_THRESHOLD
    rows, columns = (-(-n // 8) for n in shape[:2])
    blocks = np.random.default_rng(0).integers(0, 256, (rows, columns), np.uint8).repeat(8, 0).repeat(8, 1)
    assert blockiness(blocks[: shape[0], : shape[1]]) > 1


@pytest.mark.parametrize(
    "image", [np.zeros(70, np.uint8), np.zeros((70, 70, 5), np.uint8), np.zeros((70, 70)), np.zeros((70, 70), np.int32)]
)
def test_what_is_no_image(image: Any) -> None:
    with pytest.raises(InvalidArgument, match="blockiness: "):
        blockiness(image)
