"""Many pictures: what is done already is passed over, small ones go in parallel, a failure is its picture's alone."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyvips

from subpixel.errors import FallbackWarning, ImageWriteError, SubpixelError
from subpixel.image.job import Job, Result
from subpixel.image.locks import claim, clear
from subpixel.image.plan import Task
from subpixel.image.provenance import digest_of, provenance_of
from subpixel.image.reasons import reason
from subpixel.image.workers import Died, Workers
from subpixel.upscaler import Upscaler

__all__ = ["Batch", "Existing", "Report"]

Existing = Literal["keep", "skip", "replace"]

# Up to this many pixels a picture goes in parallel with others, each on its share of the threads. Beyond, all threads
# on one picture are as fast and need the memory of one.
_SMALL = 4_000_000
# Pixels of input that a process must have to do to be worth its start (half a second, and a network made ready).
_WORTH_A_PROCESS = 2_000_000
# Seconds between two looks at pictures that another run has in work.
_PATIENCE = 0.2


@dataclass(frozen=True)
class Report:
    """What became of a picture.

    Args:
        source: the picture.
        destination: where its result lies, or would.
        status: ``done``, ``skipped`` or ``failed``.
        result: what the job says, if it ran to its end.
        reason: why it was skipped, in a few words.
        error: why it failed.
    """

    source: Path
    destination: Path | None
    status: Literal["done", "skipped", "failed"]
    result: Result | None = None
    reason: str = ""
    error: SubpixelError | None = None


@dataclass(frozen=True)
class Batch:
    """Enlarge many picture files.

    Small pictures are shared among processes, which are spawned: a script that runs a batch must stand under
    ``if __name__ == "__main__":``.

    Args:
        tasks: the pictures and where they go, see :func:`subpixel.image.plan.plan`.
        upscaler: for large pictures one after another, and for all where no processes pay.
        make_upscaler: makes the same for another number of ``threads``; can be pickled, as a ``functools.partial`` can.
        make_job: makes the Job of ``(source, upscaler, destination=…, overwrite=…)``; can be pickled.
        existing: what happens to a file that is there. ``keep``: it counts as done if it says that it was made of the
            same content with the same settings, else it is an error; ``skip``: any file counts as done; ``replace``: it
            is replaced unless it counts as done.
        processes: None for as many as pay; 1 for none besides this one.
        say: is told what takes long for another reason than work.
    """

    tasks: Sequence[Task]
    upscaler: Upscaler
    make_upscaler: Callable[..., Upscaler]
    make_job: Callable[..., Job] = Job
    existing: Existing = "keep"
    processes: int | None = None
    say: Callable[[str], None] = lambda text: None

    def run(self) -> Iterator[Report]:
        """Do it; one report a picture: those done before, small ones, large ones, each in the order of the tasks.

        Pictures that another run has in work come last: they are waited for, and done here if that run ends first.
        When the iteration is left early all work stops, and nothing half-done remains.
        """
        for folder in {task.destination.parent for task in self.tasks}:
            clear(folder)
        pending, waiting = [], []
        for task in self.tasks:
            report = self._before(task)
            if report is None:
                pending.append(task)
            else:
                yield report
        small = [task for task in pending if task.pixels <= _SMALL]
        processes = self._processes(small)
        if processes > 1:
            for task, report in self._parallel(small, processes):
                if report is None:
                    waiting.append(task)
                else:
                    yield report
            pending = [task for task in pending if task.pixels > _SMALL]
        for task in pending:
            report = attempt(task, self.make_job, self.upscaler, self.existing)
            if report is None:
                waiting.append(task)
            else:
                yield report
        yield from self._wait_for(waiting)

    def _before(self, task: Task) -> Report | None:
        """What can be said without work."""
        if not os.path.lexists(task.destination):
            return None
        try:
            return passed_over(task, _job(task, self.make_job, self.upscaler, self.existing), self.existing)
        except SubpixelError as error:
            return Report(task.source, task.destination, "failed", error=error)
        except OSError:
            return None  # the attempt says what is wrong

    def _processes(self, small: Sequence[Task]) -> int:
        if self.processes is not None:
            return min(self.processes, len(small))
        worth = sum(task.pixels for task in small) // _WORTH_A_PROCESS
        return min(self.upscaler.threads, len(small), worth)

    def _parallel(self, tasks: Sequence[Task], processes: int) -> Iterator[tuple[Task, Report | None]]:
        ready = (self.make_upscaler, self.make_job, self.existing, max(1, self.upscaler.threads // processes))
        try:
            with Workers(processes, _Worker, ready) as workers:
                for task, answer in workers.map(tasks):
                    if isinstance(answer, Died):
                        clear(task.destination.parent)
                        error = ImageWriteError(f"{task.source}: {answer}")
                        yield task, Report(task.source, task.destination, "failed", error=error)
                    else:
                        yield task, answer
        finally:  # what was stopped in the middle could not clean up after itself
            for folder in {task.destination.parent for task in tasks}:
                clear(folder)

    def _wait_for(self, waiting: list[Task]) -> Iterator[Report]:
        if waiting:
            self.say(f"waiting for {len(waiting)} of the pictures, which another run has in work")
        while waiting:
            still = []
            for task in waiting:
                report = attempt(task, self.make_job, self.upscaler, self.existing)
                if report is None:
                    still.append(task)
                else:
                    yield report
            if len(still) == len(waiting):
                time.sleep(_PATIENCE)
            waiting = still


class _Worker:
    """What a process does with a task."""

    def __init__(
        self,
        make_upscaler: Callable[..., Upscaler],
        make_job: Callable[..., Job],
        existing: Existing,
        threads: int,
    ) -> None:
        self.make_job, self.existing = make_job, existing
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FallbackWarning)  # the process that started this one has said it
            self.upscaler = make_upscaler(threads=threads)

    def __call__(self, task: Task) -> Report | None:
        return attempt(task, self.make_job, self.upscaler, self.existing)


def attempt(task: Task, make: Callable[..., Job], upscaler: Upscaler, existing: Existing) -> Report | None:
    """Enlarge a picture unless that is done already; None if another run has it in work."""
    source, destination = task.source, task.destination
    try:
        os.makedirs(destination.parent, exist_ok=True)
        with claim(destination) as mine:
            if not mine:
                return None
            job = _job(task, make, upscaler, existing)
            report = passed_over(task, job, existing)
            return report or Report(source, destination, "done", job.run())
    except SubpixelError as error:
        failure = error
    except MemoryError:
        failure = ImageWriteError(f"{source}: there is not enough memory for this picture")
    except pyvips.Error as error:
        failure = ImageWriteError(f"{source}: {reason(error)}")
    except OSError as error:
        failure = ImageWriteError(f"{error.filename or source}: {(error.strerror or str(error)).lower()}")
    return Report(source, destination, "failed", error=failure)


def _job(task: Task, make: Callable[..., Job], upscaler: Upscaler, existing: Existing) -> Job:
    return make(task.source, upscaler, destination=task.destination, overwrite=existing == "replace")


def passed_over(task: Task, job: Job, existing: Existing) -> Report | None:
    """A report that the result is there already; None if it is to be made.

    Raises:
        ImageWriteError: a file is there that is not this result.
        OSError: the source cannot be read.
    """
    destination = task.destination
    if not os.path.lexists(destination):
        return None
    if existing == "skip":
        return Report(task.source, destination, "skipped", reason="exists already")
    made = provenance_of(destination)
    if made is None:
        why = ""
    elif made.source != digest_of(task.source):
        why = ", made of another picture or of an older state of this one"
    elif not job.would_repeat(made):
        why = ", made of this picture with other settings"
    else:
        return Report(task.source, destination, "skipped", reason="done before")
    if existing == "replace":
        return None
    raise ImageWriteError(f"{destination}: exists already{why}; --overwrite replaces it")
