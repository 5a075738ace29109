"""Images that are none, or no longer."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

__all__ = ["NOT_IMAGES", "corrupted", "png_chunk", "png_header", "truncated"]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG with its right checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, with a few bytes of pixels behind it."""
    claim = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", claim) + pixels + png_chunk(b"IEND", b"")


# Name (the suffix lies) and content.
NOT_IMAGES: dict[str, tuple[str, bytes]] = {
    "empty": ("empty.png", b""),
    "text named jpg": ("text.jpg", b"This is not an image.\n" * 20),
    "one byte": ("one.png", b"\x89"),
    "signature alone": ("signature.png", b"\x89PNG\r\n\x1a\n"),
    "start of a JPEG alone": ("start.jpg", b"\xff\xd8\xff"),
    "zeros": ("zeros.tif", bytes(1000)),
    "TIFF that points beyond its end": ("beyond.tif", b"II*\x00" + struct.pack("<I", 2**31)),
    "TIFF whose directory points at itself": (
        "loop.tif",
        b"II*\x00" + struct.pack("<IHHHIIHHIII", 8, 2, 256, 4, 1, 2**31 - 1, 257, 4, 1, 2**31 - 1, 8),
    ),
    "PNG of no width": ("none.png", png_header(0, 5)),
    "PNG that claims 2³¹−1 squared": ("vast.png", png_header(2**31 - 1, 2**31 - 1)),
    "PNG that claims 60000 squared": ("large.png", png_header(60000, 60000)),
    "PNG without pixels": (
        "hollow.png",
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
        + png_chunk(b"IEND", b""),
    ),
    "JSON": ("data.webp", b'{"a": 1}'),
    "program": ("program.jpg", b"\x7fELF" + bytes(200)),
}


def truncated(content: bytes, pieces: int = 40) -> Iterator[bytes]:
    """The file cut at many lengths, the last twelve bytes one by one among them."""
    lengths = {len(content) * k // pieces for k in range(1, pieces)} | {len(content) - k for k in range(1, 13)}
    for length in sorted(lengths):
        if 0 < length < len(content):
            yield content[:length]


def corrupted(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """The file with one to eight bytes changed at random, ``count`` times."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(int(rng.integers(1, 9))):
            # Headers are where the dangers are: every second change falls into the first 200 bytes.
            end = min(200, len(changed)) if rng.integers(2) else len(changed)
            changed[int(rng.integers(end))] = int(rng.integers(256))
        yield bytes(changed)
