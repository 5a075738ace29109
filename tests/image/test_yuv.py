"""RGB and planes: the numbers of the standards, the inverse, and the position of chroma."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subpixel.errors import InvalidArgument
from subpixel.image.yuv import CENTRES, rgb_to_yuv, shrink_chroma, upscale_chroma, yuv_to_rgb

# Pure red, green, blue and white in studio range: BT.601 and BT.709 bars of 100 % as 8-bit codes, computed from the
# standards' equations by hand.
CODES = {
    "bt601": [(81.481, 90.203, 240.0), (144.553, 53.797, 34.214), (40.966, 240.0, 109.786), (235, 128, 128)],
    "bt709": [(62.559, 102.336, 240.0), (172.629, 41.664, 26.27), (31.812, 240.0, 117.73), (235, 128, 128)],
    "bt2020": [(73.531, 96.723, 240.0), (164.482, 47.277, 25.008), (28.987, 240.0, 118.992), (235, 128, 128)],
}
PRIMARIES = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)


@pytest.mark.parametrize("matrix", CODES)
def test_primaries_have_the_codes_of_the_standard(matrix: Any) -> None:
    result = rgb_to_yuv(PRIMARIES, matrix, full_range=False)[:, 0].T
    np.testing.assert_allclose(result, CODES[matrix], atol=2e-3)


@pytest.mark.parametrize("matrix", CODES)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_the_conversion_and_its_inverse(rng: np.random.Generator, matrix: Any, full_range: bool, bits: int) -> None:
    rgb = rng.integers(0, 256, (9, 11, 3), np.uint8)
    codes = rgb_to_yuv(rgb, matrix, full_range)
    # More bits are finer steps of the same levels: of studio range by doubling, of full range by its highest code.
    wider = codes * (2 ** (bits - 8)) if not full_range else _full(codes, bits)
    np.testing.assert_array_equal(yuv_to_rgb(wider, matrix, full_range, bits), rgb)


def _full(codes: np.ndarray, bits: int) -> np.ndarray:
    top = 2**bits - 1
    chroma = (codes[1:].astype(float) - 128) / 255 * top + 2 ** (bits - 1)
    return np.concatenate([codes[:1].astype(float) / 255 * top, chroma])


def test_full_range_white_and_gray() -> None:
    gray = np.array([[[0, 0, 0], [100, 100, 100], [255, 255, 255]]], np.uint8)
    result = rgb_to_yuv(gray, "bt709", full_range=True)
    np.testing.assert_allclose(result[0, 0], [0, 100, 255], atol=1e-4)
    np.testing.assert_allclose(result[1:], 128, atol=1e-4)


def test_an_unknown_matrix() -> None:
    with pytest.raises(InvalidArgument, match="matrix='ycgco': one of bt601, bt709, bt2020"):
        rgb_to_yuv(PRIMARIES, "ycgco", False)  # type: ignore[arg-type]


@pytest.mark.parametrize("siting", CENTRES)
def test_chroma_is_sampled_at_its_siting(siting: Any) -> None:
    """A plane that rises along both axes is sampled at the positions of the standard, and restored."""
    y, x = np.mgrid[:20, :24].astype(np.float32)
    down = {"topleft": 0.0, "top": 0.0, "left": 0.5, "center": 0.5, "bottomleft": 1.0, "bottom": 1.0}[siting]
    across = 0.0 if "left" in siting else 0.5
    small = shrink_chroma(3 * y + 5 * x, siting)
    v, u = np.mgrid[:10, :12]
    inner = (slice(1, -1), slice(1, -1))
    np.testing.assert_allclose(small[inner], (3 * (2 * v + down) + 5 * (2 * u + across))[inner], atol=1e-4)
    back = upscale_chroma(small, (20, 24), (2, 2), siting)
    inner = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(back[inner], (3 * y + 5 * x)[inner], atol=1e-4)


@pytest.mark.parametrize("factors", [(1, 1), (1, 2), (2, 2), (1, 4)])
def test_chroma_of_odd_sides_covers_luma(factors: tuple[int, int]) -> None:
    shape = (7, 9)
    chroma = np.full([-(-n // f) for n, f in zip(shape, factors, strict=True)], 77, np.uint8)
    result = upscale_chroma(chroma, shape, factors, "left")
    assert result.shape == shape
    np.testing.assert_allclose(result, 77, atol=1e-4)
