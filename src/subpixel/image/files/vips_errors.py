"""What libvips and the system say when something fails, in words for a person."""

from __future__ import annotations

import os
from pathlib import Path

import pyvips

from subpixel.storage.os_errors import os_error_text

__all__ = ["reason", "why_not_written"]


def reason(error: pyvips.Error) -> str:
    """What libvips says, without the names of its own parts."""
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not lines:
        return "its content is broken"
    if "is not a known file format" in lines[-1]:
        return "its content is of no known image format"
    return lines[-1].split(": ", 1)[-1]


def why_not_written(error: pyvips.Error, scratch: Path) -> str:
    """Why a file could not be written to its end: what the system says to more bytes of it, else what libvips says.

    Few of libvips' writers pass on that a disk is full. The file is emptied.

    Args:
        error: libvips'.
        scratch: the unfinished file, which is of no more use.
    """
    more = memoryview(bytes(1 << 12))
    try:
        with open(scratch, "ab", buffering=0) as file:
            try:
                while more:
                    more = more[file.write(more) :]
                os.fsync(file.fileno())
            finally:
                file.truncate(0)  # libvips may hold it open, and with it the room that the next image needs
    except OSError as refused:
        return os_error_text(refused)
    return reason(error)
