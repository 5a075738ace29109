"""Wide images: read and written row by row without libvips' buffers, in strips that are cut into columns."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

import subpixel.image.files.rows
import subpixel.image.files.wide_files
import subpixel.image.files.wide_rows
import subpixel.image.job
from helpers import random_image, save_image
from image.tiff_files import image, text, tiff
from subpixel import Upscaler
from subpixel.errors import ImageReadError
from subpixel.image.files.containers.tiff_images import read_images
from subpixel.image.files.reading import open_image, read
from subpixel.image.files.rows import ImageRows
from subpixel.image.files.wide_rows import png_rows, tiff_rows
from subpixel.image.job import Job

Saved = Callable[..., Path]


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image is as wide that it is read and written here, a few rows at a time."""
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0)
    monkeypatch.setattr(subpixel.image.files.rows, "HELD", 0)
    monkeypatch.setattr(subpixel.image.files.wide_files, "_WIDE", 0)
    monkeypatch.setattr(subpixel.image.files.wide_rows, "_AT_ONCE", 500)
    monkeypatch.setattr(subpixel.image.files.wide_files, "_AT_ONCE", 500)
    monkeypatch.setattr(subpixel.image.files.wide_files, "_STRIP", 900)


def rows_of(path: Path) -> NDArray[Any]:
    with open_image(path) as file, ImageRows(file, path.parent) as rows:
        return np.concatenate(list(rows.blocks()))


# Reading


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("filter_", ["none", "sub", "up", "avg", "paeth", "all"])
def test_rows_of_a_png(tmp_path: Path, channels: int, dtype: Any, filter_: str) -> None:
    pixels = random_image((37, 53, channels), dtype)
    path = save_image(tmp_path / "a.png", pixels, filter=filter_)
    with open(path, "rb") as file:
        assert png_rows(file) is not None
    np.testing.assert_array_equal(rows_of(path), pixels)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("compression", ["none", "deflate"])
@pytest.mark.parametrize("predictor", ["none", "horizontal"])
def test_rows_of_a_tiff(tmp_path: Path, channels: int, dtype: Any, compression: str, predictor: str) -> None:
    pixels = random_image((37, 53, channels), dtype)
    path = save_image(tmp_path / "a.tif", pixels, compression=compression, predictor=predictor, tile_height=16)
    assert tiff_blocks(path, channels) is not None
    np.testing.assert_array_equal(rows_of(path), pixels)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_rows_of_a_tiff_of_either_byte_order(tmp_path: Path, order: str, dtype: Any) -> None:
    pixels = random_image((37, 53, 3), dtype)
    for compression in (1, 8):
        (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {259: (3, [compression])}, order=order), order=order))
        np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), pixels)


@pytest.mark.usefixtures("wide")
def test_a_channel_that_is_no_colour_is_left_out(tmp_path: Path) -> None:
    pixels = random_image((37, 53, 4), np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {338: (3, [0])})))
    np.testing.assert_array_equal(rows_of(tmp_path / "a.tif"), pixels[..., :3])


def tiff_blocks(path: Path, channels: int = 3) -> Any:
    with open(path, "rb") as file:
        images = read_images(file)
        assert images is not None
        return tiff_rows(file, images, channels)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {"interlace": True}),
        ("a.png", {"palette": True}),
        ("a.tif", {"compression": "lzw"}),
        ("a.tif", {"compression": "jpeg"}),
        ("a.tif", {"tile": True, "tile_width": 16, "tile_height": 16}),
        ("a.tif", {"miniswhite": True}),
        ("a.jpg", {}),
    ],
)
def test_what_only_libvips_reads_is_left_to_it(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    pixels = random_image((37, 53) if "miniswhite" in options else (37, 53, 3), np.uint8)
    path = save_image(tmp_path / name, pixels, **options)
    if path.suffix == ".png":
        with open(path, "rb") as file:
            assert png_rows(file) is None
    elif path.suffix == ".tif":
        assert tiff_blocks(path, 1 if pixels.ndim == 2 else 3) is None
    np.testing.assert_array_equal(rows_of(path), read(path).pixels)


@pytest.mark.usefixtures("wide")
def test_a_png_with_transparency_by_colour(tmp_path: Path) -> None:
    Image.fromarray(random_image((37, 53, 3), np.uint8)).save(tmp_path / "a.png", transparency=(1, 2, 3))
    with open(tmp_path / "a.png", "rb") as file:
        assert png_rows(file) is None
    np.testing.assert_array_equal(rows_of(tmp_path / "a.png"), read(tmp_path / "a.png").pixels)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    options = {"compression": "deflate"} if suffix == ".tif" else {}
    path = save_image(tmp_path / f"a{suffix}", random_image((200, 300, 3), np.uint8), **options)
    content = path.read_bytes()
    for changed in (content[:40_000], content[:40_000] + bytes(50) + content[40_050:]):
        path.write_bytes(changed)
        with pytest.raises(ImageReadError, match=r"damaged or truncated|no known image format"):
            rows_of(path)


# Writing


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_wide_result_is_that_of_the_whole_image(
    tmp_path: Path, request: pytest.FixtureRequest, suffix: str, channels: int, dtype: Any
) -> None:
    if dtype == np.float32 and suffix == ".png":
        return
    source = save_image(tmp_path / "a.tif", random_image((37, 53, channels), dtype))
    upscaler = Upscaler(2, model="fast")
    Job(source, upscaler, destination=tmp_path / f"whole{suffix}").run()
    request.getfixturevalue("wide")
    Job(source, upscaler, destination=tmp_path / f"wide{suffix}").run()
    whole, rows = read(tmp_path / f"whole{suffix}"), read(tmp_path / f"wide{suffix}")
    np.testing.assert_array_equal(whole.pixels, rows.pixels)
    assert whole.header is not None
    assert rows.header is not None
    assert set(whole.header.get_fields()) == set(rows.header.get_fields())


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_metadata_of_a_wide_result(tmp_path: Path, request: pytest.FixtureRequest, suffix: str) -> None:
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    exif = Image.Exif()
    exif[271], exif[315] = "Maker", "Author"
    exif.get_ifd(0x8769).update({0xA002: 53, 0xA003: 37, 0x8827: 200})
    picture = Image.fromarray(random_image((37, 53, 3), np.uint8))
    picture.save(tmp_path / "a.jpg", exif=exif, icc_profile=profile, dpi=(300, 300))
    upscaler = Upscaler(2, model="bicubic")
    results = []
    for name in ("whole", "wide"):
        if name == "wide":
            request.getfixturevalue("wide")
        Job(tmp_path / "a.jpg", upscaler, destination=tmp_path / f"{name}{suffix}").run()
        with Image.open(tmp_path / f"{name}{suffix}") as result:
            inner = dict(result.getexif().get_ifd(0x8769))
            results.append((result.size, result.info["icc_profile"], result.getexif()[315], inner))
            assert (inner[0xA002], inner[0xA003]) == (106, 74)
            assert [float(dpi) for dpi in result.info["dpi"]] == pytest.approx([300, 300], abs=0.1)
    assert results[0] == results[1]


@pytest.mark.usefixtures("wide")
def test_a_georeference_of_a_wide_tiff(tmp_path: Path) -> None:
    tags = {33550: (12, [8.0, 8, 0]), 285: text("p")}
    (tmp_path / "a.tif").write_bytes(tiff(image(random_image((37, 53), np.uint8), tags)))
    Job(tmp_path / "a.tif", Upscaler(2, model="bicubic"), destination=tmp_path / "b.tif").run()
    with Image.open(tmp_path / "b.tif") as result:
        assert result.tag_v2[33550] == (4, 4, 0)  # type: ignore[attr-defined]
        assert result.tag_v2[285] == "p"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("wide")
def test_a_filter_is_the_one_that_libpng_would_choose(tmp_path: Path) -> None:
    """So files are as small as libvips' are."""
    source = save_image(tmp_path / "a.tif", random_image((100, 150, 3), np.uint8))
    Job(source, Upscaler(2, model="bicubic"), destination=tmp_path / "b.png").run()
    pixels = read(tmp_path / "b.png").pixels
    ours = (tmp_path / "b.png").stat().st_size
    theirs = save_image(tmp_path / "c.png", pixels, compression=3, filter="all").stat().st_size
    assert ours < 1.1 * theirs


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_source_that_breaks_off_leaves_the_old_result(tmp_path: Path, suffix: str) -> None:
    source = save_image(tmp_path / "a.png", random_image((200, 300, 3), np.uint8))
    source.write_bytes(source.read_bytes()[:60_000])
    (tmp_path / f"b{suffix}").write_bytes(b"old")
    with pytest.raises(ImageReadError):
        Job(source, Upscaler(2, model="bicubic"), destination=tmp_path / f"b{suffix}", overwrite=True).run()
    assert (tmp_path / f"b{suffix}").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", f"b{suffix}"}


def test_a_tiff_has_small_strips(tmp_path: Path) -> None:
    """Many readers take strips of 50 MB at most; 128 rows of a wide image have more."""
    with Image.open(save_wide(tmp_path, 100_000)) as result:
        tags = result.tag_v2  # type: ignore[attr-defined]
    assert tags[278] * 100_000 <= 8 << 20
    with Image.open(save_wide(tmp_path, 1000)) as result:
        assert result.tag_v2[278] == 128  # type: ignore[attr-defined]


def save_wide(folder: Path, width: int) -> Path:
    source = save_image(folder / "a.png", np.zeros((200, width // 2), np.uint8))
    Job(source, Upscaler(2, model="bicubic"), destination=folder / "b.tif", overwrite=True).run()
    return folder / "b.tif"


# Strips in columns


@pytest.mark.parametrize("model", ["fast", "bicubic"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("at_once", [1, 4000, 30_000])
def test_strips_cut_into_columns_give_the_same_bytes(model: str, channels: int, at_once: int) -> None:
    pixels = random_image((45, 300, channels), np.uint8)
    upscaler = Upscaler(2, model=model)
    choice = upscaler.choose_model(pixels)
    plan = upscaler.plan(300, 45, choice)
    alpha: Any = "transparent" if channels == 4 else "none"
    blocks = upscaler.stream([pixels], plan, channels, pixels.dtype, alpha, choice, at_once)
    np.testing.assert_array_equal(np.concatenate(list(blocks)), upscaler(pixels))


def test_the_stream_of_a_png_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong checksum of deflate's own is found too."""
    monkeypatch.setattr(subpixel.image.files.rows, "HELD", 0)
    content = bytearray(save_image(tmp_path / "a.png", random_image((37, 53, 3), np.uint8)).read_bytes())
    end = content.rindex(b"IEND") - 8
    content[end - 4 : end] = bytes(4)
    start = content.index(b"IDAT")
    content[end : end + 4] = zlib.crc32(bytes(content[start:end])).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageReadError, match="damaged or truncated"):
        rows_of(tmp_path / "a.png")
