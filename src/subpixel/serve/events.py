"""Server-sent events: every change of a job, numbered, so that a client that comes back misses nothing.

An event is the whole job. If several changes wait for a slow client, it gets the last one: memory stays small, and
nothing that still holds is missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from subpixel.serve.store import FINISHED, Job

__all__ = ["Events", "parse_event_id"]

_HEARTBEAT = 15.0  # seconds; proxies close connections on which nothing comes


class _Subscriber:
    def __init__(self, client: str | None, job_id: str | None) -> None:
        self.client, self.job_id = client, job_id
        self.pending: dict[str, tuple[int, bool]] = {}
        self.wake = asyncio.Event()

    def wants(self, job: Job) -> bool:
        return self.client in (None, job.client) and self.job_id in (None, job.id)


def parse_event_id(text: str | None) -> int | None:
    """The number of an event; None if there is none.

    >>> parse_event_id("12"), parse_event_id("x")
    (12, None)
    """
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 17 else None


class Events:
    """Those who listen, and what they have not seen."""

    def __init__(self) -> None:
        self._subscribers: set[_Subscriber] = set()
        self._closed = False

    def publish(self, job: Job) -> None:
        """Tell all who want to know that a job changed."""
        for each in self._subscribers:
            if each.wants(job):
                each.pending[job.id] = job.seq, False
                each.wake.set()

    def publish_deleted(self, job: Job, seq: int) -> None:
        """Tell them that a job was deleted."""
        for each in self._subscribers:
            if each.wants(job):
                each.pending[job.id] = seq, True
                each.wake.set()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for each in self._subscribers:
            each.wake.set()

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    async def stream(
        self,
        document: Callable[[str], dict[str, Any] | None],
        missed: Callable[[int, str | None, str | None], list[tuple[int, str, bool]]],
        after: int | None,
        *,
        client: str | None = None,
        job_id: str | None = None,
    ) -> AsyncIterator[bytes]:
        """Events as bytes.

        Args:
            document: the JSON of a job as it is now; None if it is gone.
            missed: what changed after an event, of a client and a job: ``(seq, id, whether it was deleted)``.
            after: the number of the last event that was seen; None to begin with how things are.
            client: only jobs of this client.
            job_id: only this job; the stream ends when it is finished.
        """
        subscriber = _Subscriber(client, job_id)
        self._subscribers.add(subscriber)
        try:
            yield b"retry: 2000\n\n"
            for seq, each, deleted in missed(-1 if after is None else after, client, job_id):
                if not deleted or after is not None:
                    subscriber.pending.setdefault(each, (seq, deleted))
            if job_id is not None and not subscriber.pending and _is_finished(document(job_id)):
                return  # its last event was seen
            while not self._closed:
                pending = sorted((seq, each, deleted) for each, (seq, deleted) in subscriber.pending.items())
                subscriber.pending.clear()
                subscriber.wake.clear()
                for seq, each, deleted in pending:
                    current = None if deleted else document(each)
                    if current is None:
                        yield _event(seq, "deleted", {"id": each})
                    else:
                        yield _event(seq, "job", current)
                    if each == job_id and _is_finished(current):
                        return
                if subscriber.pending:
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(subscriber.wake.wait(), _HEARTBEAT)
                    continue
                yield b": still here\n\n"
        finally:
            self._subscribers.discard(subscriber)


def _is_finished(document: dict[str, Any] | None) -> bool:
    return document is None or document["state"] in FINISHED


def _event(seq: int, name: str, data: dict[str, Any]) -> bytes:
    return f"id: {seq}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
