"""What a source file is, and whether it is still the same at the end of a long run, in which it is opened often."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import FileChanged, InvalidArgument, SubpixelError
from subpixel.video.fingerprints import source_identity
from subpixel.video.images.sequence import find_sequence

__all__ = ["unchanged_file"]


@contextmanager
def unchanged_file(path: Path) -> Iterator[Callable[[], None]]:
    """A block in which a file must stay as it is: its size, its time, which file it is, and its two ends.

    Of a sequence of images, all of its files must, but their ends are not read.

    An error inside the block becomes the one about the change if the file changed: then that is the reason.

    Yields:
        A function that raises FileChanged if the file has changed. A file that is gone has not.
    """
    before = _state(path)

    def check() -> None:
        now = _state(path)
        if None not in (before, now) and now != before:
            raise FileChanged(f"{path}: the file changed while it was read; run it again")

    try:
        yield check
    except SubpixelError:
        check()
        raise


def _state(path: Path) -> tuple[object, ...] | None:
    """None if the file cannot be read, which opening it reports."""
    try:
        sequence = find_sequence(path)
        if sequence is not None:
            return tuple(_status(each) for each in sequence.paths)
        return *_status(path), *source_identity(path)
    except (OSError, InvalidArgument):
        return None


def _status(path: Path) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
