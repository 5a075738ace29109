"""Images on a worker: the job of one machine, with its result in a place from which it is moved or sent."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.cluster.worker_folder import worker_folder
from subpixel.errors import FallbackWarning, SubpixelError
from subpixel.image.batch.plan import Task
from subpixel.image.batch.task_policy import Report, TaskPolicy
from subpixel.upscaler import Upscaler

__all__ = ["ImageAnswer", "ImageWork", "SentImage"]

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class SentImage:
    """An image for a worker.

    Args:
        task: the image and its destination, as they are on the driver.
        data: the file's bytes; None if the worker sees it under its path.
    """

    task: Task
    data: Bytes | None = None


@dataclass(frozen=True)
class ImageAnswer:
    """What became of an image.

    Args:
        report: with the paths of the driver.
        staged: the file of the result, to be moved to the destination; None if there is none, or if it is sent.
        data: the bytes of the result; None if there is none, or if it is staged.
    """

    report: Report
    staged: Path | None = None
    data: Bytes | None = None


class ImageWork:
    """Upscales images.

    Args:
        make_upscaler: makes the upscaler with a number of ``threads``.
        threads: how many.
        policy: of the batch.
        staging: the folder in which results wait to be moved; None if they are sent.
    """

    def __init__(
        self, make_upscaler: Callable[..., Upscaler], threads: int, policy: TaskPolicy, staging: Path | None
    ) -> None:
        self._policy, self._staging = replace(policy, existing="keep", make_folders=False), staging
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FallbackWarning)  # the driver has shown it
            self._upscaler = make_upscaler(threads=threads)

    def __call__(self, images: tuple[SentImage, ...]) -> list[ImageAnswer]:
        return [self._upscale(each) for each in images]

    def _upscale(self, image: SentImage) -> ImageAnswer:
        with TemporaryDirectory(dir=worker_folder()) as temporary:
            if image.data is None:
                assert self._staging is not None
                source = image.task.source
                folder = self._staging / secrets.token_hex(8)
            else:
                source, folder = Path(temporary, "in", image.task.source.name), Path(temporary, "out")
            staged = folder / image.task.destination.name
            task = replace(image.task, source=source, destination=staged)

            def work() -> Report | None:
                folder.mkdir()
                if image.data is not None:
                    source.parent.mkdir()
                    image.data.tofile(source)
                return self._policy.run(task, self._upscaler)

            report = self._policy.attempt(task, work)
            assert report is not None  # nobody else knows the place
            report = _with_paths(report, image.task, {staged: image.task.destination, source: image.task.source})
            if report.status != "done":
                return ImageAnswer(report)
            if image.data is None:
                return ImageAnswer(report, staged=staged)
            return ImageAnswer(report, data=np.fromfile(staged, np.uint8))


def _with_paths(report: Report, task: Task, names: dict[Path, Path]) -> Report:
    """A report with the paths of the driver in place of those of the worker."""

    def renamed(text: str) -> str:
        for path, name in names.items():
            text = text.replace(str(path), str(name))
        return text

    error: SubpixelError | None = report.error
    if error is not None:
        given, error = error, type(error)(renamed(str(error)))
        if getattr(given, "errno", None) is not None:
            vars(error)["errno"] = given.errno  # type: ignore[attr-defined]
    result = report.result
    if result is not None:
        result = replace(result, destination=task.destination, notes=tuple(map(renamed, result.notes)))
    return replace(report, source=task.source, destination=task.destination, result=result, error=error)


def sent(task: Task, *, ship: bool) -> SentImage:
    """An image as it is sent to a worker.

    Raises:
        OSError: it cannot be read.
    """
    data: Any = np.fromfile(task.source, np.uint8) if ship else None
    return SentImage(replace(task, header=None), data)
