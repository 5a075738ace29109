"""Many images: finished ones are skipped, small ones run in parallel, and a failure does not stop the others."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from subpixel.errors import FallbackWarning, ImageWriteError
from subpixel.image.batch.plan import Task
from subpixel.image.batch.task_policy import Report, TaskPolicy
from subpixel.image.batch.workers import WorkerDeath, Workers
from subpixel.image.files.formats import WRITABLE
from subpixel.image.job import Progress
from subpixel.image.memory_need import PROCESS, most_memory
from subpixel.storage.interrupts import interrupt_requested, on_sudden_end
from subpixel.storage.locks import remove_leftovers
from subpixel.storage.memory import available_memory
from subpixel.upscaler import Upscaler

__all__ = ["Batch"]

# Images of up to this many pixels run in parallel, each on its share of the threads. For larger ones all threads on one
# image are as fast, and need the memory of one.
_SMALL = 4_000_000
# Pixels of input that are worth the start of a process: a second, and the preparation of a network.
_WORTH_A_PROCESS = 4_000_000
# Seconds between two checks of images that another process is upscaling.
_WAIT = 0.2


@dataclass(frozen=True)
class Batch:
    """Upscale many image files.

    Small images are shared among spawned processes, so a script must run a batch under ``if __name__ == "__main__":``.

    Args:
        tasks: the images and their destinations, see :func:`subpixel.image.batch.plan.plan_batch`.
        upscaler: for large images one after another, and for all images if there are no other processes.
        make_upscaler: makes the same upscaler with another number of ``threads``; can be pickled, as a
            ``functools.partial`` can.
        policy: how each image is processed.
        processes: how many processes; None for as many as make it faster and fit in memory; 1 for this process alone.
        note: called with messages about delays.
        progress: called for images that do not run in parallel, see :meth:`subpixel.image.job.Job.run`.
        stop: asked between images; if it returns True, no further one is started and KeyboardInterrupt is raised.
        elsewhere: runs tasks on other machines, in place of all processes of this one; it gives each task with its
            report, or with None if another process is upscaling it.
    """

    tasks: Sequence[Task]
    upscaler: Upscaler
    make_upscaler: Callable[..., Upscaler]
    policy: TaskPolicy
    processes: int | None = None
    note: Callable[[str], None] = lambda text: None
    progress: Progress | None = None
    stop: Callable[[], bool] = interrupt_requested
    elsewhere: Callable[[Sequence[Task]], Iterator[tuple[Task, Report | None]]] | None = None

    def run(self) -> Generator[Report, None, None]:
        """One report per image: finished ones, small ones, large ones, each in the order of the tasks.

        Images that another process is upscaling come last: the batch waits for them, and upscales them if that process
        ends without a result. Closing the iteration early stops all work and leaves no partial file. A report that
        ``stops`` is the last one.
        """
        with closing(self._run()) as reports:
            for report in reports:
                yield report
                if report.stops:
                    return

    def _run(self) -> Generator[Report, None, None]:
        self._clear(self.tasks)
        pending: list[Task] = []
        waiting: list[Task] = []
        for task in self.tasks:
            report = self.policy.check(task, self.upscaler) if os.path.lexists(task.destination) else None
            if report is None:
                pending.append(task)
            else:
                yield report
        in_turn = self.elsewhere or self._in_turn
        small = [task for task in pending if task.pixels <= _SMALL]
        processes = 0 if self.elsewhere is not None else self._processes(small)
        if processes > 1:
            pending = [task for task in pending if task.pixels > _SMALL]
            yield from _reports(self._parallel(small, processes), waiting)
        yield from _reports(in_turn(pending), waiting)
        if waiting:
            images = "1 image" if len(waiting) == 1 else f"{len(waiting)} images"
            self.note(f"waiting for {images} that another process is upscaling")
        while waiting:
            busy: list[Task] = []
            yield from _reports(in_turn(waiting), busy)
            if len(busy) == len(waiting):
                time.sleep(_WAIT)
                self._check_stop()
            waiting = busy

    def largest_group(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """The tasks that run at one time and need the most memory: the largest, or the small ones in parallel."""
        small = sorted((task for task in tasks if task.pixels <= _SMALL), key=lambda task: -task.pixels)
        together = small[: max(1, self._processes(small))]
        return max([together, *([task] for task in tasks)], key=lambda some: sum(task.pixels for task in some))

    def _processes(self, small: Sequence[Task]) -> int:
        if self.processes is not None:
            return min(self.processes, len(small))
        worth = sum(task.pixels for task in small) // _WORTH_A_PROCESS
        count = min(self.upscaler.threads, len(small), worth)
        return count if count < 2 else self._fitting(sorted(small, key=lambda task: -task.pixels)[:count])

    def _fitting(self, largest: Sequence[Task]) -> int:
        """How many of the largest images fit in memory together."""
        free = available_memory()
        if free is None:
            return len(largest)
        free -= PROCESS  # this process
        for number, task in enumerate(largest):
            form = WRITABLE.get(task.destination.suffix.lower())
            if form is not None:  # else it fails at once
                options = form.options(False, self.policy.job(task, self.upscaler).quality, 0)
                free -= most_memory(task.pixels, self.upscaler, form, options)
            if free < 0:
                return number
        return len(largest)

    def _in_turn(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Report | None]]:
        for task in tasks:
            self._check_stop()
            yield task, self.policy.run(task, self.upscaler, self.progress)

    def _check_stop(self) -> None:
        if self.stop():
            raise KeyboardInterrupt

    def _parallel(self, tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Report | None]]:
        threads = max(1, self.upscaler.threads // processes)
        with on_sudden_end(partial(self._clear, tasks)):
            try:
                with Workers(processes, _Worker, (self.make_upscaler, threads, self.policy)) as workers:
                    for task, answer in workers.map(tasks):
                        self._check_stop()
                        if isinstance(answer, WorkerDeath):
                            self._clear([task])
                            error = ImageWriteError(f"{task.source}: {answer}")
                            answer = Report(task.source, task.destination, "failed", error=error)
                        yield task, answer
            finally:
                self._clear(tasks)  # a stopped process could not remove its files

    @staticmethod
    def _clear(tasks: Sequence[Task]) -> None:
        for folder in {task.destination.parent for task in tasks}:
            remove_leftovers(folder)


def _reports(answers: Iterator[tuple[Task, Report | None]], busy: list[Task]) -> Iterator[Report]:
    """The reports. Tasks without a report, which another process is upscaling, are appended to ``busy``."""
    for task, report in answers:
        if report is None:
            busy.append(task)
        else:
            yield report


class _Worker:
    """Runs tasks in a process."""

    def __init__(self, make_upscaler: Callable[..., Upscaler], threads: int, policy: TaskPolicy) -> None:
        self._policy = policy
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FallbackWarning)  # the parent process has shown it
            self._upscaler = make_upscaler(threads=threads)

    def __call__(self, task: Task) -> Report | None:
        return self._policy.run(task, self._upscaler)
