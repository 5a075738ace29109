"""One image of a batch: whether it is to be done at all, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyvips

from subpixel.errors import ImageWriteError, SubpixelError
from subpixel.image.batch.plan import Task
from subpixel.image.files.provenance import provenance_of
from subpixel.image.files.vips_errors import reason
from subpixel.image.job import Job, Progress, Result
from subpixel.storage.digest import digest_of
from subpixel.storage.locks import claim
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import Upscaler

__all__ = ["Existing", "Policy", "Report"]

Existing = Literal["keep", "skip", "replace"]


@dataclass(frozen=True)
class Report:
    """What became of an image.

    Args:
        source: the image.
        destination: where its result lies, or would; None where that was never decided.
        status: ``done``, ``skipped`` or ``failed``.
        result: what the job says, if it ran to its end.
        reason: why it was skipped, in a few words.
        error: why it failed.
    """

    source: Path
    destination: Path | None
    status: Literal["done", "skipped", "failed"]
    result: Result | None = None
    reason: str = ""
    error: SubpixelError | None = None


@dataclass(frozen=True)
class Policy:
    """How each image of a batch is done. It can be pickled.

    Args:
        make_job: makes the Job of ``(source, upscaler, destination=…, overwrite=…)``.
        existing: what happens to a file that is there. ``keep``: it counts as done if it says that it was made of the
            same content with the same settings, else it is an error; ``skip``: any file counts as done; ``replace``: it
            is replaced unless it counts as done.
        make_folders: folders of results are made where they do not exist.
    """

    make_job: Callable[..., Job] = Job
    existing: Existing = "keep"
    make_folders: bool = False

    def look(self, task: Task, upscaler: Upscaler) -> Report | None:
        """What can be said without any work; None if there is something to be done."""
        try:
            return self._passed_over(task, self.job(task, upscaler))
        except SubpixelError as error:
            return Report(task.source, task.destination, "failed", error=error)
        except OSError:
            return None  # the attempt says what is wrong

    def attempt(self, task: Task, upscaler: Upscaler, progress: Progress | None = None) -> Report | None:
        """Upscale an image unless that is done already; None if another run has it in work."""
        source, destination = task.source, task.destination
        try:
            job = self.job(task, upscaler)
            if self.make_folders:
                os.makedirs(destination.parent, exist_ok=True)
            elif not os.path.isdir(destination.parent):  # where nothing can be claimed
                raise ImageWriteError(f"{destination}: there is no folder {destination.parent}")
            with claim(destination) as mine:
                if not mine:
                    return None
                return self._passed_over(task, job) or Report(source, destination, "done", job.run(progress))
        except SubpixelError as error:
            failure = error
        except MemoryError:
            failure = ImageWriteError(f"{source}: there is not enough memory for this image")
        except pyvips.Error as error:
            failure = ImageWriteError(f"{source}: {reason(error)}")
        except OSError as error:
            failure = ImageWriteError(f"{error.filename or source}: {os_error_text(error)}")
        return Report(source, destination, "failed", error=failure)

    def job(self, task: Task, upscaler: Upscaler) -> Job:
        """What is done if there is something to be done."""
        replaces = self.existing == "replace"
        return self.make_job(task.source, upscaler, destination=task.destination, overwrite=replaces)

    def _passed_over(self, task: Task, job: Job) -> Report | None:
        """A report that the result is there already; None if it is to be made.

        Raises:
            ImageWriteError: a file is there that is not this result.
            OSError: the source cannot be read.
        """
        destination = task.destination
        if not os.path.lexists(destination):
            return None
        sheet = job.sheet(destination)
        missing = sheet is not None and not os.path.lexists(sheet)
        without = "; no comparison was made, --overwrite makes both" if missing else ""
        if self.existing == "skip":
            return Report(task.source, destination, "skipped", reason=f"exists already{without}")
        result = provenance_of(destination)
        if result is None:
            why = ""
        elif result.source != digest_of(task.source):
            why = ", made of another image or of an older state of this one"
        elif not job.would_repeat(result):
            why = ", made of this image with other settings"
        elif not (missing and self.existing == "replace"):
            return Report(task.source, destination, "skipped", reason=f"done before{without}")
        if self.existing == "replace" or result is None:
            return None  # the job says what speaks against it: it may be the image itself
        raise ImageWriteError(f"{destination}: exists already{why}; --overwrite replaces it")
