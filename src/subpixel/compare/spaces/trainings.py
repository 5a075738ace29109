"""Runs the trainings that a folder lacks, side by side in processes of one thread each.

One thread for each is faster than two threads on one after another, and the numbers do not depend on how many there
are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from subpixel.compare.spaces.designs import FAMILIES, design_of
from subpixel.compare.spaces.folder import Job, Record, Trainings
from subpixel.compare.spaces.images import Images
from subpixel.errors import SubpixelError
from subpixel.image.batch.workers import WorkerDeath, Workers
from subpixel.models.files import Model
from subpixel.storage.interrupts import interrupt_requested

__all__ = ["Progress", "run_trainings"]

_REPORT = 10  # steps between reports


@dataclass(frozen=True)
class Progress:
    """How far the trainings are. As text, it is a line for a terminal.

    Args:
        job: the training that runs or has just ended.
        step: of it.
        steps: how many it has.
        done: trainings that are finished.
        total: all trainings.
        seconds_left: for all of them; None at the beginning.
    """

    job: Job
    step: int
    steps: int
    done: int
    total: int
    seconds_left: float | None

    def __str__(self) -> str:
        job, left = self.job, self.seconds_left
        now = f"{FAMILIES[job.family].title}, {job.budget}, seed {job.seed}, step {self.step} of {self.steps}"
        tail = "" if left is None else f"; {left / 60:.0f} min left" if left >= 90 else f"; {left:.0f} s left"
        return f"{self.done} of {self.total} trainings done; {now}{tail}"


def run_trainings(
    trainings: Trainings,
    jobs: Sequence[Job],
    images: Images,
    scale: int,
    *,
    steps: int,
    processes: int,
    progress: Callable[[Progress], None] | None = None,
) -> None:
    """Run every training that is not finished.

    Args:
        trainings: where the results are kept.
        jobs: all trainings.
        images: what they train on.
        scale: the factor.
        steps: of each training.
        processes: how many run at one time; with 1, this process runs them.
        progress: called now and then with one process, and after each training with several.

    Raises:
        SubpixelError: a training failed.
        KeyboardInterrupt: the run was interrupted. What is finished is kept.
    """
    missing = [job for job in jobs if trainings.read(job) is None]
    if not missing:
        return
    meter = _Meter(missing, scale, steps, len(jobs), progress)
    count = min(processes, len(missing))
    if count == 1:
        work = _Trainer(trainings, images, scale, steps, meter.report)
        for job in missing:
            _check(job, work(job))
            meter.report(job, steps)
        return
    with Workers(count, _Trainer, (trainings, images, scale, steps)) as workers:
        for job, answer in workers.map(missing):
            _check(job, answer)
            meter.report(job, steps)


def _check(job: Job, answer: Any) -> None:
    if isinstance(answer, WorkerDeath) or answer:
        raise SubpixelError(f"the training {job.name} failed: {answer}")
    if interrupt_requested():
        raise KeyboardInterrupt


@dataclass(frozen=True)
class _Trainer:
    """What a process does: one training after another."""

    trainings: Trainings
    images: Images
    scale: int
    steps: int
    report: Callable[[Job, int], None] | None = None

    def __call__(self, job: Job) -> str:
        """Run a training; returns what went wrong, or nothing."""
        from subpixel.compare.spaces.training import train_network

        def count(step: int) -> None:
            if self.report and step % _REPORT == 0 and step < self.steps:  # the end is told when all is kept
                self.report(job, step)
            if self.report and interrupt_requested():
                raise KeyboardInterrupt

        design = design_of(job.family, job.budget, self.scale)
        try:
            trained = train_network(design, self.images, steps=self.steps, seed=job.seed, report=count)
            provenance = {"data": self.images.about, "steps": self.steps, "seed": job.seed}
            model = Model(job.name, design.spec, trained.weights, training=provenance)
            record = Record(trained.curve, trained.scores, round(trained.seconds, 2))
            self.trainings.write(job, record, model)
        except (SubpixelError, OSError, MemoryError) as error:
            return str(error) or type(error).__name__
        return ""


@dataclass
class _Meter:
    """Tells how far the trainings are; a training counts by its multiply-adds."""

    missing: Sequence[Job]
    scale: int
    steps: int
    total: int
    progress: Callable[[Progress], None] | None
    began: float = field(default_factory=time.monotonic)
    made: dict[Job, int] = field(default_factory=dict)

    def report(self, job: Job, step: int) -> None:
        """Note how many steps a training has done, and tell it."""
        self.made[job] = step
        if not self.progress:
            return
        work = {one: design_of(one.family, one.budget, self.scale).macs for one in self.missing}
        share = sum(work[one] * count / self.steps for one, count in self.made.items()) / sum(work.values())
        left = (time.monotonic() - self.began) * (1 - share) / share
        done = self.total - len(self.missing) + sum(count == self.steps for count in self.made.values())
        self.progress(Progress(job, step, self.steps, done, self.total, left))
