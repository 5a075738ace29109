"""The files of a video's frames: which of them are done, what they state, and how each is written.

Every file states what it was made from, with which settings, and its place in the video. So there is no journal: files
that say what would be written again are done, and any others of these names are in the way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import VideoWriteError
from subpixel.image.files.formats import check_pixels, format_of
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.provenance import Provenance, read_provenance
from subpixel.image.files.source_metadata import CODE_POINTS, set_aspect
from subpixel.image.files.writing import check_folder, write
from subpixel.image.output_pixels import OutputPixels
from subpixel.storage.os_errors import write_errors_as
from subpixel.video.formats import Layout
from subpixel.video.images.number_pattern import NumberPattern
from subpixel.video.rgb_conversion import matrix_name, rgb_pixels
from subpixel.video.video_file import VideoStream

__all__ = ["FrameFiles", "check_place", "make_folder"]

# Primaries and transfers of ITU-T H.273 that screens show as sRGB, as all programs show an image that states nothing.
_USUAL_PRIMARIES, _USUAL_TRANSFERS = (1, 2, 5, 6), (1, 2, 6, 13, 14, 15)
_ONE = 65536


@dataclass(frozen=True)
class FrameFiles:
    """The images of the frames of one video.

    Args:
        pattern: their names.
        first: the number of the first.
        provenance: what all of them are made from, and how; the settings without the frame.
        stream: the image of the result: size, shape of pixels, tags, turn.
        layout: of the frames that are written.
        siting: where their chroma lies.
        source_size: (width, height) of the source's frames, at which players guess a matrix that is not stated.
        overwrite: replace files that are in the way.
    """

    pattern: NumberPattern
    first: int
    provenance: Provenance
    stream: VideoStream
    layout: Layout
    siting: str
    source_size: tuple[int, int]
    overwrite: bool = False

    def check(self) -> None:
        """Check that such images can be written there.

        Raises:
            InvalidArgument: the format cannot be written, or cannot hold them.
            ImageWriteError: the folder cannot be written.
            Unsupported: their matrix is not known.
        """
        path = self.pattern.path(self.first)
        width, height = self.size
        channels = 1 if self.layout.subsampling == "gray" else 3
        check_pixels(path, (height, width, channels), self.dtype)
        check_folder(path, makes_folder=True)
        if not self.layout.rgb:
            matrix_name(self.stream.tags, self.source_size, path)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the samples that are written: u16 if frames have more than 8 bits and the format holds them."""
        deep = self.layout.bits > 8 and "uint16" in format_of(self.pattern.path(self.first)).dtypes
        return np.dtype(np.uint16 if deep else np.uint8)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the images, which are upright."""
        turned = _is_quarter(self.stream.matrix)
        return self.stream.size[::-1] if turned else self.stream.size

    def notes(self) -> list[str]:
        """What the images lack of the frames, one sentence each."""
        found = []
        form = format_of(self.pattern.path(self.first))
        if self.dtype == np.uint8 and self.layout.bits > 8:
            found.append(f"{form.name} holds 8 bits, and the frames have {self.layout.bits}: they are rounded")
        if self.stream.matrix is not None and _turn(self.stream.matrix) is None:
            found.append("the frames are stored as they are: their turn is not one by quarters")
        return found

    def done(self) -> set[int]:
        """The numbers of the frames, from 0, whose files are there as they would be written.

        Raises:
            VideoWriteError: another file is in the way.
        """
        found = set()
        for number, path in self.pattern.existing().items():
            index = number - self.first
            provenance = read_provenance(path)
            if index >= 0 and provenance is not None and provenance == self._provenance(index):
                found.add(index)
            elif not self.overwrite:
                ours = provenance is not None and provenance.source == self.provenance.source
                why = ", made from this video with other settings" if ours else ""
                raise VideoWriteError(f"{path}: exists already{why}; overwrite=True replaces it")
        return found

    def write(self, index: int, frame: Any) -> tuple[str, ...]:
        """Write the image of a frame. It is complete when it appears under its name.

        Args:
            index: the number of the frame, from 0.
            frame: the frame.

        Returns:
            Notes about what the format cannot hold.

        Raises:
            ImageWriteError: it cannot be written.
        """
        tags = self.stream.tags
        full = bool(tags.full_range)
        matrix = "bt709" if self.layout.rgb else matrix_name(tags, self.source_size, self.pattern.folder)
        pixels = rgb_pixels(frame, self.layout, matrix, full, self.siting)
        if self.dtype == np.uint8:
            pixels = OutputPixels(depth=8).convert(pixels)
        turn = None if self.stream.matrix is None else _turn(self.stream.matrix)
        pixels = pixels if turn is None else turn(pixels)
        return write(
            ImageData(np.ascontiguousarray(pixels), self._header(pixels)),
            self.pattern.path(self.first + index),
            overwrite=self.overwrite,
            provenance=self._provenance(index),
        )

    def remaining(self, count: int) -> list[Path]:
        """Files of these names that belong to no frame."""
        wanted = range(self.first, self.first + count)
        return [path for number, path in self.pattern.existing().items() if number not in wanted]

    def _provenance(self, index: int) -> Provenance:
        return replace(self.provenance, settings=f"{self.provenance.settings} frame={index}")

    def _header(self, pixels: NDArray[Any]) -> pyvips.Image:
        """What the images state besides their samples: colours that are not as usual, and the shape of pixels."""
        height, width, bands = pixels.shape
        interpretation = ("b-w" if bands == 1 else "srgb") if pixels.dtype == np.uint8 else "rgb16"
        interpretation = "grey16" if bands == 1 and pixels.dtype == np.uint16 else interpretation
        header = pyvips.Image.black(width, height, bands=bands).copy(interpretation=interpretation)
        tags, aspect = self.stream.tags, self.stream.aspect
        usual = tags.primaries in _USUAL_PRIMARIES and tags.transfer in _USUAL_TRANSFERS
        if not usual and 2 not in (tags.primaries, tags.transfer):
            header.set_type(pyvips.GValue.array_int_type, CODE_POINTS, [tags.primaries, tags.transfer, 0, 1])
        if aspect not in (None, 1):
            assert aspect is not None
            shape = (aspect.denominator, aspect.numerator)
            set_aspect(header, *(shape[::-1] if _is_quarter(self.stream.matrix) else shape))
        return header


def check_place(pattern: NumberPattern, source: Path, inputs: Iterable[Path] = ()) -> None:
    """Check that images would not be written over or among those that are read.

    Args:
        pattern: of the images to write.
        source: the video or the images, as named.
        inputs: the images that are read.

    Raises:
        VideoWriteError: they would.
    """
    if os.path.isdir(source) and os.path.isdir(pattern.folder) and os.path.samefile(source, pattern.folder):
        raise VideoWriteError(f"{pattern.folder}: the results would lie among the images; choose another folder")
    folders = {os.path.realpath(path.parent) for path in inputs}
    if os.path.realpath(pattern.folder) in folders and any(pattern.number(path.name) is not None for path in inputs):
        raise VideoWriteError(f"{pattern.path(1)}: the output is an input; choose another output")


def make_folder(pattern: NumberPattern) -> None:
    """Create the folder of the images if it does not exist.

    Raises:
        VideoWriteError: it cannot be created.
    """
    with write_errors_as(VideoWriteError, pattern.folder):
        pattern.folder.mkdir(parents=True, exist_ok=True)


def _is_quarter(matrix: tuple[int, ...] | None) -> bool:
    return matrix is not None and _turn(matrix) is not None and matrix[0] == 0


def _turn(matrix: tuple[int, ...]) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """What a display matrix (ISO/IEC 14496-12, 6.2.2) does to an image, if it turns by quarters or mirrors."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if sorted(map(abs, (a, b, c, d))) != [0, 0, _ONE, _ONE] or bool(a) == bool(b) or bool(a) != bool(d):
        return None

    def turn(pixels: NDArray[Any]) -> NDArray[Any]:
        across, down = (a, d) if a else (c, b)
        turned = pixels if a else pixels.swapaxes(0, 1)
        return turned[:: 1 if down > 0 else -1, :: 1 if across > 0 else -1]

    return turn
