"""A pool whose workers are objects of this process: what they do, and in which order, is decided by the test."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence
from typing import Any

from subpixel.cluster.pool import Cluster
from subpixel.cluster.scheduler import Event, Lost
from subpixel.cluster.worker import Worker
from subpixel.errors import ClusterError

__all__ = ["LocalPool"]


class LocalPool:
    """As :class:`subpixel.cluster.pool.RayPool`, without Ray. Everything is pickled on its way.

    Args:
        cluster, rules, note: as for RayPool.
        seed: of the order in which workers finish.
        lost: whether the worker that has the n-th task is lost, before or after it has done the task.
    """

    def __init__(
        self,
        cluster: Cluster,
        rules: dict[str, Any],
        note: Callable[[str], None],
        *,
        seed: int = 0,
        lost: Callable[[int], str] = lambda number: "",
    ) -> None:
        self._rules, self._note, self._lost = rules, note, lost
        self.count = cluster.workers or 2
        self._random = random.Random(seed)
        self._workers: dict[int, Worker] = {}
        self._tasks: dict[int, bytes] = {}
        self._events: list[Event] = []
        self._next = self.sent = 0

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.end()

    def open(self, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
        self._make = pickle.dumps((make, arguments))
        for _ in range(self.count):
            self._add()
        if not self._workers:
            raise ClusterError("no worker can do this job")

    def _add(self) -> None:
        worker, number = Worker(), self._next
        self._next += 1
        why = worker.greet(self._rules)[2] or worker.begin(*pickle.loads(self._make))
        if why is not None:
            self._note(why)
            return
        self._workers[number] = worker
        self._events.append(Event(number))

    def send(self, worker: int, task: Any) -> None:
        assert worker in self._workers
        assert worker not in self._tasks
        self._tasks[worker] = pickle.dumps(task)

    def wait(self, seconds: float) -> Sequence[Event]:
        if self._events:
            events, self._events = self._events, []
            return events
        if not self._tasks:
            raise AssertionError("nothing is left to wait for")
        number = self._random.choice(sorted(self._tasks))
        task = pickle.loads(self._tasks.pop(number))
        how = self._lost(self.sent)
        self.sent += 1
        answer = None if how == "before" else self._workers[number].work(task)
        if not how:
            return [Event(number, pickle.loads(pickle.dumps(answer)))]
        del self._workers[number]
        self._add()
        return [Event(number, Lost("it was lost"))]
