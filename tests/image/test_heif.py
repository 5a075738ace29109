"""HEIF and AVIF: colours, depth, transformations; everything else in the file is kept or named in a note."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from image.heif_files import Item, box, coded, full_box, heif, nclx
from malformed.images import corrupted, png_chunk, truncated
from subpixel import Upscaler
from subpixel.errors import ImageReadError
from subpixel.image import Job, read
from subpixel.image.files.containers import isobmff
from subpixel.image.files.containers.isobmff_colours import set_code_points
from subpixel.image.files.containers.isobmff_inventory import INVENTORY, list_losses, list_parts
from subpixel.image.files.icc import Colours, build_profile
from subpixel.image.files.source_metadata import get_blob

Y, X = np.mgrid[:16, :24]
PIXELS = np.dstack([X * 10, Y * 15, (X + Y) * 6]).astype(np.uint8)
ALPHA = np.repeat((40 + X * 9).astype(np.uint8)[..., None], 3, axis=2)
DATA, KINDS = coded(PIXELS)
ALPHA_DATA, ALPHA_KINDS = coded(ALPHA)
SRGB = nclx(1, 13, 0)
MAIN = Item(b"av01", DATA, (*KINDS, SRGB))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'


def with_properties(*properties: bytes) -> bytes:
    return heif([Item(b"av01", DATA, (*KINDS, SRGB, *properties))])


def auxiliary(name: str) -> Item:
    return Item(b"av01", ALPHA_DATA, (*ALPHA_KINDS, SRGB, full_box(b"auxC", name.encode() + b"\0")))


def contents(content: bytes) -> isobmff.Contents:
    return isobmff.read_contents(io.BytesIO(content))


@pytest.fixture
def avif(tmp_path: Path) -> Any:
    def make(content: bytes) -> Path:
        path = tmp_path / "a.avif"
        path.write_bytes(content)
        return path

    return make


# Colours


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif"])
def test_code_points_become_a_profile(upscaler: Upscaler, tmp_path: Path, avif: Any, suffix: str) -> None:
    for primaries, transfer in ((12, 13), (9, 14), (1, 4), (9, 8)):
        path = avif(heif([Item(b"av01", DATA, (*KINDS, nclx(primaries, transfer, 0)))]))
        result = Job(path, upscaler, tmp_path / f"b.{suffix}", overwrite=True).run()
        assert result.notes == ()
        colours = Colours.from_code_points(primaries, transfer)
        assert colours is not None
        assert get_blob(read(result.destination).header, "icc-profile-data") == build_profile(colours)


@pytest.mark.parametrize("points", [(1, 13), (1, 1), (2, 2), (1, 2), (1, 6)])
def test_colours_like_srgb_need_no_profile(avif: Any, points: tuple[int, int]) -> None:
    image = read(avif(heif([Item(b"av01", DATA, (*KINDS, nclx(*points, 0)))])))
    assert image.notes == ()
    assert get_blob(image.header, "icc-profile-data") is None
    np.testing.assert_array_equal(image.pixels, PIXELS)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_colours_for_hdr_screens(upscaler: Upscaler, tmp_path: Path, avif: Any, transfer: int, name: str) -> None:
    path = avif(heif([Item(b"av01", DATA, (*KINDS, nclx(9, transfer, 0)))]))
    for suffix in ("jpg", "tif", "webp"):
        notes = Job(path, upscaler, tmp_path / f"b.{suffix}").run().notes
        assert len(notes) == 1
        assert f"the image is HDR ({name}, code points 9/{transfer}), which is not kept" in notes[0]
    png = Job(path, upscaler, tmp_path / "b.png").run()
    assert png.notes == ()
    assert png_chunk(b"cICP", bytes([9, transfer, 0, 1])) in png.destination.read_bytes()
    result = Job(path, upscaler, tmp_path / "b.avif").run()
    assert result.notes == ()
    with open(result.destination, "rb") as file:
        points = isobmff.nclx_of(isobmff.read_contents(file).main)
    assert points is not None
    assert points[:2] == (9, transfer)
    plain = Job(avif(heif([MAIN])), upscaler, tmp_path / "plain.avif").run().destination
    np.testing.assert_array_equal(read(result.destination).pixels, read(plain).pixels)
    with av.open(str(result.destination)) as one, av.open(str(plain)) as other:
        first, second = next(one.decode(video=0)), next(other.decode(video=0))
    # The box comes before the bitstream, and states the matrix and the range that the samples have.
    assert points == (9, transfer, first.colorspace, first.color_range == av.video.reformatter.ColorRange.JPEG)
    np.testing.assert_array_equal(first.to_ndarray(), second.to_ndarray())


@pytest.mark.parametrize("bits", [10, 12])
def test_white_of_few_bits_is_white(upscaler: Upscaler, tmp_path: Path, avif: Any, bits: int) -> None:
    top = (1 << bits) - 1
    codes = np.array([0, 1, top // 3, top - 1, top])
    row = np.repeat(codes, 8)[None, :, None]
    stored = np.broadcast_to(row << (16 - bits), (16, 40, 3)).astype(np.uint16)
    data, kinds = coded(stored, bits)
    path = avif(heif([Item(b"av01", data, (*kinds, SRGB))]))
    image = read(path)
    assert image.pixels.dtype == np.uint16
    np.testing.assert_allclose(image.pixels[0, ::8, 0], codes * 65535 / top, atol=1)
    assert image.pixels[0, 0, 0] == 0
    assert image.pixels[0, -1, 0] == 65535
    result = Job(path, upscaler, tmp_path / "b.avif", quality=100).run()
    assert result.notes == ()
    assert read(result.destination).pixels[10, -1].tolist() == [65535] * 3
    assert Job(path, upscaler, tmp_path / "b.png").run().notes == ()


def test_more_bits_than_avif_has_are_rounded_with_a_note(upscaler: Upscaler, tmp_path: Path) -> None:
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(tmp_path / "a.png")
    notes = Job(tmp_path / "a.png", upscaler, tmp_path / "b.avif").run().notes
    assert notes == ("AVIF has 12 bits per channel: 16 were rounded to that",)


# Transformations and parts


def test_transformations_are_applied_once(avif: Any) -> None:
    """EXIF's orientation only repeats them."""
    sideways = Image.Exif()
    sideways[0x0112] = 6
    block = bytes(4) + sideways.tobytes()[6:]
    turned = Item(b"av01", DATA, (*KINDS, SRGB, box(b"irot", b"\3")))
    path = avif(heif([turned, Item(b"Exif", block)], {(b"cdsc", 2): [1]}))
    np.testing.assert_array_equal(read(path).pixels, np.rot90(PIXELS, 3))
    assert read(path).notes == ()
    both = with_properties(box(b"irot", b"\1"), box(b"imir", b"\1"))
    np.testing.assert_array_equal(read(avif(both)).pixels, np.rot90(PIXELS)[:, ::-1])
    part = box(b"clap", struct.pack(">8I", 10, 1, 6, 1, 1, 1, 1, 1))
    np.testing.assert_array_equal(read(avif(with_properties(part))).pixels, PIXELS[6:12, 8:18])


def test_tiles(avif: Any) -> None:
    size = full_box(b"ispe", struct.pack(">II", 48, 16))
    grid = Item(b"grid", bytes([0, 0, 0, 1]) + struct.pack(">HH", 48, 16), (size, KINDS[2], SRGB))
    tiles = [
        Item(b"av01", DATA, (*KINDS, SRGB), hidden=True),
        Item(b"av01", ALPHA_DATA, (*ALPHA_KINDS, SRGB), hidden=True),
    ]
    image = read(avif(heif([grid, *tiles], {(b"dimg", 1): [2, 3]})))
    assert image.notes == ()
    np.testing.assert_array_equal(image.pixels, np.concatenate([PIXELS, ALPHA], axis=1))


def test_premultiplied_colours_are_divided(avif: Any) -> None:
    alpha = auxiliary("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
    straight = read(avif(heif([MAIN, alpha], {(b"auxl", 2): [1]})))
    np.testing.assert_array_equal(straight.pixels[..., :3], PIXELS)
    np.testing.assert_array_equal(straight.pixels[..., 3], ALPHA[..., 0])
    divided = read(avif(heif([MAIN, alpha], {(b"auxl", 2): [1], (b"prem", 1): [2]})))
    expected = np.clip(PIXELS * 255.0 / ALPHA, 0, 255)
    np.testing.assert_allclose(divided.pixels[..., :3].astype(float), expected, atol=0.51)
    np.testing.assert_array_equal(divided.pixels[..., 3], ALPHA[..., 0])


def test_the_main_image_is_upscaled(avif: Any) -> None:
    image = read(avif(heif([Item(b"av01", ALPHA_DATA, (*ALPHA_KINDS, SRGB)), MAIN], primary=2)))
    note = "the file holds 2 images; the main one is upscaled, the others are not kept; page=1 upscales another"
    assert image.notes == (note,)
    np.testing.assert_array_equal(image.pixels, PIXELS)


def test_another_image_can_be_chosen(avif: Any) -> None:
    """With its own colours and rotation; a thumbnail, alpha and what is hidden are not counted."""
    turn = box(b"irot", b"\1")
    other = Item(b"av01", DATA, (*KINDS, nclx(9, 1, 0), turn))
    hidden = Item(MAIN.kind, MAIN.data, MAIN.properties, hidden=True)
    path = avif(heif([hidden, MAIN, MAIN, other], {(b"thmb", 2): [3]}, primary=3))
    assert read(path).pixels.shape == PIXELS.shape
    second = read(path, page=2)
    assert second.pixels.shape[:2] == (PIXELS.shape[1], PIXELS.shape[0])
    np.testing.assert_array_equal(second.pixels, np.rot90(PIXELS))
    assert "the file holds 2 images; number 2 is upscaled, the others are not kept" in second.notes
    assert second.header is not None
    assert b"BT.2020" in bytes(second.header.get("icc-profile-data")).replace(b"\0", b"")
    np.testing.assert_array_equal(read(path, page=1).pixels, PIXELS)
    with pytest.raises(ImageReadError, match="page=3: the file holds 2 images"):
        read(path, page=3)


C2PA = box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + b"manifest")
LOSSES: dict[str, tuple[bytes, str | None]] = {
    "square pixels": (with_properties(box(b"pasp", struct.pack(">II", 1, 1))), None),
    "a thumbnail": (heif([MAIN, MAIN], {(b"thmb", 2): [1]}), None),
    "free space": (heif([MAIN], before=box(b"free", bytes(9))), None),
    "XMP": (heif([MAIN, Item(b"mime", XMP, (), b"application/rdf+xml")], {(b"cdsc", 2): [1]}), None),
    "oblong pixels": (
        with_properties(box(b"pasp", struct.pack(">II", 4, 3))),
        "the aspect ratio of the pixels (pasp) is not kept",
    ),
    "light level": (with_properties(box(b"clli", bytes(4))), "the content light level (clli) is not kept"),
    "mastering display": (
        with_properties(box(b"mdcv", bytes(24))),
        "the colour volume of the mastering display (mdcv) is not kept",
    ),
    "an unknown property": (
        with_properties(box(b"abcd", b"x")),
        "the HEIF part abcd is not known: it is not kept",
    ),
    "a depth map": (
        heif([MAIN, auxiliary("urn:mpeg:mpegB:cicp:systems:auxiliary:depth")], {(b"auxl", 2): [1]}),
        "the depth map (depth map) is not kept",
    ),
    "Apple's gain map": (
        heif([MAIN, auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap")], {(b"auxl", 2): [1]}),
        "the gain map for HDR screens (Apple's hdrgainmap) is not kept",
    ),
    "an unknown auxiliary image": (
        heif([MAIN, auxiliary("urn:x:heat")], {(b"auxl", 2): [1]}),
        "the HEIF part item urn:x:heat is not known: it is not kept",
    ),
    "C2PA": (
        heif([MAIN], before=C2PA),
        "the signed history of the old pixels, C2PA (uuid d8fec3d61b0e483c) is not kept",
    ),
    "a motion photo": (heif([MAIN]) + box(b"mpvd", bytes(99)), "the video of the motion photo (mpvd) is not kept"),
    "another item": (
        heif([MAIN, Item(b"mime", b"{}", (), b"application/json")]),
        "the HEIF part item mime application/json is not known: it is not kept",
    ),
    "a hidden image": (
        heif([MAIN, Item(b"av01", DATA, (*KINDS, SRGB), hidden=True)]),
        "an image that is hidden in the file (hidden image) is not kept",
    ),
    "bytes behind the end": (heif([MAIN]) + b"abc", "3 bytes behind the last box are not kept"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_result_lacks_is_a_note(avif: Any, name: str) -> None:
    content, expected = LOSSES[name]
    assert read(avif(content)).notes == (() if expected is None else (expected,))


def test_every_part_of_our_own_files_is_known(upscaler: Upscaler, tmp_path: Path, wide: bytes) -> None:
    sideways = Image.Exif()
    sideways[0x010F] = "Maker"
    Image.fromarray(PIXELS).save(tmp_path / "a.png", icc_profile=wide, exif=sideways)
    result = Job(tmp_path / "a.png", upscaler, tmp_path / "b.avif").run()
    with open(result.destination, "rb") as file:
        found = isobmff.read_contents(file)
    assert {"item av01", "item Exif", "item mime application/rdf+xml", "colr rICC"} <= set(list_parts(found))
    assert INVENTORY.losses(list_parts(found)) == ()


def test_boxes_of_damaged_files() -> None:
    content = LOSSES["a depth map"][0]
    for changed in (*truncated(content), *corrupted(content, seed=2, count=300)):
        found = contents(changed)
        list_losses(found)
        isobmff.nclx_of(found.main)


def test_colours_of_other_files_are_not_changed(tmp_path: Path) -> None:
    for content, text in ((heif([MAIN]), "already"), (b"\0\0\0\x10ftypavif", "no items"), (b"", "no items")):
        (tmp_path / "a.avif").write_bytes(content)
        with pytest.raises(ValueError, match=text):
            set_code_points(tmp_path / "a.avif", 9, 16)
        assert (tmp_path / "a.avif").read_bytes() == content
