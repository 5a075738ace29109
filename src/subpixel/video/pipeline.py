"""Decoding, upscaling and encoding side by side, with bounded queues between them.

The caller's thread upscales: the engine shares a frame out to its own threads. A stage that fails, or Ctrl-C, stops the
others; what is in the queues is dropped, and the first error is the one that is raised.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["DEPTH", "Clock", "Stages"]

A = TypeVar("A")
B = TypeVar("B")

# Frames that wait between two stages: enough that none waits for a single slow frame of another.
DEPTH = 4
# Seconds after which a thread that waits looks whether it is still wanted.
_LOOK = 0.1


class Clock:
    """Seconds that a stage was at work, waiting left out."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._begun


class Stages(Generic[A, B]):
    """Three stages of work on a stream of items.

    Args:
        first: makes items, in a thread of its own.
        middle: what becomes of each, none, one or more, in the thread that calls :meth:`run`.
        rest: what is still to come when there are no more items.
        last: takes the outcomes in order, in a thread of its own; returns when they end.
        depth: items in each queue.
    """

    def __init__(
        self,
        first: Iterable[A],
        middle: Callable[[A], Iterable[B]],
        rest: Callable[[], Iterable[B]],
        last: Callable[[Iterator[B]], None],
        depth: int = DEPTH,
    ) -> None:
        self._first, self._middle, self._rest, self._last = first, middle, rest, last
        self._made: queue.Queue[A | None] = queue.Queue(depth)
        self._done: queue.Queue[B | None] = queue.Queue(depth)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self.clocks = {name: Clock() for name in ("decode", "upscale", "encode")}

    def run(self) -> None:
        """Do all of it; raises what a stage raised."""
        threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._make, self._take)]
        for thread in threads:
            thread.start()
        try:
            for item in self._items(self._made):
                with self.clocks["upscale"]:
                    outcomes = self._middle(item)
                for outcome in outcomes:
                    self._put(self._done, outcome)
            for outcome in self._rest():
                self._put(self._done, outcome)
            self._put(self._done, None)
        except BaseException as error:  # noqa: BLE001 - raised again at the end of run
            # KeyboardInterrupt as well: nothing may go on behind the back of who asked for a stop.
            self._fail(error)
        finally:
            for thread in threads:
                thread.join()
        if self._error is not None:
            raise self._error

    def _make(self) -> None:
        items = iter(self._first)
        while True:
            with self.clocks["decode"]:
                item = next(items, None)
            self._put(self._made, item)
            if item is None or self._stop.is_set():
                return

    def _take(self) -> None:
        self._last(self._items(self._done, self.clocks["encode"]))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again at the end of run
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None and not isinstance(error, _Stopped):
            self._error = error
        self._stop.set()

    def _items(self, source: queue.Queue[A | None] | queue.Queue[B | None], clock: Clock | None = None) -> Iterator:  # type: ignore[type-arg]
        """What comes, until it ends. ``clock`` runs while whoever asks is at work on it."""
        while (item := self._get(source)) is not None:
            if clock is None:
                yield item
            else:
                with clock:
                    yield item

    def _put(self, target: queue.Queue, item: A | B | None) -> None:  # type: ignore[type-arg]
        while not self._stop.is_set():
            try:
                return target.put(item, timeout=_LOOK)
            except queue.Full:
                continue
        raise _Stopped

    def _get(self, source: queue.Queue) -> A | B | None:  # type: ignore[type-arg]
        while not self._stop.is_set():
            try:
                return source.get(timeout=_LOOK)  # type: ignore[no-any-return]
            except queue.Empty:
                continue
        raise _Stopped


class _Stopped(Exception):
    """Another stage failed; nobody is told."""
