"""Many videos: finding them, deciding where each result goes, and upscaling one after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from subpixel.errors import SubpixelError, VideoReadError, VideoWriteError
from subpixel.storage.inputs import Input, Sought, find_files
from subpixel.storage.interrupts import interrupt_requested
from subpixel.storage.memory import memory_errors
from subpixel.storage.os_errors import is_disk_error, os_error_text
from subpixel.storage.result_paths import select_inputs
from subpixel.storage.suffixes import IMAGES, VIDEOS
from subpixel.video.job import Job, Result
from subpixel.video.provenance import read_provenance

if TYPE_CHECKING:
    from subpixel.video.images.image_output import ImageOutput

__all__ = ["AnyJob", "Batch", "Outcome", "find_videos", "plan_batch"]

# A single video may also become images.
AnyJob: TypeAlias = "Job | ImageOutput"

_SOUGHT = Sought("a video", VIDEOS, VideoReadError, IMAGES, "for images, use subpixel upscale")


@dataclass(frozen=True)
class Outcome:
    """What happened to a video.

    Args:
        source: the video.
        destination: the file for its result; None if that was never decided.
        result: of the job, if it succeeded.
        error: why it failed.
    """

    source: Path
    destination: Path | None
    result: Result | None = None
    error: SubpixelError | None = None

    @property
    def status(self) -> Literal["done", "skipped", "failed"]:
        """``skipped`` is a result that was done before."""
        if self.result is None:
            return "failed"
        return "skipped" if self.result.done_before else "done"

    @property
    def stops(self) -> bool:
        """Whether the other videos would fail as well, since the disk is full or read-only."""
        return is_disk_error(self.error)


@dataclass(frozen=True)
class Batch:
    """What is done with many videos.

    Args:
        jobs: in the order of the inputs.
        failed: inputs that cannot be read or planned, and why.
        earlier_results: inputs that are left out because they are results of other inputs.
    """

    jobs: tuple[AnyJob, ...]
    failed: tuple[tuple[Path, SubpixelError], ...] = ()
    earlier_results: tuple[Path, ...] = ()

    @property
    def count(self) -> int:
        """The number of outcomes, unless one of them stops the others."""
        return len(self.jobs) + len(self.failed)

    def resumable(self, job: AnyJob) -> AnyJob:
        """The job as it is run.

        Of several videos, one whose result is done already is not made again, even with ``overwrite``: so an
        interrupted batch goes on after it.
        """
        if self.count == 1 or not isinstance(job, Job) or not job.overwrite:
            return job
        if job.destination is None or not os.path.lexists(job.destination):
            return job
        kept = replace(job, overwrite=False)
        try:
            return job if kept.plan().earlier is None else kept
        except SubpixelError:
            return job  # it is another file, or the job itself says what is wrong

    def run(self, prepare: Callable[[AnyJob], AnyJob] = lambda job: job) -> Iterator[Outcome]:
        """Upscale the videos; one that fails costs no other.

        What failed while it was planned comes first. An outcome that ``stops`` is the last one. If the run is
        interrupted, the results so far stay, and an equal batch goes on after the last segment of the current one.

        Args:
            prepare: called before each job; returns the job to run, such as one with other callbacks.
        """
        for path, error in self.failed:
            yield Outcome(path, None, error=error)
        for job in self.jobs:
            if interrupt_requested():
                raise KeyboardInterrupt
            outcome = _run(prepare(self.resumable(job)))
            yield outcome
            if outcome.stops:
                return


def find_videos(inputs: Iterable[str], excluded: Path | None = None, images: list[Path] | None = None) -> list[Input]:
    """The videos that files, folders and patterns name, see :func:`subpixel.storage.inputs.find_files`.

    Args:
        inputs: paths or patterns.
        excluded: a folder inside the others that is not visited: the one for the results.
        images: receives the files in folders that have the suffix of an image.
    """
    return find_files(inputs, _SOUGHT, excluded, images)


def plan_batch(inputs: Iterable[Input], folder: Path | None, make_job: Callable[[Path], Job]) -> Batch:
    """Decide where every result goes.

    A result keeps the suffix of its video, or has ``.mkv`` if that container cannot hold it. In a folder, the folders
    between the one that was named and the video are kept. A video that is the result of another input is left out, see
    :func:`subpixel.storage.result_paths.select_inputs`.

    Args:
        inputs: the videos.
        folder: for the results; None for the folder of each video.
        make_job: makes the job of a video, without a destination.

    Raises:
        InvalidArgument: two results would have one path, or a result would replace an input.
    """
    failed = []
    found: list[tuple[Input, Job]] = []
    for item in inputs:
        try:
            if item.error is not None:
                raise item.error
            found.append((item, _with_destination(item, folder, make_job(item.path))))
        except SubpixelError as error:
            failed.append((item.path, error))
    destinations = [job.destination or job.source for _, job in found]
    selection = select_inputs([item for item, _ in found], destinations, _is_result)
    return Batch(tuple(found[each][1] for each in selection.chosen), tuple(failed), selection.earlier_results)


def _with_destination(item: Input, folder: Path | None, job: Job) -> Job:
    try:
        with memory_errors(str(item.path)):
            destination = job.default_destination()
    except SubpixelError:
        destination = job.destinations()[0]  # the job says what is wrong
    if folder is None:
        return replace(job, destination=destination)
    return replace(job, destination=folder / item.subfolder / destination.name, makes_folder=True)


def _is_result(path: str) -> bool:
    try:
        return read_provenance(Path(path)) is not None
    except OSError:
        return False  # the job says why it cannot be read


def _run(job: AnyJob) -> Outcome:
    try:
        result = job.run()
        return Outcome(job.source, result.destination, result)
    except BrokenPipeError:
        raise  # of whoever follows the work
    except SubpixelError as error:
        return Outcome(job.source, job.destination, error=error)
    except OSError as error:
        failure = VideoWriteError(f"{error.filename or job.source}: {os_error_text(error)}")
        failure.errno = error.errno
        return Outcome(job.source, job.destination, error=failure)
