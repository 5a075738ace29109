"""The sheet of a comparison: which pixels stand where, and that its labels say so."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.image import ImageData
from subpixel.image.comparison.labels import HEIGHT, WIDTH, lettering
from subpixel.image.comparison.sheet import DETAIL, PANEL, beside_bicubic, comparison
from subpixel.ops import resize

BAR = 28
LINE = 2


Make = Callable[..., NDArray[Any]]


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def parts(sheet: NDArray[np.uint8], size: tuple[int, int], columns: int = 2) -> tuple[list[Any], list[Any]]:
    """The parts of the whole image, shown as it is, and the rows of details, by where they must lie."""
    height, width = size
    left = (sheet.shape[1] - width - LINE * (columns - 1)) // 2
    bounds = [round(width * n / columns) for n in range(columns + 1)]
    row = sheet[BAR : BAR + height]
    whole = [row[:, left + a + n * LINE : left + b + n * LINE] for n, (a, b) in enumerate(pairwise(bounds))]
    below = sheet[2 * BAR + height :]
    return whole, [below[:, n * (PANEL + LINE) : n * (PANEL + LINE) + PANEL] for n in range(columns)]


def reads(bar: NDArray[np.uint8], text: str) -> bool:
    """Whether a text stands at the left of a bar of labels."""
    ink = lettering(text, 2)
    found = bar[4 : 4 + ink.shape[0], 6 : 6 + ink.shape[1], 0] == 0
    return ink.shape == found.shape and bool((ink == found).all()) and bool((bar[:, 6 + ink.shape[1] :] == 255).all())


def test_left_is_bicubic_and_right_is_the_model() -> None:
    source = noise(150, 130)
    result = Upscaler(2, model="fast")(source)
    sheet = beside_bicubic(ImageData(source), result, "fast ×2").pixels
    assert (sheet.dtype, sheet.shape) == (np.uint8, (28 + 300 + 28 + 480, 962, 3))
    plain = Upscaler(2, model="bicubic")(source)
    # Where the whole images differ most, seen by a plain search over all places.
    cells = np.abs(plain.astype(int) - result).sum(axis=2)
    places = [(y, x) for y in range(0, 300 - DETAIL + 1, 8) for x in range(0, 260 - DETAIL + 1, 8)]
    top, left = max(places, key=lambda p: int(cells[p[0] : p[0] + DETAIL, p[1] : p[1] + DETAIL].sum()))
    # The frame stands around the detail, and all else is as it was.
    framed = np.zeros((300, 260), bool)
    framed[max(0, top - 2) : top + DETAIL + 2, max(0, left - 2) : left + DETAIL + 2] = True
    framed[top : top + DETAIL, left : left + DETAIL] = False
    whole, details = parts(sheet, (300, 260))
    for part, image, columns in zip(whole, (plain, result), (slice(0, 130), slice(130, 260)), strict=True):
        same = (part == image[:, columns]).all(axis=2)
        assert same[~framed[:, columns]].all()
        assert not same[framed[:, columns]].all()
    for panel, image in zip(details, (plain, result), strict=True):
        expected = np.kron(image[top : top + DETAIL, left : left + DETAIL], np.ones((3, 3, 1), np.uint8))
        np.testing.assert_array_equal(panel, expected)


def test_both_sides_are_labelled() -> None:
    sheet = beside_bicubic(ImageData(noise(20, 30)), noise(40, 60), "fast-compressed ×2").pixels
    assert reads(sheet[:BAR, :PANEL], "bicubic")
    assert reads(sheet[:BAR, PANEL + LINE :], "fast-compressed ×2")
    assert reads(sheet[BAR + 40 : 2 * BAR + 40, :PANEL], "60×40, detail at 0, 0")
    assert (sheet[:BAR, PANEL : PANEL + LINE] == 128).all()


def test_the_detail_is_where_the_last_two_differ_most() -> None:
    first = noise(400, 500, 1)
    second = first.copy()
    second[310, 499] ^= 255  # at the edge, where no whole square of the grid is left
    second[20, 30] ^= 1
    sheet = comparison({"a": noise(400, 500, 1, 9), "b": first, "c": second})
    _, details = parts(sheet, (400, 500), 3)
    top, left = 152, 340  # of the places on the grid that show the difference the topmost, and within the image
    for panel, image in zip(details[1:], (first, second), strict=True):
        np.testing.assert_array_equal(panel[::3, ::3], image[top : top + DETAIL, left : left + DETAIL])


def test_a_large_image_is_made_smaller_and_its_detail_is_not() -> None:
    first, second = noise(1500, 2000), noise(1500, 2000, seed=1)
    sheet = comparison({"a": first, "b": second})
    assert sheet.shape == (2 * BAR + 720 + 480, 962, 3)
    whole = resize(first, (720, 960), layout="HWC", antialias=True)[:, :480]
    same = (sheet[BAR : BAR + 720, :480] == whole).all(axis=2)
    assert same.mean() > 0.99
    detail = sheet[2 * BAR + 720 :: 3, :PANEL:3]
    assert detail.shape == (DETAIL, DETAIL, 3)
    rows = np.lib.stride_tricks.sliding_window_view(first[:, :, 0], (1, DETAIL))[::8, ::8, 0]
    assert (rows == detail[0, :, 0]).all(axis=2).sum() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (3, 1), (1, 20000), (20000, 1), (7, 161)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_shape(shape: tuple[int, int], channels: int) -> None:
    result = noise(*shape, channels)
    sheet = comparison({"before": 255 - result, "after": result})
    assert sheet.shape[1:] == (962, 1 if channels < 3 else 3)
    assert sheet.shape[0] <= 2 * BAR + 720 + 480
    assert reads(sheet[:BAR, :PANEL], "before")
    assert reads(sheet[:BAR, PANEL + LINE :], "after")


def test_a_single_pixel_is_seen() -> None:
    sheet = comparison({"a": np.full((1, 1, 1), 10, np.uint8), "b": np.full((1, 1, 1), 90, np.uint8)})
    below = sheet[2 * BAR + 1 :, :, 0]
    assert below.shape[0] == 16
    assert (below[:, :16] == 10).all()
    assert (below[:, PANEL + LINE : PANEL + LINE + 16] == 90).all()
    assert (below[:, 16:PANEL] == 255).all()


def test_kinds_of_pixels_are_shown_in_eight_bits() -> None:
    wide = np.array([0, 128, 129, 257 * 77 + 128, 257 * 77 + 129, 65535], np.uint16).reshape(1, 6, 1)
    real = np.array([-1, 0, 0.5, 1, 7, 200.49 / 255], np.float32).reshape(1, 6, 1)
    sheet = comparison({"16 bits": wide, "float": real})
    zoom = 16
    assert sheet[-1, : 6 * zoom : zoom, 0].tolist() == [0, 0, 1, 77, 78, 255]
    assert sheet[-1, PANEL + LINE : PANEL + LINE + 6 * zoom : zoom, 0].tolist() == [0, 0, 128, 255, 255, 200]


def test_gray_beside_colour_is_shown_in_colour() -> None:
    sheet = comparison({"gray": noise(5, 5, 1), "colour": noise(5, 5)})
    assert sheet.shape[2] == 3
    assert (sheet[-1, 0] == sheet[-1, 0, 0]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_is_transparent_lies_over_light_gray(dtype: Any) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    clear, half, solid = ((np.array([[[1, 0, 0, a]]]) * top).astype(dtype) for a in (0, 0.5, 1))
    sheet = comparison({"clear": clear, "half": half, "solid": solid})
    seen = [sheet[-1, n * (PANEL + LINE)].tolist() for n in range(3)]
    assert seen[0] == [192, 192, 192]
    assert np.abs(np.array(seen[1]) - [223.5, 96, 96]).max() <= 1
    assert seen[2] == [255, 0, 0]


def test_images_of_several_sizes_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="2 images of 2 sizes"):
        comparison({"a": noise(3, 4), "b": noise(4, 3)})
    with pytest.raises(InvalidArgument, match="1 images"):
        comparison({"a": noise(3, 4)})


def test_the_sources_are_not_written_into() -> None:
    first, second = noise(200, 200), noise(200, 200, seed=1)
    before = first.copy(), second.copy()
    for image in (first, second):
        image.flags.writeable = False
    comparison({"a": first, "b": second})
    np.testing.assert_array_equal(before, (first, second))


def test_the_colour_profile_goes_along_and_nothing_else(pixels: Make) -> None:
    header = pyvips.Image.black(4, 4).copy(interpretation="srgb")
    header.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"a profile")
    header.set_type(pyvips.GValue.gint_type, "orientation", 6)
    header.set_type(pyvips.GValue.blob_type, "xmp-data", b"written by a camera")
    sheet = beside_bicubic(ImageData(pixels(), header), pixels(), "same")
    assert sheet.header is not None
    assert set(sheet.header.get_fields()) & {"icc-profile-data", "orientation", "xmp-data"} == {"icc-profile-data"}
    assert header.get_typeof("xmp-data")


# Letters


def test_every_letter_is_its_own() -> None:
    text = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-+×/_()%=?…&"
    seen = {lettering(letter).tobytes() for letter in (*text, "□", " ")}
    assert len(seen) == len(text) + 2
    line = lettering(text)
    assert line.shape == (HEIGHT, WIDTH * len(text))
    assert not line[:, WIDTH - 1 :: WIDTH].any()  # the gap
    np.testing.assert_array_equal(line[:, WIDTH : 2 * WIDTH], lettering("b"))


def test_letters_that_are_not_there_become_boxes_and_long_lines_end() -> None:
    np.testing.assert_array_equal(lettering("图a"), lettering("□a"))
    np.testing.assert_array_equal(lettering("balanced", 2, 60), lettering("bala…", 2))
    np.testing.assert_array_equal(lettering("bala", 2, 48), lettering("bala", 2))
    for room, letters in ((0, 0), (5, 0), (6, 1), (13, 2)):
        assert lettering("bicubic", room=room).shape == (HEIGHT, WIDTH * letters)
    assert lettering("").shape == (HEIGHT, 0)


def test_letters_have_the_zoom(rng: np.random.Generator) -> None:
    np.testing.assert_array_equal(lettering("x2", 3)[1::3, 1::3], lettering("x2"))
