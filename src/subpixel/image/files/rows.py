"""The rows of an image file, from the top, without the image in memory.

libvips decodes from the top of the file. An image that lies on its side or on its head is first copied, decoded, to a
scratch file without a name: it takes disk space, but nothing of it stays behind whatever happens to this process.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.backends.base import Alpha
from subpixel.errors import ImageWriteError
from subpixel.image.files.reading import Opened, damaged, opened
from subpixel.ops.blockiness import blockiness_of_windows, sample_windows
from subpixel.upscaler.pixels import alpha_of

__all__ = ["Rows", "survey"]

Block = NDArray[Any]
# Bytes of a block, about: large against what a block costs, small against the memory that is allowed.
_AT_ONCE = 16 << 20


class Rows(AbstractContextManager["Rows"]):
    """An image as blocks of rows, upright; they can be gone through more than once.

    Args:
        path: the image.
        found: the same, opened.
        folder: where a scratch file may lie.
    """

    def __init__(self, path: Path, found: Opened, folder: Path) -> None:
        self.shape, self.dtype = found.shape, found.dtype
        self._path, self._found, self._folder = path, found, folder
        self._fresh = True
        self._scratch: BinaryIO | None = None
        self._kept: list[tuple[int, int]] = []  # of each block in the scratch file: where, and how many rows

    def __exit__(self, *_: object) -> None:
        if self._scratch is not None:
            self._scratch.close()

    def blocks(self) -> Iterator[Block]:
        """``(h, W, C)``, from the top.

        Raises:
            ImageReadError: the image is damaged or cut short.
            ImageWriteError: there is no room for the scratch file.
        """
        orientation = self._found.orientation
        if orientation == 1:
            return self._stored()
        if orientation == 2:
            return (block[:, ::-1] for block in self._stored())
        if self._scratch is None:
            self._turn(orientation)
        return self._sideways() if orientation >= 5 else self._upside()

    def _stored(self) -> Iterator[Block]:
        """As they lie in the file; libvips gives them once, so the file is opened again for the second time."""
        found = self._found if self._fresh else opened(self._path, limit=math.inf)
        self._fresh = False
        image = found.image
        region = pyvips.Region.new(image)
        step = max(1, _AT_ONCE // (image.width * image.bands * self.dtype.itemsize))
        for top in range(0, image.height, step):
            rows = min(step, image.height - top)
            try:
                data = region.fetch(0, top, image.width, rows)
            except pyvips.Error as error:
                raise damaged(self._path, error) from None
            stored = np.float64 if image.format == "double" else self.dtype
            block = np.frombuffer(data, stored).reshape(rows, image.width, image.bands)
            yield block.astype(self.dtype, copy=False)

    def _turn(self, orientation: int) -> None:
        """Blocks to the scratch file, each turned in itself; where they belong is looked after when reading."""
        height, width, channels = self.shape
        needed = height * width * channels * self.dtype.itemsize
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise ImageWriteError(
                f"{self._folder}: {needed >> 20} MiB are needed to turn {self._path} upright, {free >> 20} MiB are free"
            )
        # EXIF 2.3, table 6: 2, 3, 7 and 8 are mirrored along the stored rows, 3, 4, 6 and 7 across them.
        across, mirrored, along = orientation >= 5, orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)
        self._scratch = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed with the rows
        for block in self._stored():
            turned = block[:: -1 if mirrored else 1, :: -1 if along else 1]
            self._kept.append((self._scratch.tell(), len(block)))
            self._scratch.write(np.ascontiguousarray(turned.transpose(1, 0, 2) if across else turned).data)
        self._scratch.flush()
        if mirrored:
            self._kept.reverse()

    def _upside(self) -> Iterator[Block]:
        _, width, channels = self.shape
        for start, rows in self._kept:
            yield self._take(start, (rows, width, channels))

    def _sideways(self) -> Iterator[Block]:
        """Rows of the file became columns: a strip takes a piece of every block, which lies there in one piece."""
        height, width, channels = self.shape
        step = max(1, _AT_ONCE // (width * channels * self.dtype.itemsize))
        for top in range(0, height, step):
            rows = min(step, height - top)
            pixel = channels * self.dtype.itemsize
            parts = [
                self._take(start + top * columns * pixel, (rows, columns, channels)) for start, columns in self._kept
            ]
            yield np.concatenate(parts, axis=1)

    def _take(self, start: int, shape: tuple[int, ...]) -> Block:
        assert self._scratch is not None
        result = np.empty(shape, self.dtype)
        # Read rather than mapped: pages of a mapped file count as memory of this process.
        self._scratch.seek(start)
        self._scratch.readinto(result.data)  # type: ignore[attr-defined]
        return result


def survey(blocks: Iterable[Block], shape: tuple[int, ...], *, measure: bool) -> tuple[Alpha, float]:
    """What must be known of the whole image before its first row is made, in one pass that ends when it is known.

    Args:
        blocks: the image's, from the top; not touched if there is nothing to find out.
        shape: ``(H, W, C)`` of the image.
        measure: whether its blockiness is wanted.

    Returns:
        What its alpha is, and its blockiness, 0 if that is not wanted: both those of the whole image in memory.
    """
    height, width, channels = shape
    alpha: Alpha = "opaque" if channels in (2, 4) else "none"
    looked_at = sample_windows(height, width) if measure else []
    pieces: list[list[Block]] = [[] for _ in looked_at]
    last = max((min(rows.stop, height) for rows, _ in looked_at), default=0)
    top = 0
    blocks = iter(blocks)
    while top < last or (alpha == "opaque" and top < height):
        block = next(blocks)
        if alpha == "opaque":
            alpha = alpha_of(block)
        for piece, (rows, columns) in zip(pieces, looked_at, strict=True):
            part = block[max(rows.start - top, 0) : max(rows.stop - top, 0), columns]
            if len(part):
                piece.append(part.copy())
        top += len(block)
    return alpha, blockiness_of_windows([np.concatenate(piece) for piece in pieces])
