"""Trains the decoders of a comparison, each on the images of its seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from subpixel.compare.decoder.datasets import Dataset, Task
from subpixel.compare.decoder.designs import design_of
from subpixel.compare.decoder.folder import Record, Trainings
from subpixel.compare.decoder.kinds import BUDGETS, KINDS
from subpixel.compare.training_folder import TrainingJob
from subpixel.compare.training_thread import one_thread

__all__ = ["SAMPLES", "DecoderTrainer"]

SAMPLES = 6  # test patches whose masks are kept for the picture


@dataclass
class DecoderTrainer:
    """Runs one training after another. It keeps the images of the current seed.

    Args:
        trainings: where the results are kept.
        task: where the images come from.
        steps: of each training.
    """

    trainings: Trainings
    task: Task
    steps: int
    _seed: int | None = None
    _data: Dataset | None = None

    def train(self, job: TrainingJob, report: Callable[[int], None]) -> None:
        """Train a decoder and keep what was measured of it."""
        began = time.monotonic()
        from subpixel.compare.decoder.learning import train_decoder

        with one_thread():
            data = self._dataset(job.seed)
            design = design_of(job.kind, job.budget, len(self.task.classes))
            trained = train_decoder(design, data, steps=self.steps, seed=job.seed, report=report)
        curve, counts, found = trained.curve, trained.counts, trained.found[:SAMPLES]
        self.trainings.write(job, Record(curve, counts, found, trained.seconds, time.monotonic() - began))

    def title(self, job: TrainingJob) -> str:
        """The upsampler and the budget."""
        return f"{KINDS[job.kind].title}, {BUDGETS[job.budget]}"

    def work(self, job: TrainingJob) -> float:
        """All take about the same time."""
        return 1.0

    def _dataset(self, seed: int) -> Dataset:
        if self._data is None or self._seed != seed:
            self._seed, self._data = seed, None  # the old one is freed first
            self._data = self.task.dataset(seed)
        return self._data
