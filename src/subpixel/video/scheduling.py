"""Threads keep their scheduling, whatever an encoder makes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["ordinary_scheduling"]

_THREADS = "/proc/self/task"


@contextmanager
def ordinary_scheduling() -> Iterator[None]:
    """Open encoders in this block.

    Where the process may do that, as root in a container may, SVT-AV1 gives its threads and the one that opens it the
    highest real-time priority. All other programs would then wait for the video, those that the user works with among
    them. After this block, threads that became real-time have the scheduling of the calling thread before it.
    """
    if sys.platform != "linux":  # elsewhere it does not do that
        yield
        return
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _real_time_threads()
    try:
        yield
    finally:
        for thread in _real_time_threads() - before:
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setscheduler(thread, policy, param)


def _real_time_threads() -> set[int]:
    try:
        threads = [int(name) for name in os.listdir(_THREADS)]
    except FileNotFoundError:  # no /proc: then the calling thread alone
        threads = [0]
    found = set()
    for thread in threads:
        with suppress(ProcessLookupError):  # it has ended
            if os.sched_getscheduler(thread) in (os.SCHED_FIFO, os.SCHED_RR):
                found.add(thread)
    return found
