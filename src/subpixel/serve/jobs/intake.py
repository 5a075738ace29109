"""Making jobs of requests: idempotency keys, and results that are there already."""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from subpixel import __version__
from subpixel.serve.jobs.dispatching import Dispatcher
from subpixel.serve.jobs.job_files import JobFiles, download_name
from subpixel.serve.jobs.measurements import Measurements
from subpixel.serve.jobs.store import Job, Store
from subpixel.serve.jobs.uploads import Upload
from subpixel.serve.media_types import MEDIA_TYPES
from subpixel.serve.options import canonical
from subpixel.serve.problems import Problem

__all__ = ["Intake"]


class Intake:
    """Accepts jobs.

    Args:
        store: where jobs are written.
        files: of jobs.
        measurements: count jobs.
        dispatcher: gets jobs that are to be worked on.
        find: finds a job that somebody looks at.
    """

    def __init__(
        self,
        store: Store,
        files: JobFiles,
        measurements: Measurements,
        dispatcher: Dispatcher,
        find: Callable[[str], Job],
    ) -> None:
        self._store, self._files = store, files
        self._measurements, self._dispatcher, self._find = measurements, dispatcher, find
        self._last_time = store.last_time_ms()

    def submit(self, kind: str, upload: Upload, options: dict[str, Any], client: str, key: str | None) -> Job:
        """Make a job of an upload.

        Args:
            kind: ``image`` or ``video``.
            upload: the file; it is moved.
            options: checked, without defaults.
            client: who asks.
            key: an idempotency key.

        Returns:
            The job; with a key that was used before, the one that it stands for.

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
        return self._submit(kind, source, options, client, key, lambda job: self._files.begin(job, upload.path))

    def again(self, other: Job, options: dict[str, Any], client: str, key: str | None) -> Job:
        """Make a job of the source of another one; returns what :meth:`submit` does."""
        source = dict(other.source)
        return self._submit(other.kind, source, options, client, key, lambda job: self._files.begin_again(job, other))

    def _submit(
        self,
        kind: str,
        source: dict[str, Any],
        options: dict[str, Any],
        client: str,
        key: str | None,
        begin: Callable[[Job], None],
    ) -> Job:
        content = _content(kind, source["digest"], Path(source["file"]).suffix, options)
        if key is not None:
            earlier = self.earlier(client, key, content)
            if earlier is not None:
                return earlier
        now = self._next_time()
        job = Job(secrets.token_hex(16), kind, client, content, options, source, created=now, looked=now)
        try:
            begin(job)
            return self._accept(job, key)
        except BaseException:
            self._files.remove(job)  # no row names it
            raise

    def _next_time(self) -> float:
        """When a job is made: no two at the same time, in milliseconds, whatever the clock does."""
        self._last_time = max(math.floor(time.time() * 1000), self._last_time + 1)
        return self._last_time / 1000

    def earlier(self, client: str, key: str, content: str) -> Job | None:
        """The job that an idempotency key stands for.

        Raises:
            Problem: the key was used for another request.
        """
        found = self._store.by_key(client, key)
        if found is None:
            return None
        if found[0] != content:
            raise Problem("invalid", "this Idempotency-Key was used for another request; choose a new one")
        return self._find(found[1])

    def _accept(self, job: Job, key: str | None) -> Job:
        made = self._store.made(job.content)
        pair = None if key is None else (key, job.content)
        if made is not None and self._adopt(job, made):
            self._dispatcher.save(job, pair)
            self._measurements.cached += 1
            return job
        self._dispatcher.accept(job, pair)
        self._measurements.accepted[job.kind] += 1
        return job

    def _adopt(self, job: Job, made: Job) -> bool:
        """Give a job the files of an equal one. False if they are gone."""
        if not self._files.adopt(job, made):
            return False
        for name in ("result", "comparison"):
            file = getattr(made, name)
            setattr(job, name, None if file is None else {**file, "name": download_name(job, file["file"])})
        # The other client's name for its file is none of this one's business.
        job.notes = [note.replace(made.source["name"], job.source["name"]) for note in made.notes]
        job.model, job.reason, job.seconds, job.frames = made.model, made.reason, made.seconds, made.frames
        for name in ("width", "height"):
            job.source[name] = made.source[name]
        job.state, job.started, job.finished, job.cached = "done", job.created, time.time(), True
        return True


def _content(kind: str, digest: str, suffix: str, options: dict[str, Any]) -> str:
    """The digest of all that decides a result."""
    return hashlib.sha256("\n".join((__version__, kind, digest, suffix, canonical(options))).encode()).hexdigest()
