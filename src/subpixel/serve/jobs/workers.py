"""The worker processes of a server: started again when they end, each with one task at a time.

They are used from the server's event loop. A thread for each one waits for its messages, so nothing polls.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from subpixel.serve.processes.worker import Limits, work
from subpixel.serve.settings import Settings
from subpixel.storage.memory import available_memory
from subpixel.storage.worker_processes import describe_end, start_process

__all__ = ["Worker", "Workers", "limits_of"]

# Of the memory that is free at the start, what workers may use; and the least for one.
_FREE_SHARE, _LEAST_MEMORY = 0.9, 2 << 30
_MOST_MESSAGE = 1 << 20  # bytes; results are files
_LAST_SECONDS = 2.0  # for a process to end that has closed its pipe
_LONGEST_PAUSE = 30.0  # seconds before another attempt to start a process that ends at its start


def limits_of(settings: Settings) -> Limits:
    """What each worker of a server may take."""
    memory = settings.memory
    if memory is None:
        free = available_memory()
        memory = None if free is None else max(_LEAST_MEMORY, int(free * _FREE_SHARE) // settings.workers)
    return Limits(memory, settings.threads, settings.limit, settings.result_limit, settings.video_seconds)


@dataclass(eq=False)
class Worker:
    """A process.

    Args:
        process: of multiprocessing.
        pipe: its messages.
        ready: whether it has loaded what it needs.
        task: what it does; None if it waits.
        since: when its task began, by the monotonic clock.
        late: whether it was ended because its task took too long.
        killed: whether it is about to end: it gets no further task.
        timer: ends it if its task takes too long.
    """

    process: Any
    pipe: Any
    ready: bool = False
    task: Any = None
    since: float = 0.0
    late: bool = False
    killed: bool = False
    timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a task."""
        return self.ready and self.task is None and not self.killed

    def give(self, task: Any, message: dict[str, Any]) -> None:
        """Give a task to a worker that waits."""
        self.task, self.since = task, time.monotonic()
        with suppress(OSError):  # it has just ended, which its thread reports
            self.pipe.send_bytes(json.dumps(message).encode())

    def kill(self) -> None:
        """End the process at once. Its files are complete or scratch files, so nothing is lost but its task."""
        self.killed = True
        self.process.kill()

    def rest(self) -> None:
        """Its task is done."""
        self.task = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@dataclass(eq=False)
class Workers:
    """Some processes.

    Args:
        count: how many.
        limits: of each.
        on_message: called with a worker and its message.
        on_end: called with a worker that ended, and how, in a few words.
        on_ready: called when a worker waits for tasks.
    """

    count: int
    limits: Limits
    on_message: Callable[[Worker, dict[str, Any]], None]
    on_end: Callable[[Worker, str], None]
    on_ready: Callable[[], None]
    all: list[Worker] = field(default_factory=list)
    restarts: int = 0
    _closing: bool = False
    _failures: int = 0
    _loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the processes. Called in the event loop."""
        self._loop = asyncio.get_running_loop()
        for _ in range(self.count - len(self.all)):
            self._start_one()

    def idle(self) -> Worker | None:
        """A worker that waits."""
        return next((worker for worker in self.all if worker.is_idle), None)

    def busy(self) -> list[Worker]:
        """Those that work."""
        return [worker for worker in self.all if worker.task is not None]

    def close(self) -> None:
        """End all processes at once."""
        self._closing = True
        for worker in self.all:
            worker.kill()
        for worker in self.all:
            worker.process.join(5)
        self.all.clear()

    def _start_one(self) -> None:
        if self._closing or len(self.all) >= self.count:
            return
        process, pipe = start_process(work, (self.limits,))
        worker = Worker(process, pipe)
        self.all.append(worker)
        threading.Thread(target=self._listen, args=(worker,), name="subpixel-worker", daemon=True).start()

    def _listen(self, worker: Worker) -> None:
        """In a thread: pass messages on until the process ends."""
        assert self._loop is not None
        try:
            while True:
                message = json.loads(worker.pipe.recv_bytes(_MOST_MESSAGE))
                self._loop.call_soon_threadsafe(self._message, worker, message)
        except (EOFError, OSError, ValueError):
            worker.killed = True
        worker.process.join(_LAST_SECONDS)  # how it ends by itself is told
        worker.kill()  # if it sent what is no message
        worker.process.join()
        worker.pipe.close()
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._ended, worker)

    def _message(self, worker: Worker, message: dict[str, Any]) -> None:
        if message["event"] == "ready":
            worker.ready, self._failures = True, 0
            self.on_ready()
            return
        self.on_message(worker, message)

    def _ended(self, worker: Worker) -> None:
        if worker in self.all:
            self.all.remove(worker)
        if self._closing:
            return
        self.restarts += 1
        how = describe_end(worker.process.exitcode)
        self.on_end(worker, how)
        pause = 0.0
        if not worker.ready:
            print(f"error: a worker did not start: {how}; it is tried again", file=sys.stderr, flush=True)
            pause, self._failures = min(_LONGEST_PAUSE, 2.0**self._failures), self._failures + 1
        assert self._loop is not None
        self._loop.call_later(pause, self._start_one)
