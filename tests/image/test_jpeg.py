"""Everything in a JPEG is accounted for: kept, renewed, or named in a note."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from malformed.images import corrupted, truncated
from subpixel import Upscaler
from subpixel.errors import ImageReadError
from subpixel.image import Job, read
from subpixel.image.files.containers import jpeg
from subpixel.image.files.containers.inventory import Fate
from subpixel.image.files.containers.jpeg_segments import END, read_segments
from subpixel.image.files.reading import open_header
from subpixel.image.files.source_metadata import get_blob

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\x10\0mdat" + bytes(range(256)) * 16
MOTION_PHOTO = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
    b' xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    b' xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    b' GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" GCamera:MicroVideo="1" GCamera:MicroVideoOffset="4122"'
    b' xmp:Rating="4"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item'
    b' Item:Mime="image/jpeg" Item:Semantic="Primary"/></rdf:li><rdf:li rdf:parseType="Resource"><Container:Item'
    b' Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="4122"/></rdf:li></rdf:Seq>'
    b"</Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def encoded(pixels: NDArray[Any] = PIXELS, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def with_segment(marker: int, content: bytes) -> bytes:
    plain = encoded()
    return plain[:2] + segment(marker, content) + plain[2:]


def losses(content: bytes) -> tuple[str, ...]:
    return jpeg.list_losses(io.BytesIO(content))


SAMSUNG = (
    b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data"
    + MP4
    + b"SEFH"
    + struct.pack("<II", 107, 1)
    + bytes(12)
    + b"\x18\0\0\0SEFT"
)
VIDEO = "the video of the motion photo is not kept"
TRAILERS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "nothing": (b"", ()),
    "zeros": (bytes(5000), ()),
    "a line feed": (b"\r\n", ()),
    "fill bytes": (b"\xff" * 3, ()),
    "a motion photo": (MP4, (VIDEO,)),
    "a motion photo behind zeros": (bytes(3) + MP4, (VIDEO,)),
    "Samsung's motion photo": (SAMSUNG, (VIDEO,)),
    "Samsung's data": (
        b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1700000000000SEFH\x6b\0\0\0\0\0\0\0\x0c\0\0\0SEFT",
        ("the camera's own data behind the end of the JPEG (times, settings) is not kept",),
    ),
    "a JPEG": (encoded(), ("a further image behind the end of the JPEG is not kept",)),
    "two JPEGs": (encoded() + b"\0\xff" + encoded(), ("2 further images behind the end of the JPEG are not kept",)),
    "a JPEG and a video": (encoded() + MP4, ("a further image behind the end of the JPEG is not kept", VIDEO)),
    "an archive": (b"PK\x03\x04" + bytes(99), ("an archive (ZIP) behind the end of the JPEG is not kept",)),
    "text": (b"a secret", ("8 bytes behind the end of the JPEG are not kept",)),
    "much": (b"x" * 2_500_000, ("2.50 MB behind the end of the JPEG are not kept",)),
    "a video behind other data": (b"x" * 99 + MP4, (VIDEO,)),
    "half an image": (encoded()[:300], ("300 bytes behind the end of the JPEG are not kept",)),
}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("name", TRAILERS)
def test_what_lies_behind_the_end(name: str, progressive: bool) -> None:
    trailer, expected = TRAILERS[name]
    assert losses(encoded(progressive=progressive) + trailer) == expected


def test_the_end_is_where_the_decoder_finds_it() -> None:
    """Restart markers, scans of many blocks, and segments between scans are not the end."""
    noise = np.random.default_rng(1).integers(0, 256, (700, 900, 3), np.uint8)
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 3}, {"subsampling": 0, "quality": 100}):
        content = encoded(noise, **options)
        *_, last = read_segments(io.BytesIO(content + MP4))
        assert (last.marker, last.end) == (END, len(content))
    between = encoded(progressive=True)
    scan = between.rindex(b"\xff\xda")
    hidden = segment(0xFE, b"a comment with \xff\xd9 in it")
    content = between[:scan] + hidden + between[scan:]
    *_, last = read_segments(io.BytesIO(content))
    assert last.end == len(content)
    assert losses(content) == ("the JPEG comment is not kept: a comment with \ufffd\ufffd in it",)


@pytest.mark.parametrize(
    ("marker", "content", "expected"),
    [
        (0xE0, b"JFXX\0\x13", None),
        (0xEC, b"Ducky\0\x01", None),
        (0xEE, b"Adobe\0\x64\0\0\0\0\x01", None),
        (
            0xEB,
            b"JP\0\x01\0\0\0\x01\0\0\0\x20jumb",
            "the signed history of the old pixels, C2PA (APP11 JUMBF) is not kept",
        ),
        (0xE1, b"FLIR\0\x01", "the temperatures of a thermal camera (APP1 FLIR) is not kept"),
        (0xE2, b"FPXR\0", "a FlashPix extension (APP2 FPXR) is not kept"),
        (0xE5, b"RMETA\0x", "the JPEG segment APP5 RMETA is not known: it is not kept"),
        (0xE7, b"\x01\x02\x03", "the JPEG segment APP7 is not known: it is not kept"),
        (0xF0, b"xyz", "the JPEG segment F0 is not known: it is not kept"),
    ],
)
def test_segments(marker: int, content: bytes, expected: str | None) -> None:
    assert losses(with_segment(marker, content)) == (() if expected is None else (expected,))


def test_further_blocks_of_one_kind() -> None:
    plain = encoded(exif=Image.Exif(), xmp=b"<a/>")
    twice = plain[:2] + segment(0xE1, b"Exif\0\0" + bytes(20)) * 2 + plain[2:]
    assert losses(twice) == ("a further block of EXIF (APP1 Exif) is not kept",)


def test_what_libvips_cannot_read_is_named(tmp_path: Path, wide: bytes) -> None:
    content = encoded(icc_profile=wide)
    at = content.index(b"ICC_PROFILE\0") + 12
    (tmp_path / "a.jpg").write_bytes(content[:at] + b"\x02\x03" + content[at + 2 :])  # the second of three pieces
    assert read(tmp_path / "a.jpg").notes == ("the colour profile (APP2 ICC_PROFILE) is not kept: it is damaged",)
    (tmp_path / "b.jpg").write_bytes(content)
    assert read(tmp_path / "b.jpg").notes == ()


def test_previews_among_the_images_of_an_index() -> None:
    """Cameras put a large preview into the file; it shows the old pixels and is no loss."""
    buffer = io.BytesIO()
    image = Image.fromarray(PIXELS)
    image.save(buffer, "MPO", save_all=True, append_images=[image, image])
    content = buffer.getvalue()
    note = "the file holds 3 images (MPF); the first is upscaled, the others are not kept"
    assert losses(content) == (note,)
    index = content.index(b"MPF\0") + 4
    order = "<" if content[index : index + 2] == b"II" else ">"
    entries = content.index(struct.pack(order + "HHI", 0xB002, 7, 48), index)
    (at,) = struct.unpack_from(order + "I", content, entries + 8)
    second = index + at + 16
    preview = content[:second] + struct.pack(order + "I", 0x010001) + content[second + 4 :]
    assert losses(preview) == (note.replace("3 images", "2 images"),)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_motion_photo(upscaler: Upscaler, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(xmp=MOTION_PHOTO) + MP4)
    result = Job(tmp_path / "a.jpg", upscaler, tmp_path / f"b.{suffix}", provenance=False).run()
    assert result.notes == (VIDEO,)
    packet = get_blob(read(result.destination).header, "xmp-data")
    assert packet is not None
    for word in (b"GCamera", b"Container", b"Item", b"MotionPhoto", b"MicroVideo"):
        assert word not in packet
    assert b'xmp:Rating="4"' in packet
    assert b"ftyp" not in result.destination.read_bytes()


def test_every_coding_is_read_or_named(tmp_path: Path) -> None:
    plain = encoded()
    frame = plain.index(b"\xff\xc0")

    def changed(offset: int, value: int) -> Path:
        path = tmp_path / "a.jpg"
        path.write_bytes(plain[: frame + offset] + bytes([value]) + plain[frame + offset + 1 :])
        return path

    with pytest.raises(ImageReadError, match="a JPEG of 12 bits per sample, which the installed libvips cannot read"):
        open_header(changed(4, 12))  # before any pixel is read, so a dry run finds it
    for part in jpeg.INVENTORY.parts:
        if part.name.startswith("SOF") and part.fate is Fate.REFUSED:
            with pytest.raises(ImageReadError, match=r"a JPEG with .+ coding, which the installed libvips cannot read"):
                open_header(changed(1, 0xC0 + int(part.name[3:])))


def test_inks(tmp_path: Path) -> None:
    """As Adobe writes them, inverted."""
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    image = read(tmp_path / "a.jpg")
    assert image.notes == ("colours were converted from cmyk to sRGB",)
    red, green, blue = image.pixels[8, 8].astype(int)
    assert red > 200 > 90 > max(green, blue)


def test_segments_of_damaged_files() -> None:
    content = encoded(progressive=True, xmp=MOTION_PHOTO) + encoded() + MP4
    for changed in (*truncated(content), *corrupted(content, seed=1, count=200)):
        losses(changed)
        jpeg.unsupported_coding(io.BytesIO(changed))
        jpeg.list_parts(io.BytesIO(changed))


def test_every_part_that_libvips_writes_is_known(tmp_path: Path, wide: bytes, saved: Callable[..., Path]) -> None:
    image = pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb", xres=2, yres=2)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", wide)
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<a/>")
    image.set_type(pyvips.GValue.blob_type, "iptc-data", jpeg.to_photoshop(b"\x1c\x02\x05\x00\x01a"))
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "x")
    names = jpeg.list_parts(io.BytesIO(image.jpegsave_buffer(interlace=True)))
    assert {"APP1 Exif", "APP1 XMP", "APP2 ICC_PROFILE", "APP13 Photoshop", "SOF2", "SOS", "EOI"} <= set(names)
    assert jpeg.INVENTORY.losses(names) == ()
