"""The table of formats: its limits are libvips' limits, and what does not fit is refused before any work."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from malformed.images import png_header
from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import ImageData, Job, read, write
from subpixel.image.files.formats import FORMATS, WRITABLE, check_pixels, default_suffix, suffix_of

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("work began")


@pytest.mark.parametrize("form", [f for f in FORMATS if f.largest < 1 << 20], ids=lambda f: f.name)
def test_the_largest_sides_are_those_of_libvips(tmp_path: Path, form: Any) -> None:
    path = str(tmp_path / f"a{form.suffixes[0]}")
    options = form.options(lossy=True, quality=None, size=0) | ({"effort": 0} if form.name == "AVIF" else {})
    with pytest.raises(pyvips.Error):
        pyvips.Image.black(form.largest + 1, 1).write_to_file(path, **options)
    pyvips.Image.black(form.largest, 1).write_to_file(path, **options)
    assert pyvips.Image.new_from_file(path).width == form.largest


@pytest.mark.parametrize(
    ("target", "shape", "text"),
    [
        ("out.jpg", (1, 32751), "JPEG holds at most 65500×65500 pixels, the result has 65502×2; png, tif"),
        ("out.webp", (8192, 1), "WebP holds at most 16383×16383 pixels, the result has 2×16384; jpg, png, tif, avif"),
        ("out.avif", (8193, 1), "AVIF holds at most 16384"),
        ("out.gif", (1, 32768), "GIF holds at most 65535"),
    ],
)
def test_a_result_too_large_for_its_format_is_refused_before_work(
    monkeypatch: pytest.MonkeyPatch, look: Look, saved: Saved, tmp_path: Path, target: str, shape: Any, text: str
) -> None:
    source = saved("a.png", np.zeros((*shape, 3), np.uint8))
    before = look()
    upscaler = Upscaler(2, model="bicubic")
    monkeypatch.setattr(Upscaler, "__call__", never)
    with pytest.raises(InvalidArgument, match=text):
        Job(source, upscaler, tmp_path / target).run()
    assert look() == before


@pytest.mark.parametrize(
    ("target", "channels", "dtype", "pages", "text"),
    [
        ("a.jpg", 3, np.uint16, 1, "JPEG holds uint8, the image is uint16; png, tif can hold it"),
        ("a.jpg", 4, np.uint8, 1, "no transparency, the image does; png, tif, webp, avif can hold it"),
        ("a.webp", 4, np.uint16, 1, "WebP holds uint8, the image is uint16; png, tif can"),
        ("a.png", 1, np.float32, 1, "uint8 or uint16, the image is float32; tif can"),
        ("a.avif", 1, np.float32, 1, "the image is float32; tif can"),
        ("a.gif", 1, np.uint16, 1, "the image is uint16"),
        ("a.jpg", 3, np.uint8, 3, "JPEG holds no animation, the image has 3 frames; png, webp can hold it"),
        ("a.webp", 3, np.uint16, 3, "WebP holds uint8, the image is uint16; png can hold it"),
        ("a.tif", 4, np.uint8, 2, "TIFF holds no animation"),
        ("a.avif", 3, np.uint8, 2, "the installed libvips writes no animated AVIF, the image has 2 frames; "),
    ],
)
def test_a_format_that_cannot_hold_an_image_and_those_that_can(
    look: Look, pixels: Make, tmp_path: Path, target: str, channels: int, dtype: Any, pages: int, text: str
) -> None:
    image = ImageData(pixels(channels=channels, dtype=dtype), pages=pages)
    with pytest.raises(InvalidArgument, match=text):
        write(image, tmp_path / target)
    assert look() == {}
    with pytest.raises(InvalidArgument, match=text):
        check_pixels(tmp_path / target, (24, 36, channels), np.dtype(dtype), pages)


def test_a_tiff_that_may_exceed_4_gb_is_a_bigtiff() -> None:
    tiff = WRITABLE[".tif"]
    assert "bigtiff" not in tiff.options(False, None, 4 * 10**9)
    assert tiff.options(False, None, 1 << 32)["bigtiff"] is True


@pytest.mark.parametrize(
    ("asked", "suffix"), [("jpg", ".jpg"), ("JPEG", ".jpg"), (".png", ".png"), ("tiff", ".tif"), ("avif", ".avif")]
)
def test_names_of_formats(
    upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path, asked: str, suffix: str
) -> None:
    assert suffix_of(asked) == suffix
    result = Job(saved("a.png"), upscaler, format=asked).run()
    assert result.destination == tmp_path / f"a_x2{suffix}"
    with Image.open(result.destination) as image:
        assert image.size == (72, 48)
        assert image.format in {"JPEG", "PNG", "TIFF", "AVIF"}


@pytest.mark.parametrize("asked", ["jxl", "heic", "bmp", "ppm", "none", "", "."])
def test_formats_that_cannot_be_written(upscaler: Upscaler, look: Look, saved: Saved, asked: str) -> None:
    source = saved("a.png")
    before = look()
    with pytest.raises(InvalidArgument, match="one of jpg, jpeg, png, apng, tif, tiff, webp, avif, gif"):
        Job(source, upscaler, format=asked).run()
    assert look() == before


def test_a_name_and_a_format_that_contradict_each_other(upscaler: Upscaler, saved: Saved, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="contradict each other"):
        Job(saved("a.png"), upscaler, tmp_path / "b.png", format="jpg").run()
    assert Job(saved("a.png"), upscaler, tmp_path / "b.jpeg", format="jpg").run().destination.exists()


def test_default_formats() -> None:
    assert default_suffix(np.dtype(np.uint8), "jpegload") == ".png"
    assert default_suffix(np.dtype(np.float32), "tiffload") == ".tif"
    assert default_suffix(np.dtype(np.uint8), "gifload", 3) == ".gif"
    assert default_suffix(np.dtype(np.uint8), "webpload", 3) == ".webp"
    assert default_suffix(np.dtype(np.uint8), "webpload") == ".png"


# Quality


def test_the_file_has_the_quality_asked_for(upscaler: Upscaler, saved: Saved, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source = saved("a.png", rng.integers(0, 256, (40, 40, 3), np.uint8))
    for suffix in ("jpg", "webp", "avif"):
        sizes = []
        for quality in (1, 40, 80, 100):
            result = Job(source, upscaler, tmp_path / f"{quality}.{suffix}", quality=quality).run()
            sizes.append(result.destination.stat().st_size)
        assert sizes == sorted(set(sizes)), suffix
    with Image.open(tmp_path / "80.jpg") as image:
        reference = tmp_path / "reference.jpg"
        Image.new("RGB", (8, 8)).save(reference, quality=80)
        with Image.open(reference) as expected:
            assert image.quantization == expected.quantization  # type: ignore[attr-defined]


def test_webp_is_lossless_if_the_source_was(upscaler: Upscaler, saved: Saved, pixels: Make, tmp_path: Path) -> None:
    lossless = saved("a.webp", lossless=True)
    for source in (saved("a.png"), lossless):
        result = Job(source, upscaler, tmp_path / "out.webp", overwrite=True).run().destination
        assert b"VP8L" in result.read_bytes()
        np.testing.assert_array_equal(read(result).pixels, upscaler(pixels()))
    for source in (saved("a.jpg"), saved("b.webp"), saved("a.avif")):
        result = Job(source, upscaler, tmp_path / "out.webp", overwrite=True).run().destination
        assert b"VP8 " in result.read_bytes()
        assert np.abs(read(result).pixels.astype(int) - upscaler(read(source).pixels)).mean() < 3


def test_colours_of_transparent_pixels_stay(upscaler: Upscaler, tmp_path: Path) -> None:
    rgba = np.dstack([np.full((8, 8), 200), np.arange(64).reshape(8, 8), np.zeros((8, 8)), np.zeros((8, 8))])
    write(ImageData(rgba.astype(np.uint8)), tmp_path / "a.webp")
    np.testing.assert_array_equal(read(tmp_path / "a.webp").pixels, rgba)


@pytest.mark.parametrize("quality", [0, -1, 101, True, 9.5])
def test_qualities_out_of_range(upscaler: Upscaler, look: Look, saved: Saved, tmp_path: Path, quality: Any) -> None:
    source = saved("a.png")
    before = look()
    with pytest.raises(InvalidArgument, match="an integer from 1 to 100"):
        Job(source, upscaler, tmp_path / "b.jpg", quality=quality).run()
    assert look() == before


@pytest.mark.parametrize("suffix", ["png", "tif", "gif"])
def test_formats_without_a_quality(upscaler: Upscaler, look: Look, saved: Saved, tmp_path: Path, suffix: str) -> None:
    source = saved("a.png")
    before = look()
    with pytest.raises(InvalidArgument, match="is lossless and has no quality; jpg, webp and avif have one"):
        Job(source, upscaler, tmp_path / f"b.{suffix}", quality=90).run()
    assert look() == before


def test_avif_stores_16_bits_as_12(upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path) -> None:
    result = Job(saved("a.png", pixels(dtype=np.uint16)), upscaler, tmp_path / "b.avif").run()
    assert any("12 bits" in note for note in result.notes)
    again = read(result.destination)
    assert again.pixels.dtype == np.uint16
    assert np.abs(again.pixels.astype(int) - upscaler(pixels(dtype=np.uint16))).mean() < 257


# Files that are refused


def test_more_megapixels_than_the_limit(upscaler: Upscaler, look: Look, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(60000, 60000))
    before = look()
    with pytest.raises(
        ImageReadError, match=r"60000×60000 pixels are 3,600 megapixels, the limit is 1,000; limit=3600 allows it"
    ):
        Job(tmp_path / "a.png", upscaler).run()
    with pytest.raises(ImageReadError, match="damaged or truncated"):
        Job(tmp_path / "a.png", upscaler, limit=3600).run()
    assert look() == before
    Image.new("L", (2000, 1001)).save(tmp_path / "b.png")
    with pytest.raises(ImageReadError, match="limit is 2;"):
        read(tmp_path / "b.png", limit=2)
    assert read(tmp_path / "b.png", limit=2.002).pixels.shape == (1001, 2000, 1)


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "avif"])
def test_huge_sizes_in_tiny_files(tmp_path: Path, suffix: str) -> None:
    """They are refused by their headers in every format, without memory or time."""
    side = {"tif": 65000, "gif": 65000, "webp": 16383, "avif": 16384}[suffix]
    path = tmp_path / f"a.{suffix}"
    if suffix == "tif":
        fields = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 4), (277, 3, 1)]
        fields += [(278, 4, side), (279, 4, 100)]
        entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
        path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries + bytes(4))
    elif suffix == "gif":
        Image.new("L", (4, 4)).save(path)
        content = path.read_bytes()
        size = side.to_bytes(2, "little") * 2
        place = content.index(b",\0\0\0\0") + 5
        path.write_bytes(content[:6] + size + content[10:place] + size + content[place + 4 :])
    else:
        pixels = np.zeros((4, 4, 3), np.uint8)
        pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").write_to_file(str(path))
    limit = 1000.0 if suffix in ("tif", "gif") else 1e-6
    with pytest.raises(ImageReadError, match=r"limit=\d+ allows it"):
        read(path, limit=limit)


FOREIGN = {
    "JPEG XL": b"\xff\x0a" + bytes(40),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
    "OpenEXR": b"\x76\x2f\x31\x01" + bytes(40),
    "PSD": b"8BPS\0\1" + bytes(40),
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    "PDF": b"%PDF-1.7\n" + bytes(40),
    "Radiance HDR": b"#?RGBE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 4\n" + bytes(64),
    "JPEG XR": b"II\xbc\1" + bytes(40),
    "MNG": b"\x8aMNG\r\n\x1a\n" + bytes(40),
    "XCF": b"gimp xcf v011\0" + bytes(40),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "SGI": b"\x01\xda\0\1" + bytes(40),
    "PCX": b"\x0a\5\1\x08" + bytes(124),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_formats_that_libvips_cannot_read_are_named(upscaler: Upscaler, look: Look, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.png").write_bytes(FOREIGN[name])
    before = look()
    with pytest.raises(
        ImageReadError, match=f"is {name}, which the installed libvips cannot read; convert it to PNG or TIFF"
    ):
        Job(tmp_path / "a.png", upscaler).run()
    assert look() == before


SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10" height="6"><rect width="5"/></svg>'


def write_svg(path: Path) -> None:
    path.write_text(SVG)


def write_csv(path: Path) -> None:
    path.write_text("1,2,3\n4,5,6\n")


def write_matrix(path: Path) -> None:
    path.write_text("3 2\n1 2 3\n4 5 6\n")


def write_vips(path: Path) -> None:
    pyvips.Image.black(5, 4).write_to_file(str(path))


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.svg", write_svg, "an SVG, a drawing without pixels; export it as PNG in the size that is needed"),
        ("a.csv", write_csv, "not an image that can be read"),
        ("a.mat", write_matrix, "a table of numbers, not an image"),
        ("a.v", write_vips, "libvips' own format, whose reader trusts what the file says; convert it to PNG or TIFF"),
    ],
)
def test_what_is_no_file_of_pixels_is_refused(
    upscaler: Upscaler, look: Look, tmp_path: Path, name: str, make: Callable[[Path], None], words: str
) -> None:
    """Whatever it is called. libvips would draw, count or trust it."""
    make(tmp_path / name)
    (tmp_path / "a.png").write_bytes((tmp_path / name).read_bytes())
    before = look()
    for path in (tmp_path / name, tmp_path / "a.png"):
        with pytest.raises(ImageReadError, match=words):
            Job(path, upscaler, tmp_path / "out.png").run()
    assert look() == before


def test_the_content_decides_the_format(upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path) -> None:
    path = saved("a.png")
    for name in ("a.jpg", "a.tif", "a", "a.txt"):
        os.link(path, tmp_path / name)
        np.testing.assert_array_equal(read(tmp_path / name).pixels, pixels())
