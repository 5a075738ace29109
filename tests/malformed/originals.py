"""Small image files that are right, of every kind that is read: what mutations start from, and what reads them."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from helpers import random_image
from image.heif_files import Item, box, coded, full_box, heif, nclx
from image.tiff_files import image as directory
from image.tiff_files import text, tiff
from malformed.images import png_chunk

__all__ = ["image_files", "read_image", "upscale_image"]

_SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".gif", ".png", ".jpg", ".tif", ".webp", ".avif")

_XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelXDimension="19" exif:PixelYDimension="13"/>'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)

_PHOTOSHOP = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x69\0\x06A city\0"
_GEO: dict[int, Any] = {
    33550: (12, [10.0, 20.0, 0.0]), 33922: (12, [0.0, 0, 0, 5e5, 4e6, 0]), 34735: (3, [1, 1, 0, 1, 1025, 0, 1, 1]),
    34737: text("WGS 84|"), 42113: text("-9999"), 315: text("Author"), 305: text("A program"), 65100: (3, [1, 2, 3]),
    33723: (7, list(b"\x1c\x02\x69\0\x06A city")),
}  # fmt: skip


def read_image(path: Path) -> object:
    """All that is read of an image file: pixels of all frames, and metadata."""
    from subpixel.image.files.reading import read

    return read(path, limit=1.0)


def upscale_image(path: Path) -> object:
    """A job from the file to another one, whose format follows from the content, or is the default if it does not fit.

    Raises:
        AssertionError: a file is left of a job that failed, or the result cannot be read.
    """
    from subpixel.errors import InvalidArgument, SubpixelError
    from subpixel.image import Job, read
    from subpixel.upscaler import Upscaler

    code = zlib.crc32(path.read_bytes())
    folder = path.with_name("run")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    plain: dict[str, Any] = {"depth": 8, "background": "white"} if code & 1 << 16 else {}
    upscaler = Upscaler(2, model="bicubic", threads=1)
    job = Job(path, upscaler, folder / f"out{_SUFFIXES[code % len(_SUFFIXES)]}", limit=0.1, **plain)
    try:
        try:
            result = job.run()
        except InvalidArgument:
            result = Job(path, upscaler, folder=folder, limit=0.1).run()
    except SubpixelError:
        left = [each.name for each in folder.iterdir()]
        assert not left, f"the job failed and left {left}"
        raise
    try:
        shown = read(result.destination, limit=1.0)
    except SubpixelError as error:
        raise AssertionError(f"the result cannot be read: {error}") from error
    assert [each.name for each in folder.iterdir()] == [result.destination.name]
    assert len(set(result.notes)) == len(result.notes), result.notes
    assert (shown.frames[0].shape[1], shown.frames[0].shape[0]) == result.size_out
    return result


@lru_cache(1)
def image_files() -> dict[str, bytes]:
    """Image files by name, of a few hundred to a few thousand bytes, with EXIF, XMP and ICC where a format has them."""
    rgb, gray = random_image((13, 19, 3), np.uint8), random_image((13, 19), np.uint8)
    rgba, deep = random_image((13, 19, 4), np.uint8), random_image((13, 19, 3), np.uint16)
    wide, light = random_image((80, 96, 3), np.uint8), random_image((13, 19, 3), np.float32)
    exif, icc = _exif(), _profile()
    tags: dict[str, Any] = {"exif": exif, "icc_profile": icc}
    both: dict[str, Any] = {**tags, "xmp": _XMP}
    frames = {"save_all": True, "append_images": [Image.fromarray(rgb[::-1]), Image.fromarray(rgb[:, ::-1])]}
    palette = Image.fromarray(rgb).quantize(16)
    deepest = random_image((13, 19, 4), np.uint16)
    return {
        "rgb.png": _pillow(Image.fromarray(rgb), "PNG", dpi=(300, 300), **tags),
        "rgba.png": _pillow(Image.fromarray(rgba), "PNG"),
        "palette.png": _pillow(palette, "PNG", transparency=3),
        "deep.png": _vips(deep, ".png"),
        "interlaced.png": _vips(rgb, ".png", interlace=True),
        "chunks.png": _with_chunks(_vips(deepest, ".png")),
        "animated.png": _pillow(Image.fromarray(rgb), "PNG", duration=40, **frames),
        "parts.png": _pillow(
            Image.fromarray(rgba), "PNG", duration=40, disposal=1, blend=1, default_image=True, save_all=True,
            append_images=[Image.fromarray(np.where(np.arange(19)[:, None] < 8, rgba, 0)), Image.fromarray(rgba[::-1])],
        ),
        "baseline.jpg": _pillow(Image.fromarray(rgb), "JPEG", comment=b"a comment", dpi=(72, 72), **both),
        "progressive.jpg": _pillow(Image.fromarray(rgb), "JPEG", progressive=True, subsampling=0),
        "gray.jpg": _pillow(Image.fromarray(gray), "JPEG", restart_marker_blocks=1),
        "cmyk.jpg": _pillow(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "iptc.jpg": _with_segments(_pillow(Image.fromarray(gray), "JPEG", exif=exif)),
        "more.jpg": _further_images(rgb) + b"a trailer" * 9,
        "strips.tif": _vips(rgb, ".tif", rows=True),
        "lzw.tif": _vips(deep, ".tif", compression="lzw", predictor="horizontal"),
        "tiled.tif": _vips(wide, ".tif", tile=True, tile_width=32, tile_height=32, compression="deflate"),
        "float.tif": _vips(light, ".tif", bigtiff=True),
        "jpeg.tif": _vips(wide, ".tif", compression="jpeg"),
        "tags.tif": _pillow(Image.fromarray(rgb), "TIFF", compression="packbits", dpi=(300, 300), icc_profile=icc),
        "pages.tif": _pillow(Image.fromarray(rgb), "TIFF", **frames),
        "palette.tif": _pillow(palette, "TIFF"),
        "bilevel.tif": _pillow(Image.fromarray(gray).convert("1"), "TIFF", compression="group4"),
        "pyramid.tif": _vips(wide, ".tif", pyramid=True, tile=True, tile_width=32, tile_height=32, subifd=True),
        "cmyk.tif": _pillow(Image.fromarray(rgb).convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "lab.tif": _vips(light, ".tif", space="lab"),
        "exif.tif": _vips(rgb, ".tif", fields=_fields(exif, icc)),
        "geo.tif": tiff(directory(rgb, _GEO), order=">"),
        "below.tif": tiff(
            directory(gray[:5, :7], {254: (4, [1]), 700: (1, list(_XMP))}, below=[directory(rgb, {272: text("Name")})])
        ),
        "planar.tif": _planar(rgb),
        "animated.gif": _pillow(Image.fromarray(rgb), "GIF", duration=40, loop=2, comment=b"a comment", **frames),
        "still.gif": _pillow(palette, "GIF", transparency=3, interlace=True),
        "xmp.gif": _pillow(Image.fromarray(rgb), "GIF", xmp=_XMP),
        "lossy.webp": _pillow(Image.fromarray(rgba), "WEBP", **both),
        "lossless.webp": _pillow(Image.fromarray(rgb), "WEBP", lossless=True),
        "animated.webp": _pillow(Image.fromarray(rgb), "WEBP", duration=40, **both, **frames),
        "still.avif": _pillow(Image.fromarray(rgb), "AVIF", speed=10, **both),
        "alpha.avif": _pillow(Image.fromarray(rgba), "AVIF", speed=10),
        "animated.avif": _pillow(Image.fromarray(rgb), "AVIF", speed=10, duration=40, **frames),
        "ten.avif": _heif(),
        "grid.avif": _grid(),
        "both.avif": _pillow(Image.fromarray(rgba), "AVIF", speed=10, duration=40, save_all=True,
                             append_images=[Image.fromarray(rgba[::-1])]),
        "colour.ppm": _pillow(Image.fromarray(rgb), "PPM"),
        "plain.ppm": b"P3 # a comment\n3 2 99\n" + b"1 22 99 " * 6,
        "plain.pbm": b"P1\n4 3\n0110\n1001\n0110\n",
        "bits.pbm": b"P4 9 2\n\x55\x80\xaa\0",
        "deep.pgm": b"P5\n19 13\n# a comment\n1023\n" + (deep[..., 0] >> 6).astype(">u2").tobytes(),
        "alpha.pam": b"P7\nWIDTH 19\nHEIGHT 13\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + rgba.tobytes(),
        "colour.pfm": b"PF\n19 13\n-1.0\n" + light.astype("<f4").tobytes(),
        "colour.bmp": _pillow(Image.fromarray(rgb), "BMP"),
        "alpha.bmp": _pillow(Image.fromarray(rgba), "BMP"),
        "palette.bmp": _pillow(palette, "BMP"),
        "bits.bmp": _pillow(Image.fromarray(gray).convert("1"), "BMP"),
        "runs.bmp": _runs(icc),
    }  # fmt: skip


def _pillow(image: Image.Image, name: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, name, **options)
    return target.getvalue()


def _vips(
    pixels: NDArray[Any],
    suffix: str,
    *,
    rows: bool = False,
    space: str | None = None,
    fields: dict[str, bytes] | None = None,
    **options: Any,
) -> bytes:
    space = space or {"uint16": "rgb16", "float32": "scrgb"}.get(pixels.dtype.name, "srgb")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation=space)
    for name, value in (fields or {}).items():
        image.set_type(pyvips.GValue.blob_type, name, value)
    if rows:
        options["tile"] = False
    content: bytes = image.write_to_buffer(suffix, **options)
    return content


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x011A], exif[0x011B] = "A maker", 6, 72.0, 72.0
    exif.get_ifd(0x8769).update({0xA002: 19, 0xA003: 13, 0x9003: "2016:09:19 12:00:00", 0x927C: bytes(40)})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 1.0)})
    return exif.tobytes()


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _further_images(pixels: NDArray[np.uint8]) -> bytes:
    # Images of their own: Pillow leaves the settings of a JPEG in them.
    return _pillow(
        Image.fromarray(pixels), "MPO", progressive=True, save_all=True, append_images=[Image.fromarray(pixels)]
    )


def _fields(exif: bytes, icc: bytes) -> dict[str, bytes]:
    return {
        "exif-data": b"Exif\0\0" + exif.removeprefix(b"Exif\0\0"), "icc-profile-data": icc, "xmp-data": _XMP,
        "iptc-data": _PHOTOSHOP,
    }  # fmt: skip


def _with_chunks(content: bytes) -> bytes:
    """A PNG with every chunk that says something about its pixels, and with texts."""
    texts = [
        png_chunk(b"tEXt", b"Author\0A name"),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"some words " * 20)),
        png_chunk(b"iTXt", b"Title\0\1\0en\0Title\0" + zlib.compress("Übergröße".encode())),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP),
        png_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(b"\niptc\n       5\n1c02690001\n")),
    ]
    chunks = [
        png_chunk(b"cICP", bytes([9, 16, 0, 1])),
        png_chunk(b"gAMA", struct.pack(">I", 45455)),
        png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        png_chunk(b"sBIT", bytes([10, 10, 10, 10])),
        png_chunk(b"bKGD", struct.pack(">3H", 1, 2, 3)),
        png_chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        png_chunk(b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5)),
        png_chunk(b"eXIf", _exif().removeprefix(b"Exif\0\0")),
        png_chunk(b"abCd", b"private"),
    ]
    return content[:33] + b"".join(chunks + texts) + content[33:] + b"after the end"


def _with_segments(content: bytes) -> bytes:
    """A JPEG with segments of every kind that is looked at."""
    segments = {
        0xED: _PHOTOSHOP,
        0xE2: b"MPF\0II*\0\x08\0\0\0" + bytes(6),
        0xEE: b"Adobe\0d\0\0\0\0\0",
        0xE1: b"http://ns.adobe.com/xmp/extension/\0" + bytes(32) + struct.pack(">II", 9, 0) + b"<more/>  ",
        0xEB: b"JP\0\1\0\0\0\1" + box(b"jumb", box(b"jumd", b"c2pa" + bytes(12) + b"\3c2pa\0")),
    }
    parts = [struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments.items()]
    return content[:2] + b"".join(parts) + content[2:] + bytes(16)


def _runs(icc: bytes) -> bytes:
    """A BMP of run lengths (7×3, 4 colours), version 5, with a profile."""
    rows = b"\7\3\0\0" + b"\0\4\1\2\3\0\3\1\0\0" + b"\0\2\1\0\6\2\0\1"
    head = struct.pack("<IiiHHIIiiII", 124, 7, 3, 1, 8, 1, len(rows), 2835, 2835, 4, 0) + bytes(16)
    head += b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + 16 + len(rows), len(icc), 0)
    pixels = bytes(range(16)) + rows
    return b"BM" + struct.pack("<IHHI", 14 + len(head + pixels + icc), 0, 0, 14 + 124 + 16) + head + pixels + icc


def _planar(pixels: NDArray[np.uint8]) -> bytes:
    """A TIFF with a strip for each channel."""
    planes = [np.ascontiguousarray(pixels[..., k]).tobytes() for k in range(3)]
    size = len(planes[0])
    whole = directory(pixels, {284: (3, [2]), 273: (4, [8, 8 + size, 8 + 2 * size]), 279: (4, [size] * 3)})
    whole.pixels = b""
    head = tiff(whole)
    # The strips come first, so that their offsets are known.
    moved = b"".join(planes)
    moved += bytes(len(moved) % 2)
    shift, table = len(moved), bytearray(head[8:])
    (count,) = struct.unpack_from("<H", table)
    for at in range(2, 2 + 12 * count, 12):
        kind, number, value = struct.unpack_from("<HII", table, at + 2)
        if {2: 1, 3: 2, 4: 4, 5: 8}[kind] * number > 4:
            struct.pack_into("<I", table, at + 8, value + shift)
    return b"II*\0" + struct.pack("<I", 8 + shift) + moved + bytes(table)


def _heif() -> bytes:
    """An AVIF of 10 bits with alpha, EXIF, XMP, and properties of every kind."""
    data, kinds = coded(random_image((16, 24, 3), np.uint16), 10)
    alpha, alpha_kinds = coded(random_image((16, 24, 3), np.uint8))
    auxiliary = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
    more = (nclx(9, 16, 0), box(b"irot", b"\1"), box(b"clli", bytes(4)), box(b"pasp", struct.pack(">II", 1, 1)))
    items = [
        Item(b"av01", data, (*kinds, *more)),
        Item(b"av01", alpha, (*alpha_kinds, auxiliary)),
        Item(b"Exif", bytes(4) + _exif().removeprefix(b"Exif\0\0")),
        Item(b"mime", _XMP, (), b"application/rdf+xml"),
    ]
    return heif(items, {(b"auxl", 2): [1], (b"prem", 1): [2], (b"cdsc", 3): [1], (b"cdsc", 4): [1]})


def _grid() -> bytes:
    """An AVIF of two tiles."""
    data, kinds = coded(random_image((16, 24, 3), np.uint8))
    size = full_box(b"ispe", struct.pack(">II", 48, 16))
    grid = Item(b"grid", bytes([0, 0, 0, 1]) + struct.pack(">HH", 48, 16), (size, kinds[2], nclx(1, 13, 0)))
    tile = Item(b"av01", data, (*kinds, nclx(1, 13, 0)), hidden=True)
    return heif([grid, tile, tile], {(b"dimg", 1): [2, 3]})
