"""A result states what its source states: no resolution and no EXIF that libvips has by default."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from subpixel import Upscaler
from subpixel.image import ImageData, Job, read, write
from subpixel.image.files.containers import png
from subpixel.image.files.formats import format_of
from subpixel.image.files.library_defaults import remove_defaults
from subpixel.image.files.source_metadata import RESOLUTION, get_field, pixel_aspect

SUFFIXES = ["jpg", "png", "tif", "webp", "avif", "gif"]
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def stated(path: Path) -> dict[str, Any]:
    """Everything that a file states of its resolution, and its EXIF."""
    with Image.open(path) as image:
        found: dict[str, Any] = {}
        if path.suffix == ".tif":
            tags = image.tag_v2  # type: ignore[attr-defined]
            if tags.get(296, 2) != 1 and 282 in tags:
                found["resolution"] = float(tags[282]), float(tags[283]), tags.get(296, 2)
            return found
        if "dpi" in image.info and path.suffix != ".jpg":  # Pillow takes 72 dpi for none
            found["resolution"] = tuple(float(value) for value in image.info["dpi"])
        if image.info.get("jfif_unit"):
            found["resolution"] = image.info["jfif_density"]
        main = image.getexif()
        found |= {f"main {tag}": value for tag, value in main.items() if tag != 0x8769}
        found |= {f"inner {tag}": value for tag, value in main.get_ifd(0x8769).items()}
    return found


@pytest.mark.parametrize("source", SUFFIXES)
def test_nothing_is_stated_that_the_source_does_not_state(upscaler: Upscaler, tmp_path: Path, source: str) -> None:
    path = tmp_path / f"a.{source}"
    Image.fromarray(PIXELS).save(path)
    for target in SUFFIXES:
        result = Job(path, upscaler, tmp_path / f"b.{target}", overwrite=True, provenance=False).run()
        assert stated(result.destination) == {}, target
        assert not any("resolution" in note for note in result.notes), target
    for target in SUFFIXES:  # an image without a file
        write(ImageData(PIXELS), tmp_path / f"c.{target}")
        assert stated(tmp_path / f"c.{target}") == {}, target


def test_the_smallest_headers(upscaler: Upscaler, tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.webp", lossless=True)
    Job(tmp_path / "a.webp", upscaler, tmp_path / "b.jpg", provenance=False).run()
    content = (tmp_path / "b.jpg").read_bytes()
    assert content[:20] == b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\2\0\0\1\0\1\0\0"
    Job(tmp_path / "a.webp", upscaler, tmp_path / "b.png", provenance=False).run()
    assert b"pHYs" not in (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "b.png") as image:
        image.load()  # the checksums are right


@pytest.mark.parametrize("source", ["jpg", "png", "tif"])
@pytest.mark.parametrize("dpi", [25.4, 72, 300])
def test_a_stated_resolution_is_kept(upscaler: Upscaler, tmp_path: Path, source: str, dpi: float) -> None:
    """Also the one that is libvips' default."""
    if source == "jpg" and dpi == 25.4:
        Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
        content = (tmp_path / "a.jpg").read_bytes()
        (tmp_path / "a.jpg").write_bytes(content[:13] + b"\2\0\x0a\0\x0a" + content[18:])  # 10 per centimetre
    else:
        Image.fromarray(PIXELS).save(tmp_path / f"a.{source}", dpi=(dpi, dpi))
    for target in ("jpg", "png", "tif", "webp", "avif"):
        path = tmp_path / f"b.{target}"
        assert Job(tmp_path / f"a.{source}", upscaler, path, provenance=False).run().notes == ()
        found = stated(path)
        if target in ("png", "tif"):
            unit = 2.54 if found["resolution"][-1] == 3 else 1
            assert found["resolution"][0] * unit == pytest.approx(dpi, abs=0.03)
        if target != "tif":
            unit = 2.54 if found.get("main 296") == 3 else 1
            assert target == "png" or float(found["main 282"]) * unit == pytest.approx(dpi, abs=0.03)
            assert found.keys() <= {"resolution", "main 282", "main 283", "main 296"}
    notes = Job(tmp_path / f"a.{source}", upscaler, tmp_path / "b.gif").run().notes
    assert "GIF holds no resolution: it is not kept" in notes


@pytest.mark.parametrize("target", ["jpg", "png", "webp", "avif"])
def test_exif_gains_nothing(upscaler: Upscaler, tmp_path: Path, target: str) -> None:
    block = Image.Exif()
    block[0x010F] = "Maker"
    block.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=block)
    result = Job(tmp_path / "a.png", upscaler, tmp_path / f"b.{target}", provenance=False).run()
    assert stated(result.destination) == {"main 271": "Maker", "inner 36867": "2024:05:06 07:08:09"}


def test_a_tiff_without_a_unit_states_no_resolution(upscaler: Upscaler, tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", tiffinfo={282: 1.0, 283: 1.0, 296: 1})
    result = Job(tmp_path / "a.tif", upscaler, tmp_path / "b.png", provenance=False).run()
    assert stated(result.destination) == {}


@pytest.mark.parametrize("big", [False, True])
def test_the_resolution_of_a_tiff_of_either_kind(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "a.tif"
    pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb").write_to_file(str(path), bigtiff=big)
    remove_defaults(path, format_of(path), resolution=True, exif=False, aspect=None)
    assert stated(path) != {}
    remove_defaults(path, format_of(path), resolution=False, exif=False, aspect=None)
    assert stated(path) == {}
    np.testing.assert_array_equal(np.asarray(Image.open(path)), PIXELS)


def with_aspect(path: Path, source: str) -> None:
    """An image whose pixels are twice as tall as wide, which states nothing else of its resolution."""
    if source == "jpg":
        Image.fromarray(PIXELS).save(path)
        content = path.read_bytes()
        assert content[6:11] == b"JFIF\0"
        path.write_bytes(content[:13] + struct.pack(">BHH", 0, 2, 1) + content[18:])
    elif source == "webp":
        exif = Image.Exif()
        exif[282], exif[283], exif[296] = 7.0, 3.5, 1
        Image.fromarray(PIXELS).save(path, exif=exif)
    else:
        Image.fromarray(PIXELS).save(path, tiffinfo={282: 7.0, 283: 3.5, 296: 1})


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("source", ["jpg", "tif", "webp"])
def test_the_shape_of_pixels_is_kept(tmp_path: Path, source: str, orientation: int) -> None:
    with_aspect(tmp_path / f"a.{source}", source)
    image = read(tmp_path / f"a.{source}")
    assert image.header is not None
    image.header.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    assert write(image, tmp_path / "b.png") == ()
    shape = (1, 2) if orientation == 6 else (2, 1)
    assert png.chunk(b"pHYs", struct.pack(">IIB", *shape, 0)) in (tmp_path / "b.png").read_bytes()
    assert "resolution" not in stated(tmp_path / "b.png")
    for target in ("jpg", "tif", "webp", "avif"):
        assert write(image, tmp_path / f"b.{target}") == ()
        again = read(tmp_path / f"b.{target}")
        assert pixel_aspect(again.header) == shape, target
        assert get_field(again.header, RESOLUTION, 0) == 0, target
    assert "shape" not in str(write(image, tmp_path / "b.gif"))
    assert (tmp_path / "b.gif").read_bytes()[12] == (32 if shape == (2, 1) else 128) - 15


def test_the_shape_of_the_pixels_of_a_gif(tmp_path: Path) -> None:
    """Its byte, and 15, are 64ths: pixels of 47 + 15 = 62 are almost square, but not quite."""
    Image.fromarray(PIXELS).save(tmp_path / "a.gif")
    content = bytearray((tmp_path / "a.gif").read_bytes())
    content[12] = 47
    (tmp_path / "a.gif").write_bytes(content)
    image = read(tmp_path / "a.gif")
    for target in ("png", "jpg", "tif", "webp", "avif"):
        assert write(image, tmp_path / f"b.{target}") == ()
        found = pixel_aspect(read(tmp_path / f"b.{target}").header)
        assert found is not None
        assert Fraction(*found) == Fraction(64, 62), target
        assert "shape" not in str(write(read(tmp_path / f"b.{target}"), tmp_path / f"{target}.gif"))
        assert (tmp_path / f"{target}.gif").read_bytes()[12] == 47
    for shape, byte, note in (((100, 33), 6, "it was rounded"), ((1, 9), 0, "GIF cannot state it")):
        Image.fromarray(PIXELS).save(tmp_path / "d.png")
        png.insert_chunks(tmp_path / "d.png", (png.chunk(b"pHYs", struct.pack(">IIB", *shape, 0)),))
        assert note in str(write(read(tmp_path / "d.png"), tmp_path / "d.gif"))
        assert (tmp_path / "d.gif").read_bytes()[12] == byte
        (tmp_path / "d.gif").unlink()


@pytest.mark.parametrize("target", ["jpg", "png", "tif", "webp", "avif"])
def test_a_shape_of_pixels_in_exif_beside_other_statements(tmp_path: Path, target: str) -> None:
    """A PNG with chunks that are carried, here the gamma; it states no shape of its own."""
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 3.0, 2.0, 1
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    png.insert_chunks(tmp_path / "a.png", (png.chunk(b"gAMA", (45455).to_bytes(4, "big")),))
    assert write(read(tmp_path / "a.png"), tmp_path / f"b.{target}") == ()
    assert pixel_aspect(read(tmp_path / f"b.{target}").header) == (3, 2)


@pytest.mark.parametrize("target", ["jpg", "png", "tif"])
def test_a_resolution_turns_with_the_image(tmp_path: Path, target: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", dpi=(300, 150), exif=exif)
    write(read(tmp_path / "a.jpg"), tmp_path / f"b.{target}")
    header = read(tmp_path / f"b.{target}").header
    assert header is not None
    assert (round(header.xres * 25.4), round(header.yres * 25.4)) == (150, 300)


@pytest.mark.parametrize("value", [(1, 0), (0, 0), (0, 1)])
@pytest.mark.parametrize("source", ["jpg", "png", "webp"])
def test_an_impossible_resolution_is_not_replaced_by_a_default(
    tmp_path: Path, source: str, value: tuple[int, int]
) -> None:
    entries = [(282, 5, 1, 50), (283, 5, 1, 50), (296, 3, 1, 2)]
    block = struct.pack("<2sHIH", b"II", 42, 8, 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    block = b"Exif\0\0" + block + bytes(4) + struct.pack("<II", *value)
    Image.fromarray(PIXELS).save(tmp_path / f"a.{source}", exif=block)
    for target in ("jpg", "png", "tif", "webp", "avif"):
        notes = write(read(tmp_path / f"a.{source}"), tmp_path / f"b.{target}")
        assert notes == ("the resolution (0×0 dpi) is implausible: it is not kept",)
        assert not {"resolution", "main 282", "main 283"} & stated(tmp_path / f"b.{target}").keys()
