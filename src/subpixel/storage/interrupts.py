"""Interrupts: what SIGINT (Ctrl-C), SIGTERM and SIGHUP do to a run of the command line.

The first signal raises KeyboardInterrupt in the main thread. Later ones are only counted, so nothing disturbs the clean
stop. The third ends the process at once, after the files that it would leave are removed.

The handler sets plain attributes and takes no lock, since a second signal may interrupt it anywhere. A thread counts
the signals: it works even while the main thread is in compiled code, where Python runs no handler. If the main thread
stays there too long, such as in a read that never ends, the thread ends the process as the third signal would.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = [
    "EXIT_CODE",
    "SIGNALS",
    "announce",
    "delayed_end",
    "end_now",
    "handled_signals",
    "interrupt_requested",
    "on_sudden_end",
    "shielded",
]

# SIGHUP comes when the terminal is closed. Windows has none.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
EXIT_CODE = 130
# This many signals end the process without a clean stop.
_MOST = 3
# A byte for the thread that is no signal: an exception was lost and must be raised again.
_AGAIN = 0
# Seconds for which the main thread may not react to the first one.
_PATIENCE = 10.0
# Seconds that a sudden end waits for the blocks of delayed_end().
_PATIENCE_TO_FINISH = 2.0
# Seconds for the main thread to print a message that it has begun.
_PATIENCE_TO_PRINT = 0.5
_STDERR = 2
_PAUSE = 0.02  # seconds until then, in which the code that swallowed it returns


class _State:
    """What the handler and the thread share."""

    requested = False  # a signal came
    handled = False  # this module handles signals
    shields = 0  # shielded blocks around the main thread's work
    postponed = False  # the exception waits for the end of a shielded block
    lost = False  # the exception was swallowed; the next signal raises it again
    printed = False  # the message about the interrupt is out
    wake = -1  # the end of the pipe on which the thread waits


_cleanups: dict[object, Callable[[], object]] = {}
_delays: list[None] = []  # an element for each block that a sudden end waits for
_unprinted = [True]  # the message about the interrupt is to be printed; the thread that does it takes this out


def interrupt_requested() -> bool:
    """Whether a signal asked for the end of the run.

    Loops ask this too, since an exception is lost if it is raised in a destructor or where C calls Python.

    >>> interrupt_requested()
    False
    """
    return _State.requested


@contextmanager
def handled_signals(*, final: bool = False) -> Iterator[None]:
    """Handle signals inside, as described above. Outside of the main thread, or if they are handled, do nothing.

    SIGHUP stays ignored if it was: ``nohup`` asks for that.

    Args:
        final: the process ends after the block. Signals are ignored from then on, since the interpreter's own end is
            short and must not be disturbed; otherwise the earlier handlers come back.
    """
    if _State.handled or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook
    _State.requested = _State.printed = _State.postponed = _State.lost = False
    _State.handled, _State.shields = True, 0
    _unprinted[:] = [True]
    for number in SIGNALS:
        if number == signal.SIGINT or before[number] != signal.SIG_IGN:
            signal.signal(number, _handle)
    waiting, _State.wake = os.pipe()
    os.set_blocking(_State.wake, False)
    outer = signal.set_wakeup_fd(_State.wake, warn_on_full_buffer=False)

    def unraisable(lost: Any) -> None:
        if _is_lost(lost):
            _raise_again()
        elif not issubclass(lost.exc_type, MemoryError):  # the next allocation fails where it can be reported
            hook(lost)

    sys.unraisablehook = unraisable
    watch = threading.Thread(target=_watch, args=(waiting,), name="subpixel-signals", daemon=True)
    try:
        with suppress(RuntimeError):  # no further thread is allowed: then the third signal does nothing
            watch.start()
        yield
    finally:
        _State.shields += 1  # from here on nothing is raised
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if final else handler)
        signal.set_wakeup_fd(outer)
        sys.unraisablehook = hook
        os.close(_State.wake)
        if watch.ident is not None:
            watch.join(1)
        _State.wake, _State.shields = -1, 0
        _State.handled = _State.requested = _State.postponed = False


@contextmanager
def shielded() -> Iterator[None]:
    """Postpone the KeyboardInterrupt until the block ends. A long block asks :func:`interrupt_requested` meanwhile.

    Without :func:`handled_signals`, SIGINT is postponed in the same way. Outside of the main thread, which alone is
    interrupted, nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own = not _State.handled and not _State.shields
    _State.shields += 1
    before = signal.signal(signal.SIGINT, _handle) if own else None
    try:
        yield
    finally:
        if own:
            signal.signal(signal.SIGINT, before)
            _State.requested = False
        _State.shields -= 1
        if _State.postponed and not _State.shields:
            _State.postponed = False
            raise KeyboardInterrupt


@contextmanager
def on_sudden_end(cleanup: Callable[[], object]) -> Iterator[None]:
    """Call ``cleanup`` if the process is ended at once while the block runs; a normal end must clean up by itself.

    It runs in another thread, in the middle of whatever the main thread does, and may fail.
    """
    key = object()
    _cleanups[key] = cleanup
    try:
        yield
    finally:
        _cleanups.pop(key, None)


@contextmanager
def delayed_end() -> Iterator[None]:
    """Let a sudden end wait until the block is left, for two seconds at most: for what must not be half done."""
    _delays.append(None)
    try:
        yield
    finally:
        _delays.pop()


def end_now(code: int) -> None:
    """End the process at once: call the functions of :func:`on_sudden_end`, the last one first, and exit."""
    end = time.monotonic() + _PATIENCE_TO_FINISH
    while _delays and time.monotonic() < end:
        time.sleep(_PAUSE)
    for cleanup in reversed(list(_cleanups.values())):
        with suppress(Exception):
            cleanup()
    if code == EXIT_CODE:
        if _take_message():
            _print_at_once("error: interrupted\n")
        end = time.monotonic() + _PATIENCE_TO_PRINT
        while not _State.printed and time.monotonic() < end:
            time.sleep(_PAUSE)
    os._exit(code)


def announce(message: str) -> None:
    """Print the message about an interrupt to standard error, once in a process, whoever comes first."""
    if _take_message():
        print(message, file=sys.stderr, flush=True)
        _State.printed = True


def _take_message() -> bool:
    """Whether this thread prints the message: one removal from a list succeeds, whatever the threads do meanwhile."""
    try:
        return _unprinted.pop()
    except IndexError:
        return False


def _print_at_once(text: str) -> None:
    """Print to standard error past Python's buffers, whose locks the main thread may hold, if nothing blocks that."""
    with suppress(OSError, ValueError):
        if select.select([], [_STDERR], [], 0)[1]:
            cursor = "\x1b[?25h" if os.isatty(_STDERR) else ""  # a progress bar hides it
            os.write(_STDERR, (cursor + text).encode())
    _State.printed = True


def _handle(number: int, frame: FrameType | None) -> None:
    if _State.requested and not _State.lost:
        return
    _State.requested, _State.lost = True, False
    if _State.shields:
        _State.postponed = True
        return
    raise KeyboardInterrupt


def _watch(waiting: int) -> None:
    """Count signals until the pipe is closed."""
    count = 0
    with open(waiting, "rb", buffering=0) as pipe:
        while True:
            waits = count and not _State.requested and sys.platform != "win32"  # select takes no pipe there
            if waits and not select.select([pipe], [], [], _PATIENCE)[0] and not _State.requested:
                end_now(EXIT_CODE)
            data = pipe.read(64)
            if not data:
                return
            for byte in data:
                if byte == _AGAIN:
                    time.sleep(_PAUSE)
                    count -= 1  # the signal that follows is our own
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                count += byte in SIGNALS
            if count >= _MOST:
                end_now(EXIT_CODE)


def _is_lost(lost: Any) -> bool:
    return _State.handled and _State.requested and issubclass(lost.exc_type, KeyboardInterrupt)


def _raise_again() -> None:
    """Raise the KeyboardInterrupt that a destructor or a callback swallowed once more, a little later."""
    if hasattr(signal, "pthread_kill"):
        _State.lost = True
        with suppress(OSError):
            os.write(_State.wake, bytes([_AGAIN]))
