"""The coded images of a WebP, each as a file of its own, and without its last bytes.

A decoder notices if codes go on beyond their data, and not if they end before. Codes that are right need all of their
data, so what can be decoded without its last bytes is damaged.

Sources: WebP container specification (Google); RFC 6386, section 7 (the decoder reads at most two bytes ahead).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from subpixel.image.files.containers.webp import chunks

__all__ = ["coded_images", "shortened_images"]

_CODED = (b"ALPH", b"VP8 ", b"VP8L")
# Bytes that are left out. Of images that are right, libwebp misses 4 of each kind.
_LEFT_OUT = 6
_ALPHA = 0x10  # of the flags in VP8X

Chunk = tuple[bytes, bytes]


def coded_images(file: BinaryIO) -> Iterator[list[Chunk]]:
    """Names and contents of the chunks of each image, of an animation those of each frame.

    Raises:
        OSError: the file cannot be read.
    """
    size, found = b"", list[Chunk]()
    for name, at, length in chunks(file):
        file.seek(at)
        if name == b"VP8X":
            size = file.read(10)[4:]
        elif name == b"ANMF":
            size = file.read(12)[6:]
            found = []
        elif name in _CODED:
            found.append((name, file.read(length)))
            if name != b"ALPH":
                alpha = found[0][0] == b"ALPH"
                yield [(b"VP8X", bytes([_ALPHA, 0, 0, 0]) + size), *found] if alpha else found
                found = []


def shortened_images(image: list[Chunk]) -> Iterator[bytes]:
    """Files of one image in which one of the chunks lacks its last bytes.

    Args:
        image: as :func:`coded_images` gives it.
    """
    for shortened, (name, content) in enumerate(image):
        if name in _CODED and len(content) > 2 * _LEFT_OUT:
            changed = (name, memoryview(content)[:-_LEFT_OUT])  # no copy: a file may be as large as its pixels
            yield _file([*image[:shortened], changed, *image[shortened + 1 :]])


def _file(image: Sequence[tuple[bytes, bytes | memoryview]]) -> bytes:
    parts: list[bytes | memoryview] = [b"WEBP"]
    for name, content in image:
        parts += [name, struct.pack("<I", len(content)), content, bytes(len(content) % 2)]
    return b"".join([b"RIFF", struct.pack("<I", sum(map(len, parts))), *parts])
