"""A large image in a form whose parts can be read at once: decoded, in rows, with halves of halves of its size.

Files of images are decoded from the top; a part near the bottom would take as long as all of it. So the first preview
of a part decodes the image once, in blocks of rows, with the memory of a few rows.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.reading import ImageFile, load_pixels, open_image
from subpixel.image.files.rows import ImageRows

__all__ = ["Box", "Raster", "as_bytes"]

U8 = NDArray[np.uint8]
# A part: left, top, width, height.
Box = tuple[int, int, int, int]

_PROFILE = "icc-profile-data"
# Bytes that stay free on the disk.
_LEAST_FREE = 256 << 20
_ABOUT, _ICC = "raster.json", "profile.icc"


def as_bytes(pixels: NDArray[Any]) -> U8:
    """Samples of 8 bits.

    >>> as_bytes(np.array([0.0, 0.5, 1.0], np.float32)).tolist()
    [0, 128, 255]
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return np.asarray((pixels.astype(np.uint32) + 128) // 257, np.uint8)
    return np.asarray(np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * np.float32(255)), np.uint8)


@dataclass(frozen=True)
class Raster:
    """A decoded image on the disk.

    Args:
        folder: a file for each size, the full one first, each half of the one before.
        size: ``(width, height)``, upright.
        channels: 1 to 4.
        levels: how many sizes.
    """

    folder: Path
    size: tuple[int, int]
    channels: int
    levels: int

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """A raster that was made; None if there is none."""
        try:
            about = json.loads((folder / _ABOUT).read_text())
        except FileNotFoundError:
            return None
        return cls(folder, tuple(about["size"]), about["channels"], about["levels"])

    @classmethod
    def make(cls, folder: Path, source: Path, *, limit: float, page: int | None, frame: int) -> Self:
        """Decode an image.

        Args:
            folder: to be created.
            source: the image.
            limit: in megapixels.
            page: of a file that holds several images.
            frame: of an animation, from 1.

        Raises:
            SubpixelError: it cannot be read, or has no such frame.
            OSError: the disk is full.
        """
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            with open_image(source, limit=limit, page=page) as file:
                height, width, channels = file.shape
                if not 1 <= frame <= file.pages:
                    raise InvalidArgument(f"frame={frame}: this image has {file.pages}")
                if shutil.disk_usage(part).free - height * width * channels * 4 // 3 < _LEAST_FREE:
                    raise OSError(28, "the disk is nearly full")
                levels = max(1, (max(height, width) - 1).bit_length() - 8)  # the last is at most 512 pixels long
                with ExitStack() as stack:
                    sinks = [stack.enter_context(open(part / f"{level}.raw", "wb")) for level in range(levels)]
                    pyramid = _Pyramid(sinks)
                    for block in _blocks(file, frame, part):
                        pyramid.add(as_bytes(block))
                    pyramid.finish()
                profile = file.metadata.get(_PROFILE) if _PROFILE in file.metadata.get_fields() else None
            if profile is not None:
                (part / _ICC).write_bytes(bytes(profile))
            about = {"size": [width, height], "channels": channels, "levels": levels}
            (part / _ABOUT).write_text(json.dumps(about))
            shutil.rmtree(folder, ignore_errors=True)
            os.rename(part, folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return cls(folder, (width, height), channels, levels)

    @property
    def profile(self) -> bytes | None:
        """The colour profile."""
        path = self.folder / _ICC
        return path.read_bytes() if path.is_file() else None

    def level_size(self, level: int) -> tuple[int, int]:
        """``(width, height)`` of a level."""
        width, height = self.size
        for _ in range(level):
            width, height = (width + 1) // 2, (height + 1) // 2
        return width, height

    def read(self, box: Box, level: int = 0) -> U8:
        """``(H, W, C)``: a part, in pixels of a level."""
        left, top, width, height = box
        wide = self.level_size(level)[0]
        pixel = self.channels
        result = np.empty((height, width, pixel), np.uint8)
        with open(self.folder / f"{level}.raw", "rb", buffering=0) as file:
            for row in range(height):
                file.seek(((top + row) * wide + left) * pixel)
                file.readinto(result[row].data)
        return result


def _blocks(file: ImageFile, frame: int, folder: Path) -> Iterator[NDArray[Any]]:
    """The rows of one frame, upright, from the top."""
    if file.pages == 1 and file.decoder is None:
        with ImageRows(file, folder) as rows:
            yield from rows.blocks()
        return
    image: ImageData = load_pixels(file)
    yield image.frames[frame - 1]


class _Pyramid:
    """Writes rows, and rows of half the size, of a quarter, …, as they come."""

    def __init__(self, sinks: Sequence[BinaryIO]) -> None:
        self._sinks = sinks
        self._rests: list[U8 | None] = [None] * len(sinks)

    def add(self, rows: U8, level: int = 0) -> None:
        self._sinks[level].write(np.ascontiguousarray(rows).data)
        if level + 1 == len(self._sinks):
            return
        rest = self._rests[level]
        rows = rows if rest is None else np.concatenate([rest, rows])
        even = len(rows) // 2 * 2
        self._rests[level] = rows[even:].copy() if even < len(rows) else None
        if even:
            self.add(_half(rows[:even]), level + 1)

    def finish(self) -> None:
        for level, rest in enumerate(self._rests):
            if rest is not None:
                self._rests[level] = None
                self.add(_half(np.concatenate([rest, rest])), level + 1)


def _half(rows: U8) -> U8:
    """Means of two by two pixels, rounded half up; a last column without a neighbour counts twice."""
    if rows.shape[1] % 2:
        rows = np.concatenate([rows, rows[:, -1:]], axis=1)
    height, width, channels = rows.shape
    groups = rows.reshape(height // 2, 2, width // 2, 2, channels)
    return np.asarray((groups.sum(axis=(1, 3), dtype=np.uint16) + 2) // 4, np.uint8)
