"""Error messages of libvips and of the system, in plain words."""

from __future__ import annotations

import os
from pathlib import Path

import pyvips

from subpixel.errors import ImageWriteError
from subpixel.image.files.vips_setup import prepare_pyvips
from subpixel.storage.os_errors import os_error_text

__all__ = ["is_unknown_format", "vips_error_text", "write_failure"]

prepare_pyvips()  # every module that opens or writes images imports this one


def vips_error_text(error: pyvips.Error) -> str:
    """The message of libvips, without the names of its own parts."""
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not lines:
        return "its content is damaged"
    if is_unknown_format(error):
        return "its content is of no known image format"
    return lines[-1].split(": ", 1)[-1]


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
