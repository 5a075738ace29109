"""Further image files that claim much: animations, grids, many texts, and formats that libvips does not read."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from helpers import random_image
from image.heif_files import Item, coded, full_box, heif, nclx
from image.tiff_files import image as directory
from image.tiff_files import tiff
from malformed.images import png_chunk

__all__ = ["claims"]

_PIXELS = random_image((8, 8, 3), np.uint8)
_SIDE = 31_000  # its square is just below the limit


def claims() -> dict[str, bytes]:
    """Files by name, of at most 300 kB."""
    return {**_pngs(), **_jpegs(), **_tiffs(), **_animations(), **_heifs(), **_plain()}


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(25 * 8)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def _pngs() -> dict[str, bytes]:
    text, large = zlib.compress(bytes(5_000_000), 9), zlib.compress(bytes(200_000_000), 9)
    frame = struct.pack(">IIIIHHBB", 9000, 9000, 0, 0, 1, 10, 0, 0)
    frames = [
        png_chunk(b"fcTL", struct.pack(">I", 2 * k + 1) + frame)
        + png_chunk(b"fdAT", struct.pack(">I", 2 * k + 2) + zlib.compress(b""))
        for k in range(10)
    ]
    start = png_chunk(b"acTL", struct.pack(">II", 11, 0)) + png_chunk(b"fcTL", bytes(4) + frame)
    animated = _png(9000, 9000, start)
    return {
        "APNG of 11 frames of 9,000 × 9,000": animated[:-12] + b"".join(frames) + animated[-12:],
        "PNG with 50 texts of 5 MB": _png(8, 8, *[png_chunk(b"zTXt", b"Comment\0\0" + text)] * 50),
        "PNG with EXIF of 200 MB in a text": _png(8, 8, png_chunk(b"zTXt", b"Raw profile type exif\0\0" + large)),
        "PNG with a chunk that claims 2 GB": _png(8, 8)[:33] + struct.pack(">I", 0x7FFFFFF0) + b"eXIf" + bytes(100),
    }


def _jpegs() -> dict[str, bytes]:
    target = io.BytesIO()
    Image.fromarray(_PIXELS).save(target, "JPEG")
    plain = bytearray(target.getvalue())
    place = plain.index(b"\xff\xc0")
    plain[place + 5 : place + 9] = struct.pack(">HH", _SIDE, _SIDE)
    profile = b"".join(b"\xff\xe2\xff\xffICC_PROFILE\0" + bytes([k + 1, 255]) + bytes(65519) for k in range(3))
    return {"JPEG with 3 of 255 parts of a profile": bytes(plain[:2] + profile + plain[2:])}


def _tiffs() -> dict[str, bytes]:
    square = {256: (4, [_SIDE]), 257: (4, [_SIDE])}
    tiles = directory(_PIXELS, {**square, 278: None, 259: (3, [5]), 322: (4, [1024]), 323: (4, [1024])})
    tiles.pixels = b""
    without = tiff(tiles)
    tiles.tags |= {324: (4, [8] * 31**2), 325: (4, [1000] * 31**2)}
    wide = directory(_PIXELS, {256: (4, [9_000_000]), 257: (4, [100]), 278: (4, [100])})
    return {
        "TIFF of 961 tiles at one place": tiff(tiles),
        "TIFF of tiles without places": without,
        "TIFF of 9,000,000 × 100": tiff(wide),
    }


def _animations() -> dict[str, bytes]:
    head = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    frame = b"!\xf9\4\4\n\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    target = io.BytesIO()
    frames = [Image.fromarray(_PIXELS), Image.fromarray(_PIXELS[::-1])]
    frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:] * 300, duration=40, lossless=True)
    content = bytearray(target.getvalue())
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = struct.pack("<I", 16382)[:3] * 2
    return {
        "GIF of 3,000 frames of one pixel on 65,535 × 65,535": head + frame * 3000 + b";",
        "WebP of 300 frames on 16,383 × 16,383": bytes(content),
    }


def _heifs() -> dict[str, bytes]:
    data, kinds = coded(random_image((16, 24, 3), np.uint8))
    colours = nclx(1, 13, 0)
    size = full_box(b"ispe", struct.pack(">II", _SIDE, _SIDE))
    grid = Item(b"grid", bytes([0, 1, 99, 99]) + struct.pack(">II", _SIDE, _SIDE), (size, kinds[2], colours))
    tile = Item(b"av01", data, (*kinds, colours), hidden=True)
    target = io.BytesIO()
    frames = [Image.fromarray(_PIXELS), Image.fromarray(_PIXELS[::-1])]
    frames[0].save(target, "AVIF", save_all=True, append_images=frames[1:] * 2, speed=10)
    animated = target.getvalue()
    place = animated.index(b"stts") + 8
    return {
        "AVIF of 10,000 tiles that are one": heif([grid, tile], {(b"dimg", 1): [2] * 10_000}),
        "AVIF sequence of one time for 2 milliards of samples": (
            animated[:place] + struct.pack(">II", 1, 0x7FFFFFFF) + animated[place + 8 :]
        ),
        "AVIF sequence of 2 milliards of samples": _with_samples(animated, 0x7FFFFFF0),
    }


def _with_samples(content: bytes, count: int) -> bytes:
    """A sequence whose tables agree on a number of samples of one byte each."""
    for kind, words in ((b"stsz", (1, count)), (b"stts", (1, count, 1))):
        place = content.index(kind) + 8
        content = content[:place] + struct.pack(f">{len(words)}I", *words) + content[place + 4 * len(words) :]
    return content


def _plain() -> dict[str, bytes]:
    def bmp(bits: int, compression: int) -> bytes:
        head = struct.pack("<IiiHHIIiiII", 40, _SIDE, _SIDE, 1, bits, compression, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + head + bytes(2000)

    size = f"{_SIDE} {_SIDE}".encode()
    pam = f"P7\nWIDTH {_SIDE}\nHEIGHT {_SIDE}\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode()
    return {
        "BMP": bmp(24, 0),
        "BMP of run lengths": bmp(8, 1),
        "PPM": b"P6\n" + size + b"\n255\n" + bytes(1000),
        "plain PPM": b"P3\n" + size + b"\n255\n" + b"1 " * 1000,
        "plain PBM": b"P1\n" + size + b"\n" + b"01" * 1000,
        "PGM of a width of 5,000 digits": b"P2\n" + b"9" * 5000 + b" 3 255\n1 2 3\n",
        "PGM of a white of 400 digits": b"P2\n3 1 " + b"9" * 400 + b"\n1 2 3\n",
        "PAM": pam + bytes(99),
        "PFM": b"PF\n" + size + b"\n-1.0\n" + bytes(1000),
    }
