"""A file opened once, for libvips and for Python, which read it independently of each other.

libvips never gets the name of a file: it would parse options from it, take it for another encoding, and remember what
it once read under this name. Nor does it get the descriptor: it would map the file into memory, and a file that another
program cuts short would then end this process (SIGBUS). It reads through :class:`_Reader`, as Python does.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import threading
import weakref
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyvips

from subpixel.errors import FileChanged
from subpixel.image.files.vips_errors import is_unknown_format
from subpixel.image.files.vips_paths import vips_path
from subpixel.image.files.vips_setup import note_use
from subpixel.storage.file_kinds import open_file
from subpixel.storage.pipes import PipeReader, spool

__all__ = ["OpenFile", "check_head"]

# Files of up to this many bytes are given to libvips in one piece, which is faster than its many small reads.
_SMALL = 1 << 20
# Offsets are at most this one, which every system accepts: no file is as long.
_FARTHEST = 1 << 62
_CACHE_LOCK = threading.Lock()


class OpenFile:
    """A file that stays open, so that everything read from it belongs to the same content.

    A program that replaces the file meanwhile changes nothing here. One that writes into it does, so :meth:`check`
    must be called after the last read.

    Args:
        path: the file.

    Raises:
        OSError: the file cannot be opened, or is a folder, a pipe or a device.
        Unsupported: this process was forked from one that had used libvips.
    """

    def __init__(self, path: str | Path) -> None:
        note_use()
        self._hold(Path(path), open_file(path))

    def _hold(self, path: Path, descriptor: int, *, of_pipe: bool = False) -> None:
        self.path, self._descriptor, self._of_pipe = path, descriptor, of_pipe
        self._stack = ExitStack()
        self._stack.callback(os.close, descriptor)
        self._close = weakref.finalize(self, self._stack.close)
        self._failures: list[BaseException] = []
        status = os.fstat(descriptor)
        self._size = status.st_size
        self._opened, self._inode_changed = _state(status), status.st_ctime_ns
        # Offsets, and what libvips gets there instead of the bytes of the file.
        self.replacements: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def of_pipe(cls, path: str | Path, most: int) -> Self:
        """Read a pipe to its end, into a nameless file on disk, which is then open.

        Args:
            path: the pipe.
            most: the number of bytes that are accepted.

        Raises:
            OSError: it cannot be read, or more bytes come.
        """
        note_use()
        with PipeReader(path) as reader, tempfile.TemporaryFile() as file:
            spool(reader, file, most, check_head)
            result = cls.__new__(cls)
            result._hold(Path(path), os.dup(file.fileno()), of_pipe=True)
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Pixels of its images can no longer be read."""
        self._close()
        _forget_operations()

    @property
    def size(self) -> int:
        """Its bytes when it was opened."""
        return self._size

    @property
    def is_current(self) -> bool:
        """Whether the path still leads to this file, and the file is still open and as it was when it was opened."""
        if not self._close.alive:
            return False
        try:
            status = os.stat(self.path)
            # A new name or permission changes the second time, too; the file is then only opened once more.
            return self._of_pipe or (_state(status), status.st_ctime_ns) == (self._opened, self._inode_changed)
        except OSError:
            return False

    def check(self) -> None:
        """Check that all that was read so far belongs together; call it after the last read.

        A file that was only removed or renamed is as it was.

        Raises:
            FileChanged: something wrote into this file since it was opened, or put another in its place.
            OSError: the system could not read it.
            KeyboardInterrupt: the process was interrupted while libvips read it.
        """
        if self._failures:
            raise self._failures[0]
        if self._has_changed():
            raise FileChanged(f"{self.path}: the file changed while it was read; run it again")

    def _has_changed(self) -> bool:
        status = os.fstat(self._descriptor)
        if _state(status) != self._opened:
            return True
        try:
            if not self._of_pipe and _state(os.stat(self.path)) != self._opened:
                return True
        except OSError:
            return False
        if status.st_ctime_ns == self._inode_changed or "digest" not in self.__dict__:
            return False
        # The time that programs can set is as it was. This one is not, but a new name or permission changes it too.
        return self._digest_time != self._inode_changed or self._digest() != self.digest

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, in hexadecimal digits.

        Raises:
            OSError: the file cannot be read.
        """
        self._digest_time = os.fstat(self._descriptor).st_ctime_ns
        return self._digest()

    def _digest(self) -> str:
        with self.reader() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def reader(self) -> io.BufferedReader:
        """The file for Python, with a position of its own. It must be closed before this object is."""
        return _BoundedReader(_Reader(self._descriptor), self._size)

    def vips_image(self, **options: Any) -> pyvips.Image:
        """The image as libvips opens it; its pixels are not read yet.

        Args:
            options: of libvips' loader.

        Raises:
            pyvips.Error: libvips cannot read it.
            OSError: the file cannot be opened a second time.
        """
        try:
            return pyvips.Image.new_from_source(self.source(), "", revalidate=True, **options)
        except pyvips.Error as error:
            if not is_unknown_format(error):
                raise
        # libvips reads a few formats, its own among them, by the name of the file only.
        return pyvips.Image.new_from_file(self._stack.enter_context(vips_path(self.path)), revalidate=True, **options)

    def heif_image(self, **options: Any) -> pyvips.Image:
        """The same by libvips' loader for HEIF, also if its brand is one that libvips does not know.

        Args:
            options: of the loader.

        Raises:
            pyvips.Error: libvips cannot read it.
            OSError: the file cannot be opened a second time.
        """
        image: pyvips.Image = pyvips.Image.heifload_source(self.source(), **options)
        return image

    def source(self, length: int | None = None, tail: bytes = b"") -> pyvips.Source:
        """The file for libvips.

        Args:
            length: the number of its bytes that libvips gets; None for all.
            tail: bytes that follow them.
        """
        if self._size <= _SMALL:
            # Read anew for each image: the content of a file that is being written to belongs to no digest.
            content = _replaced(_pread(self._descriptor, _SMALL, 0), 0, self.replacements)
            return pyvips.Source.new_from_memory(content if length is None else content[:length] + tail)
        reader: _Reader = _Reader(self._descriptor)
        if length is not None:
            reader = _ShortenedReader(self._descriptor, length, tail)
        end, failures, replacements = self._close, self._failures, self.replacements

        # No exception can pass through libvips. Without bytes it reports the end of the file, or a wrong position.
        def read(size: int) -> bytes:
            try:
                if end.alive:  # the number of a closed descriptor soon belongs to another file
                    start = reader.tell()
                    return _replaced(reader.read(size), start, replacements)
            except BaseException as error:  # noqa: BLE001  raised by check()
                failures.append(error)
            return b""

        def seek(offset: int, whence: int) -> int:
            try:
                if end.alive:
                    return reader.seek(offset, whence)
            except BaseException as error:  # noqa: BLE001  raised by check()
                failures.append(error)
            return -1

        source = pyvips.SourceCustom()
        source.on_read(read)
        source.on_seek(seek)
        return source


def check_head(head: bytes) -> None:
    """Raise an error if a long stream begins as no image does."""
    try:
        pyvips.Image.new_from_buffer(head, "", access="sequential")
    except pyvips.Error as error:
        if is_unknown_format(error):
            raise OSError(
                errno.EINVAL, "not an image that can be read (its content is of no known image format)"
            ) from None


def _forget_operations() -> None:
    """Empty libvips' cache of operations, which would keep their input files open."""
    with _CACHE_LOCK:
        size = pyvips.cache_get_max()
        pyvips.cache_set_max(0)
        pyvips.cache_set_max(size)


def _state(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is replaced or written to."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _replaced(data: bytes, start: int, replacements: tuple[tuple[int, bytes], ...]) -> bytes:
    """Bytes of a file from an offset on, with some replaced.

    >>> _replaced(b"cdef", 2, ((1, b"xyz"), (5, b"u")))
    b'yzeu'
    """
    for place, new in replacements:
        first, last = max(place, start), min(place + len(new), start + len(data))
        if first < last:
            data = data[: first - start] + new[first - place : last - place] + data[last - start :]
    return data


class _BoundedReader(io.BufferedReader):
    """A reader for lengths and offsets that a file states about itself, which may be any number.

    Python would reserve memory for all that is asked for, and refuses numbers that do not fit the system's types. Here
    a length is at most that of the file, and no offset is too large: nothing can be read there.
    """

    def __init__(self, raw: io.RawIOBase, size: int) -> None:
        super().__init__(raw)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None or size <= self._size else self._size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return super().seek(min(max(offset, -_FARTHEST), _FARTHEST), whence)


class _Reader(io.RawIOBase):
    """Reads by position: the descriptor's own position is never used, so there can be any number of readers."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self.readall()
        data = _pread(self._descriptor, size, self._position)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: os.fstat(self._descriptor).st_size}[whence]
        self._position = min(max(0, start + offset), _FARTHEST)
        return self._position

    def tell(self) -> int:
        return self._position


class _ShortenedReader(_Reader):
    """The first bytes of a file, and others behind them."""

    def __init__(self, descriptor: int, length: int, tail: bytes) -> None:
        super().__init__(descriptor)
        self._length, self._tail = length, tail

    def read(self, size: int = -1) -> bytes:
        start = self._position
        if size >= 0 and start < self._length:
            return super().read(min(size, self._length - start))
        if size < 0:
            return self.readall()
        data = self._tail[start - self._length :][:size]
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = offset + self._length + len(self._tail), os.SEEK_SET
        return super().seek(offset, whence)


if hasattr(os, "pread"):
    _pread = os.pread
else:  # Windows
    _POSITION_LOCK = threading.Lock()

    def _pread(descriptor: int, size: int, position: int) -> bytes:
        with _POSITION_LOCK:
            os.lseek(descriptor, position, os.SEEK_SET)
            return os.read(descriptor, size)
