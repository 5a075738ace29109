"""Claims and scratch files, held by kernel locks that end with their process.

A claim keeps other processes from writing the same result. A scratch file is where a result is written before it is
moved into place. The lock is the kernel's (``flock``), not the presence of a file: after ``kill -9`` it is free, so a
leftover can be told from a file in use. All names have the form ``.NAME.subpixel-…``, in the folder of ``NAME``.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from subpixel.storage.interrupts import on_sudden_end
from subpixel.storage.name_limits import name_limit
from subpixel.storage.os_errors import link_text

__all__ = ["claim", "is_scratch_name", "remove_leftovers", "scratch_file", "scratch_path"]

_OURS = re.compile(r"\..+\.subpixel-(lock|[0-9a-f]{12}(\.\w+)?)", re.DOTALL)
# A scratch file's name is longer than that of its result by at most this many bytes.
_ADDED_BYTES = 55
# Names of up to this many bytes fit nearly everywhere with what is added; encrypted folders allow the fewest, 143.
_SHORT_NAME_BYTES = 88
# A link in the place of a claim or scratch file is not ours: another user of the folder may have put it there, to have
# a file made or held elsewhere.
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
# The errors of a file system without locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Claim a result, so that no other process writes it too.

    On a file system without locks, every claim succeeds. Two runs may then do the same work, but neither harms the
    other, since each result is moved into place in one step.

    Args:
        path: the file that will be written.

    Yields:
        True if the claim is ours, False if another process holds it.

    Raises:
        OSError: the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, claim(Path(folder, "out.png")) as ours:
    ...     ours
    True
    """
    name = scratch_path(path, "lock")
    handle = _open_locked(name, os.O_CREAT)
    if handle is None:
        yield False
        return
    with on_sudden_end(name.unlink):
        try:
            yield True
        finally:
            _remove(name, handle)


@contextmanager
def scratch_file(path: Path, suffix: str = "") -> Iterator[Path]:
    """Create an empty file in the folder of ``path``, locked while it is in use and removed at the end.

    Its name is plain ASCII if that of ``path`` is not valid UTF-8.

    Args:
        path: the file that the scratch file will replace.
        suffix: of the scratch file's name, with its dot.

    Yields:
        The path of the scratch file.

    Raises:
        OSError: the folder cannot be written.
    """
    name = scratch_path(path, f"{secrets.token_hex(6)}{suffix}")
    with on_sudden_end(name.unlink):
        handle = _open_locked(name, os.O_CREAT | os.O_EXCL)
        if handle is None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name))
        if sys.platform == "win32":  # an open file cannot be renamed there, nor can one that is written be removed
            os.close(handle)
            handle = None
        try:
            yield name
        finally:
            _remove(name, handle)


def remove_leftovers(folder: Path) -> int:
    """Remove the claims and scratch files that ended processes left in a folder.

    Returns:
        How many files were removed.
    """
    removed = 0
    try:
        names = [entry.name for entry in os.scandir(folder) if is_scratch_name(entry.name)]
    except OSError:
        return 0  # an unusable folder is reported when something is written there
    for name in names:
        with suppress(OSError):  # it has just been removed, or belongs to another user
            handle = _open_locked(folder / name, need_lock=True)
            if handle is not None:
                _remove(folder / name, handle)
                removed += 1
    return removed


def is_scratch_name(name: str) -> bool:
    """Whether a file name is that of a claim or a scratch file.

    >>> is_scratch_name(scratch_path(Path("out.png"), "lock").name), is_scratch_name("out.png")
    (True, False)
    """
    return _OURS.fullmatch(name) is not None


def scratch_path(path: Path, name: str) -> Path:
    """The path of a file or folder that belongs to ``path`` and lies in the same folder.

    >>> scratch_path(Path("videos/out.mkv"), "video").as_posix()
    'videos/.out.mkv.subpixel-video'
    """
    return path.with_name(_prefix(path) + name)


def _prefix(path: Path) -> str:
    """The start of all names that belong to one file: short enough, and of characters that every library can open."""
    name = os.fsencode(path.name)
    try:
        name.decode()
        usable = len(name) <= _SHORT_NAME_BYTES or len(name) + _ADDED_BYTES <= name_limit(path.parent)
    except UnicodeDecodeError:
        usable = False
    return f".{path.name if usable else hashlib.sha256(name).hexdigest()[:32]}.subpixel-"


def _open_locked(path: Path, flags: int = 0, *, need_lock: bool = False) -> int | None:
    """Open and lock a file; None if another process holds the lock, or with ``need_lock`` if there are no locks."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | _NO_LINK | flags, 0o666)
        except OSError as error:
            if error.errno != errno.ELOOP or not path.is_symlink():
                raise
            raise OSError(errno.ELOOP, link_text(path), str(path)) from None
        try:
            locked = _lock(handle)
            if locked == "none" and not need_lock:
                return handle
            # The previous holder removes the file before it frees the lock: the name may now belong to another file.
            if locked == "locked" and _is_at(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if locked != "locked":
            return None


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False


def _remove(path: Path, handle: int | None) -> None:
    if sys.platform == "win32":  # an open file cannot be removed there
        if handle is not None:
            os.close(handle)
        with suppress(OSError):
            path.unlink()
        return
    try:
        path.unlink(missing_ok=True)
    finally:
        if handle is not None:
            os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> str:
        """``locked``, or ``taken`` by another process. The locked byte lies far behind the end: others may write."""
        os.lseek(handle, 1 << 40, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return "taken"
        return "locked"

else:
    import fcntl

    def _lock(handle: int) -> str:
        """``locked``, ``taken`` by another process, or ``none`` where the file system has no locks."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "taken"
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return "none"
        return "locked"
