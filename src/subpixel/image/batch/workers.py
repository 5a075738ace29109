"""Processes that do one task after another; one that dies loses the task in its hands and no other.

They are spawned, never forked: a fork would copy the locks of libvips' threads and of the engine's in whatever state
they are.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import Any, Self, TypeVar

from subpixel.errors import BackendUnavailable

__all__ = ["Died", "Workers"]

T = TypeVar("T")
_SPAWN = get_context("spawn")
_READY = "ready"


class Died(str):
    """Instead of an answer: how the process ended that had the task."""

    __slots__ = ()


@dataclass
class _Process:
    process: Any
    pipe: Any
    ready: bool = False
    task: int | None = None


@dataclass
class Workers:
    """Processes, started when entered, gone when left: at once, whatever they are doing.

    Args:
        count: how many at most.
        make: called in each process with ``arguments``, once; what it returns is called with each task.
        arguments: can be pickled, as tasks and answers can.
    """

    count: int
    make: Callable[..., Callable[[Any], Any]]
    arguments: tuple[Any, ...]
    _processes: list[_Process] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            each.pipe.close()
            # Nothing is lost: results are put in place in one step, and an idle process has nothing to do.
            each.process.kill()
        for each in self._processes:
            each.process.join()
        self._processes.clear()

    def map(self, tasks: Sequence[T]) -> Iterator[tuple[T, Any]]:
        """Every task with its answer or :class:`Died`, in the order of the tasks.

        Raises:
            BackendUnavailable: no process can be started here.
        """
        answers: dict[int, Any] = {}
        given = values = 0
        while values < len(tasks):
            while len(self._processes) < min(self.count, len(tasks) - given + self._busy()):
                self._start()
            for each in self._ready(self._processes):
                number = each.task
                answer = self._receive(each)
                if number is not None and each.task is None:
                    answers[number] = answer
                if each.task is None and each in self._processes and given < len(tasks):
                    self._give(each, given, tasks[given])
                    given += 1
            while values in answers:
                yield tasks[values], answers.pop(values)
                values += 1

    def _busy(self) -> int:
        return sum(each.task is not None for each in self._processes)

    @staticmethod
    def _ready(processes: Sequence[_Process]) -> list[_Process]:
        pipes = {each.pipe: each for each in processes if each.task is not None or not each.ready}
        return [pipes[pipe] for pipe in connection.wait(list(pipes))]

    def _start(self) -> None:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(theirs, self.make, self.arguments), daemon=True)
        with _quiet_start():
            process.start()
        theirs.close()
        self._processes.append(_Process(process, ours))

    @staticmethod
    def _give(each: _Process, number: int, task: Any) -> None:
        each.task = number
        with suppress(OSError):  # it died while idle: the next look at its pipe says so
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
                    "processes for images in parallel: one ended before it began; processes=1 does without, and in a "
                    'script a batch must stand under if __name__ == "__main__":'
                ) from None
            each.task = None
            return Died(_end(each.process.exitcode))
        each.ready, each.task = True, None
        return answer


def _end(code: int | None) -> str:
    if code == -signal.SIGTERM or code == -getattr(signal, "SIGKILL", 9):
        return "its process was killed from outside, as happens where memory runs out"
    return f"its process broke down (exit code {code})"


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Start a process that no Ctrl-C reaches, which is for the parent to hear, and that leaves threads to others."""
    # One libvips has as many threads as there are cores, and reads this when it is loaded.
    old = os.environ.get("VIPS_CONCURRENCY")
    os.environ["VIPS_CONCURRENCY"] = "1"
    masks = hasattr(signal, "pthread_sigmask")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if old is None:
            del os.environ["VIPS_CONCURRENCY"]
        else:
            os.environ["VIPS_CONCURRENCY"] = old


def _work(pipe: Any, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    """The life of a process: it ends with the pipe, and so with its parent, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = make(*arguments)
        pipe.send(_READY)
        while True:
            pipe.send(work(pipe.recv()))
