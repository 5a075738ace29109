"""What decoding an image takes, by its header: the memory that its decoder holds at once, and the least file.

Most decoders hold some hundred rows. Others hold the whole image: of an interlaced PNG, a JPEG of several scans, a WebP
or an AVIF. A header of a few bytes can claim such an image, so both are known before libvips allocates anything.

Sources: PNG, third edition, section 8.1 (interlacing); RFC 1951, section 3.2.5 (deflate); ITU-T T.81, sections A.2,
F.1.2 and G.1.2 (blocks, scans and their codes); TIFF 6.0, section 15 (tiles). The memory of decoders is measured.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

import pyvips

from subpixel.image.files.containers.jpeg_segments import read_segments
from subpixel.image.files.containers.tiff_images import TiffImages

__all__ = ["Decoding", "decoding_of"]

# Rows that libvips keeps of a file that it reads from the top. It keeps blocks of rows; those of a TIFF are its strips.
_ROWS, _ROWS_OF_TIFF = 1400, 800
# Rows of tiles of a TIFF.
_ROWS_OF_TILES = 3
# Bytes for a pixel, besides rows: a WebP as ARGB and in its own bands, twice because its data are checked, with what a
# lossless one is predicted from; an AVIF as planes, as interleaved samples, as copies of both, of 8 bits and of more.
_WEBP, _AVIF, _DEEP_AVIF = 20, 17, 26
# The data of a WebP while they are checked, with a copy that is shortened.
_COPIES_OF_WEBP = 3
# An animation: the canvas and the one before it, both RGBA.
_CANVASES = 8
_SIZES = {"uchar": 1, "char": 1, "ushort": 2, "short": 2, "double": 8}

# Bytes of which deflate makes one at best: 258 for a length and a distance of one bit each.
_DEFLATE = 1032
# Likewise by the number of a TIFF's compression: none, LZW, deflate (two numbers), PackBits. A code of LZW has 9 to 12
# bits and stands for at most one byte more than the longest before it; after 3,838 codes the table is full.
_MOST_OF_TIFF = {1: 1, 5: 1400, 8: _DEFLATE, 32946: _DEFLATE, 32773: 64}
_SCAN = 0xDA
# Frames of a JPEG: of Huffman codes all but lossless and differential ones.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)


@dataclass(frozen=True)
class Decoding:
    """What decoding takes.

    Args:
        memory: the bytes that the decoder holds at once, of an animation with all of its frames.
        least: the bytes that every file of such pixels has at least; 0 if that is unknown.
    """

    memory: int
    least: int = 0


def decoding_of(file: BinaryIO, image: pyvips.Image, loader: str, pages: int, images: TiffImages | None) -> Decoding:
    """What decoding takes.

    Args:
        file: the file.
        image: as libvips opened it, of an animation one frame or all of them.
        loader: libvips' loader.
        pages: the number of frames.
        images: of a TIFF.

    Raises:
        OSError: the file cannot be read.
    """
    pixel = image.bands * _SIZES.get(image.format, 4)
    row = image.width * pixel
    whole = row * image.height
    rows = min(image.height, _ROWS) * row
    if pages > 1:
        height = image.height // pages if loader in ("gifload", "webpload") else image.height
        return Decoding(row * height * pages + image.width * height * _CANVASES)
    if loader == "pngload":
        return _of_png(file, rows, whole)
    if loader in ("jpegload", "uhdrload"):
        return _of_jpeg(file, rows)
    if loader == "tiffload" and images is not None:
        return Decoding(_memory_of_tiff(file, images, image.height, row), _least_tiff(file, images))
    pixels = image.width * image.height
    if loader == "webpload":
        return Decoding(rows + pixels * (image.bands + _WEBP) + _COPIES_OF_WEBP * file.seek(0, os.SEEK_END))
    if loader == "heifload":
        return Decoding(rows + pixels * (_AVIF if pixel == image.bands else _DEEP_AVIF))
    if loader == "gifload":
        return Decoding(rows + whole + pixels * _CANVASES)
    return Decoding(rows)


def _of_png(file: BinaryIO, rows: int, whole: int) -> Decoding:
    file.seek(16)
    header = file.read(13)
    if len(header) < 13:
        return Decoding(rows)
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    samples = {2: 3, 4: 2, 6: 4}.get(header[9], 1)
    stored = height * ((width * samples * header[8] + 7) // 8 + 1)
    interlaced = header[12] == 1
    if interlaced:  # the passes have fewer rows or more; no less than the samples themselves
        stored = width * height * samples * header[8] // 8
    return Decoding(rows + (whole if interlaced else 0), stored // _DEFLATE)


def _of_jpeg(file: BinaryIO, rows: int) -> Decoding:
    """A file of several scans is decoded to the coefficients of all blocks, of two bytes each."""
    frame = scan = b""
    kind, end = 0, 2
    for segment in read_segments(file):
        if segment.marker in _FRAMES and not frame:
            kind, frame = segment.marker, segment.content
        if segment.marker == _SCAN:
            file.seek(end)
            scan = file.read(16).lstrip(b"\xff")
            break
        end = segment.end
    if len(frame) < 6 or len(scan) < 4:
        return Decoding(rows)
    blocks = _blocks(frame)
    # The first scan of an image with one scan has all components.
    several = kind not in (0xC0, 0xC1) or scan[3] != frame[5]
    # A block takes a bit at least in its first scan: the code of its DC difference.
    return Decoding(rows + (blocks * 128 if several else 0), blocks // 8 if kind in _HUFFMAN_FRAMES else 0)


def _blocks(frame: bytes) -> int:
    """Blocks of 8 by 8 samples of all components, without those that only fill up units."""
    height, width, count = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    factors = [(each >> 4, each & 15) for each in frame[7 : 6 + 3 * count : 3]]
    across, down = (max((factor[axis] for factor in factors), default=1) or 1 for axis in (0, 1))
    return sum(-(-width * x // (8 * across)) * -(-height * y // (8 * down)) for x, y in factors)


def _least_tiff(file: BinaryIO, images: TiffImages) -> int:
    """The bytes that a TIFF without missing strips and tiles has at least; 0 if its compression has no such limit."""
    directory = images.main.directory
    ratio = _MOST_OF_TIFF.get(directory.integer(file, 259, 1))
    lengths = directory.numbers(file, 279) or directory.numbers(file, 325)
    subsampled = directory.integer(file, 262, 1) == 6
    # GDAL leaves out tiles that are all of one value.
    if ratio is None or subsampled or not lengths or min(lengths) == 0:
        return 0
    bits = sum(directory.numbers(file, 258)) or directory.integer(file, 277, 1)
    return int(images.main.height * ((images.main.width * bits + 7) // 8) / ratio)


def _memory_of_tiff(file: BinaryIO, images: TiffImages, height: int, row: int) -> int:
    directory = images.main.directory
    tile_width, tile_height = directory.integer(file, 322), directory.integer(file, 323)
    if tile_width and tile_height:
        padded = -(-images.main.width // tile_width) * tile_width * row // max(1, images.main.width)
        return _ROWS_OF_TILES * tile_height * padded
    return min(height, _ROWS_OF_TIFF) * row
