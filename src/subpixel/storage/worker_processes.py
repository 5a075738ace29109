"""Starting worker processes, and saying how one ended.

They are spawned, never forked: a fork would copy the locks of libvips' and the engine's threads in whatever state they
are. And they take no module from the current folder, which may be a stranger's: Python's ``-c``, by which processes are
spawned, looks there first, so a file ``multiprocessing.py`` among the images would run.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from typing import Any

from subpixel.storage.interrupts import SIGNALS, delayed_end, end_now, shielded

__all__ = ["describe_end", "leave_signals_to_parent", "start_process"]

_SPAWN = get_context("spawn")


def start_process(target: Callable[..., None], arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """Start a process that ignores signals, which this one handles, and whose libvips has one thread.

    Args:
        target: called in the process with the other end of the pipe and ``arguments``. It calls
            :func:`leave_signals_to_parent` first.
        arguments: can be pickled.

    Returns:
        The process, and this end of its pipe.
    """
    # A process ends with a traceback if its start is interrupted, or if this one ends before it has told it what to do.
    with shielded(), delayed_end(), _quiet_start():
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def leave_signals_to_parent() -> None:
    """In a worker process: ignore signals, and end as soon as the parent ends, in the middle of a task too."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="subpixel-parent", daemon=True).start()


def describe_end(code: int | None) -> str:
    """How a process ended, by its exit code, for an error.

    >>> describe_end(-9)
    'its process was killed from outside, as happens when memory runs out'
    >>> describe_end(-11)
    'its process crashed (exit code -11)'
    """
    if code == -signal.SIGTERM or code == -getattr(signal, "SIGKILL", 9):
        return "its process was killed from outside, as happens when memory runs out"
    return f"its process crashed (exit code {code})"


@contextmanager
def _quiet_start() -> Iterator[None]:
    # By default libvips has as many threads as there are cores. It reads its variable when it is loaded, and Python the
    # other when it starts.
    wanted = {"VIPS_CONCURRENCY": "1", "PYTHONSAFEPATH": "1"}
    old = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    masks = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS) if masks else set()
    try:
        if masks:
            # The first process would start this helper of multiprocessing, which then unblocks signals.
            resource_tracker.ensure_running()
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for name, value in old.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        end_now(1)
