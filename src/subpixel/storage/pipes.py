"""Pipes: read and written without a wait that cannot be ended.

A read from a pipe, or a write to it, waits for another program, and a thread that waits in the system cannot be
stopped. So every wait here is short and repeated until there is data, the other end is closed, or somebody cancels it.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from subpixel.storage.file_kinds import descriptor_in
from subpixel.storage.interrupts import interrupt_requested
from subpixel.storage.os_errors import free_space

__all__ = ["PipeReader", "PipeWriter", "TooLong", "spool"]

# Seconds of a wait until it is checked again whether it is cancelled.
_WAIT = 0.1
# Bytes that are read or written at a time.
_CHUNK = 1 << 20
# Bytes by which programs tell what a stream is: as many as libavformat reads at most.
_HEAD = 5 << 20
# Free space that is left in the folder of temporary files.
_RESERVE = 64 << 20


class TooLong(OSError):
    """More comes through a pipe than is accepted."""


class _Pipe(io.RawIOBase):
    """An open pipe whose waits end when it is cancelled."""

    def __init__(self, descriptor: int, event: int, stopped: Callable[[], bool]) -> None:
        self._descriptor, self._event, self._stopped = descriptor, event, stopped
        self._cancelled = False
        self._poll: Any = None
        if hasattr(select, "poll"):  # not on Windows
            self._poll = select.poll()
            self._poll.register(descriptor, event)

    def fileno(self) -> int:
        return self._descriptor

    def cancel(self) -> None:
        """End every wait, from any thread."""
        self._cancelled = True

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def _wait(self) -> None:
        """Wait until the pipe is ready.

        Raises:
            KeyboardInterrupt: the pipe was cancelled.
        """
        while not self._cancelled and not self._stopped():
            if self._poll is None or self._poll.poll(_WAIT * 1000):
                return
        raise KeyboardInterrupt


class PipeReader(_Pipe):
    """The reading end of a pipe.

    Args:
        path: of a FIFO or a socket, or one that stands for an open descriptor; an integer for the descriptor itself.
        stopped: returns True when waits should end; by default after an interrupt.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str] | int, stopped: Callable[[], bool] = interrupt_requested) -> None:
        number = path if isinstance(path, int) else descriptor_in(path)
        if number is not None:
            descriptor = os.dup(number)  # a socket cannot be opened a second time by its path
        else:
            # Without O_NONBLOCK, opening would wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))  # type: ignore[arg-type]
        super().__init__(descriptor, getattr(select, "POLLIN", 0), stopped)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while True:
            self._wait()
            try:
                data = os.read(self._descriptor, len(view))
            except BlockingIOError:
                continue
            view[: len(data)] = data
            return len(data)


class PipeWriter(_Pipe):
    """The writing end of a pipe.

    Args:
        path: as for :class:`PipeReader`. A FIFO is opened as soon as there is a reader.
        stopped: returns True when waits should end; by default after an interrupt.

    Raises:
        OSError: it cannot be opened.
        KeyboardInterrupt: ``stopped`` returned True before there was a reader.
    """

    def __init__(self, path: str | os.PathLike[str] | int, stopped: Callable[[], bool] = interrupt_requested) -> None:
        number = path if isinstance(path, int) else descriptor_in(path)
        descriptor = _open_for_writing(path, stopped) if number is None else _writable(number)
        super().__init__(descriptor, getattr(select, "POLLOUT", 0), stopped)
        # If writes may wait, only as much is written at a time as a ready pipe takes at once.
        waits = not hasattr(os, "get_blocking") or os.get_blocking(descriptor)
        special = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._most = getattr(select, "PIPE_BUF", 512) if waits and special else _CHUNK
        if sys.platform == "win32":
            self._most = _CHUNK

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of the data."""
        view = memoryview(data).cast("B")
        size = len(view)
        while view:
            self._wait()
            try:
                view = view[os.write(self._descriptor, view[: self._most]) :]
            except BlockingIOError:
                continue
        return size


def _open_for_writing(path: Any, stopped: Callable[[], bool]) -> int:
    """Open a FIFO. It cannot be opened without waiting before it has a reader (ENXIO)."""
    while True:
        try:
            return os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if stopped():
            raise KeyboardInterrupt
        time.sleep(_WAIT)


def _writable(number: int) -> int:
    """A descriptor of the same pipe, if possible one whose writes do not wait.

    Whether writes wait belongs to the open file, which standard output shares with other programs. So it is opened once
    more, which works on Linux for pipes.
    """
    if stat.S_ISFIFO(os.fstat(number).st_mode):
        try:
            return os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            pass  # no such path, as on macOS, or another user's pipe
    return os.dup(number)


def spool(reader: io.RawIOBase, file: BinaryIO, most: int, check: Callable[[bytes], None] = lambda head: None) -> int:
    """Copy a pipe into a file on disk.

    Args:
        reader: of the pipe.
        file: receives the bytes.
        most: the number of bytes that are accepted.
        check: called once, with the first bytes, if there are many more than a program needs to tell what they are;
            raises an error if they begin nothing that can be read.

    Returns:
        The number of bytes.

    Raises:
        TooLong: more bytes come than are accepted.
        OSError: reading or writing fails, or the disk is nearly full.
    """
    head, size, checked = b"", 0, False
    while chunk := reader.read(_CHUNK):
        size += len(chunk)
        if not checked:
            head += chunk
            if len(head) >= _HEAD:
                check(head)
                head, checked = b"", True
        if size > most:
            raise TooLong(errno.EFBIG, f"more than {most >> 20:,} MiB come through this pipe")
        _check_space(file)
        file.write(chunk)
    file.flush()
    return size


def _check_space(file: BinaryIO) -> None:
    free = free_space(file.fileno())
    if free is not None and free < _RESERVE:
        from tempfile import gettempdir  # only here, since importing it takes long

        place = gettempdir()
        raise OSError(errno.ENOSPC, f"no space left for a temporary file in {place}; TMPDIR names another folder")
