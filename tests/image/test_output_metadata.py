"""Metadata is kept from every format to every format; what a format cannot hold is a note."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageCms, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

import subpixel
from subpixel import Upscaler
from subpixel.errors import ImageWriteError
from subpixel.image import ImageData, Job, read, write
from subpixel.image.files import writing
from subpixel.image.files.containers import gif, jpeg, png, tiff
from subpixel.image.files.exif_place import write_block
from subpixel.image.files.provenance import Provenance, read_provenance
from subpixel.storage.digest import digest_of

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]

ALL = ["jpg", "png", "webp", "tif", "avif", "gif"]
WITH_EXIF = ["jpg", "png", "webp", "tif", "avif"]
TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
RECORDS = b"\x1c\x02\x05\x00\x05hello\x1c\x02\x78\x00\x03abc"
XMP = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description rdf:about="" xmlns:tiff="{TIFF}" xmlns:exif="{EXIF}" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    f' tiff:Orientation="6" exif:PixelXDimension="36" xmp:Rating="5"><tiff:ImageWidth>36</tiff:ImageWidth>'
    f"<xmp:Thumbnails><old/></xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()


@pytest.fixture(scope="module")
def gray_profile() -> bytes:
    """A gray profile of gamma 1 with the parts that ICC.1 requires."""

    def tag(kind: bytes, content: bytes) -> bytes:
        result = kind + bytes(4) + content
        return result + bytes(-len(result) % 4)

    def xyz(*values: float) -> bytes:
        return b"".join(round(value * 65536).to_bytes(4, "big") for value in values)

    name = b"linear gray\0"
    tags = {
        b"desc": tag(b"desc", len(name).to_bytes(4, "big") + name + bytes(78)),
        b"cprt": tag(b"text", b"none\0"),
        b"wtpt": tag(b"XYZ ", xyz(0.9642, 1.0, 0.8249)),
        b"kTRC": tag(b"curv", bytes(4)),
    }
    at, table, data = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4, "big"), b""
    for key, content in tags.items():
        table += key + (at + len(data)).to_bytes(4, "big") + len(content).to_bytes(4, "big")
        data += content
    head = bytes(4) + bytes(4) + b"\x02\x40\0\0" + b"mntr" + b"GRAY" + b"XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += xyz(0.9642, 1.0, 0.8249)
    result = head.ljust(128, b"\0") + table + data
    return len(result).to_bytes(4, "big") + result[4:]


def exif() -> Image.Exif:
    """The EXIF of a camera for an image of 36×24."""
    result = Image.Exif()
    result[0x010F] = "Maker"
    result[0x0112] = 6
    result[0x0100], result[0x0101] = 36, 24
    inner = result.get_ifd(0x8769)
    inner[0x9003] = "2024:05:06 07:08:09"
    inner[0x9011] = "+02:00"
    inner[0x829A] = 0.004
    inner[0x8827] = 200
    inner[0x927C] = b"the maker's own\0\1\2"
    inner[0xA002], inner[0xA003] = 36, 24
    place = result.get_ifd(0x8825)
    place[1] = "N"
    place[2] = (48.0, 51.0, 29.6)
    return result


@pytest.fixture
def photograph(tmp_path: Path, pixels: Make, upscaler: Upscaler) -> Callable[[str], Path]:
    """A photograph of 36×24 stored sideways, in any format."""

    def make(suffix: str) -> Path:
        path = tmp_path / f"photo.{suffix}"
        if suffix == "tif":  # Pillow writes no EXIF below the first directory
            image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb", xres=300 / 25.4, yres=150 / 25.4)
            image.set_type(pyvips.GValue.gint_type, "orientation", 6)
            image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
            image.write_to_file(str(path))
            tiff.add_metadata(path, exif().tobytes(), None)
        else:
            result = exif()
            result[0x011A], result[0x011B], result[0x0128] = 300.0, 150.0, 2
            Image.fromarray(pixels()).save(path, exif=result, dpi=(300, 150))
        return path

    return make


def tags_of(path: Path) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    with Image.open(path) as image:
        found = image.getexif()
        return dict(found), found.get_ifd(0x8769), found.get_ifd(0x8825)


# EXIF


@pytest.mark.parametrize("target", WITH_EXIF)
@pytest.mark.parametrize("source", WITH_EXIF)
def test_exif_is_kept_and_updated(
    upscaler: Upscaler, photograph: Callable[[str], Path], tmp_path: Path, source: str, target: str
) -> None:
    result = Job(photograph(source), upscaler, tmp_path / f"out.{target}").run()
    assert result.size_out == (48, 72)
    main, inner, place = tags_of(result.destination)
    assert main[0x010F] == "Maker"
    assert main.get(0x0112, 1) == 1
    assert (inner[0x9003], inner[0x9011]) == ("2024:05:06 07:08:09", "+02:00")
    assert (inner[0x829A], inner[0x8827]) == (pytest.approx(0.004), 200)
    assert inner[0x927C] == b"the maker's own\0\1\2"
    assert place == {1: "N", 2: pytest.approx((48.0, 51.0, 29.6))}
    assert (inner[0xA002], inner[0xA003]) == (48, 72)
    assert (main.get(0x0100, 48), main.get(0x0101, 72)) == (48, 72)
    across, down = 150, 300  # the width is the height of the image as it was stored; an AVIF is turned by its `irot`
    assert (float(main[0x011A]), float(main[0x011B]), main[0x0128]) == (across, down, 2)
    with Image.open(result.destination) as image:
        assert image.size == (48, 72)
        if target in ("png", "tif"):
            assert image.info["dpi"] == pytest.approx((across, down), abs=0.1)


def test_the_resolution_of_a_tiff_in_centimetres(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb", xres=11.8, yres=5.9)
    image.write_to_file(str(tmp_path / "a.tif"), resunit="cm")
    Job(tmp_path / "a.tif", upscaler, tmp_path / "b.tif").run()
    with Image.open(tmp_path / "b.tif") as result:
        tags = result.tag_v2  # type: ignore[attr-defined]
        assert (float(tags[282]), float(tags[283]), tags[296]) == (pytest.approx(118), pytest.approx(59), 3)


def test_the_thumbnail_of_the_old_pixels_is_removed(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    """In EXIF's second directory, where cameras put it."""
    Image.fromarray(pixels()).save(tmp_path / "small.jpg", quality=30)
    small = (tmp_path / "small.jpg").read_bytes()
    block = bytearray(exif().tobytes())
    order = "little" if block[6:8] == b"II" else "big"
    first = 6 + int.from_bytes(block[10:14], order)
    end = first + 2 + 12 * int.from_bytes(block[first : first + 2], order)
    block[end : end + 4] = (len(block) - 6).to_bytes(4, order)
    entries = [(0x0103, 3, 6), (0x0201, 4, len(block) - 6 + 2 + 36 + 4), (0x0202, 4, len(small))]
    second = len(entries).to_bytes(2, order)
    for tag, kind, value in entries:
        second += tag.to_bytes(2, order) + kind.to_bytes(2, order) + (1).to_bytes(4, order)
        second += value.to_bytes(2 if kind == 3 else 4, order).ljust(4, b"\0")
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=bytes(block) + second + bytes(4) + small)
    assert (tmp_path / "a.jpg").read_bytes().count(small) == 1
    for suffix in WITH_EXIF:
        result = Job(tmp_path / "a.jpg", upscaler, tmp_path / f"out.{suffix}").run().destination
        assert small[-40:] not in result.read_bytes(), suffix
        assert tags_of(result)[0][0x010F] == "Maker"


@pytest.mark.parametrize("suffix", ALL)
def test_xmp_is_kept_and_updated(upscaler: Upscaler, pixels: Make, tmp_path: Path, suffix: str) -> None:
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP)
    image.write_to_file(str(tmp_path / "a.png"))
    Job(tmp_path / "a.png", upscaler, tmp_path / f"b.{suffix}", provenance=False).run()
    kept = read(tmp_path / f"b.{suffix}").header.get("xmp-data")  # type: ignore[union-attr]
    expected = XMP.replace(b'Orientation="6"', b'Orientation="1"').replace(b'Dimension="36"', b'Dimension="72"')
    expected = expected.replace(b">36<", b">72<").replace(b"<xmp:Thumbnails><old/></xmp:Thumbnails>", b"")
    assert bytes(kept).rstrip(b"\0") == expected


@pytest.mark.parametrize(("in_exif", "expected"), [(None, "6"), (1, "1"), (3, "1")])
@pytest.mark.parametrize("suffix", ALL)
def test_orientation_in_xmp_is_that_of_turned_pixels(
    pixels: Make, tmp_path: Path, suffix: str, in_exif: int | None, expected: str
) -> None:
    """Nearly no reader turns by XMP alone; one that does shows the result as it shows the source."""
    exif = Image.Exif()
    if in_exif is not None:
        exif[0x0112] = in_exif
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", xmp=XMP, exif=exif)
    write(read(tmp_path / "a.jpg"), tmp_path / f"b.{suffix}")
    packet = read(tmp_path / f"b.{suffix}").header.get("xmp-data")  # type: ignore[union-attr]
    assert f'Orientation="{expected}"'.encode() in packet


@pytest.mark.parametrize("suffix", ALL)
def test_xmp_with_zeros(pixels: Make, tmp_path: Path, suffix: str) -> None:
    """PNG and GIF hold text, which ends at a zero."""
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", xmp=b"<x>\0</x>")
    notes = write(read(tmp_path / "a.jpg"), tmp_path / f"b.{suffix}")
    packet = read(tmp_path / f"b.{suffix}").header.get_typeof("xmp-data")  # type: ignore[union-attr]
    assert "the XMP cannot be parsed: it is kept unchanged" in notes or packet == 0
    assert any("the XMP has zeros inside" in note for note in notes) == (suffix in ("png", "gif"))
    assert (packet == 0) == (suffix in ("png", "gif"))


@pytest.mark.parametrize("suffix", WITH_EXIF)
@pytest.mark.parametrize("source", ["jpg", "png", "png-behind", "webp"])
def test_damaged_exif_is_a_note(pixels: Make, tmp_path: Path, source: str, suffix: str) -> None:
    path = tmp_path / f"a.{source[:4].rstrip('-')}"
    block = b"Exif\0\0garbage that is no TIFF"
    if source.startswith("png"):
        Image.fromarray(pixels()).save(path)
        content = path.read_bytes()
        at = len(content) - 12 if source == "png-behind" else 33
        path.write_bytes(content[:at] + png.chunk(b"eXIf", block[6:]) + content[at:])
    else:
        Image.fromarray(pixels()).save(path, exif=block)
    image = read(path)
    assert image.notes == ("EXIF is not kept: it is damaged",)
    assert write(image, tmp_path / f"b.{suffix}") == ()
    assert b"garbage" not in (tmp_path / f"b.{suffix}").read_bytes()


def test_xmp_that_cannot_be_parsed_is_kept_with_a_note(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x><y></x>")
    image.write_to_file(str(tmp_path / "a.png"))
    result = Job(tmp_path / "a.png", upscaler).run()
    assert result.notes == ("the XMP cannot be parsed: it is kept unchanged",)
    header = pyvips.Image.new_from_file(str(result.destination))
    assert bytes(header.get("xmp-data")) == b"<x><y></x>"
    assert read_provenance(result.destination) is None


def test_xmp_larger_than_a_jpeg_holds(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x>" + b"y" * 66000 + b"</x>")
    image.write_to_file(str(tmp_path / "a.png"))
    result = Job(tmp_path / "a.png", upscaler, tmp_path / "b.jpg").run()
    assert result.notes == ("the XMP is too large for JPEG: it is not kept",)
    assert read_provenance(result.destination) is not None


@pytest.mark.parametrize("target", ALL)
@pytest.mark.parametrize("source", ["jpg", "tif"])
def test_iptc(upscaler: Upscaler, pixels: Make, tmp_path: Path, source: str, target: str) -> None:
    path, out = tmp_path / f"a.{source}", tmp_path / f"b.{target}"
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
    if source == "jpg":
        image.set_type(pyvips.GValue.blob_type, "iptc-data", jpeg.to_photoshop(RECORDS))
    image.write_to_file(str(path))
    if source == "tif":
        tiff.add_metadata(path, None, RECORDS)
    notes = Job(path, upscaler, out).run().notes
    if target in ("jpg", "tif"):
        assert notes == ()
        with Image.open(out) as result:
            assert IptcImagePlugin.getiptcinfo(result) == {(2, 5): b"hello", (2, 120): b"abc"}
    else:
        assert any("IPTC" in note for note in notes)


def test_photoshops_other_resources_stay_beside_iptc(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    others = b"8BIM\x04\x0c\0\0\0\0\0\x04old " + b"8BIM\x07\xd0\0\0\0\0\0\x04path"
    image = pyvips.Image.new_from_array(pixels()).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "photoshop-data", others)
    image.write_to_file(str(tmp_path / "a.tif"))
    tiff.add_metadata(tmp_path / "a.tif", None, RECORDS)
    for suffix in ("jpg", "tif"):
        result = Job(tmp_path / "a.tif", upscaler, tmp_path / f"b.{suffix}").run().destination.read_bytes()
        assert b"path" in result
        assert b"\x04old " not in result
        assert RECORDS in result


# Colours


@pytest.mark.parametrize("suffix", ALL)
def test_a_profile_is_kept_or_colours_are_converted(
    upscaler: Upscaler, pixels: Make, tmp_path: Path, wide: bytes, suffix: str
) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.png", icc_profile=wide)
    result = Job(tmp_path / "a.png", upscaler, tmp_path / f"b.{suffix}").run()
    large = subpixel.upscale(pixels(), 2, model="bicubic")
    with Image.open(result.destination) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
        if suffix != "gif":
            assert image.info["icc_profile"] == wide
            assert np.abs(shown - large).mean() < 2
            return
    assert any("converted to sRGB" in note for note in result.notes)
    to = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(Image.fromarray(large), io.BytesIO(wide), to, outputMode="RGB")
    assert np.abs(shown - np.asarray(expected)).mean() < 3 < np.abs(shown - large).mean()


@pytest.mark.parametrize("suffix", ALL)
def test_a_gray_profile_stays_with_gray(
    upscaler: Upscaler, pixels: Make, tmp_path: Path, gray_profile: bytes, suffix: str
) -> None:
    gray = pixels(channels=1)[..., 0]
    Image.fromarray(gray).save(tmp_path / "a.png", icc_profile=gray_profile)
    result = Job(tmp_path / "a.png", upscaler, tmp_path / f"b.{suffix}").run()
    large = subpixel.upscale(gray, 2, model="bicubic")
    with Image.open(result.destination) as image:
        if suffix in ("jpg", "png", "tif"):
            assert image.mode == "L"
            assert image.info["icc_profile"] == gray_profile
            assert result.notes == ()
            return
        assert "icc_profile" not in image.info
        shown = np.asarray(image.convert("RGB")).astype(float)
    assert any("converted to sRGB" in note for note in result.notes)
    linear = large / 255
    encoded = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(shown - encoded[..., None]).mean() < 3


def test_a_profile_of_another_space_is_removed(
    upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path, wide: bytes
) -> None:
    Image.fromarray(pixels(channels=1)[..., 0]).save(tmp_path / "a.jpg", icc_profile=wide)
    result = Job(tmp_path / "a.jpg", upscaler).run()
    assert result.notes == ("the colour profile is for RGB and the image is gray: it is not kept",)


def test_cmyk_is_converted_by_its_own_profile(upscaler: Upscaler, tmp_path: Path) -> None:
    own = bytes(pyvips.Operation.call("profile_load", "cmyk"))
    y, x = np.mgrid[:16, :24] * 8
    inks = np.dstack([x, y, 255 - x, y // 2]).astype(np.uint8)
    Image.frombytes("CMYK", (24, 16), inks.tobytes()).save(tmp_path / "a.tif", icc_profile=own)
    data = read(tmp_path / "a.tif")
    (note,) = data.notes
    assert "cmyk to sRGB with the file's profile" in note
    expected = ImageCms.profileToProfile(
        Image.frombytes("CMYK", (24, 16), inks.tobytes()),
        io.BytesIO(own),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert np.abs(data.pixels.astype(int) - np.asarray(expected)).mean() < 1
    result = Job(tmp_path / "a.tif", upscaler).run()
    with Image.open(result.destination) as image:
        assert image.mode == "RGB"
        assert image.info.get("icc_profile") != own


def test_gray_kinds_stay_gray(upscaler: Upscaler, pixels: Make, tmp_path: Path, wide: bytes) -> None:
    gray = pixels(channels=1)[..., 0]
    Image.fromarray(gray > 100).save(tmp_path / "bits.png")
    Image.fromarray(gray > 100).save(tmp_path / "bits.tif")
    palette = Image.fromarray(gray).quantize(9)
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette.tif")
    palette.save(tmp_path / "palette.gif")
    Image.fromarray(gray).save(tmp_path / "gray.gif")
    Image.fromarray(gray).save(tmp_path / "gray.jpg")
    for path in sorted(tmp_path.iterdir()):
        with Image.open(path) as image:
            decoded = np.asarray(image.convert("L"))
        result = Job(path, upscaler, tmp_path / "out.png", overwrite=True).run()
        assert bool(result.notes) == (path.stem == "bits"), path
        with Image.open(result.destination) as image:
            assert image.mode == "L", path
            np.testing.assert_array_equal(np.asarray(image), subpixel.upscale(decoded, 2, model="bicubic"))
    palette.save(tmp_path / "wide.png", icc_profile=wide)
    assert read(tmp_path / "wide.png").pixels.shape[2] == 3  # the profile is for RGB
    see_through = Image.fromarray(gray).quantize(9)
    see_through.save(tmp_path / "alpha.png", transparency=2)
    assert read(tmp_path / "alpha.png").pixels.shape[2] == 2


def test_transparent_edges_have_no_fringes(upscaler: Upscaler, tmp_path: Path) -> None:
    """An orange disc on transparent blue: between them orange fades out without blue."""
    y, x = np.mgrid[:40, :40] - 19.5
    inside = np.hypot(x, y) < 13
    rgba = np.where(inside[..., None], (255, 160, 0, 255), (0, 0, 255, 0)).astype(np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    for suffix in ("png", "tif", "webp"):
        output = Job(tmp_path / "a.png", upscaler, tmp_path / f"b.{suffix}").run().destination
        with Image.open(tmp_path / "a.png") as image, Image.open(output) as result:
            shown = np.asarray(result.convert("RGBA"))
            np.testing.assert_array_equal(shown, subpixel.upscale(np.asarray(image), 2, model="bicubic"))
        fading = shown[(shown[..., 3] > 0) & (shown[..., 3] < 255)].astype(int)
        assert len(fading) > 200
        assert np.abs(shown[shown[..., 3] > 20][:, :3] - np.array((255, 160, 0))).max() <= 3


# Texts, comments, further images


def test_texts_of_a_png(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Author", "Jürgen")
    info.add_itxt("Title", "图片")
    Image.fromarray(pixels()).save(tmp_path / "a.png", pnginfo=info)
    result = Job(tmp_path / "a.png", upscaler).run()
    assert result.notes == ()
    with Image.open(result.destination) as image:
        image.load()
        kept = {key: value for key, value in image.text.items() if "xmp" not in key}  # type: ignore[attr-defined]
    assert kept == {"Author": "Jürgen", "Title": "图片"}
    (note,) = Job(tmp_path / "a.png", upscaler, tmp_path / "b.jpg").run().notes
    assert "Author, Title" in note


def test_the_comment_of_a_gif(upscaler: Upscaler, pixels: Make, tmp_path: Path) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.gif", comment=b"by me")
    Job(tmp_path / "a.gif", upscaler, tmp_path / "b.gif").run()
    with open(tmp_path / "b.gif", "rb") as file:
        assert gif.read_blocks(file)[1] == (b"by me",)
    (note,) = Job(tmp_path / "a.gif", upscaler, tmp_path / "b.png").run().notes
    assert "comment" in note


@pytest.mark.parametrize("target", ["jpg", "png"])
def test_a_gain_map_and_further_images_are_notes(upscaler: Upscaler, pixels: Make, tmp_path: Path, target: str) -> None:
    if pyvips.type_find("VipsForeignSave", "uhdrsave"):
        bright = pyvips.Image.new_from_array(pixels() / np.float32(64)).copy(interpretation="scrgb")
        bright.uhdrsave(str(tmp_path / "bright.jpg"))
        result = Job(tmp_path / "bright.jpg", upscaler, tmp_path / f"b.{target}").run()
        assert any("gain map" in note for note in result.notes)
        assert b"MPF\0" not in result.destination.read_bytes()
        with Image.open(tmp_path / "bright.jpg") as image:
            expected = subpixel.upscale(np.asarray(image), 2, model="bicubic").astype(int)
        with Image.open(result.destination) as image:
            assert np.abs(np.asarray(image) - expected).mean() < 2
    two = [Image.fromarray(pixels()), Image.fromarray(255 - pixels())]
    two[0].save(tmp_path / "two.jpg", save_all=True, append_images=two[1:], format="MPO")
    result = Job(tmp_path / "two.jpg", upscaler, tmp_path / f"two_out.{target}").run()
    assert [note for note in result.notes if "2 images" in note]


# Provenance


@pytest.mark.parametrize("suffix", ALL)
def test_a_result_has_its_provenance(upscaler: Upscaler, saved: Saved, tmp_path: Path, suffix: str) -> None:
    source = saved("a.png")
    asked = {"settings": "model=bicubic strength=1.0"}
    result = Job(source, upscaler, tmp_path / f"b.{suffix}", **asked).run().destination
    found = read_provenance(result)
    assert found is not None
    assert (found.model, found.scale, found.version) == ("bicubic", "2", subpixel.__version__)
    assert found.source == digest_of(source)
    assert found.settings == asked["settings"]
    assert Job(source, upscaler, **asked).matches(found)
    assert not Job(source, upscaler).matches(found)
    again = Job(source, upscaler, tmp_path / f"c.{suffix}", **asked).run().destination
    assert again.read_bytes() == result.read_bytes()
    silent = Job(source, upscaler, tmp_path / f"d.{suffix}", provenance=False).run().destination
    assert read_provenance(silent) is None
    assert read(silent).header.get_typeof("xmp-data") == 0  # type: ignore[union-attr]
    np.testing.assert_array_equal(read(silent).pixels, read(result).pixels)


def test_the_result_of_a_result_names_its_direct_source(upscaler: Upscaler, saved: Saved, tmp_path: Path) -> None:
    first = Job(saved("a.png", np.zeros((4, 4, 3), np.uint8)), upscaler).run().destination
    second = Job(first, upscaler).run().destination
    found = read_provenance(second)
    assert found is not None
    assert found.source == digest_of(first)
    packet = bytes(pyvips.Image.new_from_file(str(second)).get("xmp-data"))
    assert packet.count(b"subpixel:Source") == 1


# Verification


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda image: image.crop(0, 0, image.width - 1, image.height), "size"),
        (lambda image: image.extract_band(0), "bands"),
        (lambda image: image.cast("ushort"), "samples"),
        (lambda image: without(image, "icc-profile-data"), "colour profile"),
        (lambda image: without(image, "xmp-data"), "XMP"),
        (lambda image: image.copy(xres=1), "resolution"),
    ],
)
def test_a_file_that_differs_is_discarded(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, look: Look, tmp_path: Path, wide: bytes, change: Any, text: str
) -> None:
    result = exif()
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=result, dpi=(300, 300), icc_profile=wide)
    data = read(tmp_path / "a.jpg")
    (tmp_path / "out.png").write_bytes(b"the old result")
    before = look()
    real = pyvips.Image.write_to_target
    monkeypatch.setattr(pyvips.Image, "write_to_target", lambda image, *to, **o: real(change(image), *to, **o))
    with pytest.raises(ImageWriteError, match=f"{text}.*it was discarded"):
        write(data, tmp_path / "out.png", overwrite=True, provenance=Provenance("m", "2", "1", "0"))
    assert look() == before


@pytest.mark.parametrize("suffix", WITH_EXIF)
def test_exif_that_differs_is_found(monkeypatch: pytest.MonkeyPatch, pixels: Make, tmp_path: Path, suffix: str) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=exif())
    real = tiff.add_metadata
    monkeypatch.setattr(writing, "write_block", lambda file, form, block: write_block(file, form, block[:-1] + b"!"))
    monkeypatch.setattr(tiff, "add_metadata", lambda file, block, *rest: real(file, None, *rest))
    with pytest.raises(ImageWriteError, match=r"EXIF.*it was discarded"):
        write(read(tmp_path / "a.jpg"), tmp_path / f"b.{suffix}")
    assert not (tmp_path / f"b.{suffix}").exists()


def without(image: pyvips.Image, name: str) -> pyvips.Image:
    image = image.copy()
    image.remove(name)
    return image


def test_images_without_a_source_are_verified_too(pixels: Make, tmp_path: Path) -> None:
    for suffix in ALL:
        assert all("GIF" in note for note in write(ImageData(pixels()), tmp_path / f"a.{suffix}"))
