"""Locks that end with their process, however it ends, and what rests on them: claims and scratch files.

A lock is the kernel's (``flock``), not the presence of a file: after ``kill -9`` it is free, so what lies there can be
told from what somebody is at work on. Names say whose files these are: ``.NAME.subpixel-…`` beside ``NAME``.
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

__all__ = ["claim", "is_scratch_name", "remove_leftovers", "scratch_file", "scratch_path"]

_OURS = re.compile(r"\..+\.subpixel-(lock|[0-9a-f]{12}(\.\w+)?)", re.DOTALL)
# A name holds 255 bytes in most file systems; ours is longer than the one it stands for.
_LONGEST = 200
# What a file system without locks answers.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Claim a result, so that no other process makes it too.

    Where the file system has no locks every claim succeeds: two runs may then do the same work, and still neither
    harms the other, since results are put in place in one step.

    Returns:
        False if another process holds it.

    Raises:
        OSError: the folder cannot be written.
    """
    name = scratch_path(path, "lock")
    handle = _open_locked(name, os.O_CREAT)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        _remove(name, handle)


@contextmanager
def scratch_file(path: Path, suffix: str = "") -> Iterator[Path]:
    """An empty file beside ``path``, gone at the end, and told from a forgotten one by its lock until then.

    Its own name is plain ASCII if that of ``path`` cannot be written as UTF-8.

    Raises:
        OSError: the folder cannot be written.
    """
    name = scratch_path(path, f"{secrets.token_hex(6)}{suffix}")
    handle = _open_locked(name, os.O_CREAT | os.O_EXCL)
    if handle is None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(name))
    if sys.platform == "win32":  # which renames no open file; there whoever writes it keeps it from being removed
        os.close(handle)
        handle = None
    try:
        yield name
    finally:
        _remove(name, handle)


def remove_leftovers(folder: Path) -> int:
    """Remove what processes that are no more left in a folder; returns how many files that were."""
    removed = 0
    try:
        names = [entry.name for entry in os.scandir(folder) if is_scratch_name(entry.name)]
    except OSError:
        return 0  # what is wrong with the folder shows when something is written there
    for name in names:
        with suppress(OSError):  # it is gone meanwhile, or belongs to another user
            handle = _open_locked(folder / name, must=True)
            if handle is not None:
                _remove(folder / name, handle)
                removed += 1
    return removed


def is_scratch_name(name: str) -> bool:
    """Whether a file is a claim or a scratch file, by its name."""
    return _OURS.fullmatch(name) is not None


def scratch_path(path: Path, name: str) -> Path:
    """A name of ours beside ``path``, of what belongs to it."""
    return path.with_name(_prefix(path) + name)


def _prefix(path: Path) -> str:
    """The same for every spelling of one name, short enough, and of characters that any library can open."""
    name = os.fsencode(path.name)
    try:
        name.decode()
        plain = len(name) <= _LONGEST
    except UnicodeDecodeError:
        plain = False
    return f".{path.name if plain else hashlib.sha256(name).hexdigest()[:32]}.subpixel-"


def _open_locked(path: Path, flags: int = 0, *, must: bool = False) -> int | None:
    """The file of that name, locked; None if another holds the lock, or, with ``must``, if there are no locks here."""
    while True:
        handle = os.open(path, os.O_RDWR | flags, 0o666)
        try:
            locked = _lock(handle)
            if locked == "none" and not must:
                return handle
            # Whoever held it removed the file before the lock was free: then this is no longer the file of that name.
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
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _remove(path: Path, handle: int | None) -> None:
    if sys.platform == "win32":  # which removes no open file
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
        """``locked``, or ``taken`` by another process. A locked byte keeps others from writing: it lies far behind."""
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
