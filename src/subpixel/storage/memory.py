"""Memory: what a limit of this process leaves, and which errors mean that there is not enough.

A limit (``ulimit -v``) counts addresses, not pages in use. Libraries meet it anywhere: some report another error, some
abort. So work asks first whether its memory is there, where there is a limit at all.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subpixel.errors import FileChanged, OutOfMemory, SubpixelError

__all__ = [
    "HELP",
    "TILE_HELP",
    "available_memory",
    "is_memory_error",
    "is_memory_tight",
    "memory_errors",
    "memory_left",
    "require_memory",
    "save_addresses",
    "stack_size",
]

# What helps, for errors. An upscaler of images also has tiles.
HELP = "threads=1 needs less"
TILE_HELP = "threads=1 or tile=128 needs less"

# Texts of libraries that are out of memory, or cannot start a thread for that reason. They also name files, which a dot
# tells from a text.
_TEXTS = re.compile(
    r"out of memory(?!\S)|(?:cannot|can't|unable to|failed to|could ?n[o']t) allocate|bad_alloc|malloc of size"
    r"|memory allocation (?:still )?(?:error|fail)|failed to map segment|error creating thread"
    r"|resource temporarily unavailable",
    re.IGNORECASE,
)
# Texts that say nothing about the reason. With little memory left, that is the reason.
_VAGUE = re.compile(
    r"unable to write to target|unknown error|generic error|load error|cannot open shared object|cannot load library"
    r"|C-extensions failed|invalid data found|returned NULL|error return without exception|internal error"
    r"|can't start new thread",
    re.IGNORECASE,
)
# Addresses in bytes between the most that were in use and the limit, below which vague errors are blamed on it.
_TIGHT = 128 << 20
_M_ARENA_MAX = -8  # of mallopt, in glibc's malloc.h


# The most that each limit left at the start of a kind of work.
_most_left: dict[tuple[str, int], int] = {}


def available_memory() -> int | None:
    """Bytes of the machine, or of its container, that programs do not use; None where the system does not say."""
    try:
        found = [int(_fields("/proc/meminfo")["MemAvailable"].split()[0]) << 10]
    except (OSError, KeyError):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            lines = (group / "memory.stat").read_text().splitlines()
            used = next(int(line.split()[1]) for line in lines if line.startswith("anon "))
            found.append(max(0, int(limit) - used))
    except (OSError, StopIteration):
        pass  # no container, or one that does not tell
    return min(found)


def memory_left() -> int | None:
    """Bytes that this process may still allocate by its own limits (``ulimit -v`` and ``-d``); None without a limit."""
    return _left("VmSize", "VmData")


def stack_size() -> int:
    """Bytes that each new thread reserves for its stack."""
    import resource

    soft = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return 8 << 20 if soft == resource.RLIM_INFINITY else soft


def save_addresses() -> None:
    """Where there is a limit, let libraries reserve less: glibc 64 MiB for each thread, OpenBLAS 40.

    OpenBLAS is part of NumPy; nothing here needs more than one of its threads.
    """
    if memory_left() is None:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def require_memory(needed: int, name: str, help_text: str = HELP, kind: str = "") -> None:
    """Check before the work that a limit of this process leaves enough; without a limit, do nothing.

    Args:
        needed: bytes.
        name: what the memory is for, at the start of the error.
        help_text: what needs less.
        kind: of the work, if there may be several pieces of it one after another: what the first one took counts as
            free, since the next one takes it again.

    Raises:
        OutOfMemory: there is less.
    """
    left = memory_left()
    if left is None:
        return
    if kind:
        key = kind, _limits()[0]
        _most_left[key] = left = max(left, _most_left.get(key, 0))
    if left < needed:
        raise OutOfMemory(
            f"{name}: not enough memory: about {_megabytes(needed)} are needed, and the limit of this process "
            f"(ulimit -v) leaves {_megabytes(left)}{'; ' * bool(help_text)}{help_text}"
        )


@contextmanager
def memory_errors(name: str, help_text: str = HELP) -> Iterator[None]:
    """Raise :class:`subpixel.errors.OutOfMemory` in place of every error that means it.

    Args:
        name: what the memory is for.
        help_text: what needs less.
    """
    try:
        yield
    except OutOfMemory:
        raise
    except Exception as error:
        if not is_memory_error(error):
            raise
        raise OutOfMemory(f"{name}: not enough memory; {help_text}") from error


def is_memory_error(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, means that memory ran out.

    >>> is_memory_error(RuntimeError("std::bad_alloc")), is_memory_error(ValueError("a wrong value"))
    (True, False)
    """
    while error is not None:
        if isinstance(error, FileChanged):
            return False  # what a changed file led to says nothing
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if not isinstance(error, SubpixelError):  # whose text names files, and which follows another error
            text = str(error)
            if _TEXTS.search(text) or (_VAGUE.search(text) and is_memory_tight()):
                return True
        error = error.__cause__ or error.__context__
    return False


def is_memory_tight() -> bool:
    """Whether the limit of this process was nearly reached, so that errors without a reason are due to it."""
    left = _left("VmPeak", "VmData")
    return left is not None and left < _TIGHT


def _left(addresses: str, data: str) -> int | None:
    """What the limits leave beside two figures of ``/proc/self/status``; None without a limit or without the file."""
    limits = {name: limit for name, limit in zip((addresses, data), _limits(), strict=True) if limit >= 0}
    if not limits:
        return None
    try:
        fields = _fields("/proc/self/status")
    except OSError:
        return None
    used = {name: int(value.split()[0]) << 10 for name, value in fields.items() if value.endswith(" kB")}
    return min(limit - used.get(name, 0) for name, limit in limits.items())


def _fields(path: str) -> dict[str, str]:
    """The lines of a file of the system, as ``MemAvailable:  100 kB``."""
    pairs = (line.split(":", 1) for line in Path(path).read_text().splitlines() if ":" in line)
    return {name: value.strip() for name, value in pairs}


def _limits() -> tuple[int, int]:
    """The limits of addresses and of data in bytes; negative for none."""
    try:
        import resource
    except ImportError:  # Windows
        return -1, -1
    addresses, data = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return addresses, data


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
