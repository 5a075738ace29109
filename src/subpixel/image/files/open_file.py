"""A file opened once, for libvips and for Python, which read it independently of each other."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import threading
import weakref
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyvips

from subpixel.image.files.vips_errors import is_unknown_format
from subpixel.image.files.vips_paths import vips_path

__all__ = ["OpenFile"]

_CACHE_LOCK = threading.Lock()


class OpenFile:
    """A file that stays open, so that everything read from it belongs to the same content.

    libvips would look at a file once for each format that it knows, and open it several times more for the pixels. It
    is given the open descriptor instead. A program that replaces the file meanwhile changes nothing here.

    Args:
        path: the file.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._stack = ExitStack()
        self._stack.callback(os.close, self._descriptor)
        self._close = weakref.finalize(self, self._stack.close)
        self._used_by_vips = False
        self._opened = _state(os.fstat(self._descriptor))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Pixels of its images can no longer be relied on."""
        self._close()
        _forget_operations()

    @property
    def is_current(self) -> bool:
        """Whether the path still leads to this file, and the file is still open and as it was when it was opened."""
        try:
            return self._close.alive and _state(os.stat(self.path)) == self._opened
        except OSError:
            return False

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, in hexadecimal digits.

        Raises:
            OSError: the file cannot be read.
        """
        with self.reader() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def reader(self) -> io.BufferedReader:
        """The file for Python, with a position of its own. It must be closed before this object is."""
        if not hasattr(os, "pread"):  # Windows
            return open(self.path, "rb")
        return io.BufferedReader(_Reader(self._descriptor))

    def vips_image(self, **options: Any) -> pyvips.Image:
        """The image as libvips opens it; its pixels are not read yet.

        Args:
            options: of libvips' loader.

        Raises:
            pyvips.Error: libvips cannot read it.
            OSError: the file cannot be opened a second time.
        """
        try:
            return pyvips.Image.new_from_source(self._vips_source(), "", **options)
        except pyvips.Error as error:
            if not is_unknown_format(error):
                raise
        # libvips reads a few formats, its own among them, by the name of the file only.
        return pyvips.Image.new_from_file(self._stack.enter_context(vips_path(self.path)), **options)

    def heif_image(self, **options: Any) -> pyvips.Image:
        """The same by libvips' loader for HEIF, also if its brand is one that libvips does not know.

        Args:
            options: of the loader.

        Raises:
            pyvips.Error: libvips cannot read it.
            OSError: the file cannot be opened a second time.
        """
        image: pyvips.Image = pyvips.Image.heifload_source(self._vips_source(), **options)
        return image

    def _vips_source(self) -> pyvips.Source:
        if sys.platform == "win32":  # where libraries do not share descriptors
            return pyvips.Source.new_from_file(str(self.path))
        if not self._used_by_vips:
            self._used_by_vips = True
            return pyvips.Source.new_from_descriptor(self._descriptor)
        # Duplicates of a descriptor share their position, so each further image needs the file to be opened again.
        same = f"/proc/self/fd/{self._descriptor}"  # on Linux: the same file even if it has been replaced
        descriptor = os.open(same if os.path.exists(same) else self.path, os.O_RDONLY)
        try:
            return pyvips.Source.new_from_descriptor(descriptor)  # which duplicates it
        finally:
            os.close(descriptor)


def _forget_operations() -> None:
    """Empty libvips' cache of operations, which would keep their input files open."""
    with _CACHE_LOCK:
        size = pyvips.cache_get_max()
        pyvips.cache_set_max(0)
        pyvips.cache_set_max(size)


def _state(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is replaced or written to."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class _Reader(io.RawIOBase):
    """Reads by position, so that the descriptor's own position, which libvips uses, stays where it is."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = os.pread(self._descriptor, len(view), self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._descriptor).st_size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        return self._position
