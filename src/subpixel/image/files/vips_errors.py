"""Error messages of libvips and of the system, in plain words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyvips

from subpixel.errors import ImageWriteError
from subpixel.image.files.vips_setup import prepare_pyvips
from subpixel.storage.os_errors import os_error_text

__all__ = ["is_unknown_format", "raise_tile_errors", "vips_error_text", "write_failure"]

# What libtiff says of a tile that is not stored. GDAL leaves out those that are all 0; black is right for them.
_MISSING_TILE = "Invalid tile byte count"

prepare_pyvips()  # every module that opens or writes images imports this one


def vips_error_text(error: pyvips.Error) -> str:
    """The message of libvips, without the names of its own parts."""
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not lines:
        return "its content is damaged"
    if is_unknown_format(error):
        return "its content is of no known image format"
    return lines[-1].split(": ", 1)[-1]


@contextmanager
def raise_tile_errors(image: pyvips.Image) -> Iterator[None]:
    """While pixels are read: raise the error of a TIFF's damaged tile, which libvips reads as black.

    libvips leaves the error in its buffer, whatever ``fail_on`` says; damaged strips it reports. The buffer belongs to
    all threads: another one that fails to read a TIFF at the same moment may be noticed here.

    Args:
        image: as libvips opened it, of any format.

    Raises:
        pyvips.Error: a tile is damaged.
    """
    if not image.get_typeof("tile-width"):
        yield
        return
    pyvips.vips_lib.vips_error_clear()
    yield
    left = pyvips.Error("unable to read a tile")
    lines = [line for line in left.detail.splitlines() if line.startswith("tiff2vips: ")]
    if not all(_MISSING_TILE in line for line in lines):
        raise left


def is_unknown_format(error: pyvips.Error) -> bool:
    """Whether libvips has no loader for a file."""
    return "not a known file format" in str(error) or "not in a known format" in str(error)


def write_failure(path: Path, error: pyvips.Error, scratch: Path) -> ImageWriteError:
    """The error for a file that could not be written: what the system says to further bytes, or what libvips says.

    Few of libvips' writers report that a disk is full. The file is emptied.

    Args:
        path: of the result.
        error: of libvips.
        scratch: the unfinished file.
    """
    more = memoryview(bytes(1 << 12))
    try:
        with open(scratch, "ab", buffering=0) as file:
            try:
                while more:
                    more = more[file.write(more) :]
                os.fsync(file.fileno())
            finally:
                file.truncate(0)  # libvips may hold it open, and with it space that the next image needs
    except OSError as reason:
        failure = ImageWriteError(f"{path}: cannot be written: {os_error_text(reason)}")
        failure.errno = reason.errno
        return failure
    return ImageWriteError(f"{path}: cannot be written: {vips_error_text(error)}")
