"""Which problem an error of this package is to a client. Workers use this, and need nothing else of the server."""

from __future__ import annotations

from subpixel.errors import (
    FileChanged,
    ImageReadError,
    ImageTooLarge,
    InvalidArgument,
    OutOfMemory,
    SubpixelError,
    Unsupported,
    VideoReadError,
)
from subpixel.storage.os_errors import is_disk_error

__all__ = ["kind_of"]


def kind_of(error: SubpixelError) -> str:
    """A name of :data:`subpixel.serve.problems.PROBLEMS`.

    >>> kind_of(InvalidArgument("scale=0")), kind_of(ImageTooLarge("9 GB")), kind_of(ImageReadError("damaged"))
    ('invalid', 'too-large', 'unreadable')
    """
    if is_disk_error(error):
        return "unavailable"
    if isinstance(error, FileChanged):
        return "crashed"
    if isinstance(error, (ImageTooLarge, OutOfMemory)):
        return "too-large"
    if isinstance(error, (ImageReadError, VideoReadError)):
        return "unreadable"
    return "invalid" if isinstance(error, (InvalidArgument, Unsupported)) else "crashed"
