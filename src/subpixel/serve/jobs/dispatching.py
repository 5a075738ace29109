"""The jobs that are not finished: their queue, the workers that get them, and what the workers report.

All of it happens in the event loop. The state of a job is written to the database before anybody is told about it, and
after its files are complete.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from subpixel.serve.jobs.events import Events
from subpixel.serve.jobs.job_documents import job_document
from subpixel.serve.jobs.job_files import JobFiles, download_name
from subpixel.serve.jobs.measurements import Measurements
from subpixel.serve.jobs.store import Job, Store
from subpixel.serve.jobs.workers import Worker, Workers, limits_of
from subpixel.serve.problems import Problem
from subpixel.serve.settings import Settings

__all__ = ["Dispatcher"]

# A job that was begun so often, each time until the server died, is given up.
_MOST_ATTEMPTS = 5
# Seconds until the end of a job is written again that could not be written.
_AGAIN = 2.0
# Seconds between two events about the progress of a job.
_STEP_PAUSE = 0.2


@dataclass
class _Live:
    """What the memory holds of an unfinished job."""

    job: Job
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False
    next_step: float = 0.0


class Dispatcher:
    """Unfinished jobs.

    Args:
        settings: of the server.
        store: where jobs are written.
        files: of jobs.
        events: told of changes.
        measurements: count jobs.
        took: called with the seconds of each job that is done.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        files: JobFiles,
        events: Events,
        measurements: Measurements,
        took: Callable[[float], None],
    ) -> None:
        self._settings, self._store, self._files = settings, store, files
        self._events, self._measurements, self._took = events, measurements, took
        self._live: dict[str, _Live] = {}
        self._queue: deque[str] = deque()
        self.stopping = False
        self.workers = Workers(settings.workers, limits_of(settings), self._on_message, self._on_end, self.dispatch)

    # Start and end

    def resume(self, jobs: Iterable[Job]) -> None:
        """Queue the jobs that the last server left, the oldest first."""
        for job in jobs:
            if not self._files.is_complete(job):
                self._finish(job, "failed", error=Problem("gone", "the file of this job is no longer there"))
            elif job.attempts >= _MOST_ATTEMPTS:
                text = f"the server ended {job.attempts} times while this job was worked on, so it is given up"
                self._finish(job, "failed", error=Problem("crashed", text))
            else:
                self._files.remove_results(job)
                was_running = job.state == "running"
                self.enqueue(job)
                if was_running:
                    self.save(job)

    async def stop(self) -> None:
        """End: running images are finished, as far as there is time; what is left is queued for the next start."""
        self.stopping = True
        self._queue.clear()
        end = time.monotonic() + self._settings.stop
        while any(self._is_image(worker) for worker in self.workers.busy()) and time.monotonic() < end:
            live = next(self._live[each.task] for each in self.workers.busy() if self._is_image(each))
            live.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(live.changed.wait(), end - time.monotonic())
        self.workers.close()
        for live in self._live.values():
            job = live.job
            if job.state == "running":
                job.attempts -= 1  # it was not its fault
                job.state, job.started, job.progress = "queued", None, None
                self._try_to_save(job)
            live.changed.set()

    def _is_image(self, worker: Worker) -> bool:
        return worker.task in self._live and self._live[worker.task].job.kind == "image"

    # The queue

    def find(self, job_id: str) -> Job | None:
        """A job, if it is unfinished: the database does not know its progress."""
        live = self._live.get(job_id)
        return None if live is None else live.job

    @property
    def unfinished(self) -> list[Job]:
        """All unfinished jobs."""
        return [live.job for live in self._live.values()]

    def position(self, job: Job) -> int | None:
        """The place of a queued job, from 1; None for any other."""
        if job.state != "queued":
            return None
        with suppress(ValueError):
            return self._queue.index(job.id) + 1
        return None

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._queue)

    def enqueue(self, job: Job) -> None:
        """Put a job at the end of the queue. It is not written yet."""
        job.state, job.started, job.progress = "queued", None, None
        self._live[job.id] = _Live(job)
        self._queue.append(job.id)

    def accept(self, job: Job, key: tuple[str, str] | None = None) -> None:
        """Queue a job and write it; :meth:`save` says more.

        Raises:
            sqlite3.Error: it cannot be written, and is not queued.
        """
        self.enqueue(job)
        try:
            self.save(job, key)
        except BaseException:
            self._queue.remove(job.id)
            del self._live[job.id]
            raise
        self.dispatch()

    def dispatch(self) -> None:
        """Give waiting jobs to waiting workers, the oldest first; videos leave a worker free for images."""
        while not self.stopping and self._queue and (worker := self.workers.idle()) is not None:
            videos = sum(self._live[each.task].job.kind == "video" for each in self.workers.busy())
            full = videos >= max(1, self._settings.workers - 1)
            job_id = next((each for each in self._queue if not full or self._live[each].job.kind == "image"), None)
            if job_id is None:
                return
            self._queue.remove(job_id)
            self._begin(worker, self._live[job_id].job)

    def _begin(self, worker: Worker, job: Job) -> None:
        job.state, job.started = "running", time.time()
        job.attempts += 1
        self._try_to_save(job)
        worker.give(job.id, self._task(job.kind, job))
        if job.kind == "image":
            limit = self._settings.image_seconds
            worker.timer = asyncio.get_running_loop().call_later(limit, self._too_long, worker)

    @staticmethod
    def _too_long(worker: Worker) -> None:
        worker.late = True
        worker.kill()

    def _task(self, name: str, job: Job) -> dict[str, Any]:
        return {
            "task": name,
            "source": str(self._files.source(job)),
            "folder": str(self._files.folder(job.id)),
            "name": job.source["name"],
            "options": job.options,
        }

    def _on_message(self, worker: Worker, message: dict[str, Any]) -> None:
        live = self._live.get(worker.task)
        event = message.pop("event")
        if live is None:
            return
        job = live.job
        if event == "source":
            job.source["width"], job.source["height"] = message["width"], message["height"]
            job.frames = message["frames"]
            self._step(live)
        elif event == "progress":
            job.progress = message
            self._step(live)
        else:
            worker.rest()
            if event == "done":
                self._done(job, message)
            else:
                if "log" in message:
                    print(f"error: job {job.id}: {message['log']}", file=sys.stderr, flush=True)
                self._finish(job, "failed", error=Problem(message["kind"], message["detail"]))
            self.dispatch()

    def _step(self, live: _Live) -> None:
        """Tell of progress, if some time has passed since the last event."""
        live.changed.set()
        now = time.monotonic()
        if now < live.next_step:
            return
        live.next_step = now + _STEP_PAUSE
        job = live.job
        with suppress(sqlite3.Error):  # it is only progress; the end of the job is written or reported
            self._store.step(job, self._document(job))
            self._events.tell(job.client, job.id)

    def document(self, job: Job) -> dict[str, Any]:
        """A job as JSON."""
        return job_document(job, self._settings.keep, self.position(job))

    def _document(self, job: Job) -> str:
        return json.dumps(self.document(job))

    def _done(self, job: Job, message: dict[str, Any]) -> None:
        for name in ("result", "comparison"):
            file = message.get(name)
            if file is not None:
                file["name"] = download_name(job, file["file"])
                self._files.used += file["bytes"]
                setattr(job, name, file)
        job.source.update(message["source"])
        job.frames = message["frames"]
        job.model, job.reason = message["model"], message["reason"]
        job.notes, job.seconds = message["notes"], message["seconds"]
        if job.started is not None:
            self._took(time.time() - job.started)
        self._finish(job, "done")

    def _finish(self, job: Job, state: str, error: Problem | None = None) -> None:
        job.state, job.finished = state, time.time()
        job.looked = job.finished
        job.error = None if error is None else error.document(f"/v1/jobs/{job.id}")
        job.progress = job.progress if state == "done" else None
        if state != "done":
            # The segments of a video that failed stay with it, so that another attempt goes on after them.
            self._files.remove_results(job, everything=state == "cancelled")
        self._measurements.finish(job)
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Write the end of a job; it stays in memory until that succeeds."""
        if not self._try_to_save(job):
            asyncio.get_running_loop().call_later(_AGAIN, self._settle, job)
            return
        live = self._live.pop(job.id, None)
        if live is not None:
            live.changed.set()

    def _try_to_save(self, job: Job) -> bool:
        """Write a job, if the disk is not full: without its beginning, it would only be begun again."""
        try:
            self.save(job)
        except sqlite3.Error as error:
            print(f"error: job {job.id} cannot be written to the database: {error}", file=sys.stderr, flush=True)
            return False
        return True

    def _on_end(self, worker: Worker, how: str) -> None:
        live = self._live.get(worker.task)
        worker.rest()
        if live is None:
            return
        if live.cancelled:
            self._finish(live.job, "cancelled")
        elif worker.late:
            text = f"this took longer than the limit of {self._settings.image_seconds / 60:.3g} minutes"
            self._finish(live.job, "failed", error=Problem("too-large", text))
        else:
            self._measurements.crashes += 1
            self._finish(live.job, "failed", error=Problem("crashed", f"{live.job.source['name']}: {how}"))

    def save(self, job: Job, key: tuple[str, str] | None = None) -> None:
        """Write a job as it is now, and tell everybody.

        Args:
            job: the job.
            key: an idempotency key to write with it, and the digest of its request.
        """
        self._store.save(job, self._document(job), key)
        self._events.tell(job.client, job.id)
        live = self._live.get(job.id)
        if live is not None:
            live.changed.set()

    async def wait(self, job_id: str, seconds: float, most_pixels: int | None = None) -> None:
        """Wait until a job is finished, or for some time, or until its image is known to be large."""
        end = time.monotonic() + seconds
        while (live := self._live.get(job_id)) is not None and not (self.stopping and live.job.state == "queued"):
            source = live.job.source
            if most_pixels is not None and (source["width"] or 0) * (source["height"] or 0) > most_pixels:
                break
            live.changed.clear()
            left = end - time.monotonic()
            if left <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(live.changed.wait(), left)

    async def cancel(self, job: Job) -> None:
        """Cancel an unfinished job; returns when it is, or after 30 seconds."""
        live = self._live[job.id]
        if job.state == "queued":
            with suppress(ValueError):
                self._queue.remove(job.id)
            self._finish(job, "cancelled")
            return
        live.cancelled = True
        for worker in self.workers.busy():
            if worker.task == job.id:
                worker.kill()
        await self.wait(job.id, 30)
