"""The life of jobs, for the routes: what they find, change and remove."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import AbstractContextManager, suppress
from typing import Any

from subpixel.serve.jobs.admission import Admission
from subpixel.serve.jobs.asides import Asides
from subpixel.serve.jobs.dispatching import Dispatcher
from subpixel.serve.jobs.events import Events
from subpixel.serve.jobs.intake import Intake
from subpixel.serve.jobs.job_files import JobFiles
from subpixel.serve.jobs.measurements import Measurements
from subpixel.serve.jobs.store import Job, Store
from subpixel.serve.jobs.workers import limits_of
from subpixel.serve.problems import Problem
from subpixel.serve.settings import Settings

__all__ = ["Service"]

# Seconds between two writes of when a job was looked at.
_LOOK_PAUSE = 1.0
# The clock was set if it moves by this many seconds more or less than time goes by.
_CLOCK_STEP = 5.0


class Service:
    """All jobs of a server.

    Args:
        settings: of the server.

    Raises:
        OSError: the folder cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.files = JobFiles(settings.data)
        self.store = Store(settings.data / "db.sqlite3")
        self.events = Events(self.store)
        self.measurements = Measurements()
        self.asides = Asides(limits_of(settings))
        self._admission = Admission(settings, self.measurements)
        self.dispatcher = Dispatcher(
            settings, self.store, self.files, self.events, self.measurements, self._admission.took
        )
        self.intake = Intake(self.store, self.files, self.measurements, self.dispatcher, self.find)
        self.workers = self.dispatcher.workers
        self._end: asyncio.Task[None] | None = None
        self._clock = time.time() - time.monotonic()

    # Start and end

    def start(self) -> None:
        """Go on with what the last server left, and start the workers. Called in the event loop."""
        self.files.remove_leftovers(self.store.ids())
        self.files.used = self.files.measure()
        for job in self.store.without_event():
            self.dispatcher.save(job)
        broken = [job for job in self.store.done() if not self.files.is_complete(job)]
        self.dispatcher.resume([*map(_undone, broken), *self.store.unfinished()])
        self.workers.start()

    async def stop(self) -> None:
        """End: running images are finished, as far as there is time; what is left is queued for the next start."""
        if self._end is None:
            self._end = asyncio.get_running_loop().create_task(self._stop())
        await asyncio.shield(self._end)

    async def _stop(self) -> None:
        self.events.close()
        await self.dispatcher.stop()
        self.asides.close()

    def close(self) -> None:
        """Release everything, after :meth:`stop`."""
        self.store.close()

    @property
    def stopping(self) -> bool:
        """Whether the server is about to end."""
        return self.dispatcher.stopping

    # Accepting

    def reservation(self, size: int | None, *, is_job: bool = True) -> AbstractContextManager[None]:
        """A place in the queue, and space, for a request whose body is still to come, see :class:`Admission`."""
        self.check_running()
        return self._admission.reservation(size, self.dispatcher.waiting, self.files.used, is_job=is_job)

    def check_running(self) -> None:
        """Raise a Problem if the server is about to end."""
        if self.stopping:
            raise Problem("unavailable", "the server is stopping", retry_after=10)

    # Looking and changing

    def find(self, job_id: str, *, look: bool = True) -> Job:
        """A job.

        Raises:
            Problem: there is none, or it is gone.
        """
        live = self.dispatcher.find(job_id)
        job = live or self.store.get(job_id)
        if job is None:
            if self.store.was_deleted(job_id):
                raise Problem("gone", "this job was deleted, or nobody looked at it for a while")
            raise Problem("not-found", "there is no such job")
        if look and job.is_finished:
            now = time.time()
            if now - job.looked > _LOOK_PAUSE:
                job.looked = now
                with suppress(sqlite3.Error):  # a full disk is no reason not to show what is there
                    self.store.look(job, now)
        return job

    def current(self, job: Job) -> Job:
        """A job from the database as it is now: progress is in memory only."""
        return self.dispatcher.find(job.id) or job

    def document(self, job: Job) -> dict[str, Any]:
        """A job as JSON."""
        return self.dispatcher.document(job)

    async def wait(self, job_id: str, seconds: float, most_pixels: int | None = None) -> Job:
        """A job when it is finished, or after some time, or once its image is known to be large."""
        await self.dispatcher.wait(job_id, seconds, most_pixels)
        return self.find(job_id, look=False)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that is queued or running; returns it as it then is.

        Raises:
            Problem: it is finished, or there is none.
        """
        job = self.find(job_id)
        if job.is_finished:
            raise Problem("conflict", f"this job is {job.state} already")
        await self.dispatcher.cancel(job)
        return self.find(job_id, look=False)

    def retry(self, job_id: str) -> Job:
        """Queue a job again that failed or was cancelled.

        Raises:
            Problem: it is in another state, or the queue is full.
        """
        job = self.find(job_id)
        if job.state not in ("failed", "cancelled"):
            raise Problem("conflict", f"this job is {job.state}; only one that failed or was cancelled can be retried")
        with self.reservation(None):
            job.error, job.finished, job.attempts, job.notes = None, None, 0, []
            self.dispatcher.accept(job)
        return job

    async def delete(self, job_id: str) -> None:
        """Delete a job and its files; one that is unfinished is cancelled first."""
        job = self.find(job_id)
        if not job.is_finished:
            with suppress(Problem):
                await self.cancel(job_id)
        job = self.find(job_id)
        if not job.is_finished:
            raise Problem("conflict", "this job could not be cancelled yet; delete it a little later")
        self.remove(job)

    def remove(self, job: Job) -> None:
        """Remove a finished job: first its row, then its files."""
        self.store.delete(job)
        self.events.tell(job.client, job.id)
        self.files.remove(job)

    def flush(self, job: Job) -> None:
        """Have a new job and its source written to the disk itself. Called in another thread."""
        self.files.flush(job)
        self.store.flush()

    async def tidy(self) -> None:
        """Remove jobs that nobody looked at for long, and look how much space the others take."""
        now, clock = time.time(), time.time() - time.monotonic()
        if abs(clock - self._clock) > _CLOCK_STEP:
            self.store.shift_looks(clock - self._clock)
            self._clock = clock
        for job in self.store.expired(now - self.settings.keep):
            self.remove(job)
        self.store.forget_deleted(now)
        self.files.used = await asyncio.to_thread(self.files.measure)


def _undone(job: Job) -> Job:
    """A job whose result did not reach the disk before the power failed."""
    job.result = job.comparison = job.finished = None
    job.state, job.notes, job.cached, job.attempts = "running", [], False, 0
    return job
