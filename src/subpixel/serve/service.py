"""The life of jobs: accepted, queued, worked on, finished, looked at, removed. All of it happens in the event loop.

The state of a job is written to the database before anybody is told about it, and after its files are complete.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel import __version__
from subpixel.serve.admission import Admission
from subpixel.serve.asides import Asides
from subpixel.serve.events import Events
from subpixel.serve.job_files import JobFiles
from subpixel.serve.measurements import Measurements
from subpixel.serve.media_types import MEDIA_TYPES
from subpixel.serve.options import canonical
from subpixel.serve.problems import Problem
from subpixel.serve.settings import Settings
from subpixel.serve.store import Job, Store
from subpixel.serve.uploads import Upload
from subpixel.serve.workers import Worker, Workers, limits_of

__all__ = ["Service"]

# A job that was begun so often, each time until the server died, is given up.
_MOST_ATTEMPTS = 5
# Seconds until the end of a job is written again that could not be written.
_AGAIN = 2.0
# Seconds between two writes of when a job was looked at.
_LOOK_PAUSE = 30.0


@dataclass
class _Live:
    """What the memory holds of an unfinished job."""

    job: Job
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False


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
        self.events = Events()
        self.measurements = Measurements()
        self.stopping = False
        self._end: asyncio.Task[None] | None = None
        self._live: dict[str, _Live] = {}
        self._queue: deque[str] = deque()
        self._admission = Admission(settings, self.measurements)
        self._bytes = self.store.total_bytes()
        limits = limits_of(settings)
        self.workers = Workers(settings.workers, limits, self._on_message, self._on_end, self._dispatch)
        self.asides = Asides(limits)

    # Start and end

    def _clean_up(self) -> None:
        """Whatever state the last server left: its jobs are queued again, and leftovers are removed."""
        self.files.remove_leftovers(self.store.ids())
        for job in self.store.unfinished():
            if not self.files.source(job).is_file():
                self._finish(job, "failed", error=Problem("gone", "the file of this job is no longer there"))
            elif job.attempts >= _MOST_ATTEMPTS:
                text = f"the server ended {job.attempts} times while this job was worked on, so it is given up"
                self._finish(job, "failed", error=Problem("crashed", text))
            else:
                self.files.remove_results(job)
                self._enqueue(job)

    def start(self) -> None:
        """Go on with what the last server left, and start the workers. Called in the event loop."""
        self._clean_up()
        self.workers.start()

    async def stop(self) -> None:
        """End: running images are finished, as far as there is time; what is left is queued for the next start."""
        if self._end is None:
            self._end = asyncio.get_running_loop().create_task(self._stop())
        await asyncio.shield(self._end)

    async def _stop(self) -> None:
        self.stopping = True
        self.events.close()
        self._queue.clear()
        end = time.monotonic() + self.settings.stop
        while any(self._is_image(worker) for worker in self.workers.busy()) and time.monotonic() < end:
            live = next(self._live[each.task] for each in self.workers.busy() if self._is_image(each))
            live.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(live.changed.wait(), end - time.monotonic())
        self.workers.close()
        self.asides.close()
        for live in self._live.values():
            job = live.job
            if job.state == "running":
                job.attempts -= 1  # it was not its fault
                job.state, job.started, job.progress = "queued", None, None
                self._try_to_save(job)
            live.changed.set()

    def close(self) -> None:
        """Release everything, after :meth:`stop`."""
        self.store.close()

    def _is_image(self, worker: Worker) -> bool:
        return worker.task in self._live and self._live[worker.task].job.kind == "image"

    # Accepting

    def reservation(self, size: int | None) -> AbstractContextManager[None]:
        """A place in the queue, and space, for a request whose body is still to come, see :class:`Admission`."""
        self.check_running()
        return self._admission.reservation(size, len(self._queue), self._bytes)

    def check_running(self) -> None:
        """Raise a Problem if the server is about to end."""
        if self.stopping:
            raise Problem("unavailable", "the server is stopping", retry_after=10)

    def submit(
        self, kind: str, upload: Upload, options: dict[str, Any], client: str, key: str | None
    ) -> tuple[Job, bool]:
        """Make a job of an upload.

        Args:
            kind: ``image`` or ``video``.
            upload: the file; it is moved.
            options: checked, without defaults.
            client: who asks.
            key: an idempotency key.

        Returns:
            The job, and whether it was there before, by its key.

        Raises:
            Problem: the key was used for another request.
        """
        assert upload.type is not None
        suffix = upload.type.suffix(upload.name)
        source = {
            "name": upload.name or f"{kind}{suffix}",
            "file": f"source{suffix}",
            "bytes": upload.bytes,
            "digest": upload.digest,
            "width": None,
            "height": None,
            "media_type": MEDIA_TYPES[suffix],
        }
        return self._submit(kind, source, options, client, key, lambda job: self.files.begin(job, upload.path))

    def again(self, other: Job, options: dict[str, Any], client: str, key: str | None) -> tuple[Job, bool]:
        """Make a job of the source of another one; returns what :meth:`submit` does."""
        source = dict(other.source)
        return self._submit(other.kind, source, options, client, key, lambda job: self.files.begin_again(job, other))

    def _submit(
        self,
        kind: str,
        source: dict[str, Any],
        options: dict[str, Any],
        client: str,
        key: str | None,
        begin: Callable[[Job], None],
    ) -> tuple[Job, bool]:
        content = _content(kind, source["digest"], Path(source["file"]).suffix, options)
        if key is not None:
            earlier = self.earlier(client, key, content)
            if earlier is not None:
                return earlier, True
        now = time.time()
        job = Job(secrets.token_hex(16), kind, client, content, options, source, created=now, looked=now)
        job.bytes = source["bytes"]
        try:
            begin(job)
            return self._accept(job, key), False
        except BaseException:
            self.files.remove(job)  # no row names it
            raise

    def earlier(self, client: str, key: str, content: str) -> Job | None:
        """The job that an idempotency key stands for.

        Raises:
            Problem: the key was used for another request.
        """
        found = self.store.by_key(client, key)
        if found is None:
            return None
        if found[0] != content:
            raise Problem("invalid", "this Idempotency-Key was used for another request; choose a new one")
        return self.find(found[1])

    def _accept(self, job: Job, key: str | None) -> Job:
        made = self.store.made(job.content)
        pair = None if key is None else (key, job.content)
        if made is not None and self._adopt(job, made):
            job.seq = self.store.next_seq()
            self.store.save(job, pair)
            self._bytes += job.bytes
            self.measurements.cached += 1
            self.events.publish(job)
            return job
        job.seq = self.store.next_seq()
        self.store.save(job, pair)
        self._bytes += job.bytes
        self.measurements.accepted[job.kind] += 1
        self._enqueue(job)
        self.events.publish(job)
        self._dispatch()
        return self._live[job.id].job

    def _adopt(self, job: Job, made: Job) -> bool:
        """Give a job the files of an equal one. False if they are gone."""
        if not self.files.adopt(job, made):
            return False
        for name in ("result", "comparison"):
            file = getattr(made, name)
            setattr(job, name, None if file is None else {**file, "name": _download_name(job, file["file"])})
        # The other client's name for its file is none of this one's business.
        job.notes = [note.replace(made.source["name"], job.source["name"]) for note in made.notes]
        job.model, job.reason, job.seconds = made.model, made.reason, made.seconds
        for name in ("width", "height"):
            job.source[name] = made.source[name]
        job.state, job.started, job.finished, job.cached = "done", job.created, time.time(), True
        job.bytes += sum(file["bytes"] for file in (job.result, job.comparison) if file)
        return True

    # Queue and workers

    def _enqueue(self, job: Job) -> None:
        job.state, job.started, job.progress = "queued", None, None
        self._live[job.id] = _Live(job)
        self._queue.append(job.id)

    def _dispatch(self) -> None:
        """Give waiting jobs to waiting workers, the oldest first; videos leave a worker free for images."""
        while not self.stopping and self._queue and (worker := self.workers.idle()) is not None:
            videos = sum(self._live[each.task].job.kind == "video" for each in self.workers.busy())
            full = videos >= max(1, self.settings.workers - 1)
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
            limit = self.settings.image_seconds
            worker.timer = asyncio.get_running_loop().call_later(limit, self._too_long, worker)

    @staticmethod
    def _too_long(worker: Worker) -> None:
        worker.late = True
        worker.kill()

    def _task(self, name: str, job: Job) -> dict[str, Any]:
        return {
            "task": name,
            "source": str(self.files.source(job)),
            "folder": str(self.files.folder(job.id)),
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
            self._changed(live)
        elif event == "progress":
            job.progress = message
            self._changed(live)
        else:
            worker.rest()
            if event == "done":
                self._done(job, message)
            else:
                if "log" in message:
                    print(f"error: job {job.id}: {message['log']}", file=sys.stderr, flush=True)
                self._finish(job, "failed", error=Problem(message["kind"], message["detail"]))
            self._dispatch()

    def _changed(self, live: _Live) -> None:
        live.job.seq = self.store.next_seq()
        self.events.publish(live.job)
        live.changed.set()

    def _done(self, job: Job, message: dict[str, Any]) -> None:
        for name in ("result", "comparison"):
            file = message.get(name)
            if file is not None:
                file["name"] = _download_name(job, file["file"])
                job.bytes += file["bytes"]
                self._bytes += file["bytes"]
                setattr(job, name, file)
        job.source.update(message["source"])
        job.model, job.reason = message["model"], message["reason"]
        job.notes, job.seconds = message["notes"], message["seconds"]
        if job.started is not None:
            self._admission.took(time.time() - job.started)
        self._finish(job, "done")

    def _finish(self, job: Job, state: str, error: Problem | None = None) -> None:
        job.state, job.finished = state, time.time()
        job.looked = job.finished
        job.error = None if error is None else error.document(f"/v1/jobs/{job.id}")
        job.progress = job.progress if state == "done" else None
        if state != "done":
            self.files.remove_results(job, everything=True)
        self.measurements.finish(job)
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
            self._save(job)
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
            text = f"this took longer than the limit of {self.settings.image_seconds / 60:.3g} minutes"
            self._finish(live.job, "failed", error=Problem("too-large", text))
        else:
            self.measurements.crashes += 1
            self._finish(live.job, "failed", error=Problem("crashed", f"{live.job.source['name']}: {how}"))

    def _save(self, job: Job) -> None:
        job.seq = self.store.next_seq()
        self.store.save(job)
        self.events.publish(job)
        live = self._live.get(job.id)
        if live is not None:
            live.changed.set()

    # Looking and changing

    def find(self, job_id: str, *, look: bool = True) -> Job:
        """A job.

        Raises:
            Problem: there is none, or it is gone.
        """
        live = self._live.get(job_id)
        job = self.store.get(job_id) if live is None else live.job
        if job is None:
            if self.store.was_deleted(job_id):
                raise Problem("gone", "this job was deleted, or nobody looked at it for a while")
            raise Problem("not-found", "there is no such job")
        now = time.time()
        if look and live is None and now - job.looked > _LOOK_PAUSE:
            self.store.look(job, now)
        return job

    def current(self, job: Job) -> Job:
        """A job from the database as it is now: progress is in memory only."""
        live = self._live.get(job.id)
        return job if live is None else live.job

    def changed_after(self, seq: int, client: str | None, job_id: str | None) -> list[tuple[int, str, bool]]:
        """What changed after an event: ``(seq, id, whether it was deleted)``, in order."""
        jobs, gone = self.store.changed_after(seq, client, job_id)
        found = {job.id: job.seq for job in jobs}
        for live in self._live.values():
            if live.job.seq > seq and client in (None, live.job.client) and job_id in (None, live.job.id):
                found[live.job.id] = live.job.seq
        changed = [(number, each, False) for each, number in found.items()]
        return sorted([*changed, *((number, each, True) for number, each in gone)])

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

    async def wait(self, job_id: str, seconds: float, most_pixels: int | None = None) -> Job:
        """A job when it is finished, or after some time, or once its image is known to be large."""
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
        return self.find(job_id, look=False)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that is queued or running; returns it as it then is.

        Raises:
            Problem: it is finished, or there is none.
        """
        job = self.find(job_id)
        if job.is_finished:
            raise Problem("conflict", f"this job is {job.state} already")
        live = self._live[job_id]
        if job.state == "queued":
            with suppress(ValueError):
                self._queue.remove(job_id)
            self._finish(job, "cancelled")
            return job
        live.cancelled = True
        for worker in self.workers.busy():
            if worker.task == job_id:
                worker.kill()
        return await self.wait(job_id, 30)

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
            self._enqueue(job)
            self._save(job)
        self._dispatch()
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
        seq = self.store.delete(job)
        self._bytes -= job.bytes
        self.events.publish_deleted(job, seq)
        self.files.remove(job)

    def expire(self) -> int:
        """Remove jobs that nobody looked at for long; returns how many."""
        now = time.time()
        expired = self.store.expired(now - self.settings.keep)
        for job in expired:
            self.remove(job)
        self.store.forget_deleted(now)
        self._bytes = self.store.total_bytes()
        return len(expired)

    @property
    def used_bytes(self) -> int:
        """The bytes of the files of all jobs."""
        return self._bytes


def _download_name(job: Job, file: str) -> str:
    """The name of a file that was made of a job, after the client's name for its source."""
    stem = Path(job.source["name"]).stem or job.kind
    return f"{stem}{file.removeprefix('source')}" if file.startswith("source") else f"{stem}_{file}"


def _content(kind: str, digest: str, suffix: str, options: dict[str, Any]) -> str:
    """The digest of all that decides a result."""
    return hashlib.sha256("\n".join((__version__, kind, digest, suffix, canonical(options))).encode()).hexdigest()
