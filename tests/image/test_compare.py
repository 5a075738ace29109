"""The comparison sheet: which pixels stand where, that the outline is around the detail, and where captions are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.image import ImageData, compare
from subpixel.image.comparison import lettering as lettering_module
from subpixel.image.comparison.detail import find_detail
from subpixel.image.comparison.layout import CAPTION, GAP, MARGIN, Box, Layout, plan_layout
from subpixel.image.comparison.lettering import lettering, line_height, text_width
from subpixel.image.comparison.sheet import beside_bicubic
from subpixel.ops import resize

PAPER, INK, QUIET = 244, 28, 104
OUTLINE = 4

Make = Callable[..., NDArray[Any]]
U8 = NDArray[np.uint8]


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def with_difference(image: U8, top: int, left: int, side: int = 24) -> U8:
    """The image with a square inverted."""
    other = image.copy()
    other[top : top + side, left : left + side] ^= 255
    return other


def panels_of(sheet: U8, layout: Layout) -> list[U8]:
    return [sheet[box.slices] for box in layout.panels]


def detail_position(image: U8, panel: U8, zoom: int) -> tuple[int, int]:
    """``(left, top)`` of what a panel shows, of which every pixel is a square."""
    detail = panel[::zoom, ::zoom]
    np.testing.assert_array_equal(detail.repeat(zoom, axis=0).repeat(zoom, axis=1), panel)
    rows = np.lib.stride_tricks.sliding_window_view(image[..., 0], (1, detail.shape[1]))[:, :, 0]
    found = np.argwhere((rows == detail[0, :, 0]).all(axis=2))
    found = [f for f in found if (image[f[0] : f[0] + len(detail), f[1] : f[1] + detail.shape[1]] == detail).all()]
    assert len(found) == 1
    return int(found[0][1]), int(found[0][0])


def reads(sheet: U8, caption: Box, label: str, note: str) -> bool:
    """Whether a caption consists of these two lines and nothing else."""
    part = sheet[caption.slices].astype(int)
    expected = np.full((CAPTION, caption.width), PAPER)
    top = 9
    for text, size, tone, bold in ((label, 20, INK, True), (note, 16, QUIET, False)):
        ink = lettering(text, size, caption.width, bold=bold).astype(int)
        expected[top : top + len(ink)] = (PAPER * (255 - ink) + tone * ink + 127) // 255
        top += line_height(size) + 1
    return bool((part == expected[..., None]).all())


# What a sheet shows


def test_left_is_bicubic_and_right_is_the_model() -> None:
    source = noise(200, 230)
    result = Upscaler(2, model="fast")(source)
    sheet = beside_bicubic(ImageData(source), result, "fast").pixels
    layout = plan_layout(460, 400, 2)
    assert (sheet.dtype, sheet.shape) == (np.uint8, (layout.height, layout.width, 3))
    plain = Upscaler(2, model="bicubic")(source)
    first, second = panels_of(sheet, layout)
    left, top = detail_position(plain, first, 3)
    assert detail_position(result, second, 3) == (left, top)
    captions = layout.captions
    width, height = layout.detail
    outlined = f"outlined: {width} × {height} at ({left}, {top})"
    assert reads(sheet, captions[0], "subpixel fast ×2", f"460 × 400 pixels at 1:1; {outlined}")
    assert reads(sheet, captions[1], "Bicubic", "detail 3:1")
    assert reads(sheet, captions[2], "subpixel fast ×2", "detail 3:1")


def test_a_scale_that_is_not_an_integer_is_rounded_in_the_label() -> None:
    sheet = beside_bicubic(ImageData(noise(30, 30)), noise(50, 50), "fast").pixels
    assert reads(sheet, plan_layout(50, 50, 2).captions[1], "subpixel fast ×1.67", "shown at 11:1")


def test_the_outline_is_around_the_detail_and_nothing_else_of_the_overview_changes() -> None:
    first = noise(400, 500)
    second = with_difference(first, 200, 304)
    layout = plan_layout(500, 400, 2)
    sheet = compare({"a": first, "b": second})
    left, top = detail_position(second, panels_of(sheet, layout)[1], layout.zoom)
    width, height = layout.detail
    assert left <= 304
    assert left + width >= 328
    assert top <= 200
    assert top + height >= 224
    assert layout.overview is not None
    overview = sheet[layout.overview.slices]
    framed = np.zeros((400, 500), bool)
    framed[top - OUTLINE : top + height + OUTLINE, left - OUTLINE : left + width + OUTLINE] = True
    framed[top : top + height, left : left + width] = False
    np.testing.assert_array_equal(overview[~framed], second[~framed])
    assert set(np.unique(overview[framed])) == {INK, 255}
    # Dark, light, dark across each side: seen on whatever lies around and within.
    across = [INK, 255, 255, INK]
    assert overview[top + 5, left - OUTLINE : left, 0].tolist() == across
    assert overview[top + 5, left + width : left + width + OUTLINE, 0].tolist() == across
    assert overview[top - OUTLINE : top, left + 5, 0].tolist() == across
    assert overview[top + height : top + height + OUTLINE, left + 5, 0].tolist() == across


def test_the_overview_of_a_large_image_is_smaller_and_its_outline_is_at_the_same_place() -> None:
    smooth = np.broadcast_to(np.linspace(60, 180, 2400, dtype=np.uint8)[None, :, None], (1600, 2400, 3))
    second = with_difference(smooth, 1000, 1600, 120)
    sheet = compare({"a": smooth, "b": second})
    layout = plan_layout(2400, 1600, 2)
    assert layout.overview is not None
    assert (layout.overview.width, layout.overview.height) == (1200, 800)
    overview = sheet[layout.overview.slices]
    light = np.argwhere((overview == 255).all(axis=2))
    (top, left), (bottom, right) = light.min(axis=0), light.max(axis=0)
    width, height = layout.detail
    # The inner dark line and the thickness of the light one lie between the outline's light pixels and the detail.
    outside = 2 * 3
    assert abs(right + 1 - left - (width / 2 + outside)) <= 1
    assert abs(bottom + 1 - top - (height / 2 + outside)) <= 1
    inside = second[2 * (top + 3) : 2 * (top + 3) + height, 2 * (left + 3) : 2 * (left + 3) + width]
    panel = panels_of(sheet, layout)[1][:: layout.zoom, :: layout.zoom]
    np.testing.assert_array_equal(panel, inside)
    whole = resize(second, (800, 1200), layout="HWC", antialias=True)
    away = np.ones((800, 1200), bool)
    away[top - 1 : bottom + 2, left - 1 : right + 2] = False
    np.testing.assert_array_equal(overview[away], whole[away])


def test_the_detail_is_where_the_last_two_images_differ_most_and_the_truth_has_no_part_in_it() -> None:
    first = noise(600, 500)
    second = with_difference(with_difference(first, 80, 80, 8), 400, 304, 40)
    truth = with_difference(first, 100, 100, 100)
    other = with_difference(first, 300, 300, 90)
    layout = plan_layout(500, 600, 4)
    sheet = compare({"other": other, "a": first, "b": second}, truth=truth)
    places = [
        detail_position(image, panel, layout.zoom)
        for image, panel in zip((other, first, second, truth), panels_of(sheet, layout), strict=True)
    ]
    assert len(set(places)) == 1
    left, top = places[0]
    assert left <= 304
    assert left + layout.detail[0] >= 344
    assert top <= 400
    assert top + layout.detail[1] >= 440


@pytest.mark.parametrize("corner", [(0, 0), (0, 476), (376, 0), (376, 476)])
def test_the_detail_keeps_away_from_the_border(corner: tuple[int, int]) -> None:
    first = noise(400, 500)
    second = with_difference(first, *corner)
    left, top = find_detail(first, second, (120, 100), 16)
    assert left == (16 if corner[1] == 0 else 500 - 120 - 16)
    assert top == (16 if corner[0] == 0 else 400 - 100 - 16)


def test_a_detail_as_large_as_the_image_begins_at_its_corner() -> None:
    assert find_detail(noise(21, 30), noise(21, 30, seed=1), (30, 21), 16) == (0, 0)
    assert find_detail(noise(21, 30), noise(21, 30, seed=1), (27, 20), 16) == (1, 0)


def test_captions_show_notes_and_the_truth_comes_last() -> None:
    first, second, truth = noise(60, 80), noise(60, 80, seed=1), noise(60, 80, seed=2)
    sheet = compare({"Bicubic": first, "fast": second}, truth=truth, notes={"fast": "PSNR 31.70 dB"})
    layout = plan_layout(80, 60, 3)
    for panel, image in zip(panels_of(sheet, layout), (first, second, truth), strict=True):
        np.testing.assert_array_equal(panel[:: layout.zoom, :: layout.zoom], image)
    captions = layout.captions
    assert reads(sheet, captions[0], "Bicubic", "shown at 4:1")
    assert reads(sheet, captions[1], "fast", "PSNR 31.70 dB · shown at 4:1")
    assert reads(sheet, captions[2], "Original", "shown at 4:1")


def test_a_single_pixel_is_seen() -> None:
    sheet = compare({"a": np.full((1, 1, 1), 10, np.uint8), "b": np.full((1, 1, 1), 90, np.uint8)})
    first, second = panels_of(sheet, plan_layout(1, 1, 2))
    assert first.shape == second.shape == (16, 16, 1)
    assert (first == 10).all()
    assert (second == 90).all()


# Kinds of pixels


def test_other_types_are_shown_in_eight_bits() -> None:
    wide = np.array([0, 128, 129, 257 * 77 + 128, 257 * 77 + 129, 65535], np.uint16).reshape(1, 6, 1)
    real = np.array([-1, 0, 0.5, 1, 7, 200.49 / 255], np.float32).reshape(1, 6, 1)
    first, second = panels_of(compare({"16 bits": wide, "float": real}), plan_layout(6, 1, 2))
    assert first[0, ::16, 0].tolist() == [0, 0, 1, 77, 78, 255]
    assert second[0, ::16, 0].tolist() == [0, 0, 128, 255, 255, 200]


def test_gray_images_make_a_gray_sheet_and_gray_beside_colour_is_shown_in_colour() -> None:
    assert compare({"a": noise(5, 5, 1), "b": noise(5, 5, 2)}).shape[2] == 1
    gray = noise(5, 5, 1)
    sheet = compare({"gray": gray, "colour": noise(5, 5)})
    assert sheet.shape[2] == 3
    panel = panels_of(sheet, plan_layout(5, 5, 2))[0]
    np.testing.assert_array_equal(panel[::16, ::16], gray.repeat(3, axis=2))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_transparent_pixels_are_laid_over_light_gray(dtype: Any) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    clear, half, solid = ((np.array([[[1, 0, 0, a]]]) * top).astype(dtype) for a in (0, 0.5, 1))
    sheet = compare({"clear": clear, "half": half, "solid": solid})
    seen = [panel[0, 0].tolist() for panel in panels_of(sheet, plan_layout(1, 1, 3))]
    assert seen[0] == [192, 192, 192]
    assert np.abs(np.array(seen[1]) - [223.5, 96, 96]).max() <= 1
    assert seen[2] == [255, 0, 0]


def test_only_the_colour_profile_is_copied(pixels: Make) -> None:
    header = pyvips.Image.black(4, 4).copy(interpretation="srgb")
    header.set_type(pyvips.GValue.blob_type, "icc-profile-data", b"a profile")
    header.set_type(pyvips.GValue.gint_type, "orientation", 6)
    header.set_type(pyvips.GValue.blob_type, "xmp-data", b"written by a camera")
    sheet = beside_bicubic(ImageData(pixels(), header), pixels(), "same")
    assert sheet.header is not None
    assert set(sheet.header.get_fields()) & {"icc-profile-data", "orientation", "xmp-data"} == {"icc-profile-data"}
    assert header.get_typeof("xmp-data")


def test_the_images_are_not_written_into() -> None:
    first, second = noise(700, 700), noise(700, 700, seed=1)
    before = first.copy(), second.copy()
    for image in (first, second):
        image.flags.writeable = False
    compare({"a": first, "b": second})
    np.testing.assert_array_equal(before, (first, second))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="2 images of 2 sizes"):
        compare({"a": noise(3, 4), "b": noise(4, 3)})
    with pytest.raises(InvalidArgument, match="3 images of 2 sizes"):
        compare({"a": noise(3, 4), "b": noise(3, 4)}, truth=noise(4, 3))
    with pytest.raises(InvalidArgument, match="two or more"):
        compare({"a": noise(3, 4)}, truth=noise(3, 4))
    with pytest.raises(InvalidArgument, match="'Original' is the label of truth"):
        compare({"a": noise(3, 4), "Original": noise(3, 4)}, truth=noise(3, 4))
    with pytest.raises(InvalidArgument, match="a note for 'c', which is none of a, b"):
        compare({"a": noise(3, 4), "b": noise(3, 4)}, notes={"c": "PSNR"})


# Layout

SIZES = [(1, 1), (2, 1), (1, 3), (161, 7), (1, 20000), (20000, 1), (294, 294), (295, 295), (451, 300), (512, 512)]
SIZES += [
    (640, 480),
    (641, 300),
    (700, 5),
    (900, 600),
    (901, 600),
    (1200, 800),
    (800, 1600),
    (6000, 4000),
    (4000, 6000),
]


@pytest.mark.parametrize("count", [2, 3, 4, 8])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_parts_and_captions_lie_on_the_sheet_and_not_over_each_other(size: tuple[int, int], count: int) -> None:
    layout = plan_layout(*size, count)
    taken = np.zeros((layout.height, layout.width), np.uint8)
    parts = [*([layout.overview] if layout.overview else []), *layout.panels]
    assert len(layout.panels) == count
    # Each part has its caption right below.
    for part, caption in zip(parts, layout.captions, strict=True):
        assert (caption.left, caption.height) == (part.left, CAPTION)
        assert 0 <= caption.top - part.top - part.height < 3
    for box in [*parts, *layout.captions]:
        assert box.left >= MARGIN
        assert box.top >= MARGIN
        assert box.left + box.width <= layout.width - MARGIN
        assert box.top + box.height <= layout.height - MARGIN
        taken[box.slices] += 1
    assert taken.max() == 1
    # The margins are even: something reaches each of them.
    inner = taken[MARGIN : layout.height - MARGIN, MARGIN : layout.width - MARGIN]
    assert all(edge.any() for edge in (inner[0], inner[-1], inner[:, 0], inner[:, -1]))


@pytest.mark.parametrize("count", [2, 3, 4, 8])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_panels_hold_whole_pixels_of_a_part_of_the_image(size: tuple[int, int], count: int) -> None:
    layout = plan_layout(*size, count)
    for box in layout.panels:
        assert (box.width, box.height) == (layout.detail[0] * layout.zoom, layout.detail[1] * layout.zoom)
    assert 2 <= layout.zoom <= 16
    assert all(1 <= part <= side for part, side in zip(layout.detail, size, strict=True))
    if layout.overview is None:
        assert layout.detail == size
    else:
        assert layout.zoom >= 3
        assert layout.overview.width <= size[0]
        assert layout.overview.height <= size[1]
        # Of the image's shape, but for rounding and a side of at least a pixel.
        shown = layout.overview.width, layout.overview.height
        ratios = [part / side for part, side in zip(shown, size, strict=True)]
        assert any(
            all(abs(part - max(1, r * side)) <= 0.5 for part, side in zip(shown, size, strict=True)) for r in ratios
        )


def test_a_landscape_lies_above_its_details_and_a_portrait_beside_them() -> None:
    landscape, portrait = plan_layout(3000, 2000, 2), plan_layout(2000, 3000, 2)
    assert landscape.overview is not None
    assert portrait.overview is not None
    assert all(box.top > landscape.overview.top + landscape.overview.height for box in landscape.panels)
    assert landscape.panels[0].left == landscape.overview.left
    last = landscape.panels[-1]
    assert last.left + last.width == landscape.overview.left + landscape.overview.width
    assert all(box.top == portrait.overview.top for box in portrait.panels)
    assert portrait.panels[0].left == portrait.overview.left + portrait.overview.width + GAP


def test_compared_images_are_side_by_side() -> None:
    for size in SIZES:
        bicubic, network, _ = plan_layout(*size, 3).panels
        assert bicubic.top == network.top
        assert bicubic.left < network.left


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 20000), (20000, 1), (7, 161), (5, 700)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_shape(shape: tuple[int, int], channels: int) -> None:
    result = noise(*shape, channels)
    sheet = compare({"before": 255 - result, "after": result})
    layout = plan_layout(shape[1], shape[0], 2)
    assert sheet.shape == (layout.height, layout.width, 1 if channels < 3 else 3)
    assert reads(sheet, layout.captions[-2], "before", f"{'detail' if layout.overview else 'shown at'} {layout.zoom}:1")


def test_labels_leave_the_images_alone() -> None:
    image = np.full((400, 500, 3), 127, np.uint8)
    layout = plan_layout(500, 400, 2)
    sheets = [compare({"a": image, label: image}) for label in ("b", "a label that is longer than its place " * 4)]
    assert (sheets[0] != sheets[1]).any()
    for caption in layout.captions:
        for sheet in sheets:
            sheet[caption.slices] = PAPER
    np.testing.assert_array_equal(*sheets)


# Text


def test_a_line_has_the_height_of_its_size_and_its_text_a_baseline() -> None:
    for size in (16, 20):
        rows = [np.flatnonzero(lettering(text, size, 300).any(axis=1)) for text in ("Bicubic", "ace", "subpixel")]
        assert all(len(lettering(text, size, 300)) == line_height(size) for text in ("", "Bicubic"))
        assert abs(rows[0][-1] - rows[1][-1]) <= 1
        assert rows[1][0] > rows[0][0]
        assert rows[2][-1] > rows[0][-1]
        assert rows[2][-1] < line_height(size) - 1


def test_the_labels_are_bolder() -> None:
    assert lettering("Bicubic", 20, 200, bold=True).mean() > 1.1 * lettering("Bicubic", 20, 200).mean()


def test_long_lines_end_in_an_ellipsis() -> None:
    line = "subpixel balanced-compressed ×2"
    for width in (60, 100, 200):
        shown = [line[:n].rstrip() + "…" for n in range(len(line))]
        longest = max((text for text in shown if text_width(text, 20) <= width), key=len)
        np.testing.assert_array_equal(lettering(line, 20, width), lettering(longest, 20, width))
    assert lettering("Bicubic", 20, 3).shape == (26, 3)


def test_text_is_no_markup_and_a_name_that_is_no_unicode_is_shown() -> None:
    assert text_width("a<b>&amp;", 20) > text_width("a<b>&", 20)
    np.testing.assert_array_equal(lettering("a\udcff", 20, 60), lettering("a?", 20, 60))
    np.testing.assert_array_equal(lettering("a\nb ", 20, 60), lettering("a b", 20, 60))


def test_the_font_comes_with_the_package(tmp_path: Path) -> None:
    """A machine without any font shows the same letters."""
    config = tmp_path / "fonts.conf"
    config.write_text("<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig></fontconfig>")
    code = (
        "import sys; from subpixel.image.comparison.lettering import lettering\n"
        "for bold in (True, False): sys.stdout.buffer.write(lettering('Bicubic ×2', 20, 120, bold=bold).tobytes())"
    )
    bare = {**os.environ, "FONTCONFIG_FILE": str(config), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, check=True)
    here = [lettering("Bicubic ×2", 20, 120, bold=bold) for bold in (True, False)]
    there = np.frombuffer(done.stdout, np.uint8).reshape(2, 26, 120)
    # How edges are smoothed is for a system's settings; the letters are the same.
    for a, b in zip(here, there, strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9
    assert all((font / "OFL.txt").is_file() for font in [Path(lettering_module.__file__).parent / "fonts"])
