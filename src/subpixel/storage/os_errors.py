"""Errors of the operating system, in words for a person and as errors of this package."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import SubpixelError

__all__ = ["free_space", "is_disk_error", "link_text", "os_error_text", "write_errors_as"]

# Errors that the next file meets as well: the disk is full, the user's share of it is used up, or it is read-only.
_DISK = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS)


def os_error_text(error: Exception) -> str:
    """The reason that the operating system gives for an error, as the end of a sentence.

    Libraries that report errors as the system does are covered too.

    >>> os_error_text(OSError(28, "No space left on device"))
    'no space left on device'
    """
    number = getattr(error, "errno", None)
    if number == errno.EMFILE:
        return "too many open files for one process; `ulimit -n 1024` allows more"
    if number == errno.ENOENT and getattr(error, "filename", None) is None and _current_folder_is_gone():
        return "the current folder was removed; change to another one"
    return (getattr(error, "strerror", None) or str(error)).lower()


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def link_text(path: Path) -> str:
    """Why a link in the place of a file or folder that this program makes is refused, as the end of a sentence.

    >>> link_text(Path(".a.png.subpixel-lock"))
    '.a.png.subpixel-lock beside it is a link, which this program does not make; remove it'
    """
    return f"{path.name} beside it is a link, which this program does not make; remove it"


def is_disk_error(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that no further file can be written to this disk.

    >>> is_disk_error(OSError(28, "No space left on device")), is_disk_error(OSError(27, "File too large"))
    (True, False)
    """
    while error is not None:
        if getattr(error, "errno", None) in _DISK:
            return True
        error = error.__cause__ or error.__context__
    return False


def free_space(folder: Path | int) -> int | None:
    """Bytes that this user may still write to the disk of a folder or an open file; None if the system does not say."""
    try:
        disk = os.statvfs(folder)
    except (OSError, AttributeError):  # no such folder, which its user reports; Windows
        return None
    # Some file systems hold no blocks at all: /proc, and shares that state no size.
    return disk.f_bavail * disk.f_frsize if disk.f_blocks else None


@contextmanager
def write_errors_as(error_class: type[SubpixelError], path: Path) -> Iterator[None]:
    """Raise ``error_class`` in place of any :class:`OSError`, with a text that names ``path``.

    Errors of this package pass unchanged.

    >>> from subpixel.errors import VideoWriteError
    >>> with write_errors_as(VideoWriteError, Path("out.mkv")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    subpixel.errors.VideoWriteError: out.mkv: cannot be written: no space left on device
    """
    try:
        yield
    except SubpixelError:
        raise
    except OSError as error:
        raise error_class(f"{path}: cannot be written: {os_error_text(error)}") from None
