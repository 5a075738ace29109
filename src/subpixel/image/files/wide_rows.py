"""The rows of wide PNG and TIFF files, without the some hundred rows that libvips holds of any file.

A PNG is inflated here; its filtered rows go through libvips in small PNGs, each of which begins with the last row of
the one before. The strips of a TIFF are read as they lie, or inflated. Other files are left to libvips.

Sources: PNG, third edition, sections 5.3, 7.2 and 9; TIFF 6.0, sections 2 and 14.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.containers.png import chunk
from subpixel.image.files.containers.tiff_images import TiffImages

__all__ = ["HELD", "png_rows", "tiff_rows"]

Block = NDArray[Any]
# Bytes that libvips may hold; files of which it holds more are read here, if they can be.
HELD = 128 << 20
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bytes of rows, and of a file, at a time.
_AT_ONCE, _READ = 4 << 20, 1 << 18
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # of a PNG without a palette


def png_rows(file: BinaryIO) -> Iterator[Block] | None:
    """The rows of a PNG, ``(h, W, C)`` of u8 or u16; None for one that only libvips reads.

    Raises, while it is iterated:
        OSError: the file cannot be read.
        ValueError: it is damaged or truncated.
    """
    file.seek(0)
    head = file.read(33)
    if head[:8] != _SIGNATURE or head[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    depth, kind, interlaced = head[24], head[25], head[28]
    # tRNS makes colours transparent, and iCCP is ahead of it as well.
    if kind not in _CHANNELS or depth not in (8, 16) or interlaced or _has_transparency(file):
        return None
    row = width * _CHANNELS[kind] * depth // 8
    return _png_blocks(_png_data(file), head[8:33], row, height)


def tiff_rows(file: BinaryIO, images: TiffImages, channels: int) -> Iterator[Block] | None:
    """The rows of the main image of a TIFF, ``(h, W, C)``; None for one that only libvips reads.

    Args:
        file: the file.
        images: in it.
        channels: C; further samples are left out.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged or truncated.
    """
    directory = images.main.directory
    compression, predictor = directory.integer(file, 259, 1), directory.integer(file, 317, 1)
    samples, depth = directory.integer(file, 277, 1), directory.integer(file, 258, 1)
    kind = {1: "u", 3: "f"}.get(directory.integer(file, 339, 1))
    plain = directory.integer(file, 262, 1) in (1, 2) and directory.integer(file, 284, 1) == 1
    plain = plain and directory.integer(file, 266, 1) == 1 and 322 not in directory.entries
    plain = plain and (kind, depth) in (("u", 8), ("u", 16), ("f", 32)) and channels <= samples
    premultiplied = directory.integer(file, 338) == 1
    if not plain or premultiplied or compression not in (1, 8, 32946) or predictor not in (1, 2):
        return None
    dtype = np.dtype(f"{directory.layout.order}{kind}{depth // 8}")
    offsets = [int(number) for number in directory.numbers(file, 273)]
    lengths = [int(number) for number in directory.numbers(file, 279)]
    height, width = images.main.height, images.main.width
    rows = min(directory.integer(file, 278, height) or height, height)
    if len(offsets) != len(lengths) or len(offsets) != -(-height // rows):
        return None

    def blocks() -> Iterator[Block]:
        top = 0
        for offset, length in zip(offsets, lengths, strict=True):
            count = min(rows, height - top)
            parts = _stored(file, offset, length)
            parts = _inflated(parts) if compression != 1 else parts
            for data in _rows(parts, width * samples * dtype.itemsize, count):
                block = np.frombuffer(data, dtype).reshape(-1, width, samples).astype(dtype.newbyteorder("="))
                if predictor == 2:
                    codes = block.view(f"u{dtype.itemsize}")
                    np.cumsum(codes, axis=1, dtype=codes.dtype, out=codes)
                yield np.ascontiguousarray(block[..., :channels])
            top += count

    return blocks()


def _has_transparency(file: BinaryIO) -> bool:
    """Whether tRNS comes before the pixels."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        if head[4:] == b"tRNS":
            return True
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _png_data(file: BinaryIO) -> Iterator[bytes]:
    """The content of the IDAT chunks."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4], "big")
        if head[4:] != b"IDAT":
            file.seek(length + 4, 1)
            continue
        checksum = zlib.crc32(b"IDAT")
        while length:
            data = file.read(min(length, _READ))
            if not data:
                raise ValueError("the file ends early")
            checksum = zlib.crc32(data, checksum)
            length -= len(data)
            yield data
        if int.from_bytes(file.read(4), "big") != checksum:
            raise ValueError("a checksum is wrong")


def _png_blocks(data: Iterator[bytes], header: bytes, row: int, height: int) -> Iterator[Block]:
    above = b""
    for filtered in _rows(_inflated(data), row + 1, height):
        count = len(filtered) // (row + 1)
        size = header[8:12] + (count + bool(above)).to_bytes(4, "big") + header[16:21]
        stored = zlib.compress((b"\0" + above if above else b"") + filtered, 0)
        piece = _SIGNATURE + chunk(b"IHDR", size) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")
        try:
            source = pyvips.Source.new_from_memory(piece)
            image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
            pixels = image.numpy().reshape(image.height, image.width, image.bands)
        except pyvips.Error:
            raise ValueError("a row cannot be decoded") from None
        above = pixels[-1].astype(pixels.dtype.newbyteorder(">")).tobytes()
        yield pixels[-count:]


def _stored(file: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    """A part of a file, piece by piece."""
    end = offset + length
    while offset < end:
        file.seek(offset)
        data = file.read(min(_READ, end - offset))
        if not data:
            raise ValueError("the file ends early")
        offset += len(data)
        yield data


def _inflated(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a zlib stream, piece by piece: as little of it at a time as was asked for."""
    inflater = zlib.decompressobj()
    try:
        for part in parts:
            while part and not inflater.eof:
                yield inflater.decompress(part, _AT_ONCE)
                part = inflater.unconsumed_tail
    except zlib.error as error:
        raise ValueError(str(error)) from None


def _rows(parts: Iterator[bytes], row: int, count: int) -> Iterator[bytes]:
    """Whole rows of ``row`` bytes, some at a time, ``count`` in all; what follows them is left."""
    at_once = max(1, _AT_ONCE // row) * row
    left, buffer = count * row, bytearray()
    for part in parts:
        buffer += part
        while left and len(buffer) >= min(at_once, left):
            taken = min(at_once, left)
            yield bytes(buffer[:taken])
            del buffer[:taken]
            left -= taken
    if left:
        raise ValueError("rows are missing")
