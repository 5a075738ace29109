"""What is kept of the training of a network: its figures, and its weights as a model file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from subpixel.compare.training_folder import TrainingFolder, TrainingJob
from subpixel.models.files import Model, load, save

__all__ = ["Record", "Trainings"]


@dataclass(frozen=True)
class Record:
    """What is kept of a training, beside its weights.

    Args:
        curve: ``(step, loss, PSNR)`` of some held-out images.
        scores: PSNR of every held-out image in dB.
        seconds: how long the steps took.
    """

    curve: list[tuple[int, float, float]]
    scores: list[float]
    seconds: float


class Trainings(TrainingFolder):
    """The finished trainings of a folder."""

    def write(self, job: TrainingJob, record: Record, model: Model) -> None:
        """Keep the result of a training. The figures come last: with them, it is finished.

        Raises:
            OSError: it cannot be written.
        """
        save(model, self.path(job, ".safetensors"))
        self.write_record(job, vars(record))

    def read(self, job: TrainingJob) -> Record | None:
        """The result of a training; None if it has not been finished.

        Raises:
            InvalidArgument: its file is damaged or belongs to other settings.
        """
        return self.read_record(job, _record)

    def model(self, job: TrainingJob) -> Model:
        """The trained network.

        Raises:
            ModelFileError: its file is missing or damaged.
        """
        return load(self.path(job, ".safetensors"))


def _record(content: Any) -> Record:
    curve = [(int(step), float(loss), float(score)) for step, loss, score in content["curve"]]
    return Record(curve, [float(score) for score in content["scores"]], float(content["seconds"]))
