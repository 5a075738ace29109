"""Short tasks that are no jobs, estimates and previews, in a process of their own: jobs do not hold them up.

The process is started with the first of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subpixel.serve.jobs.workers import Worker, Workers
from subpixel.serve.problems import Problem
from subpixel.serve.processes.worker import Limits

__all__ = ["Asides"]

# Seconds for one of them, and how many may wait.
_SECONDS, _QUEUE = 60.0, 32


@dataclass(eq=False)
class _Aside:
    message: dict[str, Any]
    answer: asyncio.Future[dict[str, Any]]


class Asides:
    """Runs short tasks one after another.

    Args:
        limits: of the process.
    """

    def __init__(self, limits: Limits) -> None:
        self.workers = Workers(1, limits, self._on_message, self._on_end, self._dispatch)
        self._queue: deque[_Aside] = deque()

    def close(self) -> None:
        """End at once; who waits is told."""
        waiting = [*self._queue, *(worker.task for worker in self.workers.busy())]
        self.workers.close()
        for aside in waiting:
            if not aside.answer.done():
                aside.answer.set_exception(Problem("unavailable", "the server is stopping", retry_after=10))

    async def run(self, name: str, source: Path, shown: str, **message: Any) -> dict[str, Any]:
        """Run a task.

        Args:
            name: of the task.
            source: its file.
            shown: the client's name for it.
            message: what else the task needs.

        Returns:
            What the task found.

        Raises:
            Problem: it failed, or took too long.
        """
        if len(self._queue) >= _QUEUE:
            raise Problem("queue-full", "too many previews and estimates wait; ask again later", retry_after=5)
        task = {"task": name, "source": str(source), "folder": str(source.parent), "name": shown, **message}
        aside = _Aside(task, asyncio.get_running_loop().create_future())
        self._queue.append(aside)
        self.workers.start()  # if this is the first task
        self._dispatch()
        try:
            return await asyncio.wait_for(aside.answer, _SECONDS)
        except TimeoutError:
            raise Problem("unavailable", "this took too long to find out", retry_after=60) from None
        finally:
            if aside in self._queue:
                self._queue.remove(aside)
            for worker in self.workers.busy():
                if worker.task is aside:
                    worker.kill()

    def _dispatch(self) -> None:
        while self._queue and (worker := self.workers.idle()) is not None:
            aside = self._queue.popleft()
            worker.give(aside, aside.message)

    def _on_message(self, worker: Worker, message: dict[str, Any]) -> None:
        event = message.pop("event")
        if event not in ("done", "failed"):
            return
        aside, worker.task = worker.task, None
        if aside is not None and not aside.answer.done():
            if event == "done":
                aside.answer.set_result(message)
            else:
                aside.answer.set_exception(Problem(message["kind"], message["detail"]))
        self._dispatch()

    def _on_end(self, worker: Worker, how: str) -> None:
        aside, worker.task = worker.task, None
        if aside is not None and not aside.answer.done():
            aside.answer.set_exception(Problem("crashed", f"{aside.message['name']}: {how}"))
