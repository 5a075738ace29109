"""PNG and TIFF files of wide images, written row by row.

libvips holds some hundred rows of an image while it writes it: half a gigabyte if a row has a megabyte. It writes the
first row here, black, with all of the metadata; the rows themselves take its place in a new file.

Sources: PNG, third edition, sections 9 (filters) and 12.8 (the least sum of absolute differences); TIFF 6.0, sections 2
and 14 (horizontal differencing); "Adobe Photoshop TIFF Technical Notes" (deflate).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.containers.png import chunk
from subpixel.image.files.containers.tiff import replace_strips
from subpixel.image.files.formats import Format

__all__ = ["blank_image", "is_wide", "write_rows"]

Block = NDArray[Any]
# Bytes of a row from which libvips is not used.
_WIDE = 1 << 18
# Bytes of filtered rows that are compressed at a time, and of a strip of a TIFF.
_AT_ONCE, _STRIP = 4 << 20, 8 << 20
# As libvips is asked to for PNG, and as it does by default for TIFF.
_PNG_LEVEL, _TIFF_LEVEL = 3, 6


def is_wide(form: Format, row: int) -> bool:
    """Whether an image is written here.

    Args:
        form: of the file.
        row: of pixels, in bytes.
    """
    return row > _WIDE and form.name in ("PNG", "TIFF")


def blank_image(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> pyvips.Image:
    """A black image ``(H, W, C)`` of u8, u16 or f32 that takes no memory."""
    kind = {"uint8": "uchar", "uint16": "ushort"}.get(dtype.name, "float")
    return pyvips.Image.black(shape[1], shape[0], bands=shape[2]).cast(kind)


def write_rows(path: Path, form: Format, blocks: Iterable[Block], height: int) -> None:
    """Replace the pixels of a file of one row, as libvips wrote it.

    Args:
        path: the file.
        form: PNG or TIFF.
        blocks: ``(h, W, C)`` of u8, u16 or f32, from the top; as wide as the file.
        height: of all blocks together.

    Raises:
        OSError: the file cannot be written.
        ValueError: it is not as libvips writes it.
        Whatever iterating the blocks raises.
    """
    if form.name == "TIFF":
        replace_strips(path, _strips(blocks), height)
        return
    template = path.read_bytes()
    with open(path, "wb") as file:
        _write_png(file, template, blocks, height)
        file.flush()
        os.ftruncate(file.fileno(), file.tell())


def _strips(blocks: Iterable[Block]) -> Iterator[tuple[int, bytes]]:
    """The rows and the content of each strip, differenced along its rows and deflated."""
    for rows in _regroup(blocks, _STRIP):
        codes = rows.view({1: np.uint8, 2: np.uint16, 4: np.uint32}[rows.dtype.itemsize])
        differences = codes.copy()
        differences[:, 1:] -= codes[:, :-1]
        yield len(rows), zlib.compress(differences.data, _TIFF_LEVEL)


def _write_png(file: BinaryIO, template: bytes, blocks: Iterable[Block], height: int) -> None:
    file.write(template[:8])
    at, written = 8, False
    while at + 12 <= len(template):
        length, kind = int.from_bytes(template[at : at + 4], "big"), template[at + 4 : at + 8]
        content = template[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            content = content[:4] + height.to_bytes(4, "big") + content[8:]
        elif kind == b"IDAT":
            if not written:
                written = True
                for part in _compressed(blocks):
                    file.write(chunk(b"IDAT", part))
            continue
        file.write(chunk(kind, content))
    if not written:
        raise ValueError("there are no pixels")


def _compressed(blocks: Iterable[Block]) -> Iterator[bytes]:
    """The rows of a PNG, filtered and deflated, in parts."""
    compressor = zlib.compressobj(_PNG_LEVEL)
    above: NDArray[np.uint8] | None = None
    for rows in _regroup(blocks, _AT_ONCE):
        pixel = rows.shape[2] * rows.dtype.itemsize
        big = rows.astype(rows.dtype.newbyteorder(">"), copy=False)
        samples = np.ascontiguousarray(big).view(np.uint8).reshape(len(rows), -1)
        for row in samples:
            part = compressor.compress(_filtered(row, np.zeros_like(row) if above is None else above, pixel))
            above = row
            if part:
                yield part
    yield compressor.flush()


def _filtered(row: NDArray[np.uint8], above: NDArray[np.uint8], pixel: int) -> bytes:
    """A row by the filter with the least sum of absolute differences, behind the filter's number."""
    left, corner = np.zeros_like(row), np.zeros_like(row)
    left[pixel:], corner[pixel:] = row[:-pixel], above[:-pixel]
    mean = ((left.astype(np.uint16) + above) >> 1).astype(np.uint8)
    candidates = [row, row - left, row - above, row - mean, row - _paeth(left, above, corner)]
    sums = [int(np.abs(each.view(np.int8).astype(np.int16)).sum()) for each in candidates]
    best = sums.index(min(sums))
    return bytes([best]) + candidates[best].tobytes()


def _paeth(left: NDArray[np.uint8], above: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Whichever of three neighbours is nearest to left + above - corner; left, then above, if two are."""
    a, b, c = (each.astype(np.int16) for each in (left, above, corner))
    to_left, to_above = np.abs(b - c), np.abs(a - c)
    to_corner = np.abs(a + b - 2 * c)
    of_above = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, of_above)


def _regroup(blocks: Iterable[Block], at_once: int) -> Iterator[Block]:
    """The same rows in blocks of about so many bytes."""
    for block in blocks:
        rows = max(1, at_once // (block.nbytes // len(block)))
        for top in range(0, len(block), rows):
            yield np.ascontiguousarray(block[top : top + rows])
