"""Frames between R, G, B and YUV: by libswscale and by numpy alike, as the formulas of the standards say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from subpixel.errors import Unsupported
from subpixel.video.formats import layout_of, new_frame, planes_of
from subpixel.video.rgb_conversion import matrix_name, rgb_pixels, yuv_frame
from subpixel.video.video_file import Tags

SIZE = (52, 30)
# Kr and Kb (ITU-T H.273, table 4).
FACTORS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593), "smpte240m": (0.212, 0.087)}


def picture(bits: int) -> NDArray[Any]:
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    waves = [128 + 90 * np.sin(x / 9), 128 + 100 * np.sin((x + y) / 13), 128 + 80 * np.cos(x / 7 - y / 11)]
    return np.rint(np.dstack(waves) / 255 * ((1 << bits) - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def rgb_frame(pixels: NDArray[Any], bits: int) -> Any:
    frame, planes = new_frame(SIZE, layout_of("gbrp" if bits == 8 else "gbrp16le", ""))
    for plane, channel in zip(planes, (1, 2, 0), strict=True):
        plane[:] = pixels[..., channel]
    frame.pts, frame.time_base = 7, Fraction(1001, 24000)
    return frame


def by_formula(pixels: NDArray[Any], matrix: str, full: bool, bits: int) -> NDArray[np.float64]:
    """Y, Cb and Cr in codes of so many bits (ITU-R BT.709, 3.2 to 3.4)."""
    red, green, blue = np.moveaxis(pixels / np.iinfo(pixels.dtype).max, -1, 0)
    kr, kb = FACTORS[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    if full:
        top = (1 << bits) - 1
        return np.stack([luma * top, *(c * top + (1 << (bits - 1)) for c in chroma)])
    unit = 1 << (bits - 8)
    return np.stack([(219 * luma + 16) * unit, *((224 * c + 128) * unit for c in chroma)])


@pytest.mark.parametrize("matrix", FACTORS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("pix_fmt", "bits", "source"), [("yuv444p", 8, 8), ("yuv444p10le", 10, 16), ("gray", 8, 8)])
def test_colours_are_those_of_the_standard(matrix: Any, full: bool, pix_fmt: str, bits: int, source: int) -> None:
    pixels = picture(source)
    layout = layout_of("gbrp" if source == 8 else "gbrp16le", "")
    frame = yuv_frame(rgb_frame(pixels, source), layout, pix_fmt, matrix, full, "left")
    assert (frame.format.name, frame.pts, frame.time_base) == (pix_fmt, 7, Fraction(1001, 24000))
    own = layout_of(pix_fmt, "")
    wanted = np.clip(by_formula(pixels, matrix, full, bits), 0, (1 << bits) - 1)
    for plane, codes in zip(planes_of(frame, own), wanted, strict=False):
        assert np.abs(plane - codes).max() < 0.75
    if pix_fmt != "gray":
        back = rgb_pixels(frame, own, matrix, full, "left")
        assert back.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert np.abs(back.astype(float) - pixels).max() <= (3 if bits == 8 else 200)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv420p10le", "yuv440p", "yuv411p"])
@pytest.mark.parametrize("siting", ["left", "center", "topleft"])
def test_chroma_lies_where_it_is_stated(pix_fmt: str, siting: str) -> None:
    """A ramp has the value of its place. Wrong by half a sample, each code would be off by two."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    ramp = (4 * x + 1 * y).astype(np.uint8)
    pixels = np.dstack([ramp, np.full_like(ramp, 128), 255 - ramp])
    own = layout_of(pix_fmt, "")
    frame = yuv_frame(rgb_frame(pixels, 8), layout_of("gbrp", ""), pix_fmt, "bt601", False, siting)
    pixel_format = av.VideoFormat(pix_fmt)
    across, down = 64 // pixel_format.chroma_width(64), 64 // pixel_format.chroma_height(64)
    place_x = {"left": 0.0, "topleft": 0.0, "center": (across - 1) / 2}[siting]
    place_y = {"topleft": 0.0, "left": (down - 1) / 2, "center": (down - 1) / 2}[siting]
    unit = 1 << (own.bits - 8)
    for plane in planes_of(frame, own)[1:]:
        rows, columns = np.indices(plane.shape)
        values = 4 * (across * columns + place_x) + down * rows + place_y
        at = np.dstack([values, np.full(plane.shape, 128.0), 255 - values])
        inner = (slice(2, -2), slice(2, -2))
        kr, kb = FACTORS["bt601"]
        luma = at @ [kr, 1 - kr - kb, kb]
        codes = [(at[..., c] - luma) / (2 - 2 * k) / 255 * 224 * unit + 128 * unit for c, k in ((2, kb), (0, kr))]
        assert min(np.abs(plane[inner] - each[inner]).max() for each in codes) < 0.75 * unit
    back = rgb_pixels(frame, own, "bt601", False, siting).astype(float) / (257 if own.bits > 8 else 1)
    inner = (slice(8, -8), slice(8, -8))
    assert np.abs(back[inner] - pixels[inner]).max() < 3


@pytest.mark.parametrize("pix_fmt", ["gbrp", "gbrp10le", "gbrp16le"])
def test_rgb_keeps_its_values(pix_fmt: str) -> None:
    layout = layout_of(pix_fmt, "")
    frame, planes = new_frame((4, 1), layout)
    top = (1 << layout.bits) - 1
    for plane, values in zip(planes, ((0, top, 1, 2), (top, 0, 3, 4), (top // 2, 5, 6, top)), strict=True):
        plane[:] = values
    pixels = rgb_pixels(frame, layout, "bt709", False, "left")[0]
    most = np.iinfo(pixels.dtype).max
    wanted = np.array([[top // 2, 0, top], [5, top, 0], [6, 1, 3], [top, 2, 4]]) * (most / top)
    assert pixels.tolist() == np.rint(wanted).astype(int).tolist()


def test_an_unknown_matrix_is_refused() -> None:
    assert matrix_name(Tags(matrix=5), (1920, 1080), "a.mkv") == "bt601"
    assert matrix_name(Tags(), (1280, 720), "a.mkv") == "bt709"
    with pytest.raises(Unsupported, match=r"a\.mkv: the colour matrix is 14 \(ICtCp\)"):
        matrix_name(Tags(matrix=14), (64, 64), "a.mkv")
