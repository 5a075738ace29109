"""Trains the networks of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from subpixel.compare.spaces.designs import FAMILIES, design_of
from subpixel.compare.spaces.folder import Record, Trainings
from subpixel.compare.spaces.images import Images
from subpixel.compare.training_folder import TrainingJob
from subpixel.models.files import Model

__all__ = ["NetworkTrainer"]


@dataclass(frozen=True)
class NetworkTrainer:
    """Runs one training after another.

    Args:
        trainings: where the results are kept.
        images: what they train on.
        scale: the factor.
        steps: of each training.
    """

    trainings: Trainings
    images: Images
    scale: int
    steps: int

    def train(self, job: TrainingJob, report: Callable[[int], None]) -> None:
        """Train a network and keep it, with what was measured of it."""
        from subpixel.compare.spaces.training import train_network

        design = design_of(job.kind, job.budget, self.scale)
        trained = train_network(design, self.images, steps=self.steps, seed=job.seed, report=report)
        provenance = {"data": self.images.about, "steps": self.steps, "seed": job.seed}
        model = Model(job.name, design.spec, trained.weights, training=provenance)
        self.trainings.write(job, Record(trained.curve, trained.scores, round(trained.seconds, 2)), model)

    def title(self, job: TrainingJob) -> str:
        """The family and the budget."""
        return f"{FAMILIES[job.kind].title}, {job.budget}"

    def work(self, job: TrainingJob) -> float:
        """Its multiply-adds."""
        return design_of(job.kind, job.budget, self.scale).macs
