"""PIL images of every mode: upscaled as what they show, or refused in one sentence; arrays in a wrong range."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import subpixel
from subpixel import Upscaler
from subpixel.errors import InvalidArgument

Y, X = np.mgrid[:12, :16]
RGB = np.dstack([X * 16, Y * 20, (X + Y) * 9]).astype(np.uint8)
ALPHA = np.where(X < 8, 0, 255).astype(np.uint8)
BICUBIC = Upscaler(2, model="bicubic", threads=1)


def upscaled(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return BICUBIC(pixels)


def image_of(mode: str) -> Image.Image:
    colour = Image.fromarray(RGB)
    clear = Image.fromarray(np.dstack([RGB, ALPHA]))
    if mode == "P":
        return colour.quantize(64)
    if mode == "PA":
        return clear.convert("PA")
    if mode in ("La", "LA"):
        gray = Image.fromarray(np.dstack([RGB[..., 0], ALPHA]))
        return gray.convert(mode)
    if mode == "RGBa":
        return clear.convert(mode)
    if mode.startswith("I;16"):
        return Image.frombytes(
            mode, (16, 12), (RGB[..., 0].astype(">u2" if mode[4:] == "B" else "<u2") * 257).tobytes()
        )
    if mode == "F":
        return Image.fromarray(RGB[..., 0].astype(np.float32) / 255)
    return colour.convert(mode)


EXPECTED = {
    "1": "L",
    "L": "L",
    "P": "RGB",
    "PA": "RGBA",
    "LA": "LA",
    "La": "LA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "I;16": "I;16",
    "I;16B": "I;16",
    "F": "F",
}


@pytest.mark.parametrize("mode", EXPECTED)
def test_each_mode_is_upscaled_as_what_it_shows(mode: str) -> None:
    image = image_of(mode)
    image.info["comment"] = "kept"
    result = BICUBIC(image)
    assert (result.mode, result.size) == (EXPECTED[mode], (32, 24))
    assert result.info["comment"] == "kept"
    shown = image if mode == EXPECTED[mode] or mode == "I;16B" else image.convert(EXPECTED[mode])
    pixels = np.asarray(shown)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    np.testing.assert_array_equal(np.asarray(result), upscaled(pixels))
    assert image.info["comment"] == "kept"


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "I"])
def test_other_modes_are_refused_in_one_sentence(mode: str) -> None:
    image = Image.new(mode, (4, 4))
    with pytest.raises(InvalidArgument, match=f"image: PIL mode {mode}: .*needed"):
        BICUBIC(image)


def saved(image: Image.Image, **options: Any) -> Image.Image:
    """The image as Pillow reads it from a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return Image.open(buffer)


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_a_transparent_colour_is_alpha(mode: str) -> None:
    """It does not shine through at edges: pure green around a gray square."""
    pixels = np.full((12, 16, 3), (0, 255, 0), np.uint8)
    pixels[3:9, 4:12] = 90
    plain = Image.fromarray(pixels).convert("RGB")
    if mode == "L":
        plain, key = plain.convert("L"), plain.convert("L").getpixel((0, 0))
    elif mode == "P":
        plain = plain.quantize(4)
        key = plain.getpixel((0, 0))
    else:
        key = (0, 255, 0)
    image = saved(plain, transparency=key)
    assert "transparency" in image.info
    result = BICUBIC(image)
    assert result.mode == ("LA" if mode == "L" else "RGBA")
    assert "transparency" not in result.info
    values = np.asarray(result)
    assert values[0, 0, -1] == 0
    assert values[12, 16, -1] == 255
    visible = values[values[..., -1] > 8]
    assert np.abs(visible[:, :-1].astype(int) - 90).max() <= 2
    expected = image.convert("LA" if mode == "L" else "RGBA")
    np.testing.assert_array_equal(values, upscaled(np.asarray(expected)))


def test_a_transparent_colour_of_16_bits() -> None:
    content = io.BytesIO()
    Image.fromarray(RGB).save(content, "PNG", pnginfo=PngInfo())
    image = Image.open(content)
    image.info["transparency"] = tuple(int(value) * 257 for value in RGB[0, 0])
    result = np.asarray(BICUBIC(image))
    assert result[0, 0, 3] == 0
    deep = Image.fromarray(RGB[..., 0].astype(np.uint16))
    deep.info["transparency"] = 3
    with pytest.raises(InvalidArgument, match="I;16 with a transparent gray"):
        BICUBIC(deep)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_as_floating_point_raise_a_warning(dtype: Any) -> None:
    with pytest.warns(
        UserWarning, match=r"largest value is 242, and floating point is taken as 0 … 1: .* divided by 255"
    ):
        subpixel.upscale(RGB.astype(dtype) + dtype(2), 2, model="bicubic")


def test_floating_point_in_range_raises_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (RGB.astype(np.float32) / 255, RGB.astype(np.float32) / 255 * 1.2, RGB, np.uint16(RGB) * 257):
            BICUBIC(values)
        BICUBIC.upscale_array(RGB.astype(np.float32))  # of a file: HDR


def test_axes_in_another_order_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"shape \(3, 12, 16\).*channels come last.*permute\(1, 2, 0\)"):
        BICUBIC(np.ascontiguousarray(RGB.transpose(2, 0, 1)))
    with pytest.raises(InvalidArgument, match="one image at a time"):
        BICUBIC(RGB[None])
