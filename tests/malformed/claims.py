"""Small image files that claim much: sizes, frames, tiles, lengths, and texts that unpack to far more."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from helpers import random_image
from image.heif_files import Item, coded, full_box, heif, nclx
from image.tiff_files import image as directory
from image.tiff_files import tiff
from malformed.images import png_chunk

__all__ = ["bomb", "image_bombs", "read_with_the_default_limit"]

_PIXELS = random_image((8, 8, 3), np.uint8)


def read_with_the_default_limit(path: Path) -> object:
    """All that is read of an image file. Sizes just below the limit are not refused by it."""
    from subpixel.image.files.reading import read

    return read(path)


def bomb(_originals: list[tuple[str, bytes]], seed: int) -> tuple[str, bytes]:
    """One of the bombs, for :func:`malformed.fuzzing.fuzz`."""
    return list(image_bombs().items())[seed]


@lru_cache(1)
def image_bombs() -> dict[str, bytes]:
    """Image files of at most a few hundred kilobytes."""
    return {**_pngs(), **_jpegs(), **_tiffs(), **_gifs(), **_webps(), **_heifs(), **_plain()}


def _png(width: int, height: int, *chunks: bytes, kind: int = 2, interlaced: bool = False) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, int(interlaced))
    pixels = png_chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def _pngs() -> dict[str, bytes]:
    def packed(megabytes: int) -> bytes:
        packer = zlib.compressobj(9)
        return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()

    large, small = packed(400), packed(20)
    frame = struct.pack(">IIIIIHHBB", 1, 9000, 9000, 0, 0, 1, 10, 0, 0)
    frames = [
        png_chunk(b"fcTL", struct.pack(">I", 2 * k + 1) + frame[4:])
        + png_chunk(b"fdAT", struct.pack(">I", 2 * k + 2) + zlib.compress(b""))
        for k in range(10)
    ]
    start = png_chunk(b"acTL", struct.pack(">II", 11, 0)) + png_chunk(b"fcTL", bytes(4) + frame[4:])
    animated = _png(9000, 9000, start)
    claim = struct.pack(">I", 0x7FFFFFF0)
    return {
        "interlaced.png": _png(1 << 24, 32, interlaced=True),
        "interlaced_square.png": _png(31000, 31000, interlaced=True),
        "rows.png": _png(1 << 24, 32),
        "square.png": _png(31000, 31000, kind=6)[:60],
        "frames.png": animated[:-12] + b"".join(frames) + animated[-12:],
        "profile.png": _png(8, 8, png_chunk(b"iCCP", b"p\0\0" + large)),
        "text.png": _png(8, 8, png_chunk(b"zTXt", b"Comment\0\0" + large)),
        "texts.png": _png(8, 8, *[png_chunk(b"zTXt", b"Comment\0\0" + small)] * 50),
        "international.png": _png(8, 8, png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + large)),
        "packet.png": _png(8, 8, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + large)),
        "raw_profile.png": _png(8, 8, png_chunk(b"zTXt", b"Raw profile type exif\0\0" + large)),
        "claims.png": _png(8, 8)[:33] + claim + b"eXIf" + bytes(100),
    }


def _jpegs() -> dict[str, bytes]:
    def saved(width: int, height: int, **options: bool) -> bytes:
        target = io.BytesIO()
        Image.fromarray(_PIXELS).save(target, "JPEG", **options)
        content = bytearray(target.getvalue())
        place = content.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
        content[place + 5 : place + 9] = struct.pack(">HH", height, width)
        return bytes(content)

    profile = b"".join(b"\xff\xe2\xff\xffICC_PROFILE\0" + bytes([k + 1, 255]) + bytes(65519) for k in range(3))
    plain = saved(31000, 31000)
    return {
        "baseline.jpg": plain,
        "progressive.jpg": saved(31000, 31000, progressive=True),
        "largest.jpg": saved(65500, 65500, progressive=True),
        "profile.jpg": plain[:2] + profile + plain[2:],
    }


def _tiffs() -> dict[str, bytes]:
    side = 31000
    base = {256: (4, [side]), 257: (4, [side]), 278: (4, [side])}

    def made(tags: dict[int, tuple[int, object] | None]) -> bytes:
        return tiff(directory(_PIXELS, {**base, **tags}))

    def tiled(edge: int, compression: int) -> bytes:
        one = directory(_PIXELS, {**base, 278: None, 259: (3, [compression]), 322: (4, [edge]), 323: (4, [edge])})
        count = -(-side // edge) ** 2
        one.tags |= {324: (4, [8] * count), 325: (4, [1000] * count)}
        one.pixels = b""
        return tiff(one)

    wide = 0x7FFFFFFF
    return {
        "strip.tif": made({}),
        "deflate.tif": made({259: (3, [8])}),
        "lzw.tif": made({259: (3, [5])}),
        "jpeg.tif": made({259: (3, [7])}),
        "fax.tif": made({259: (3, [4]), 262: (3, [0]), 258: (3, [1]), 277: (3, [1]), 339: None}),
        "tile.tif": tiled(31008, 8),
        "plain_tile.tif": tiled(31008, 1),
        "tiles.tif": tiled(1024, 5),
        "row.tif": made({256: (4, [9_000_000]), 257: (4, [100])}),
        "profile.tif": _with_count(made({34675: (7, [0] * 8)}), 34675, wide),
        "packet.tif": _with_count(made({700: (1, [0] * 8)}), 700, wide),
        "records.tif": _with_count(made({33723: (7, [0] * 8)}), 33723, wide),
        "strips.tif": _with_count(tiff(directory(_PIXELS)), 273, wide),
    }


def _with_count(content: bytes, tag: int, count: int) -> bytes:
    """A TIFF whose entry of a tag claims a number of values."""
    place = content.rindex(struct.pack("<H", tag) + b"") if tag == 273 else content.index(struct.pack("<H", tag))
    return content[: place + 4] + struct.pack("<I", count) + content[place + 8 :]


def _gifs() -> dict[str, bytes]:
    def made(side: int, frames: int) -> bytes:
        head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
        frame = b"!\xf9\4\4\n\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"
        return head + frame * frames + b";"

    return {"canvas.gif": made(65535, 1), "frames.gif": made(8000, 200), "many.gif": made(65535, 3000)}


def _webps() -> dict[str, bytes]:
    target = io.BytesIO()
    frames = [Image.fromarray(_PIXELS), Image.fromarray(_PIXELS[::-1])]
    frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:] * 300, duration=40, lossless=True)
    content = bytearray(target.getvalue())
    place = content.index(b"VP8X") + 8
    content[place + 4 : place + 10] = struct.pack("<I", 16382)[:3] * 2
    still = io.BytesIO()
    frames[0].save(still, "WEBP", lossless=True)
    single = bytearray(still.getvalue())
    place = single.index(b"VP8L") + 9
    (bits,) = struct.unpack_from("<I", single, place)
    struct.pack_into("<I", single, place, bits & ~((1 << 28) - 1) | (1 << 28) - 1)
    return {"canvas.webp": bytes(content), "still.webp": bytes(single)}


def _heifs() -> dict[str, bytes]:
    data, kinds = coded(random_image((16, 24, 3), np.uint8))
    main = Item(b"av01", data, (*kinds, nclx(1, 13, 0)))
    size = full_box(b"ispe", struct.pack(">II", 31000, 31000))
    rows, columns = 255, 255
    grid = Item(
        b"grid", bytes([0, 1, rows, columns]) + struct.pack(">II", 31000, 31000), (size, kinds[2], nclx(1, 13, 0))
    )
    tile = Item(b"av01", data, (*kinds, nclx(1, 13, 0)), hidden=True)
    target = io.BytesIO()
    frames = [Image.fromarray(_PIXELS), Image.fromarray(_PIXELS[::-1])]
    frames[0].save(target, "AVIF", save_all=True, append_images=frames[1:] * 2, speed=10)
    animated = target.getvalue()
    place = animated.index(b"stts") + 8
    return {
        "claim.avif": heif([Item(b"av01", data, (size, *kinds[:1], *kinds[2:], nclx(1, 13, 0)))]),
        "grid.avif": heif([grid, tile], {(b"dimg", 1): [2] * (rows + 1) ** 2} if rows < 200 else {(b"dimg", 1): [2]}),
        "profile.avif": heif([main]).replace(b"colrnclx", b"colrprof"),
        "times.avif": animated[:place] + struct.pack(">II", 1, 0x7FFFFFFF) + animated[place + 8 :],
        "samples.avif": _with_samples(animated, 0x7FFFFFF0),
    }


def _with_samples(content: bytes, count: int) -> bytes:
    """A sequence whose tables agree on a number of samples of one byte each."""
    for kind in (b"stsz", b"stts"):
        place = content.index(kind) + 8
        words = (1, count) if kind == b"stsz" else (1, count, 1)
        content = content[:place] + struct.pack(f">{len(words)}I", *words) + content[place + 4 * len(words) :]
    return content


def _plain() -> dict[str, bytes]:
    def bmp(bits: int, compression: int) -> bytes:
        head = struct.pack("<IiiHHIIiiII", 40, 31000, 31000, 1, bits, compression, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + head + bytes(2000)

    return {
        "rgb.bmp": bmp(24, 0),
        "runs.bmp": bmp(8, 1),
        "raw.ppm": b"P6\n31000 31000\n255\n" + bytes(1000),
        "plain.ppm": b"P3\n31000 31000\n255\n" + b"1 " * 1000,
        "plain.pbm": b"P1\n31000 31000\n" + b"01" * 1000,
        "digits.pgm": b"P2\n" + b"9" * 5000 + b" 3 255\n1 2 3\n",
        "white.pgm": b"P2\n3 1 " + b"9" * 400 + b"\n1 2 3\n",
        "depth.pam": b"P7\nWIDTH 31000\nHEIGHT 31000\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + bytes(99),
        "floats.pfm": b"PF\n31000 31000\n-1.0\n" + bytes(1000),
    }
