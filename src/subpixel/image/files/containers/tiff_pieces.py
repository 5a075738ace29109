"""The strips or tiles of a TIFF as they are compressed: as JPEGs of their own, and whether their checksums are right.

libtiff inflates as many bytes as a piece has pixels, and mostly does not get to the checksum behind them.

Sources: TIFF Technical Note 2 (tables that all JPEGs share); RFC 1950 (zlib's checksum).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from subpixel.image.files.containers.tiff_images import TiffImages

__all__ = ["check_deflate", "jpegs_of"]

_COMPRESSION, _TABLES = 259, 347
_JPEG, _DEFLATE = (7,), (8, 32946)
_PIECES = {"strip": (273, 279), "tile": (324, 325)}
_START, _END = b"\xff\xd8", b"\xff\xd9"
_AT_ONCE = 1 << 20


def jpegs_of(images: TiffImages, file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each piece of the main image; none if it is compressed in another way.

    Raises:
        OSError: the file cannot be read.
    """
    tables = (images.main.directory.value(file, _TABLES) or _START + _END).removesuffix(_END)
    for name, content in _pieces(images, file, _JPEG):
        yield name, tables + content.removeprefix(_START)


def check_deflate(images: TiffImages, file: BinaryIO) -> None:
    """Inflate all pieces of the main image, if it is compressed so.

    Raises:
        OSError: the file cannot be read.
        ValueError: one is damaged.
    """
    for name, content in _pieces(images, file, _DEFLATE):
        inflater = zlib.decompressobj()
        try:
            inflater.decompress(content, _AT_ONCE)
            while inflater.unconsumed_tail and not inflater.eof:
                inflater.decompress(inflater.unconsumed_tail, _AT_ONCE)
        except zlib.error as error:
            raise ValueError(f"{name}: {str(error).rpartition(': ')[2]}") from None


def _pieces(images: TiffImages, file: BinaryIO, compressions: tuple[int, ...]) -> Iterator[tuple[str, bytes]]:
    directory = images.main.directory
    if directory.integer(file, _COMPRESSION, 1) not in compressions:
        return
    for name, (offsets, lengths) in _PIECES.items():
        places = zip(directory.numbers(file, offsets), directory.numbers(file, lengths), strict=False)
        for number, (offset, length) in enumerate(places, 1):
            file.seek(int(offset))
            content = file.read(int(length))
            if content:  # a piece that is not stored is another matter
                yield f"{name} {number}", content
