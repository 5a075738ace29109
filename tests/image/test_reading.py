"""Reading image files and writing them again: metadata is kept, broken files are refused."""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from malformed.images import NOT_IMAGES, corrupted, truncated
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import ImageData, read, write
from subpixel.image.files.formats import WRITABLE

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>kept</note></x:xmpmeta>'


@functools.cache
def profile() -> bytes:
    """One for all tests: the time of its creation is part of it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# Pixels


@pytest.mark.parametrize(
    ("suffix", "channels", "dtype"),
    [
        *((".png", c, np.uint8) for c in (1, 2, 3, 4)),
        *((".png", c, np.uint16) for c in (1, 2, 3, 4)),
        *((".tif", c, d) for c in (1, 2, 3, 4) for d in (np.uint8, np.uint16, np.float32)),
        (".webp", 3, np.uint8),
        (".webp", 4, np.uint8),
    ],
)
def test_pixels_are_read_and_written_without_loss(
    pixels: Make, saved: Saved, tmp_path: Path, suffix: str, channels: int, dtype: Any
) -> None:
    values = pixels(channels=channels, dtype=dtype)
    options = {"lossless": True} if suffix == ".webp" else {}
    data = read(saved(f"a{suffix}", values, **options))
    np.testing.assert_array_equal(data.pixels, values)
    assert data.pixels.dtype == dtype
    assert data.notes == ()
    write(data, tmp_path / f"b{suffix}")
    again = read(tmp_path / f"b{suffix}").pixels
    np.testing.assert_array_equal(again, values)
    assert again.dtype == dtype


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (17, 33)])
@pytest.mark.parametrize("suffix", sorted(WRITABLE))
def test_small_images_without_a_source_are_written(
    pixels: Make, tmp_path: Path, suffix: str, shape: tuple[int, int]
) -> None:
    values = pixels(*shape)
    write(ImageData(values), tmp_path / f"a{suffix}")
    again = read(tmp_path / f"a{suffix}").pixels
    assert again.shape == values.shape
    near = {".jpg": 8, ".jpeg": 8, ".avif": 3, ".gif": 3}.get(suffix, 0)
    assert np.abs(again.astype(int) - values).mean() <= near


def test_gray_stays_gray_in_a_jpeg(pixels: Make, saved: Saved, tmp_path: Path) -> None:
    data = read(saved("gray.jpg", pixels(channels=1)))
    assert data.pixels.shape == (24, 36, 1)
    write(data, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.mode == "L"


def test_a_palette_is_read_as_its_colours(pixels: Make, tmp_path: Path) -> None:
    image = Image.fromarray(pixels()).quantize(7)
    image.save(tmp_path / "p.png")
    data = read(tmp_path / "p.png")
    np.testing.assert_array_equal(data.pixels, np.asarray(image.convert("RGB")))
    write(data, tmp_path / "q.png")
    np.testing.assert_array_equal(read(tmp_path / "q.png").pixels, data.pixels)


def test_a_palette_with_a_transparent_entry_has_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putdata([0, 1, 0, 1, 1, 0, 1, 0])
    image.save(tmp_path / "p.png", transparency=1)
    values = read(tmp_path / "p.png").pixels
    assert values.shape == (2, 4, 4)
    assert values[0, :, 3].tolist() == [255, 0, 255, 0]


def test_one_bit_is_read_as_black_and_white(tmp_path: Path) -> None:
    bits = np.indices((6, 9)).sum(axis=0) % 2 == 0
    Image.fromarray(bits).save(tmp_path / "bits.png")
    data = read(tmp_path / "bits.png")
    assert data.pixels.dtype == np.uint8
    np.testing.assert_array_equal(data.pixels[..., 0], np.where(bits, 255, 0))
    # The result has 8 bits, because upscaled edges need grays.
    values = data.pixels.copy()
    values[0, 0] = 100
    write(replace(data, pixels=values), tmp_path / "out.png")
    assert read(tmp_path / "out.png").pixels[0, 0, 0] == 100


@pytest.mark.parametrize("with_profile", [False, True])
def test_cmyk_is_converted_with_a_note(tmp_path: Path, with_profile: bool) -> None:
    image = Image.new("CMYK", (16, 8), (255, 0, 0, 0))  # cyan
    image.save(tmp_path / "c.jpg", quality=95, icc_profile=b"" if not with_profile else profile())
    if with_profile:
        # A profile for RGB cannot describe CMYK; libvips then uses its own.
        try:
            data = read(tmp_path / "c.jpg")
        except ImageReadError:
            return
    else:
        data = read(tmp_path / "c.jpg")
    assert data.pixels.shape == (8, 16, 3)
    red, green, blue = data.pixels[4, 8].astype(int)
    assert red < 100 < min(green, blue)
    assert len(data.notes) == 1
    assert "cmyk" in data.notes[0]
    assert "sRGB" in data.notes[0]
    write(data, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as result:
        assert result.mode == "RGB"


def test_lab_is_converted_with_a_note(tmp_path: Path) -> None:
    red = pyvips.Image.new_from_array(np.full((5, 6, 3), (200, 30, 40), np.uint8))
    red.copy(interpretation="srgb").colourspace("lab").write_to_file(str(tmp_path / "lab.tif"))
    data = read(tmp_path / "lab.tif")
    assert "lab" in data.notes[0]
    assert data.pixels.dtype == np.uint16  # the file has 32 bits per sample
    assert np.abs(data.pixels[2, 2] / 257 - [200, 30, 40]).max() <= 3


@pytest.mark.parametrize("format_", ["int", "short", "double", "complex"])
def test_unusual_sample_formats_are_refused(tmp_path: Path, format_: str) -> None:
    image = (pyvips.Image.gaussnoise(6, 5).cast("float") / 255).copy(interpretation="b-w").cast(format_)
    image.write_to_file(str(tmp_path / "a.tif"))
    with pytest.raises(ImageReadError, match=r"a\.tif"):
        read(tmp_path / "a.tif")


def test_more_than_four_bands_are_refused(tmp_path: Path) -> None:
    pyvips.Image.black(4, 4, bands=5).copy(interpretation="multiband").write_to_file(str(tmp_path / "a.tif"))
    with pytest.raises(ImageReadError, match="bands"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("pages", [2, 5])
def test_of_many_pages_the_first_is_read_with_a_note(pixels: Make, tmp_path: Path, pages: int) -> None:
    first, *rest = (Image.fromarray(np.roll(pixels(), k, axis=0)) for k in range(pages))
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest)
    data = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(data.pixels, pixels())
    assert any(str(pages) in note and "first" in note for note in data.notes), data.notes
    write(data, tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as image:
        assert getattr(image, "n_frames", 1) == 1


# Metadata


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_orientation_is_applied_once_and_its_tag_removed(
    pixels: Make, tmp_path: Path, orientation: int, suffix: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless: dict[str, Any] = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}.get(suffix, {})
    Image.fromarray(pixels()).save(tmp_path / f"a{suffix}", exif=exif, **lossless)
    flipped = [
        pixels(),
        pixels()[:, ::-1],
        pixels()[::-1, ::-1],
        pixels()[::-1],
        pixels().transpose(1, 0, 2),
        np.rot90(pixels(), -1),
        pixels().transpose(1, 0, 2)[::-1, ::-1],
        np.rot90(pixels()),
    ]  # the values 1 … 8 in EXIF 2.32
    upright = flipped[orientation - 1].astype(int)
    near = 6 if suffix == ".jpg" else 0
    data = read(tmp_path / f"a{suffix}")
    assert data.pixels.shape == upright.shape
    assert np.abs(data.pixels - upright).max() <= near
    write(data, tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.getexif().get(0x0112, 1) == 1
    again = read(tmp_path / f"b{suffix}")
    assert np.abs(again.pixels - upright).max() <= 2 * near


@pytest.mark.parametrize("target", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
def test_profile_exif_and_xmp_are_kept(pixels: Make, tmp_path: Path, source: str, target: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"  # the time of the photograph
    options: dict[str, Any] = {"icc_profile": profile(), "exif": exif}
    if source == ".tif":
        # Pillow writes a TIFF's fields from one directory only; libvips writes them all.
        image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile())
        image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP)
        image.write_to_file(str(tmp_path / "a.tif"))
    else:
        Image.fromarray(pixels()).save(tmp_path / "plain.png")
        plain = tmp_path / f"a{source}"
        Image.fromarray(pixels()).save(plain, **options)
        image = pyvips.Image.new_from_file(str(plain)).copy_memory()
        image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP)
        image.write_to_file(str(plain))
    data = read(tmp_path / f"a{source}")
    large = np.repeat(np.repeat(data.pixels, 2, 0), 2, 1)
    write(replace(data, pixels=large), tmp_path / f"b{target}")
    header = pyvips.Image.new_from_file(str(tmp_path / f"b{target}"))
    assert (header.width, header.height) == (72, 48)
    assert bytes(header.get("icc-profile-data")) == profile()
    assert bytes(header.get("xmp-data")).rstrip(b"\0") == XMP
    if source != ".tif" and target != ".tif":
        with Image.open(tmp_path / f"b{target}") as result:
            assert result.getexif()[0x010F] == "Maker"
            assert result.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_resolution_is_kept(pixels: Make, tmp_path: Path, suffix: str) -> None:
    Image.fromarray(pixels()).save(tmp_path / f"a{suffix}", dpi=(300, 150))
    write(read(tmp_path / f"a{suffix}"), tmp_path / f"b{suffix}")
    result = pyvips.Image.new_from_file(str(tmp_path / f"b{suffix}"))
    assert (result.xres * 25.4, result.yres * 25.4) == pytest.approx((300, 150), abs=1)


def test_the_preview_of_the_old_pixels_is_removed(pixels: Make, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=exif)
    image = pyvips.Image.new_from_file(str(tmp_path / "a.jpg")).copy_memory()
    image.set_type(pyvips.GValue.blob_type, "jpeg-thumbnail-data", b"\xff\xd8 the old preview \xff\xd9")
    image.write_to_file(str(tmp_path / "b.jpg"))
    assert b"the old preview" in (tmp_path / "b.jpg").read_bytes()  # as the test assumes
    write(read(tmp_path / "b.jpg"), tmp_path / "c.jpg")
    assert b"the old preview" not in (tmp_path / "c.jpg").read_bytes()


def test_a_jpeg_keeps_its_colour_at_full_resolution(pixels: Make, tmp_path: Path) -> None:
    write(ImageData(pixels()), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert [component[1:3] for component in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


def test_the_mode_of_a_new_file_follows_the_umask(pixels: Make, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(ImageData(pixels()), tmp_path / "a.png")
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


# Files that cannot be read


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_files_that_are_not_images_are_refused(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    file, content = NOT_IMAGES[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ImageReadError) as caught:
        read(tmp_path / file)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / file))
    assert "\n" not in message
    assert isinstance(caught.value, OSError)
    assert capfd.readouterr().err == ""


def test_missing_files_folders_and_empty_files_are_distinguished(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for path, text in (
        (tmp_path / "none.png", "no such file"),
        (tmp_path, "is a folder"),
        (tmp_path / "empty.jpg", "empty"),
        (tmp_path / "empty.jpg" / "below.png", "not a directory"),
        (tmp_path / ("n" * 300 + ".png"), "too long"),
    ):
        with pytest.raises(ImageReadError, match=text):
            read(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(saved: Saved) -> None:
    path = saved("a.png")
    path.chmod(0)
    with pytest.raises(ImageReadError, match="permission"):
        read(path)


SAMPLES: dict[str, dict[str, Any]] = {
    "a.png": {},
    "interlaced.png": {"interlace": True},
    "a.jpg": {},
    "progressive.jpg": {"interlace": True},
    "a.webp": {"lossless": True},
    "plain.tif": {},
    "deflate.tif": {"compression": "deflate"},
    "tiled.tif": {"compression": "lzw", "tile": True, "tile_width": 16, "tile_height": 16},
}


@pytest.mark.parametrize("name", [*SAMPLES, "directory first.tif"])
def test_a_truncated_file_is_refused_or_complete(
    pixels: Make, saved: Saved, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Never half an image: an error, or every pixel if only metadata is cut off."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 33, 3), np.uint8)
    if name in SAMPLES:
        path = saved(name, noise, **SAMPLES[name])
    else:
        # Pillow writes the directory before the pixels, so only pixels are cut off.
        path = tmp_path / name
        Image.fromarray(noise).save(path)
    whole = read(path).pixels
    cut = tmp_path / f"cut{path.suffix}"
    refused = 0
    for content in truncated(path.read_bytes()):
        cut.write_bytes(content)
        try:
            result = read(cut).pixels
        except ImageReadError:
            refused += 1
            continue
        np.testing.assert_array_equal(result, whole)
    assert refused >= 30
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", SAMPLES)
def test_corrupted_files_never_crash(saved: Saved, tmp_path: Path, name: str) -> None:
    path = saved(name)
    changed = tmp_path / f"changed{path.suffix}"
    for number, content in enumerate(corrupted(path.read_bytes(), seed=11, count=120)):
        changed.write_bytes(content)
        try:
            result = read(changed)
        except ImageReadError:
            continue
        assert result.pixels.ndim == 3
        assert 1 <= result.pixels.shape[2] <= 4
        target = tmp_path / f"out{number}.tif"
        if result.pixels.size < 10**6:
            write(result, target)  # with any metadata
            assert read(target).pixels.shape == result.pixels.shape


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_large_rotated_images(tmp_path: Path, suffix: str, orientation: int) -> None:
    """More rows than libvips buffers: rotation reads them in another order than the file has."""
    y, x = np.mgrid[:1200, :900]
    pixels = np.dstack([x % 256, y % 256, (x + y) // 9]).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    result = read(path).pixels.astype(int)
    assert np.abs(result - expected).max() <= (3 if suffix == ".jpg" else 0)


@pytest.mark.parametrize(
    "start",
    [b"\0\0\0\x20ftypisom", b"\x1aE\xdf\xa3\x93B\x82\x88matroska", b"RIFF\0\0\0\0AVI LIST"],
    ids=["mp4", "mkv", "avi"],
)
def test_a_video_is_no_image(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "video"
    path.write_bytes(start + bytes(100))
    with pytest.raises(ImageReadError, match=r"video: this is a video; use subpixel video$"):
        read(path)


def test_a_small_limit_is_written_out_and_0_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (500, 500)).save(path)
    with pytest.raises(ImageReadError, match=r"are 0\.25 megapixels, the limit is 0\.1; limit=1 allows it"):
        read(path, limit=0.1)
    for limit in (0, -1, float("nan")):
        with pytest.raises(InvalidArgument, match=r"limit=.*: a number of megapixels above 0 is needed"):
            read(path, limit=limit)


@pytest.mark.parametrize("canvas", [(640, 480), (1024, 768), (2100, 30), (20, 16), (8, 3000)])
@pytest.mark.parametrize("count", [1, 3])
def test_the_canvas_of_a_gif_is_what_it_states(tmp_path: Path, canvas: tuple[int, int], count: int) -> None:
    """Browsers show it, transparent where no frame lies; libvips takes the canvas from the frames."""
    frames = [Image.new("RGB", (8, 6), (60 * k, 9, 30)) for k in range(count)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    before = read(path).pixels[..., :3]
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", *canvas)
    path.write_bytes(content)
    image = read(path)
    assert (image.pages, image.notes) == (count, ())
    for k, frame in enumerate(image.frames):
        assert frame.shape == (max(6, canvas[1]), max(8, canvas[0]), 4)
        np.testing.assert_array_equal(frame[:6, :8, :3], before[6 * k : 6 * k + 6])
        assert (frame[:6, :8, 3] == 255).all()
        assert frame[..., 3].astype(bool).sum() == 48
    with pytest.raises(ImageReadError, match="megapixels"):
        read(path, limit=canvas[0] * canvas[1] * count / 1e6 * 0.9)


def gif_of_areas(canvas: tuple[int, int], *frames: tuple[int, int, int, int, int]) -> bytes:
    """Frames of one colour without transparency: left, top, width, height and disposal of each."""
    data = b"GIF89a" + struct.pack("<HH", *canvas) + b"\x80\0\0" + bytes([9, 99, 199, 255, 255, 255])
    for left, top, width, height, disposal in frames:
        data += b"!\xf9\4" + bytes([disposal << 2, 10, 0, 0]) + b"\0"
        data += b"," + struct.pack("<4H", left, top, width, height) + b"\0\2"
        # Codes of three bits: a clear code before each pixel of colour 0, and the end.
        bits = "".join(f"{code:03b}"[::-1] for code in [4, 0] * (width * height) + [5])
        codes = bytes(int(bits[k : k + 8][::-1], 2) for k in range(0, len(bits), 8))
        data += b"".join(bytes([len(codes[k : k + 255])]) + codes[k : k + 255] for k in range(0, len(codes), 255))
        data += b"\0"
    return data + b";"


@pytest.mark.parametrize("last", [(1, 1, 3, 2, 0), (1, 1, 3, 2, 2)])
@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_an_animated_gif_is_transparent_where_no_frame_lies(
    tmp_path: Path, disposal: int, last: tuple[int, int, int, int, int]
) -> None:
    (tmp_path / "a.gif").write_bytes(gif_of_areas((8, 6), (2, 1, 4, 3, disposal), last, last))
    image = read(tmp_path / "a.gif")
    first, second = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    first[1:4, 2:6] = 255
    second[1:3, 1:4] = 255
    if disposal < 2:
        second |= first
    for found, wanted in zip(image.frames, (first, second, second), strict=True):  # the last one is shown again
        np.testing.assert_array_equal(found[..., -1], wanted)
        np.testing.assert_array_equal(found[wanted > 0][:, :3], [[9, 99, 199]] * int((wanted > 0).sum()))


def test_a_gif_whose_first_frame_covers_it_has_no_alpha(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif_of_areas((8, 6), (0, 0, 8, 6, 1), (1, 1, 3, 2, 0)))
    assert read(tmp_path / "a.gif").frames[0].shape == (6, 8, 3)


def test_a_gif_is_transparent_around_its_frame(tmp_path: Path) -> None:
    Image.new("L", (8, 6), 77).save(tmp_path / "a.gif")
    content = bytearray((tmp_path / "a.gif").read_bytes())
    content[6:10] = struct.pack("<HH", 20, 16)
    at = content.index(b",\0\0\0\0\x08\0\x06\0")
    content[at + 1 : at + 5] = struct.pack("<HH", 5, 7)
    (tmp_path / "a.gif").write_bytes(content)
    pixels = read(tmp_path / "a.gif").pixels
    assert pixels.shape == (16, 20, 2)
    expected = np.zeros((16, 20, 2), np.uint8)
    expected[7:13, 5:13] = 77, 255
    np.testing.assert_array_equal(pixels, expected)
