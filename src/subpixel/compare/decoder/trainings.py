"""Runs the trainings that a folder lacks, side by side in processes of one thread each.

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
from typing import Any

from subpixel.compare.decoder.datasets import Dataset, Task
from subpixel.compare.decoder.designs import design_of
from subpixel.compare.decoder.folder import Job, Record, Trainings
from subpixel.compare.decoder.kinds import BUDGETS, KINDS
from subpixel.errors import SubpixelError
from subpixel.image.batch.workers import WorkerDeath, Workers
from subpixel.storage.interrupts import interrupt_requested

__all__ = ["SAMPLES", "Progress", "run_trainings"]

SAMPLES = 6  # test patches whose masks are kept for the picture
_POLL = 0.5  # seconds
_REPORT = 10  # steps
_ENOUGH = 0.01  # share of the work after which the time left is known well enough


@dataclass(frozen=True)
class Progress:
    """How far the trainings are. As text, it is a line for a terminal.

    Args:
        kind: of a training that runs.
        budget: of it.
        seed: of it.
        step: of it.
        steps: how many it has.
        done: trainings that are finished.
        total: all trainings.
        seconds_left: for all of them; None at the beginning.
    """

    kind: str
    budget: str
    seed: int
    step: int
    steps: int
    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        now = f"{KINDS[self.kind].title}, {BUDGETS[self.budget]}, seed {self.seed}, step {self.step} of {self.steps}"
        return f"{self.done} of {self.total} trainings done; {now}{_left(self.seconds_left)}"


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"; {seconds / 60:.0f} min left" if seconds >= 90 else f"; {seconds:.0f} s left"


def run_trainings(
    trainings: Trainings,
    jobs: Sequence[Job],
    task: Task,
    *,
    steps: int,
    processes: int,
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Run every training that is not finished.

    Args:
        trainings: where the results are kept.
        jobs: all trainings, those of one seed next to each other, since they share its images.
        task: where the images come from.
        steps: of each training.
        processes: how many run at one time; with 1, this process runs them.
        progress: called now and then, from another thread if there are several processes.

    Raises:
        SubpixelError: a training failed.
        KeyboardInterrupt: the run was interrupted. What is finished is kept.
    """
    missing = [job for job in jobs if trainings.read(job) is None]
    if not missing:
        return
    count = min(processes, len(missing))
    if count == 1:
        state = _State([0] * len(missing))
        meter = _Meter(missing, state, steps, len(jobs), progress)
        work = _Trainer(trainings, task, steps, state, meter.report_one)
        for number, job in enumerate(missing):
            _check(job, work((number, job)))
        return
    # Numbers that the processes write and this one reads; each has its own, so no lock is needed.
    state = _State(get_context("spawn").RawArray("q", len(missing)))
    meter = _Meter(missing, state, steps, len(jobs), progress)
    with Workers(count, _Trainer, (trainings, task, steps, state)) as workers, meter.polling():
        for (_, job), answer in workers.map(list(enumerate(missing))):
            _check(job, answer)


def _check(job: Job, answer: Any) -> None:
    if isinstance(answer, WorkerDeath):
        raise SubpixelError(f"the training {job.name} failed: {answer}")
    if answer:
        raise SubpixelError(f"the training {job.name} failed: {answer}")
    if interrupt_requested():
        raise KeyboardInterrupt


@dataclass(frozen=True)
class _State:
    """How many steps each training has done."""

    steps: Any


@dataclass
class _Trainer:
    """What a process does: one training after another. It keeps the images of the current seed."""

    trainings: Trainings
    task: Task
    steps: int
    state: _State
    report: Callable[[int], None] | None = None
    _seed: int | None = None
    _data: Dataset | None = None

    def __call__(self, numbered: tuple[int, Job]) -> str:
        """Run a training; returns what went wrong, or nothing."""
        number, job = numbered
        began = time.monotonic()
        from subpixel.compare.decoder.learning import one_thread, train_decoder

        def count(step: int) -> None:
            self.state.steps[number] = step
            if self.report and (step % _REPORT == 0 or step == self.steps):
                self.report(number)
            if self.report and interrupt_requested():
                raise KeyboardInterrupt

        try:
            with one_thread():
                data = self._dataset(job.seed)
                design = design_of(job.kind, job.budget, len(self.task.classes))
                trained = train_decoder(design, data, steps=self.steps, seed=job.seed, report=count)
            curve, counts, found = trained.curve, trained.counts, trained.found[:SAMPLES]
            record = Record(curve, counts, found, trained.seconds, time.monotonic() - began)
            self.trainings.write(job, record)
        except (SubpixelError, OSError, MemoryError) as error:
            return str(error) or type(error).__name__
        return ""

    def _dataset(self, seed: int) -> Dataset:
        if self._data is None or self._seed != seed:
            self._seed, self._data = seed, None  # the old one is freed first
            self._data = self.task.dataset(seed)
        return self._data


@dataclass
class _Meter:
    """Tells how far the trainings are."""

    missing: Sequence[Job]
    state: _State
    steps: int
    total: int
    progress: Callable[[Progress], None] | None
    began: float = field(default_factory=time.monotonic)

    def report_one(self, number: int) -> None:
        """Tell about one training."""
        if not self.progress:
            return
        made = [int(one) for one in self.state.steps]
        share = sum(made) / (self.steps * len(made))
        left = (time.monotonic() - self.began) * (1 - share) / share if share > _ENOUGH else None
        job = self.missing[number]
        done = self.total - len(made) + sum(one >= self.steps for one in made)
        self.progress(Progress(job.kind, job.budget, job.seed, made[number], self.steps, done, self.total, left))

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Tell about every training that has advanced, until the block ends."""
        if not self.progress:
            yield
            return
        end = threading.Event()

        def poll() -> None:
            before = [0] * len(self.missing)
            while not end.wait(_POLL):
                now = [int(one) for one in self.state.steps]
                for number, (old, new) in enumerate(zip(before, now, strict=True)):
                    if new > old:
                        self.report_one(number)
                before = now

        thread = threading.Thread(target=poll, name="subpixel-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()
