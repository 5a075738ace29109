"""Processes that run one task after another. One that dies loses its current task and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any, Self, TypeVar

from subpixel.errors import BackendUnavailable
from subpixel.storage.interrupts import on_sudden_end, shielded
from subpixel.storage.worker_processes import describe_end, leave_signals_to_parent, start_process

__all__ = ["WorkerDeath", "Workers"]

T = TypeVar("T")
_READY = "ready"


class WorkerDeath(str):
    """In place of an answer: how the process ended that ran the task."""

    __slots__ = ()


@dataclass
class _Process:
    process: Any
    pipe: Any
    ready: bool = False
    task: int | None = None


@dataclass
class Workers:
    """A context of processes. Leaving it kills them at once, whatever they are doing.

    Args:
        count: the largest number of processes.
        make: called once in each process with ``arguments``; its result is called with each task.
        arguments: of ``make``. They, the tasks and the answers can be pickled.
    """

    count: int
    make: Callable[..., Callable[[Any], Any]]
    arguments: tuple[Any, ...]
    _processes: list[_Process] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        self._stack.enter_context(on_sudden_end(self._kill))
        return self

    def __exit__(self, *_: object) -> None:
        with shielded():
            for each in self._processes:
                each.pipe.close()
            self._kill()
            self._processes.clear()
            self._stack.close()

    def _kill(self) -> None:
        # Nothing is lost: results are moved into place in one step, and an idle process does nothing.
        for each in self._processes:
            each.process.kill()
        for each in self._processes:
            each.process.join()

    def map(self, tasks: Sequence[T]) -> Iterator[tuple[T, Any]]:
        """Every task with its answer or a :class:`WorkerDeath`, in the order of the tasks.

        Raises:
            BackendUnavailable: no process can be started.
        """
        answers: dict[int, Any] = {}
        next_task = finished = 0
        while finished < len(tasks):
            while len(self._processes) < min(self.count, len(tasks) - next_task + self._busy()):
                self._start()
            for each in self._ready(self._processes):
                number = each.task
                answer = self._receive(each)
                if number is not None and each.task is None:
                    answers[number] = answer
                if each.task is None and each in self._processes and next_task < len(tasks):
                    self._send(each, next_task, tasks[next_task])
                    next_task += 1
            while finished in answers:
                yield tasks[finished], answers.pop(finished)
                finished += 1

    def _busy(self) -> int:
        return sum(each.task is not None for each in self._processes)

    @staticmethod
    def _ready(processes: Sequence[_Process]) -> list[_Process]:
        pipes = {each.pipe: each for each in processes if each.task is not None or not each.ready}
        return [pipes[pipe] for pipe in connection.wait(list(pipes))]

    def _start(self) -> None:
        with shielded():
            process, pipe = start_process(_work, (self.make, self.arguments))
            self._processes.append(_Process(process, pipe))

    @staticmethod
    def _send(each: _Process, number: int, task: Any) -> None:
        each.task = number
        with suppress(OSError):  # it died while idle, which the next read from its pipe shows
            each.pipe.send(task)

    def _receive(self, each: _Process) -> Any:
        try:
            answer = each.pipe.recv()
        except (EOFError, OSError):
            each.process.join()
            each.pipe.close()
            self._processes.remove(each)
            if not each.ready:
                raise BackendUnavailable(
                    "a process for images in parallel ended at its start; processes=1 uses none, and a script must run "
                    'a batch under if __name__ == "__main__":'
                ) from None
            each.task = None
            return WorkerDeath(describe_end(each.process.exitcode))
        each.ready, each.task = True, None
        return answer


def _work(pipe: Any, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """The main loop of a process. It ends with the pipe or with its parent, however that ends."""
    leave_signals_to_parent()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = make(*arguments)
        pipe.send(_READY)
        while True:
            pipe.send(work(pipe.recv()))
