"""Runs trainings side by side, in processes of one thread each, and tells how far they are.

One thread for each is faster than two threads on one after another, and the numbers do not depend on how many there
are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, Protocol

from subpixel.compare.training_folder import TrainingJob
from subpixel.errors import SubpixelError
from subpixel.image.batch.workers import WorkerDeath, Workers
from subpixel.storage.interrupts import interrupt_requested

__all__ = ["Progress", "Trainer", "run_trainings"]

_POLL = 0.5  # seconds
_REPORT = 10  # steps
_ENOUGH = 0.01  # share of the work after which the time left is known well enough


class Trainer(Protocol):
    """Runs trainings one after another, and keeps what comes out. It travels to other processes."""

    def train(self, job: TrainingJob, report: Callable[[int], None]) -> None:
        """Run a training; ``report`` is called with the number of each step that is done."""

    def title(self, job: TrainingJob) -> str:
        """What is trained, for a line of progress."""

    def work(self, job: TrainingJob) -> float:
        """How much work a training is, in any unit."""


@dataclass(frozen=True)
class Progress:
    """How far the trainings are. As text, it is a line for a terminal.

    Args:
        job: a training that runs.
        title: what is trained.
        step: of it.
        steps: how many it has.
        done: trainings that are finished.
        total: all trainings.
        seconds_left: for all of them; None at the beginning.
    """

    job: TrainingJob
    title: str
    step: int
    steps: int
    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        now = f"{self.title}, seed {self.job.seed}, step {self.step} of {self.steps}"
        return f"{self.done} of {self.total} trainings done; {now}{_left(self.seconds_left)}"


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"; {seconds / 60:.0f} min left" if seconds >= 90 else f"; {seconds:.0f} s left"


def run_trainings(
    trainer: Trainer,
    missing: Sequence[TrainingJob],
    *,
    total: int,
    steps: int,
    processes: int,
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Run every training that is not finished.

    Args:
        trainer: runs one.
        missing: the trainings to run, in this order.
        total: how many there are with those that are finished.
        steps: of each training.
        processes: how many run at one time; with 1, this process runs them.
        progress: called now and then, from another thread if there are several processes.

    Raises:
        SubpixelError: a training failed.
        KeyboardInterrupt: the run was interrupted. What is finished is kept.
    """
    count = min(processes, len(missing))
    if count == 1:
        meter = _Meter(trainer, missing, [0] * len(missing), steps, total, progress)
        run = _Process(trainer, meter.made, steps, meter.report)
        for number, job in enumerate(missing):
            _check(job, run((number, job)))
    elif count:
        # Numbers that the processes write and this one reads; each has its own, so no lock is needed.
        made = get_context("spawn").RawArray("q", len(missing))
        meter = _Meter(trainer, missing, made, steps, total, progress)
        with Workers(count, _Process, (trainer, made, steps)) as workers, meter.polling():
            for (_, job), answer in workers.map(list(enumerate(missing))):
                _check(job, answer)


def _check(job: TrainingJob, answer: Any) -> None:
    if isinstance(answer, WorkerDeath) or answer:
        raise SubpixelError(f"the training {job.name} failed: {answer}")
    if interrupt_requested():
        raise KeyboardInterrupt


@dataclass(frozen=True)
class _Process:
    """What a process does: one training after another."""

    trainer: Trainer
    made: Any
    steps: int
    report: Callable[[int], None] | None = None

    def __call__(self, numbered: tuple[int, TrainingJob]) -> str:
        """Run a training; returns what went wrong, or nothing."""
        number, job = numbered

        def count(step: int) -> None:
            self.made[number] = min(step, self.steps - 1)  # the last one counts when all is kept
            if self.report and step % _REPORT == 0:
                self.report(number)
            if self.report and interrupt_requested():
                raise KeyboardInterrupt

        try:
            self.trainer.train(job, count)
        except (SubpixelError, OSError, MemoryError) as error:
            return str(error) or type(error).__name__
        self.made[number] = self.steps
        if self.report:
            self.report(number)
        return ""


@dataclass
class _Meter:
    """Tells how far the trainings are."""

    trainer: Trainer
    missing: Sequence[TrainingJob]
    made: Any
    steps: int
    total: int
    progress: Callable[[Progress], None] | None
    began: float = field(default_factory=time.monotonic)

    def report(self, number: int) -> None:
        """Tell about one training."""
        if not self.progress:
            return
        made = [int(one) for one in self.made]
        work = [self.trainer.work(job) for job in self.missing]
        share = sum(each * count for each, count in zip(work, made, strict=True)) / (sum(work) * self.steps)
        left = (time.monotonic() - self.began) * (1 - share) / share if share > _ENOUGH else None
        done = self.total - len(made) + sum(one >= self.steps for one in made)
        job = self.missing[number]
        self.progress(Progress(job, self.trainer.title(job), made[number], self.steps, done, self.total, left))

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Tell about every training that has advanced, until the block ends."""
        if not self.progress:
            yield
            return
        end = threading.Event()

        def poll() -> None:
            before = [0] * len(self.missing)
            last = False
            while not last:
                last = end.wait(_POLL)  # after the end, once more
                now = [int(one) for one in self.made]
                for number, (old, new) in enumerate(zip(before, now, strict=True)):
                    if new > old:
                        self.report(number)
                before = now

        thread = threading.Thread(target=poll, name="subpixel-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
