"""Metadata that libvips ignores: read and written here, compared with Pillow, in files of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import pyvips
from PIL import Image, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

from malformed.images import NOT_IMAGES, corrupted, truncated
from subpixel.image.files.containers import gif, jpeg, png, tiff, webp

RECORDS = b"\x1c\x02\x05\x00\x05hello\x1c\x02\x78\x00\x03abc"
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)


def parse(reader: Callable[[BinaryIO], Any], path: Path) -> Any:
    """What a reader finds in a file."""
    with open(path, "rb") as file:
        return reader(file)


def exif() -> Image.Exif:
    """Text, numbers, rationals, undefined bytes, and GPS."""
    result = Image.Exif()
    result[0x010F] = "Maker"
    result[0x0132] = "2024:05:06 07:08:09"
    inner = result.get_ifd(0x8769)
    inner[0x9003] = "2024:05:06 07:08:09"
    inner[0x829D] = 2.8
    inner[0x8827] = 200
    inner[0x927C] = b"the maker's own\0\1\2"
    place = result.get_ifd(0x8825)
    place[1] = "N"
    place[2] = (48.0, 51.0, 29.6)
    return result


def entries(block: bytes) -> list[dict[int, Any]]:
    found = Image.Exif()
    found.load(block)
    main = {tag: value for tag, value in found.items() if tag not in (0x8769, 0x8825)}
    return [main, found.get_ifd(0x8769), found.get_ifd(0x8825)]


@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
def test_exif_and_iptc_of_a_tiff_are_written_and_read_back(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "a.tif"
    pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb").write_to_file(str(path), bigtiff=big)
    assert (parse(tiff.read_exif, path), parse(tiff.read_iptc, path)) == (None, None)
    block = exif().tobytes()
    tiff.add_metadata(path, block, RECORDS)
    again = parse(tiff.read_exif, path)
    assert again is not None
    assert entries(again) == entries(block)
    assert parse(tiff.read_iptc, path) == RECORDS
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS)
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert image.getexif().get_ifd(0x8825)[2] == (48.0, 51.0, 29.6)
        assert IptcImagePlugin.getiptcinfo(image) == {(2, 5): b"hello", (2, 120): b"abc"}
    np.testing.assert_array_equal(pyvips.Image.new_from_file(str(path)).numpy(), PIXELS)
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == big
        assert file.pages[0].tags["ExifTag"].value["ISOSpeedRatings"] == 200


@pytest.mark.parametrize("of_block", ["<", ">"])
@pytest.mark.parametrize("of_file", ["<", ">"])
def test_either_byte_order(tmp_path: Path, of_file: Any, of_block: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, byteorder=of_file)
    block = exif()
    block.endian = of_block
    tiff.add_metadata(path, block.tobytes(), RECORDS)
    again = parse(tiff.read_exif, path)
    assert again is not None
    assert again[6:8] == (b"II" if of_file == "<" else b"MM")
    assert entries(again)[1:] == entries(exif().tobytes())[1:]
    assert entries(again)[0][0x010F] == "Maker"
    np.testing.assert_array_equal(tifffile.imread(path), PIXELS)


def test_exif_of_a_tiff_by_pillow(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", exif=exif())
    block = parse(tiff.read_exif, tmp_path / "a.tif")
    assert block is not None
    main = entries(block)[0]
    assert (main[0x010F], main[0x0132]) == ("Maker", "2024:05:06 07:08:09")
    assert 0x0111 not in main  # the offsets of strips are not EXIF


def test_texts_of_a_png(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Author", "Jürgen")
    info.add_text("parameters", "a cat, " * 100, zip=True)
    info.add_itxt("Title", "图片", "zh", "标题")
    info.add_itxt("XML:com.adobe.xmp", "<a/>")
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=info)
    chunks = parse(png.read_contents, tmp_path / "a.png").texts
    assert len(chunks) == 3
    Image.fromarray(PIXELS).save(tmp_path / "b.png")
    png.add_texts(tmp_path / "b.png", chunks)
    with Image.open(tmp_path / "b.png") as image:
        image.load()
        assert dict(image.text) == {"Author": "Jürgen", "parameters": "a cat, " * 100, "Title": "图片"}  # type: ignore[attr-defined]
        np.testing.assert_array_equal(np.asarray(image), PIXELS)
    np.testing.assert_array_equal(pyvips.Image.new_from_file(str(tmp_path / "b.png")).numpy(), PIXELS)
    with pytest.raises(ValueError, match="PNG"):
        png.add_texts(Path(__file__), chunks)


@pytest.mark.parametrize("frames", [1, 3])
def test_comments_and_xmp_of_a_gif(tmp_path: Path, frames: int) -> None:
    first, *rest = (Image.fromarray(np.roll(PIXELS, k, 0)) for k in range(frames))
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, comment=b"short", loop=2)
    before = [np.asarray(f.convert("RGB")) for f in frames_of(tmp_path / "a.gif")]
    assert parse(gif.read_blocks, tmp_path / "a.gif") == (None, (b"short",))
    packet = "<a>图片</a>".encode() + bytes(range(1, 200)) * 9
    gif.add_blocks(tmp_path / "a.gif", packet, (b"long " * 100,))
    assert parse(gif.read_blocks, tmp_path / "a.gif") == (packet, (b"short", b"long " * 100))
    after = [np.asarray(f.convert("RGB")) for f in frames_of(tmp_path / "a.gif")]
    np.testing.assert_array_equal(after, before)
    assert pyvips.Image.new_from_file(str(tmp_path / "a.gif"), n=-1).height == 16 * frames
    with pytest.raises(ValueError, match="GIF"):
        gif.add_blocks(Path(__file__), None, ())


def frames_of(path: Path) -> list[Image.Image]:
    with Image.open(path) as image:
        found = []
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            found.append(image.copy())
        return found


def test_gain_maps_and_further_images_of_a_jpeg(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "plain.jpg")
    assert parse(jpeg.list_losses, tmp_path / "plain.jpg") == ()
    Image.fromarray(PIXELS).save(
        tmp_path / "two.mpo", save_all=True, append_images=[Image.fromarray(PIXELS)] * 2, format="MPO"
    )
    (note,) = parse(jpeg.list_losses, tmp_path / "two.mpo")
    assert "3 images" in note
    if pyvips.type_find("VipsForeignSave", "uhdrsave"):
        bright = pyvips.Image.new_from_array(PIXELS / np.float32(64)).copy(interpretation="scrgb")
        bright.uhdrsave(str(tmp_path / "bright.jpg"))
        (note,) = parse(jpeg.list_losses, tmp_path / "bright.jpg")
        assert "gain map" in note
    Image.fromarray(PIXELS).save(tmp_path / "comment.jpg", comment="made by\na program " * 9)
    (note,) = parse(jpeg.list_losses, tmp_path / "comment.jpg")
    assert note.startswith("the JPEG comment is not kept: made by a program made by")
    assert len(note) < 100
    by_xmp = b"http://ns.adobe.com/xap/1.0/\0<a xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/'/>"
    by_xmp = b"\xff\xe1" + (len(by_xmp) + 2).to_bytes(2, "big") + by_xmp
    more = b"\xff\xe1\0\x27http://ns.adobe.com/xmp/extension/\0\0\0"
    (tmp_path / "xmp.jpg").write_bytes(b"\xff\xd8" + by_xmp + more + (tmp_path / "plain.jpg").read_bytes()[2:])
    assert [("gain map" in note, "64 KB" in note) for note in parse(jpeg.list_losses, tmp_path / "xmp.jpg")] == [
        (True, False),
        (False, True),
    ]


def test_photoshops_resources() -> None:
    assert jpeg.from_photoshop(b"Photoshop 3.0\0") is None
    preview = b"8BIM\x04\x0c\0\0\0\0\0\x03old\0"
    named = b"8BIM\x07\xd0\x05paths\0\0\0\x02ab"
    segment = b"Photoshop 3.0\0" + preview + named + jpeg.to_photoshop(RECORDS)[14:]
    assert jpeg.from_photoshop(segment) == RECORDS
    rest = jpeg.remove_previews(segment)
    assert rest == b"Photoshop 3.0\0" + named + jpeg.to_photoshop(RECORDS)[14:]
    assert jpeg.remove_previews(b"Photoshop 3.0\0" + preview) == b""
    for cut in truncated(segment):
        jpeg.from_photoshop(cut)
        jpeg.remove_previews(cut)


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_files_that_are_not_images_have_none(tmp_path: Path, name: str) -> None:
    file, content = NOT_IMAGES[name]
    (tmp_path / file).write_bytes(content)
    parse_all(tmp_path / file)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".tif", ".jpg", ".webp"])
def test_corrupted_and_truncated_files_never_crash(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    options: dict[str, Any] = {".gif": {"comment": b"abc"}}.get(suffix, {"exif": exif()})
    Image.fromarray(PIXELS).save(path, **options)
    content = path.read_bytes()
    for changed in (*truncated(content), *corrupted(content, seed=3, count=150)):
        path.write_bytes(changed)
        parse_all(path)


def parse_all(path: Path) -> None:
    parse(tiff.read_exif, path)
    parse(tiff.read_iptc, path)
    parse(gif.read_blocks, path)
    parse(gif.read_contents, path)
    parse(webp.list_losses, path)
    parse(webp.read_background, path)
    parse(png.declared_frames, path)
    parse(png.read_contents, path)
    parse(jpeg.list_losses, path)
