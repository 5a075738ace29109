"""Decoding, upscaling and encoding at the same time, with bounded queues between them.

The caller's thread upscales; the engine divides each frame among its own threads. If a stage fails, or on Ctrl-C, the
other stages stop, the frames in the queues are dropped, and the first error is raised.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Generic, TypeVar

from subpixel.storage.interrupts import interrupt_requested, shielded

__all__ = ["DEPTH", "Clock", "Stages"]

A = TypeVar("A")
B = TypeVar("B")

# Frames in a queue between two stages: enough that no stage waits for a single slow frame of another.
DEPTH = 4
# How often, in seconds, a waiting thread checks whether it must stop.
_POLL = 0.1


class Clock:
    """The seconds for which a stage works, without waiting. It is a context; any thread may read it meanwhile."""

    def __init__(self) -> None:
        self._state: tuple[float, float | None] = 0.0, None  # seconds before, and the start of the present work

    @property
    def seconds(self) -> float:
        """The seconds until now."""
        before, start = self._state
        return before if start is None else before + time.perf_counter() - start

    def __enter__(self) -> None:
        self._state = self.seconds, time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._state = self.seconds, None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still during a block inside."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()


class Stages(Generic[A, B]):
    """Three stages of work on a sequence of items.

    Args:
        first: produces the items, in a thread of its own.
        middle: turns an item into any number of results, in the thread that calls :meth:`run`.
        rest: returns the remaining results after the last item.
        last: consumes the results in order, in a thread of its own; returns when they end.
        depth: the length of each queue.
        cancel: called when a stage fails, to end waits that do not depend on another stage, such as for a pipe.
    """

    def __init__(
        self,
        first: Iterable[A],
        middle: Callable[[A], Iterable[B]],
        rest: Callable[[], Iterable[B]],
        last: Callable[[Iterator[B]], None],
        depth: int = DEPTH,
        cancel: Callable[[], None] = lambda: None,
    ) -> None:
        self._cancel = cancel
        self._first, self._middle, self._rest, self._last = first, middle, rest, last
        self._items: queue.Queue[A | None] = queue.Queue(depth)
        self._results: queue.Queue[B | None] = queue.Queue(depth)
        self._stop = False  # not an Event, whose lock an interrupt could leave held
        self._error: BaseException | None = None
        self.clocks = {name: Clock() for name in ("decode", "upscale", "encode")}

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds for which each stage worked until now, without waiting."""
        return {name: clock.seconds for name, clock in self.clocks.items()}

    def run(self) -> None:
        """Run all stages to the end; raise the first error of a stage."""
        threads = [threading.Thread(target=self._guard, args=(work,)) for work in (self._produce, self._consume)]
        finished = False
        try:
            for thread in threads:
                thread.start()
            for item in self._receive(self._items):
                if interrupt_requested():  # and the exception was lost
                    raise KeyboardInterrupt
                with self.clocks["upscale"]:
                    results = self._middle(item)
                for result in results:
                    self._put(self._results, result)
            with self.clocks["upscale"]:
                results = self._rest()
            for result in results:
                self._put(self._results, result)
            self._put(self._results, None)
            finished = True
        except BaseException as error:  # noqa: BLE001 - raised again at the end of run
            # KeyboardInterrupt too: no thread may continue after a request to stop.
            self._fail(error)
        finally:
            with shielded():
                self._join(threads, stop=not finished)
        if self._error is not None:
            raise self._error

    def _join(self, threads: Sequence[threading.Thread], *, stop: bool) -> None:
        """Wait until the threads end, which they do soon after a request to stop."""
        for thread in threads:
            while thread.ident is not None and thread.is_alive():
                self._stop = self._stop or stop or interrupt_requested()
                thread.join(_POLL)

    def _produce(self) -> None:
        items = iter(self._first)
        while True:
            with self.clocks["decode"]:
                item = next(items, None)
            self._put(self._items, item)
            if item is None or self._stop:
                return

    def _consume(self) -> None:
        clock = self.clocks["encode"]
        with clock:
            self._last(self._receive(self._results, clock))

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again at the end of run
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None and not isinstance(error, _Stopped):
            self._error = error
        self._stop = True
        self._cancel()

    def _receive(self, source: queue.Queue[A | None] | queue.Queue[B | None], clock: Clock | None = None) -> Iterator:  # type: ignore[type-arg]
        """The items of a queue until its end. ``clock`` stands still while the queue is waited for."""
        while True:
            with nullcontext() if clock is None else clock.paused():
                item = self._get(source)
            if item is None:
                return
            yield item

    def _put(self, target: queue.Queue, item: A | B | None) -> None:  # type: ignore[type-arg]
        while not self._stop:
            try:
                return target.put(item, timeout=_POLL)
            except queue.Full:
                continue
        raise _Stopped

    def _get(self, source: queue.Queue) -> A | B | None:  # type: ignore[type-arg]
        while not self._stop:
            try:
                return source.get(timeout=_POLL)  # type: ignore[no-any-return]
            except queue.Empty:
                continue
        raise _Stopped


class _Stopped(Exception):
    """Ends a stage's thread after another stage failed; it is never reported."""
