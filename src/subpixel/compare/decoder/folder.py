"""What is kept of the training of a decoder."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.training_folder import TrainingFolder, TrainingJob

__all__ = ["Record", "Trainings"]


@dataclass(frozen=True)
class Record:
    """What is kept of a training.

    Args:
        curve: ``(step, loss, IoU, boundary IoU)`` of the validation images.
        counts: ``(images, classes, 4)`` of the test images.
        found: ``(N, H, W)``, the classes found in the first test patches.
        seconds: how long the steps took.
        spent: how long all of it took, with the images and the test.
    """

    curve: list[tuple[int, float, float, float]]
    counts: NDArray[np.int64]
    found: NDArray[np.uint8]
    seconds: float
    spent: float


class Trainings(TrainingFolder):
    """The finished trainings of a folder."""

    def write(self, job: TrainingJob, record: Record) -> None:
        """Keep the result of a training.

        Raises:
            OSError: it cannot be written.
        """
        packed = base64.b64encode(zlib.compress(np.ascontiguousarray(record.found).tobytes())).decode()
        content = {
            "seconds": round(record.seconds, 2),
            "spent": round(record.spent, 2),
            "curve": record.curve,
            "counts": record.counts.tolist(),
            "found": {"shape": list(record.found.shape), "zlib": packed},
        }
        self.write_record(job, content)

    def read(self, job: TrainingJob) -> Record | None:
        """The result of a training; None if it has not been finished.

        Raises:
            InvalidArgument: its file is damaged or belongs to other settings.
        """
        return self.read_record(job, _record)


def _record(content: Any) -> Record:
    found = np.frombuffer(zlib.decompress(base64.b64decode(content["found"]["zlib"])), np.uint8)
    return Record(
        [(int(step), float(loss), float(a), float(b)) for step, loss, a, b in content["curve"]],
        np.asarray(content["counts"], np.int64),
        found.reshape(content["found"]["shape"]),
        float(content["seconds"]),
        float(content["spent"]),
    )
