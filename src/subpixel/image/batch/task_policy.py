"""One image of a batch: whether it needs to be upscaled, and the report about it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import pyvips

from subpixel.errors import ImageReadError, ImageWriteError, SubpixelError
from subpixel.image.batch.plan import Task
from subpixel.image.files.provenance import read_provenance
from subpixel.image.files.vips_errors import vips_error_text
from subpixel.image.files.writing import check_folder
from subpixel.image.job import Job, Progress, Result
from subpixel.storage.locks import claim, is_scratch_name
from subpixel.storage.os_errors import free_space, is_disk_error, os_error_text
from subpixel.upscaler import Upscaler

__all__ = ["Existing", "Report", "TaskPolicy"]

Existing = Literal["keep", "skip", "replace"]
T = TypeVar("T")


@dataclass(frozen=True)
class Report:
    """What happened to an image.

    Args:
        source: the image.
        destination: the file for its result; None if that was never decided.
        status: ``done``, ``skipped`` or ``failed``.
        result: of the job, if it succeeded.
        reason: why the image was skipped, in a few words.
        error: why it failed.
        stops: whether the other images of a batch would fail as well, since the disk is full or read-only.
    """

    source: Path
    destination: Path | None
    status: Literal["done", "skipped", "failed"]
    result: Result | None = None
    reason: str = ""
    error: SubpixelError | None = None
    stops: bool = False


def _place(error: OSError, source: Path) -> Path:
    """The file or folder that an error is about. A claim, which cannot be made, means its folder."""
    if not error.filename:
        return source
    place = Path(os.fsdecode(error.filename))
    return place.parent if is_scratch_name(place.name) else place


@dataclass(frozen=True)
class TaskPolicy:
    """How each image of a batch is processed. It can be pickled.

    Args:
        make_job: makes a Job from ``(source, upscaler, destination=…, overwrite=…, header=…)``.
        existing: what to do if the destination exists. ``keep``: skip it if it was made from the same content with the
            same settings, else fail; ``skip``: skip it in any case; ``replace``: replace it unless it was made from the
            same content with the same settings.
        make_folders: create the folders of results.
    """

    make_job: Callable[..., Job] = Job
    existing: Existing = "keep"
    make_folders: bool = False

    def check(self, task: Task, upscaler: Upscaler) -> Report | None:
        """The report if the image is skipped or fails before any work; None if it must be upscaled."""
        try:
            return self._skip(task, self.job(task, upscaler))
        except SubpixelError as error:
            return Report(task.source, task.destination, "failed", error=error)
        except OSError:
            return None  # running it shows what is wrong

    def run(self, task: Task, upscaler: Upscaler, progress: Progress | None = None) -> Report | None:
        """Upscale an image unless it is skipped; None if another process is upscaling it."""

        def work() -> Report | None:
            with ExitStack() as stack:
                claimed, report = self.claim(task, upscaler, stack)
                if report is not None or not claimed:
                    return report
                return Report(task.source, task.destination, "done", self.job(task, upscaler).run(progress))

        return self.attempt(task, work)

    def claim(self, task: Task, upscaler: Upscaler, stack: ExitStack) -> tuple[bool, Report | None]:
        """Claim a destination before any work.

        Args:
            task: the image.
            upscaler: for it.
            stack: receives the claim.

        Returns:
            Whether the claim is ours and not another process's, and the report if the image is skipped.

        Raises:
            SubpixelError, OSError: the source cannot be read or the destination cannot be written.
        """
        destination = task.destination
        job = self.job(task, upscaler)
        _check_source(task)
        if self.make_folders:
            os.makedirs(destination.parent, exist_ok=True)
        check_folder(destination)  # where nothing can be claimed otherwise
        if free_space(destination.parent) == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(destination))
        claimed = stack.enter_context(claim(destination))
        return claimed, self._skip(task, job) if claimed else None

    @staticmethod
    def attempt(task: Task, work: Callable[[], T]) -> T | Report:
        """What ``work`` returns for an image, or the report of why it failed."""
        source, destination = task.source, task.destination
        try:
            return work()
        except SubpixelError as error:
            failure = error
        except MemoryError:
            failure = ImageWriteError(f"{source}: there is not enough memory for this image")
        except pyvips.Error as error:
            failure = ImageWriteError(f"{source}: {vips_error_text(error)}")
        except OSError as error:
            failure = ImageWriteError(f"{_place(error, source)}: {os_error_text(error)}")
            failure.errno = error.errno
        return Report(source, destination, "failed", error=failure, stops=is_disk_error(failure))

    def job(self, task: Task, upscaler: Upscaler) -> Job:
        """The job of a task."""
        overwrite = self.existing == "replace"
        return self.make_job(
            task.source, upscaler, destination=task.destination, overwrite=overwrite, header=task.header
        )

    def _skip(self, task: Task, job: Job) -> Report | None:
        """The report that the result exists; None if it must be made.

        Raises:
            ImageWriteError: the destination exists and is another result.
            OSError: the source cannot be read.
        """
        destination = task.destination
        if not os.path.lexists(destination):
            return None
        comparison = job.comparison_path(destination)
        missing = comparison is not None and not os.path.lexists(comparison)
        hint = "; no comparison was made; overwrite=True makes both" if missing else ""
        if self.existing == "skip":
            return Report(task.source, destination, "skipped", reason=f"exists already{hint}")
        provenance = read_provenance(destination)
        if provenance is None:
            why = ""
        elif provenance.source != job.source_digest():
            why = ", made from another image or an older version of this one"
        elif not job.matches(provenance):
            why = ", made from this image with other settings"
        elif not (missing and self.existing == "replace"):
            return Report(task.source, destination, "skipped", reason=f"done before{hint}")
        if self.existing == "replace" or provenance is None:
            return None  # the job checks it: it may be the image itself
        raise ImageWriteError(f"{destination}: exists already{why}; overwrite=True replaces it")


def _check_source(task: Task) -> None:
    """Check that a source is there, before anything is said about the place of its result."""
    try:
        if task.header is None:
            os.stat(task.source)
    except OSError as error:
        raise ImageReadError(f"{task.source}: {os_error_text(error)}") from None
