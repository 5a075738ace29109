"""Errors of the operating system, in words for a person and as errors of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import SubpixelError

__all__ = ["os_error_text", "write_errors_as"]


def os_error_text(error: Exception) -> str:
    """The reason that the operating system gives for an error, as the end of a sentence.

    Libraries that report errors as the system does are covered too.

    >>> os_error_text(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (getattr(error, "strerror", None) or str(error)).lower()


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
