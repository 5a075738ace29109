"""Server-sent events: every change of a job, numbered, so that a client that comes back misses nothing.

Events are read from the database, by those who were there all the time as by those who come back. So a slow client
takes no memory, and nobody can miss what others saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi.sse import ServerSentEvent

from subpixel.serve.jobs.store import FINISHED, Event, Store

__all__ = ["Events", "Listener", "parse_event_id"]

# Events that are read at a time.
_BATCH = 50
_RETRY = 2000  # milliseconds after which a browser connects again


class Listener:
    """Somebody who waits for events: of a client, of a job, or of all."""

    def __init__(self, client: str | None, job_id: str | None) -> None:
        self.client, self.job_id = client, job_id
        self.wake = asyncio.Event()


def parse_event_id(text: str | None) -> int | None:
    """The number of an event; None if there is none.

    >>> parse_event_id("12"), parse_event_id("x")
    (12, None)
    """
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 17 else None


class Events:
    """Those who listen.

    Args:
        store: where events are written.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._closed = False

    def tell(self, client: str, job_id: str) -> None:
        """Wake those who wait for an event of a job of a client; it is written already."""
        for each in self._listeners:
            if each.client in (None, client) and each.job_id in (None, job_id):
                each.wake.set()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for each in self._listeners:
            each.wake.set()

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @contextmanager
    def listening(self, client: str | None = None, job_id: str | None = None) -> Iterator[Listener]:
        """A block in which somebody listens. It ends with the request: a stream that nobody reads does not end itself.

        Args:
            client: only to jobs of this client.
            job_id: only to this job.
        """
        listener = Listener(client, job_id)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def stream(self, after: int | None, listener: Listener) -> AsyncIterator[ServerSentEvent]:
        """Events as they happen; those of a single job until it is finished.

        Args:
            after: the number of the last event that was seen; None, or one that is not known, to begin with the last
                event of each job.
            listener: who listens.
        """
        client, job_id = listener.client, listener.job_id
        yield ServerSentEvent(retry=_RETRY)
        if after is None or after > self._store.last_seq:  # of another database, or lost with the power
            after = self._store.last_seq
            for event in self._store.last_events(client, job_id):
                yield _sent(event)
        while not self._closed:
            listener.wake.clear()
            found = self._store.events_after(after, client, job_id, _BATCH)
            for event in found:
                yield _sent(event)
                after = event.seq
            if found:
                continue
            if job_id is not None and self._is_over(job_id):
                return
            await listener.wake.wait()

    def _is_over(self, job_id: str) -> bool:
        job = self._store.get(job_id)
        return job is None or job.state in FINISHED


def _sent(event: Event) -> ServerSentEvent:
    name = "deleted" if event.kind == "deleted" else "job"
    return ServerSentEvent(raw_data=event.document, event=name, id=str(event.seq))
