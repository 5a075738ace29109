"""Image files of a few bytes that claim much: pixels, texts, profiles, frames."""

from __future__ import annotations

import io
import re
import struct
import zlib
from functools import cache

import numpy as np
import pyvips
from PIL import Image

from image.tiff_files import Value, image, ramp, tiff
from malformed.images import png_chunk

__all__ = ["bombs"]

_LENGTH = 200_000_000  # of a compressed text or profile, decompressed


def bombs() -> dict[str, bytes]:
    """Files by name; the largest has 200 kB."""
    return {
        "interlaced PNG of 16,777,216 × 32": png(1 << 24, 32, interlaced=True),
        "PNG of 16,777,216 × 32": png(1 << 24, 32),
        "PNG of 100,000,000 × 1": png(100_000_000, 1),
        "interlaced PNG of 30,000 × 30,000": png(30_000, 30_000, kind=6, interlaced=True),
        "PNG of 30,000 × 30,000 of 16 bits": png(30_000, 30_000, kind=6, bits=16),
        "palette PNG of 1 bit": png(31_000, 31_000, kind=3, bits=1, more=png_chunk(b"PLTE", bytes(6))),
        "PNG with a text of 200 MB": png(8, 8, more=png_chunk(b"zTXt", b"k\0\0" + _packed())),
        "PNG with XMP of 200 MB": png(8, 8, more=png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _packed())),
        "PNG with a profile of 200 MB": png(8, 8, more=png_chunk(b"iCCP", b"k\0\0" + _packed())),
        "PNG of 4,000,000,000 frames": png(8, 8, more=png_chunk(b"acTL", struct.pack(">II", 4_000_000_000, 0))),
        "JPEG of 30,000 × 30,000": jpeg(30_000, 30_000),
        "progressive JPEG of 30,000 × 30,000": jpeg(30_000, 30_000, progressive=True),
        "gray progressive JPEG": jpeg(31_000, 31_000, progressive=True, mode="L"),
        "JPEG with EXIF that claims 4 GB": jpeg_exif(),
        "TIFF in one strip": strip(1),
        "deflated TIFF in one strip": strip(8),
        "TIFF of LZW in one strip": strip(5),
        "TIFF of one row": tiff(image(ramp(), {256: (4, [900_000_000]), 257: (4, [1])})),
        "TIFF in one tile": tiff(image(ramp(), {**_square(16_000), 322: (4, [16_000]), 323: (4, [16_000])})),
        "TIFF with tags that claim 4 GB": claims(),
        "WebP of 16,383 × 16,383 in 40 bytes": webp(16_383),
        "WebP animation of 16,383 × 16,383": webp(16_383, frames=4),
        "GIF of 65,535 × 65,535": gif(65_535, 1),
        "GIF of 3,000 frames of 2,000 × 2,000": gif(2000, 3000),
        "AVIF of 60,000 × 60,000": avif(60_000),
        "AVIF of 16,000 × 16,000": avif(16_000),
    }


@cache
def _packed() -> bytes:
    return zlib.compress(bytes(_LENGTH), 9)


def png(width: int, height: int, *, kind: int = 2, bits: int = 8, interlaced: bool = False, more: bytes = b"") -> bytes:
    """A PNG with a hundred bytes of pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(max(100, 4 * 8 * 8))))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + more + pixels + png_chunk(b"IEND", b"")


def jpeg(width: int, height: int, *, progressive: bool = False, mode: str = "RGB") -> bytes:
    """A JPEG of 16 by 16 pixels that claims more."""
    buffer = io.BytesIO()
    Image.new(mode, (16, 16)).save(buffer, "jpeg", progressive=progressive)
    content = bytearray(buffer.getvalue())
    place = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    struct.pack_into(">HH", content, place + 5, height, width)
    return bytes(content)


def jpeg_exif() -> bytes:
    """A JPEG whose EXIF holds entries of 4 GB."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "jpeg")
    entries = b"".join(struct.pack("<HHII", 0x9286 + k, 7, 0xFFFFFFF0, 26) for k in range(8))
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 8) + entries + bytes(4)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + buffer.getvalue()[2:]


def _square(side: int) -> dict[int, Value | None]:
    return {256: (4, [side]), 257: (4, [side])}


def strip(compression: int) -> bytes:
    """A TIFF of 30,000 by 30,000 pixels in one strip."""
    tags = {**_square(30_000), 278: (4, [30_000]), 259: (3, [compression])}
    return tiff(image(ramp(channels=3), tags))


def claims() -> bytes:
    """A small TIFF whose profile, XMP, IPTC, EXIF and unknown tags claim 4 GB."""
    content = bytearray(tiff(image(ramp(), {tag: (7, bytes(8)) for tag in (700, 33723, 34377, 34675, 42112, 65000)})))
    for tag in (700, 33723, 34377, 34675, 42112, 65000):
        struct.pack_into("<I", content, content.index(struct.pack("<HHI", tag, 7, 8)) + 4, 0xFFFFFFF0)
    return bytes(content)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def webp(side: int, frames: int = 0) -> bytes:
    """A WebP of which almost nothing is there, or an animation of small frames on a large canvas."""
    bits = (side - 1) | (side - 1) << 14
    body = _chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(20))
    if frames:
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16)).save(buffer, "webp", lossless=True)
        frame = _chunk(b"ANMF", bytes(6) + b"\x0f\0\0\x0f\0\0\x64\0\0\0" + buffer.getvalue()[12:])
        size = struct.pack("<I", side - 1)[:3]
        body = _chunk(b"VP8X", b"\2\0\0\0" + size + size) + _chunk(b"ANIM", bytes(6)) + frame * frames
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def gif(side: int, frames: int) -> bytes:
    """A GIF whose frames are a pixel each, but the first, which is as wide as the canvas and a row high."""
    control = b"\x21\xf9\x04\0\x0a\0\0\0"
    one = control + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
    whole = control + b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\0"
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + whole + one * (frames - 1) + b";"


def avif(side: int) -> bytes:
    """An AVIF of 16 by 16 pixels whose container and AV1 configuration claim more."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    content = bytearray(pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").write_to_buffer(".avif"))
    for found in re.finditer(b"ispe", bytes(content)):
        struct.pack_into(">II", content, found.start() + 8, side, side)
    return bytes(content)
