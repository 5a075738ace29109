"""What a path leads to: a file, a folder, a pipe or a device, found without opening it.

Opening a pipe waits for its other end, and opening a device may do something to it. So both are recognised first.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import Literal

__all__ = ["FileKind", "descriptor_in", "file_kind", "open_file"]

FileKind = Literal["file", "folder", "pipe", "device", "missing"]

# Paths through which Unix offers the open descriptors of a process.
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")


def file_kind(path: str | os.PathLike[str]) -> FileKind:
    """What a path leads to; links are followed.

    A pipe is anything that can be read once, in order: a FIFO, a socket, and a terminal or ``/dev/null`` if it is named
    as an open descriptor (``/dev/stdin``, ``/dev/fd/63``).

    >>> file_kind(os.curdir), file_kind("no such file")
    ('folder', 'missing')
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return "missing"  # opening it tells why
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        return "pipe"
    return "pipe" if stat.S_ISCHR(mode) and descriptor_in(path) is not None else "device"


def descriptor_in(path: str | os.PathLike[str]) -> int | None:
    """The number of the open descriptor that a path stands for; None for any other path.

    >>> descriptor_in("/dev/stdin"), descriptor_in("/dev/fd/63"), descriptor_in("image.png")
    (0, 63, None)
    """
    text = os.fspath(path)
    match = _DESCRIPTOR.fullmatch(text)
    return int(match[1]) if match else _STANDARD.get(text)


def open_file(path: str | os.PathLike[str], flags: int = os.O_RDONLY) -> int:
    """Open a regular file, and nothing else. Never waits. Returns the descriptor.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe or a device.
    """
    kind = file_kind(path)
    # Between the look and the opening the path may come to lead to a pipe, whose opening would wait.
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    if kind in ("file", "missing"):
        descriptor = os.open(path, flags)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        kind = file_kind(path)
    reason = {"folder": "this is a folder", "pipe": "this is a pipe"}.get(kind, "this is a device")
    raise OSError(errno.EISDIR if kind == "folder" else errno.EINVAL, f"{reason}, not a file", os.fspath(path))
