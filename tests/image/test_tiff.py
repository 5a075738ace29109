"""What is in a TIFF: which image is upscaled, what every tag's fate is, what is refused and why."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import subpixel.image.job
from helpers import random_image
from image.tiff_files import Directory, Value, image, ramp, text, tiff
from subpixel import Upscaler
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image.estimate import estimate_job
from subpixel.image.files.containers import tiff as container
from subpixel.image.files.containers.inventory import Fate
from subpixel.image.files.containers.tiff_images import read_images
from subpixel.image.files.containers.tiff_inventory import IN_EXIF, IN_TIFF
from subpixel.image.files.reading import open_image, read
from subpixel.image.job import Job, Result

REDUCED, PAGE, MASK = {254: (4, [1])}, {254: (4, [2])}, {254: (4, [4])}
SMALL, FULL = ramp(6, 9), ramp()
Upscale = Callable[[bytes, str], Result]


@pytest.fixture
def upscale(tmp_path: Path, upscaler: Upscaler) -> Upscale:
    """Upscale a TIFF to a file ``b`` with this suffix."""

    def run(content: bytes, suffix: str = ".tif") -> Result:
        (tmp_path / "a.tif").write_bytes(content)
        return Job(tmp_path / "a.tif", upscaler, destination=tmp_path / f"b{suffix}", overwrite=True).run()

    return run


# Which image


@pytest.mark.parametrize(
    ("pages", "notes"),
    [
        ([image(SMALL, REDUCED), image(FULL)], ["1 reduced version in the file is not kept"]),
        ([image(SMALL, {255: (3, [2])}), image(FULL)], ["1 reduced version in the file is not kept"]),
        ([image(SMALL, REDUCED, below=[image(FULL)])], ["1 reduced version in the file is not kept"]),
        ([image(SMALL, below=[image(FULL)])], ["the file holds 2 images; the largest"]),
        ([image(SMALL, REDUCED, below=[image(SMALL, REDUCED), image(FULL)])], ["2 reduced versions"]),
        (
            [image(FULL, below=[image(SMALL, REDUCED)]), image(SMALL, MASK)],
            ["1 reduced version and 1 transparency mask"],
        ),
        ([image(FULL, PAGE), image(ramp(30, 50), PAGE)], ["the file holds 2 images; the first is upscaled"]),
        ([image(SMALL, REDUCED), image(FULL, PAGE), image(ramp(30, 50), PAGE)], ["2 images; the first", "1 reduced"]),
        ([image(SMALL, REDUCED), image(FULL, REDUCED)], ["1 reduced version in the file is not kept"]),
        ([image(FULL, {270: text("ImageJ=1.53\nimages=40\nslices=40\n")})], ["the file holds 40 images", "270"]),
        ([image(FULL)], []),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_full_image_is_read_and_the_others_are_counted(
    tmp_path: Path, pages: list[Directory], notes: list[str], order: str
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(*pages, order=order))
    data = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(data.pixels[..., 0], FULL)
    assert len(data.notes) == len(notes)
    assert all(part in note for part, note in zip(notes, data.notes, strict=True)), data.notes


PAGES = [image(SMALL, REDUCED), image(SMALL), image(SMALL + 1, below=[image(SMALL, REDUCED), image(FULL)]), image(FULL)]


@pytest.mark.parametrize(("page", "expected"), [(1, SMALL), (2, SMALL + 1), (3, FULL), (4, FULL)])
@pytest.mark.parametrize("rows", [False, True])
def test_another_image_can_be_chosen(
    tmp_path: Path, upscaler: Upscaler, page: int, expected: Any, rows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, and images below them, count in their order; reduced versions do not."""
    (tmp_path / "a.tif").write_bytes(tiff(*PAGES))
    Image.fromarray(expected).save(tmp_path / "b.png")
    if rows:
        monkeypatch.setattr(subpixel.image.job, "HUGE", 1)
    job = Job(tmp_path / "a.tif", upscaler, tmp_path / "c.png", page=page, provenance=False)
    estimate, result = estimate_job(job), job.run()
    assert estimate.size_out == result.size_out == (2 * expected.shape[1], 2 * expected.shape[0])
    note = f"the file holds 4 images; number {page} is upscaled, the others are not kept"
    assert note in result.notes
    assert note in estimate.notes
    Job(tmp_path / "b.png", upscaler, tmp_path / "d.png", provenance=False).run()
    np.testing.assert_array_equal(read(tmp_path / "c.png").pixels, read(tmp_path / "d.png").pixels)


def test_a_page_that_does_not_exist(tmp_path: Path, upscaler: Upscaler) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(*PAGES))
    (note,) = (each for each in read(tmp_path / "a.tif").notes if "4 images" in each)
    assert note == "the file holds 4 images; the first is upscaled, the others are not kept; page=2 upscales another"
    job = Job(tmp_path / "a.tif", upscaler, tmp_path / "c.png", page=5)
    wrong = f"{tmp_path / 'a.tif'}: page=5: the file holds 4 images"
    with pytest.raises(ImageReadError) as error:
        job.run()
    assert str(error.value) == wrong
    assert [str(problem) for problem in estimate_job(job).problems] == [wrong]
    for page in (0, -1, 1.5, True, "2"):
        with pytest.raises(InvalidArgument, match=f"page={page!r}: an integer from 1"):
            read(tmp_path / "a.tif", page=page)  # type: ignore[arg-type]


def test_pages_of_files_that_hold_one_image(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), (60 * k, 9, 30)) for k in range(3)]
    for suffix in ("png", "jpg", "webp", "bmp", "ppm", "gif"):
        frames[0].save(tmp_path / f"a.{suffix}")
        assert read(tmp_path / f"a.{suffix}", page=1).pixels.shape[:2] == (6, 8)
        with pytest.raises(ImageReadError, match=r"page=2: the file holds 1 image$"):
            read(tmp_path / f"a.{suffix}", page=2)
    for suffix in ("png", "webp", "gif", "avif"):
        frames[0].save(tmp_path / f"b.{suffix}", save_all=True, append_images=frames[1:], duration=100)
        for page in (1, 2):
            with pytest.raises(ImageReadError, match=f"page={page}: this is an animation of 3 frames"):
                read(tmp_path / f"b.{suffix}", page=page)


@pytest.mark.parametrize("below", [False, True])
def test_the_full_image_is_read_again_by_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool) -> None:
    """A large image is read twice, first to measure its blocks; a thumbnail as large must not be taken either time."""
    monkeypatch.setattr(subpixel.image.job, "HUGE", 0)
    small, full = random_image((90, 120), np.uint8, 1), random_image((90, 120), np.uint8)
    pages = [image(small, REDUCED, below=[image(full)])] if below else [image(small, REDUCED), image(full)]
    (tmp_path / "a.tif").write_bytes(tiff(*pages))
    upscaler = Upscaler(2)
    Job(tmp_path / "a.tif", upscaler, destination=tmp_path / "b.tif").run()
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels[..., 0], upscaler(full))


def test_what_belongs_to_the_file_is_kept_with_an_image_below(upscale: Upscale, tmp_path: Path, wide: bytes) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    packet += b"</x:xmpmeta>"
    tags = {315: text("Author"), 700: (1, list(packet)), 34675: (7, list(wide)), 274: (3, [3])}
    full = image(ramp(channels=3), {272: text("Camera")})
    upscale(tiff(image(SMALL, {**REDUCED, **tags}, below=[full])), ".tif")
    with Image.open(tmp_path / "b.tif") as result:
        assert (result.tag_v2[315], result.tag_v2[272]) == ("Author", "Camera")  # type: ignore[attr-defined]
        assert result.info["icc_profile"] == wide
        assert b"xmpmeta" in result.info["xmp"]
        assert np.asarray(result)[0, 0, 0] > np.asarray(result)[-1, -1, 0]  # turned as the file says


def test_chains_without_end_are_left(tmp_path: Path) -> None:
    """A SubIFD that is the page itself, and a page that is followed by itself."""
    content = bytearray(tiff(image(FULL, {330: (4, [0])})))
    first = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, first)[0]
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, at)[0] == 330:
            struct.pack_into("<I", content, at + 8, first)
    with open(tmp_path / "a.tif", "wb") as file:
        file.write(content)
    with open(tmp_path / "a.tif", "rb") as file:
        images = read_images(file)
    assert images is not None
    assert len(images.images) == 1


# Camera raw


CFA, LINEAR = {262: (3, [32803])}, {262: (3, [34892])}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (tiff(image(SMALL, {**REDUCED, 50706: (1, [1, 4, 0, 0])}, below=[image(FULL, CFA)])), "DNG"),
        (tiff(image(ramp(channels=3), {50706: (1, [1, 4, 0, 0])})), "DNG"),
        (tiff(image(SMALL, {**REDUCED, 271: text("NIKON CORPORATION")}, below=[image(FULL, CFA)])), "Nikon NEF"),
        (tiff(image(SMALL, {271: text("SONY")}, below=[image(FULL, CFA)])), "Sony ARW"),
        (tiff(image(SMALL, {271: text("SAMSUNG")}), image(FULL, CFA)), "Samsung SRW"),
        (tiff(image(FULL, {**CFA, 271: text("RICOH IMAGING COMPANY, LTD.")}), order=">"), "Pentax PEF"),
        (tiff(image(SMALL, {271: text("Hasselblad")}, below=[image(FULL, LINEAR)])), "Hasselblad 3FR"),
        (tiff(image(FULL, CFA)), "unknown maker"),
        (tiff(image(FULL, {259: (3, [34713]), 271: text("NIKON")})), "Nikon NEF"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "Canon CR2"),
        (b"IIRO\x08\0\0\0" + bytes(50), "Olympus ORF"),
        (b"MMOR\0\0\0\x08" + bytes(50), "Olympus ORF"),
        (b"IIU\0\x18\0\0\0" + bytes(50), "Panasonic RW2"),
        (b"II*\0\x08\0\0\0IIII" + bytes(50), "Phase One IIQ"),
        (b"\0\0\0\x18ftypcrx " + bytes(50), "Canon CR3"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(50), "Fujifilm RAF"),
        (b"FOVb\0\0\2\0" + bytes(50), "Sigma X3F"),
    ],
)
def test_camera_raw_is_refused_by_its_content(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageReadError, match=rf"raw image of a camera \(.*{name}\); develop it to TIFF first"):
        open_image(tmp_path / "a.jpg")


# Samples


def rgb(dtype: Any, channels: int = 3) -> Any:
    return ramp(channels=channels).astype(dtype)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (image(FULL.astype("f8")), "samples of 64-bit floating point cannot be read; convert it to 32-bit"),
        (image(FULL.astype("i2")), "samples of 16-bit signed integer cannot be read"),
        (image(rgb("i4")), "samples of 32-bit signed integer cannot be read"),
        (image(rgb("u4")), "samples of 32-bit unsigned integer cannot be read; convert it to 32-bit floating point"),
        (image(FULL.astype("c8")), "samples of 64-bit complex floating point"),
        (image(FULL, {258: (3, [12])}), "samples of 12-bit unsigned integer cannot be read; convert it to 16 bits"),
        (image(rgb("u1"), {258: (3, [4, 4, 4])}), "samples of 4-bit unsigned integer in 3 channels"),
        (image(rgb("u1"), {258: (3, [5, 6, 5])}), "differ in depth"),
        (image(FULL.astype("f4"), {262: (3, [0])}), "floating point samples with 0 as white"),
        (image(FULL, {259: (3, [50000])}), r"its compression \(Zstandard\) cannot be read; save it with deflate"),
        (image(FULL, {259: (3, [1234])}), r"its compression \(number 1234\) cannot be read"),
        (image(FULL, {262: (3, [32844])}), r"logarithmic luminance \(LogL\)"),
        (image(rgb("u1"), {262: (3, [9])}), r"ICC L\*a\*b\* colours"),
        (image(rgb("u1"), {262: (3, [8])}), r"L\*a\*b\* colours of 8 bits"),
        (image(rgb("u1"), {262: (3, [77])}), "photometric interpretation 77"),
        (image(rgb("u1"), {262: (3, [6]), 530: (3, [1, 1])}), "YCbCr without subsampling"),
        (image(rgb("u1", 5)), "5 channels, 3 of them colour"),
        (image(rgb("u1", 4), {262: (3, [1]), 338: (3, [0, 0, 0])}), "4 channels, 1 of them colour"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_not_called_damaged(
    tmp_path: Path, page: Directory, sentence: str
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(page))
    with pytest.raises(ImageReadError, match=sentence) as raised:
        read(tmp_path / "a.tif")
    assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    ("channels", "tags", "kept", "note"),
    [
        (4, {338: (3, [0])}, 3, "channel 4 is not transparency"),
        (4, {}, 3, "channel 4 is not transparency"),
        (2, {338: (3, [0])}, 1, "channel 2 is not transparency"),
        (3, {262: (3, [1]), 338: (3, [0, 0])}, 3, "three channels of unspecified meaning"),
        (4, {338: (3, [2])}, 4, ""),
        (4, {338: (3, [1])}, 4, ""),
        (2, {338: (3, [2])}, 2, ""),
        (4, {32995: (3, [1])}, 4, ""),
    ],
)
def test_further_channels_are_alpha_only_if_the_file_says_so(
    tmp_path: Path, channels: int, tags: dict[int, Value | None], kept: int, note: str
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(image(rgb("u1", channels), tags)))
    data = read(tmp_path / "a.tif")
    assert data.pixels.shape == (24, 36, kept)
    assert len(data.notes) == bool(note)
    assert note in "".join(data.notes)
    if tags.get(338) != (3, [1]) and 32995 not in tags:  # these are premultiplied
        np.testing.assert_array_equal(data.pixels, rgb("u1", kept).reshape(24, 36, kept))


def test_premultiplied_colours_are_divided_by_alpha(tmp_path: Path) -> None:
    pixels = np.array([[[100, 50, 0, 200], [10, 20, 30, 255], [0, 0, 0, 0]]], np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {338: (3, [1])})))
    expected = [[[128, 64, 0, 200], [10, 20, 30, 255], [0, 0, 0, 0]]]
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels.astype(int), expected, atol=1)


# Tags


GEO = {
    33550: (12, [10.0, 20.0, 1.0]),
    33922: (12, [0.0, 0, 0, 5e5, 4e6, 0, 36, 24, 0, 5e5 + 360, 4e6 - 480, 0]),
    34264: (12, [10.0, 1, 0, 5e5, 2, -20, 0, 4e6, 0, 0, 1, 0, 0, 0, 0, 1]),
    34736: (12, [6378137.0]),
    34737: text("WGS 84|"),
    42112: text('<GDALMetadata>\n  <Item name="A">1</Item>\n  <Item name="STATISTICS_MEAN">9</Item>\n</GDALMetadata>'),
    42113: text("-9999"),
}


def keys(raster: int) -> Value:
    """A coordinate system whose raster type is area (1) or point (2)."""
    return 3, [1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, raster]


@pytest.mark.parametrize("raster", [1, 2])
@pytest.mark.parametrize("size", [{"scale": 2}, {"width": 90}, {"fit": (50, 31)}], ids=str)
def test_a_georeference_is_that_of_the_larger_pixels(tmp_path: Path, raster: int, size: dict[str, Any]) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(image(FULL, {**GEO, 34735: keys(raster)})))
    result = Job(tmp_path / "a.tif", Upscaler(model="bicubic", **size), destination=tmp_path / "b.tif").run()
    with Image.open(tmp_path / "b.tif") as out:
        tags = out.tag_v2  # type: ignore[attr-defined]
    sx, sy = result.size_out[0] / 36, result.size_out[1] / 24
    centre = 0.5 * (raster == 2)
    assert tags[33550] == pytest.approx((10 / sx, 20 / sy, 1))
    assert tags[34735] == tuple(keys(raster)[1])
    assert (tags[34736], tags[34737], tags[42113]) == (6378137.0, "WGS 84|", "-9999")
    assert tags[42112] == '<GDALMetadata>\n  <Item name="A">1</Item>\n</GDALMetadata>'
    # The corners of the image lie where they lay.
    matrix = np.reshape(tags[34264], (4, 4))
    old = np.reshape(GEO[34264][1], (4, 4))
    for x, y in ((0, 0), (36, 0), (0, 24), (36, 24)):
        before = old @ (x - centre, y - centre, 0, 1)
        assert matrix @ (x * sx - centre, y * sy - centre, 0, 1) == pytest.approx(before)
    points = np.reshape(tags[33922], (2, 6))
    for point, (x, y) in zip(points, ((0, 0), (36, 24)), strict=True):
        assert point[:2] == pytest.approx(((x + centre) * sx - centre, (y + centre) * sy - centre))
    assert points[1, 3:5] == pytest.approx((5e5 + 360, 4e6 - 480))


def test_a_georeference_that_cannot_be_kept_is_a_note(upscale: Upscale) -> None:
    for suffix in (".png", ".jpg", ".webp", ".avif", ".gif"):
        notes = upscale(tiff(image(FULL, {**GEO, 34735: keys(1)})), suffix).notes
        assert any("holds no georeference: it is not kept (33550 ModelPixelScale" in note for note in notes)
        assert any("42112 GDAL_METADATA, 42113 GDAL_NODATA are not kept" in note for note in notes)
    notes = upscale(tiff(image(FULL, {**GEO, 34735: keys(1), 274: (3, [6])})), ".tif").notes
    assert any("before it is turned upright is not kept (33550" in note for note in notes)


def some_value(tag: int) -> Value:
    """A value that a tag may have."""
    special: dict[int, Value] = {
        301: (3, list(range(256))),
        306: text("2020:01:02 03:04:05"),
        318: (5, [3127, 10000, 329, 1000]),
        319: (5, [64, 100, 33, 100, 3, 10, 6, 10, 15, 100, 6, 100]),
        18246: (3, [3]),
        18249: (3, [60]),
        50341: (7, list(b"PrintIM\0000300\0\0\0\0")),
        **GEO,
        34735: keys(1),
    }
    return special.get(tag, (1, list("text\0".encode("utf-16le"))) if 40090 < tag < 40096 else text("text"))


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".webp", ".avif"])
def test_every_tag_that_is_kept_is_in_the_result_or_in_a_note(tmp_path: Path, upscale: Upscale, suffix: str) -> None:
    notes = upscale(tiff(image(FULL, {tag: some_value(tag) for tag in IN_EXIF | IN_TIFF})), suffix).notes
    with Image.open(tmp_path / f"b{suffix}") as out:
        there = {*out.getexif(), *getattr(out, "tag_v2", ())}
    for tag in IN_EXIF | IN_TIFF:
        assert (tag in there) != any(str(tag) in note for note in notes), tag


def test_every_tag_that_is_lost_or_unknown_is_in_a_note(tmp_path: Path, upscaler: Upscaler) -> None:
    parts = [part for part in container.INVENTORY.parts if part.fate is Fate.LOST]
    tags = {int(part.name.partition(" ")[0]): (7, [1, 2, 3]) for part in parts}
    tags |= {32997: (3, [1]), 32998: (3, [1])}  # libtiff reads these
    (tmp_path / "a.tif").write_bytes(tiff(image(FULL, {**tags, 65100: (3, [1]), 65101: (3, [1])})))
    job = Job(tmp_path / "a.tif", upscaler, destination=tmp_path / "b.tif")
    estimate = estimate_job(job)
    notes = job.run().notes
    assert estimate.notes == notes
    assert notes[:-1] == tuple(f"{part.meaning} ({part.name}) is not kept" for part in parts)
    assert notes[-1] == "the TIFF tags 65100, 65101 are not known: they are not kept"


def test_the_inventory_has_each_tag_once() -> None:
    names = [part.name for part in container.INVENTORY.parts]
    assert len({name.partition(" ")[0] for name in names}) == len(names) > 200
    assert {fate for fate in Fate} == {part.fate for part in container.INVENTORY.parts}


@pytest.mark.parametrize(
    "description",
    ["ImageJ=1.53t\nimages=1\n", '{"shape": [24, 36]}', '<?xml version="1.0"?><OME xmlns="x"/>', "Aperio Image 36x24"],
)
def test_a_description_for_programs_states_the_old_size_and_is_not_kept(
    tmp_path: Path, upscale: Upscale, description: str
) -> None:
    notes = upscale(tiff(image(FULL, {270: text(description)})), ".tif").notes
    assert notes == ("the description (270 ImageDescription) states the size of the old pixels: it is not kept",)
    with Image.open(tmp_path / "b.tif") as out:
        assert 270 not in out.tag_v2  # type: ignore[attr-defined]
    assert upscale(tiff(image(FULL, {270: text("A cat of 36x24")})), ".tif").notes == ()
    with Image.open(tmp_path / "b.tif") as out:
        assert out.tag_v2[270] == "A cat of 36x24"  # type: ignore[attr-defined]


def test_what_describes_colours_is_dropped_where_it_no_longer_holds(upscale: Upscale, wide: bytes) -> None:
    looks = {318: some_value(318), 301: (3, list(range(16)))}
    assert upscale(tiff(image(FULL, looks)), ".tif").notes == (
        "what is for samples of another depth is not kept (301 TransferFunction)",
    )
    cmyk = image(rgb("u1", 4), {262: (3, [5]), 318: some_value(318)})
    assert "before their conversion is not kept (318 WhitePoint)" in upscale(tiff(cmyk), ".tif").notes[-1]
    profiled = image(rgb("u1"), {318: some_value(318), 34675: (7, list(wide))})
    assert upscale(tiff(profiled), ".png").notes == ()
