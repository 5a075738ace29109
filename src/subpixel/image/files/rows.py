"""The rows of an image file, from the top, without the whole image in memory.

libvips decodes from the top of the file. An image that is stored sideways or upside down is first decoded into an
unnamed temporary file. It takes disk space, and the system frees it however this process ends.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, ImageWriteError
from subpixel.image.files.read_errors import check_read, read_error
from subpixel.image.files.reading import ImageFile, reopen
from subpixel.image.files.vips_errors import raise_tile_errors
from subpixel.image.files.wide_rows import HELD, png_rows, tiff_rows
from subpixel.ops.blockiness import sample_windows
from subpixel.ops.compression_traces import Traces, traces_of_windows
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler.pixels import Alpha, alpha_of

__all__ = ["ImageRows", "inspect_rows", "memory_held"]

Block = NDArray[Any]
# Approximate size of a block in bytes: large enough to hide the cost of a block, small against the memory allowed.
_AT_ONCE = 4 << 20


class ImageRows(AbstractContextManager["ImageRows"]):
    """An image as blocks of rows, upright; they can be read more than once.

    Args:
        file: the open image.
        folder: for a temporary file.
    """

    def __init__(self, file: ImageFile, folder: Path) -> None:
        self.shape, self.dtype = file.shape, file.dtype
        self._file, self._folder = file, folder
        self._scratch: BinaryIO | None = None
        self._blocks: list[tuple[int, int]] = []  # offset and number of rows of each block in the temporary file

    def __exit__(self, *_: object) -> None:
        if self._scratch is not None:
            self._scratch.close()

    def blocks(self) -> Iterator[Block]:
        """``(h, W, C)``, from the top.

        Raises:
            ImageReadError: the image is damaged or truncated.
            ImageWriteError: there is no space for the temporary file.
        """
        orientation = self._file.orientation
        if orientation == 1:
            return self._stored_blocks()
        if orientation == 2:
            return (block[:, ::-1] for block in self._stored_blocks())
        if self._scratch is None:
            self._turn(orientation)
        return self._sideways() if orientation >= 5 else self._upside_down()

    def _stored_blocks(self) -> Iterator[Block]:
        """Blocks as stored. libvips reads an image once and holds rows until it is freed: each pass has its own."""
        file = reopen(self._file)
        yield from self._read_wide(file)

    def _read_wide(self, file: ImageFile) -> Iterator[Block]:
        """As below, without the rows that libvips would hold, where that is possible."""
        with file.file.reader() as reader:
            blocks = _wide_blocks(file, reader)
            if blocks is None:
                yield from self._read(file)
                return
            try:
                yield from blocks
            except ValueError as error:
                check_read(file.file)
                raise ImageReadError(f"{file.file.path}: the image is damaged or truncated ({error})") from None
            except OSError as error:
                raise ImageReadError(f"{file.file.path}: {os_error_text(error)}") from None

    def _read(self, file: ImageFile) -> Iterator[Block]:
        image = file.image
        region = pyvips.Region.new(image)
        step = max(1, _AT_ONCE // (image.width * image.bands * self.dtype.itemsize))
        for top in range(0, image.height, step):
            rows = min(step, image.height - top)
            try:
                with raise_tile_errors(image):
                    data = region.fetch(0, top, image.width, rows)
            except pyvips.Error as error:
                raise read_error(file.file, error) from None
            stored = np.float64 if image.format == "double" else self.dtype
            block = np.frombuffer(data, stored).reshape(rows, image.width, image.bands)
            yield block.astype(self.dtype, copy=False)

    def _turn(self, orientation: int) -> None:
        """Write each block, turned, to the temporary file; reading puts them in order."""
        height, width, channels = self.shape
        needed = height * width * channels * self.dtype.itemsize
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise ImageWriteError(
                f"{self._folder}: {needed >> 20} MiB are needed to turn {self._file.file.path} upright, "
                f"{free >> 20} MiB are free"
            )
        # EXIF 2.3, table 6: 2, 3, 7 and 8 are mirrored along the stored rows; 3, 4, 6 and 7 across them.
        across, mirrored, along = orientation >= 5, orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)
        self._scratch = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed with the rows
        for block in self._stored_blocks():
            turned = block[:: -1 if mirrored else 1, :: -1 if along else 1]
            self._blocks.append((self._scratch.tell(), len(block)))
            self._scratch.write(np.ascontiguousarray(turned.transpose(1, 0, 2) if across else turned).data)
        self._scratch.flush()
        if mirrored:
            self._blocks.reverse()

    def _upside_down(self) -> Iterator[Block]:
        _, width, channels = self.shape
        for start, rows in self._blocks:
            yield self._take(start, (rows, width, channels))

    def _sideways(self) -> Iterator[Block]:
        """Stored rows are columns now: a strip consists of one contiguous piece of every block."""
        height, width, channels = self.shape
        step = max(1, _AT_ONCE // (width * channels * self.dtype.itemsize))
        for top in range(0, height, step):
            rows = min(step, height - top)
            pixel = channels * self.dtype.itemsize
            parts = [
                self._take(start + top * columns * pixel, (rows, columns, channels)) for start, columns in self._blocks
            ]
            yield np.concatenate(parts, axis=1)

    def _take(self, start: int, shape: tuple[int, ...]) -> Block:
        assert self._scratch is not None
        result = np.empty(shape, self.dtype)
        # Read, not mapped: pages of a mapped file count as memory of this process.
        self._scratch.seek(start)
        self._scratch.readinto(result.data)  # type: ignore[attr-defined]
        return result


def memory_held(file: ImageFile) -> int:
    """Bytes that libvips holds of a file while its rows are read: none if they are read without it."""
    with file.file.reader() as reader:
        return file.decoding if _wide_blocks(file, reader) is None else 0


def _wide_blocks(file: ImageFile, reader: BinaryIO) -> Iterator[Block] | None:
    """The rows of a file of which libvips would hold much; None if it would not, or if only libvips reads it."""
    if file.decoding <= HELD:
        return None
    if file.loader == "pngload":
        return png_rows(reader)
    if file.loader == "tiffload" and (images := file.content.tiff) is not None:
        return tiff_rows(reader, images, file.shape[2])
    return None


def inspect_rows(blocks: Iterable[Block], shape: tuple[int, ...], *, measure: bool) -> tuple[Alpha, Traces]:
    """What upscaling must know of the whole image before its first row, in one pass that ends as early as possible.

    Args:
        blocks: of the image, from the top; not read if there is nothing to find out.
        shape: ``(H, W, C)`` of the image.
        measure: whether to measure traces of compression.

    Returns:
        The kind of alpha, and the traces, none if they were not measured: the same as for an image in memory.
    """
    height, width, channels = shape
    alpha: Alpha = "opaque" if channels in (2, 4) else "none"
    regions = sample_windows(height, width) if measure else []
    pieces: list[list[Block]] = [[] for _ in regions]
    last = max((min(rows.stop, height) for rows, _ in regions), default=0)
    top = 0
    blocks = iter(blocks)
    while top < last or (alpha == "opaque" and top < height):
        block = next(blocks)
        if alpha == "opaque":
            alpha = alpha_of(block)
        for piece, (rows, columns) in zip(pieces, regions, strict=True):
            part = block[max(rows.start - top, 0) : max(rows.stop - top, 0), columns]
            if len(part):
                piece.append(part.copy())
        top += len(block)
    return alpha, traces_of_windows([np.concatenate(piece) for piece in pieces])
