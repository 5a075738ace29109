"""Colour profiles made from numbers, compared with the colour management of others."""

from __future__ import annotations

import io

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from subpixel.errors import InvalidArgument
from subpixel.image.files.icc import HDR_TRANSFERS, SRGB, Colours, build_profile

LEVELS = np.linspace(0, 255, 16).astype(np.uint8)
PATCHES = np.stack(np.meshgrid(LEVELS, LEVELS, LEVELS), -1).reshape(64, 64, 3)


def convert(pixels: np.ndarray, source: bytes) -> np.ndarray:
    """The pixels in Pillow's sRGB."""
    profiles = ImageCms.ImageCmsProfile(io.BytesIO(source)), ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(Image.fromarray(pixels), *profiles, outputMode="RGB")
    assert image is not None
    return np.asarray(image).astype(int)


def test_srgb_is_that_of_others() -> None:
    for profile in (build_profile(SRGB), build_profile(Colours.from_gamma(None))):
        assert np.abs(convert(PATCHES, profile) - PATCHES).max() <= 1
    gray = np.repeat(LEVELS[None], 4, 0)
    assert np.abs(convert(gray, build_profile(SRGB, gray=True)) - gray[..., None]).max() <= 1


def test_known_conversions() -> None:
    """Red of P3 and BT.2020 is outside of sRGB; a gamma of 1 makes the middle brighter."""
    pixels = np.array([[[128, 128, 128], [200, 100, 50]]], np.uint8)
    # By the formulas of the standards: P3 linear to sRGB linear through its matrix.
    to_linear = np.where(pixels / 255 <= 0.04045, pixels / 255 / 12.92, ((pixels / 255 + 0.055) / 1.055) ** 2.4)
    p3_to_srgb = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
    linear = np.clip(to_linear @ p3_to_srgb.T, 0, 1)
    expected = 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    p3 = Colours.from_code_points(12, 13)
    assert p3 is not None
    assert np.abs(convert(pixels, build_profile(p3)) - expected).max() <= 1
    bright = convert(pixels, build_profile(Colours.from_gamma(1.0)))
    assert abs(bright[0, 0, 0] - 188) <= 1


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22])
def test_every_code_point_is_a_profile_with_a_neutral_gray(primaries: int) -> None:
    for transfer in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17):
        colours = Colours.from_code_points(primaries, transfer)
        assert colours is not None
        np.testing.assert_allclose(colours.colorants.sum(1), [0.9642, 1, 0.8249], atol=1e-9)
        gray = np.full((1, 1, 3), 200, np.uint8)
        red, green, blue = convert(gray, build_profile(colours))[0, 0]
        assert max(abs(red - green), abs(green - blue)) <= 1
    for transfer in (0, 2, 3, *HDR_TRANSFERS, 99):
        assert Colours.from_code_points(primaries, transfer) is None
    assert Colours.from_code_points(2, 13) is None


def test_libvips_takes_them() -> None:
    image = pyvips.Image.new_from_array(PATCHES).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", build_profile(SRGB))
    result = image.icc_transform("srgb", embedded=True, depth=8).numpy()
    assert np.abs(result.astype(int) - PATCHES).max() <= 1


@pytest.mark.parametrize(
    "points",
    [(0.0,) * 8, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.31, 0.0), (0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.31, 0.33)],
)
def test_impossible_chromaticities(points: tuple[float, ...]) -> None:
    with pytest.raises(InvalidArgument, match="impossible"):
        Colours.from_gamma(2.2, points)  # type: ignore[arg-type]


def test_impossible_gammas() -> None:
    for gamma in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidArgument, match="impossible"):
            Colours.from_gamma(gamma)
