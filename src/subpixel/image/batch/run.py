"""Many images: what is done already is passed over, small ones go in parallel, a failure is its image's alone."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

from subpixel.errors import FallbackWarning, ImageWriteError
from subpixel.image.batch.plan import Task
from subpixel.image.batch.task_policy import Policy, Report
from subpixel.image.batch.workers import Died, Workers
from subpixel.image.job import Progress
from subpixel.storage.locks import remove_leftovers
from subpixel.upscaler import Upscaler

__all__ = ["Batch"]

# Up to this many pixels an image goes in parallel with others, each on its share of the threads. Beyond, all threads
# on one image are as fast and need the memory of one.
_SMALL = 4_000_000
# Pixels of input that a process must have to do to be worth its start: a second, and a network made ready.
_WORTH_A_PROCESS = 4_000_000
# Seconds between two looks at images that another run has in work.
_PATIENCE = 0.2


@dataclass(frozen=True)
class Batch:
    """Upscale many image files.

    Small images are shared among processes, which are spawned: a script that runs a batch must stand under
    ``if __name__ == "__main__":``.

    Args:
        tasks: the images and where they go, see :func:`subpixel.image.batch.plan.plan`.
        upscaler: for large images one after another, and for all where no processes pay.
        make_upscaler: makes the same for another number of ``threads``; can be pickled, as a ``functools.partial`` can.
        policy: how each is done.
        processes: None for as many as pay; 1 for none besides this one.
        say: is told what takes long for another reason than work.
        progress: is told how much of an image is done that is not one of many in parallel, see
            :meth:`subpixel.image.job.Job.run`.
        stop: once it is set, no other image is begun, and KeyboardInterrupt is raised.
    """

    tasks: Sequence[Task]
    upscaler: Upscaler
    make_upscaler: Callable[..., Upscaler]
    policy: Policy
    processes: int | None = None
    say: Callable[[str], None] = lambda text: None
    progress: Progress | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Generator[Report, None, None]:
        """Do it; one report an image: those done before, small ones, large ones, each in the order of the tasks.

        Images that another run has in work come last: they are waited for, and done here if that run ends first.
        When the iteration is closed early all work stops, and nothing half-done remains.
        """
        self._clear(self.tasks)
        pending: list[Task] = []
        waiting: list[Task] = []
        for task in self.tasks:
            report = self.policy.look(task, self.upscaler) if os.path.lexists(task.destination) else None
            if report is None:
                pending.append(task)
            else:
                yield report
        small = [task for task in pending if task.pixels <= _SMALL]
        processes = self._processes(small)
        if processes > 1:
            pending = [task for task in pending if task.pixels > _SMALL]
            yield from _but_taken(self._parallel(small, processes), waiting)
        yield from _but_taken(self._in_turn(pending), waiting)
        if waiting:
            self.say(f"waiting for {len(waiting)} of the images, which another run has in work")
        while waiting:
            taken: list[Task] = []
            yield from _but_taken(self._in_turn(waiting), taken)
            if len(taken) == len(waiting):
                self.stop.wait(_PATIENCE)
                self._heed()
            waiting = taken

    def at_once(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Those of some that need the most memory together: the largest, or as many small ones as go in parallel."""
        small = sorted((task for task in tasks if task.pixels <= _SMALL), key=lambda task: -task.pixels)
        together = small[: max(1, self._processes(small))]
        return max([together, *([task] for task in tasks)], key=lambda some: sum(task.pixels for task in some))

    def _processes(self, small: Sequence[Task]) -> int:
        if self.processes is not None:
            return min(self.processes, len(small))
        worth = sum(task.pixels for task in small) // _WORTH_A_PROCESS
        return min(self.upscaler.threads, len(small), worth)

    def _in_turn(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Report | None]]:
        for task in tasks:
            self._heed()
            yield task, self.policy.attempt(task, self.upscaler, self.progress)

    def _heed(self) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt

    def _parallel(self, tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Report | None]]:
        threads = max(1, self.upscaler.threads // processes)
        try:
            with Workers(processes, _Worker, (self.make_upscaler, threads, self.policy)) as workers:
                for task, answer in workers.map(tasks):
                    if isinstance(answer, Died):
                        self._clear([task])
                        error = ImageWriteError(f"{task.source}: {answer}")
                        answer = Report(task.source, task.destination, "failed", error=error)
                    yield task, answer
        finally:
            self._clear(tasks)  # what was stopped in the middle could not clean up after itself

    @staticmethod
    def _clear(tasks: Sequence[Task]) -> None:
        for folder in {task.destination.parent for task in tasks}:
            remove_leftovers(folder)


def _but_taken(answers: Iterator[tuple[Task, Report | None]], taken: list[Task]) -> Iterator[Report]:
    """The reports; tasks without one, which another run has in work, are put into ``taken``."""
    for task, report in answers:
        if report is None:
            taken.append(task)
        else:
            yield report


class _Worker:
    """What a process does with a task."""

    def __init__(self, make_upscaler: Callable[..., Upscaler], threads: int, policy: Policy) -> None:
        self._policy = policy
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FallbackWarning)  # the process that started this one has said it
            self._upscaler = make_upscaler(threads=threads)

    def __call__(self, task: Task) -> Report | None:
        return self._policy.attempt(task, self._upscaler)
