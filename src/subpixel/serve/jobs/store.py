"""The jobs of a server, in a database beside their files (SQLite, with a write-ahead log).

A change is one transaction: the job as it now is, and the event that tells of it. After ``kill -9`` the database holds
every transaction that was reported, and no half of one. The files of a job lie in a folder of its own, which is named
after it: what has no row is a leftover.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from subpixel.serve.jobs.disk_use import flush_file

__all__ = ["FINISHED", "Event", "Job", "Store"]

FINISHED = ("done", "failed", "cancelled")
# Events are numbered by milliseconds since 1970 where that is further than one more than the last: a number is never
# used twice, whatever was not written before a crash.
_AHEAD = 1_000_000
_TOMBSTONES = 24 * 3600.0  # seconds for which it is known that a job was deleted

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL, client TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
  created REAL NOT NULL, started REAL, finished REAL, looked REAL NOT NULL, attempts INTEGER NOT NULL,
  content TEXT NOT NULL, bytes INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs (client, created);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created);
CREATE INDEX IF NOT EXISTS jobs_by_seq ON jobs (seq);
CREATE INDEX IF NOT EXISTS jobs_by_content ON jobs (content, state);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, looked);
CREATE TABLE IF NOT EXISTS idempotency (
  client TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, job TEXT NOT NULL, created REAL NOT NULL,
  PRIMARY KEY (client, key)
);
CREATE INDEX IF NOT EXISTS idempotency_by_job ON idempotency (job);
CREATE TABLE IF NOT EXISTS deleted (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL, client TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, job TEXT NOT NULL, client TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, kind, seq);
CREATE INDEX IF NOT EXISTS events_by_client ON events (client, seq);
"""
_VERSION = 2  # version 1 had no events: the service writes one for each job that has none
# Events about the progress of a job that are kept, the newest ones.
_MOST_STEPS = 100


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Args:
        seq: its number.
        job: the job's id.
        kind: ``state`` for a change of its state, ``step`` for progress, ``deleted``.
        document: the job as it then was, as JSON; of a deleted one only its id.
    """

    seq: int
    job: str
    kind: str
    document: str


@dataclass
class Job:
    """A job, as the database holds it.

    Args:
        id: random, of 32 hexadecimal digits.
        kind: ``image`` or ``video``.
        client: who asked, by a random name of its own; empty if unknown.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        content: digest of all that decides the result: the bytes of the source and the options.
        options: what was asked for, without defaults.
        source: ``{name, file, bytes, digest, width, height, media_type}``; sizes are None until it was opened.
        created, started, finished, looked: times in seconds since 1970; the last is when somebody last looked at it.
        seq: number of its last event.
        attempts: how often the work was begun.
        result, comparison: like ``source``; None if there is none.
        model: that upscaled.
        reason: why that model was chosen.
        notes: what could not be kept, one sentence each.
        seconds: of each stage.
        error: the problem, of a failed job.
        cached: whether the result was there already.
        progress: ``{done, total, unit}``.
        frames: of an animation or a video, 1 for any other image; None until it is known.
    """

    id: str
    kind: str
    client: str
    content: str
    options: dict[str, Any]
    source: dict[str, Any]
    state: str = "queued"
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    looked: float = 0.0
    seq: int = 0
    attempts: int = 0
    result: dict[str, Any] | None = None
    comparison: dict[str, Any] | None = None
    model: str | None = None
    reason: str | None = None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    cached: bool = False
    progress: dict[str, Any] | None = None
    frames: int | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in FINISHED


_COLUMNS = (
    *("id", "seq", "client", "kind", "state", "created", "started", "finished", "looked", "attempts", "content"),
)
_REST = tuple(each.name for each in fields(Job) if each.name not in _COLUMNS)
# The column of bytes is that of version 1; the disk itself says what is used.
_INSERT = f"INSERT OR REPLACE INTO jobs ({', '.join(_COLUMNS)}, document, bytes) VALUES ({'?, ' * len(_COLUMNS)}?, 0)"
_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
_SELECT = f"SELECT {', '.join(_COLUMNS)}, document FROM jobs"


def _job(row: tuple[Any, ...]) -> Job:
    return Job(**dict(zip(_COLUMNS, row, strict=False)), **json.loads(row[-1]))


class Store:
    """The database. It is used from one thread.

    Args:
        path: of the database; it is created if it does not exist.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._log = path.with_name(f"{path.name}-wal")
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA busy_timeout = 5000")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise OSError(f"{path}: made by a newer version of this program")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            raise OSError(f"{path}: cannot be used as a database: {error}") from None
        (last,) = self._db.execute(
            "SELECT max(coalesce((SELECT max(seq) FROM jobs), 0), coalesce((SELECT max(seq) FROM deleted), 0), "
            "coalesce((SELECT max(seq) FROM events), 0))"
        ).fetchone()
        self._seq = max(last + _AHEAD if last else 0, int(time.time() * 1000))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._seq

    def save(self, job: Job, document: str, key: tuple[str, str] | None = None) -> None:
        """Write a job, as it is from now on, and the event that tells of it. The job gets the event's number.

        Args:
            job: the job.
            document: what the event says, JSON.
            key: an idempotency key to write with it, and the digest of its request.
        """
        before, job.seq = job.seq, self._seq + 1
        rest = {name: getattr(job, name) for name in _REST}
        values = [*(getattr(job, name) for name in _COLUMNS), json.dumps(rest, ensure_ascii=False)]
        try:
            with self._transaction():
                self._db.execute(_INSERT, values)
                self._db.execute(_INSERT_EVENT, (job.seq, job.id, job.client, "state", document))
                if key is not None:
                    self._db.execute(
                        "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)",
                        (job.client, key[0], key[1], job.id, job.created),
                    )
        except BaseException:
            job.seq = before
            raise
        self._seq = job.seq

    def step(self, job: Job, document: str) -> None:
        """Write an event about the progress of a job. Of these only the newest are kept."""
        seq = self._seq + 1
        with self._transaction():
            self._db.execute(_INSERT_EVENT, (seq, job.id, job.client, "step", document))
            self._db.execute("UPDATE jobs SET seq = ? WHERE id = ?", (seq, job.id))
            self._db.execute(
                "DELETE FROM events WHERE job = ? AND kind = 'step' AND seq <= (SELECT seq FROM events "
                "WHERE job = ? AND kind = 'step' ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (job.id, job.id, _MOST_STEPS),
            )
        job.seq = self._seq = seq

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    def look(self, job: Job, now: float) -> None:
        """Write that somebody looked at a job."""
        job.looked = now
        self._db.execute("UPDATE jobs SET looked = ? WHERE id = ?", (now, job.id))

    def get(self, job_id: str) -> Job | None:
        """A job; None if there is none."""
        row = self._db.execute(f"{_SELECT} WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else _job(row)

    def was_deleted(self, job_id: str) -> bool:
        """Whether there was such a job."""
        return self._db.execute("SELECT 1 FROM deleted WHERE id = ?", (job_id,)).fetchone() is not None

    def delete(self, job: Job) -> None:
        """Delete a job with its events; one event says so."""
        seq = self._seq + 1
        with self._transaction():
            for table, column in (("jobs", "id"), ("idempotency", "job"), ("events", "job")):
                self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (job.id,))
            self._db.execute(
                "INSERT OR REPLACE INTO deleted VALUES (?, ?, ?, ?)", (job.id, seq, job.client, time.time())
            )
            document = json.dumps({"id": job.id})
            self._db.execute(_INSERT_EVENT, (seq, job.id, job.client, "deleted", document))
        self._seq = seq

    def forget_deleted(self, now: float) -> None:
        """Forget jobs that were deleted long ago."""
        with self._transaction():
            old = "SELECT id FROM deleted WHERE at < ?"
            self._db.execute(f"DELETE FROM events WHERE kind = 'deleted' AND job IN ({old})", (now - _TOMBSTONES,))
            self._db.execute("DELETE FROM deleted WHERE at < ?", (now - _TOMBSTONES,))

    def page(self, client: str | None, limit: int, before: float | None) -> list[Job]:
        """Jobs, the newest first.

        Args:
            client: whose; None for all.
            limit: how many.
            before: only those that were created before this time.
        """
        where: list[str] = []
        values: list[Any] = []
        if client is not None:
            where.append("client = ?")
            values.append(client)
        if before is not None:
            where.append("created < ?")
            values.append(before)
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        query = f"{_SELECT}{condition} ORDER BY created DESC, id LIMIT ?"
        return [_job(row) for row in self._db.execute(query, (*values, limit))]

    def unfinished(self) -> list[Job]:
        """Jobs that are queued or running, the oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE state IN ('queued', 'running') ORDER BY created, id")
        return [_job(row) for row in rows]

    def events_after(self, seq: int, client: str | None, job_id: str | None, most: int) -> list[Event]:
        """The events after one, in order: those of a client and of a job, or of all."""
        return self._events("seq > ?", seq, client, job_id, most)

    def last_events(self, client: str | None, job_id: str | None) -> list[Event]:
        """The last event of each job that there is, in order."""
        return self._events("seq IN (SELECT seq FROM jobs) AND seq > ?", -1, client, job_id, -1)

    def _events(self, where: str, seq: int, client: str | None, job_id: str | None, most: int) -> list[Event]:
        values: list[Any] = [seq]
        for column, value in (("client", client), ("job", job_id)):
            if value is not None:
                where += f" AND {column} = ?"
                values.append(value)
        query = f"SELECT seq, job, kind, document FROM events WHERE {where} ORDER BY seq LIMIT ?"
        return [Event(*row) for row in self._db.execute(query, (*values, most))]

    def without_event(self) -> list[Job]:
        """Jobs of a database that had no events yet, the oldest first."""
        rows = self._db.execute(f"{_SELECT} WHERE id NOT IN (SELECT job FROM events) ORDER BY seq")
        return [_job(row) for row in rows]

    def made(self, content: str) -> Job | None:
        """A finished job of the same content and options; None if there is none."""
        query = f"{_SELECT} WHERE content = ? AND state = 'done' ORDER BY created DESC LIMIT 1"
        row = self._db.execute(query, (content,)).fetchone()
        return None if row is None else _job(row)

    def by_key(self, client: str, key: str) -> tuple[str, str] | None:
        """``(digest of the request, id of its job)`` of an idempotency key; None if it was not used."""
        query = "SELECT request, job FROM idempotency WHERE client = ? AND key = ?"
        found: tuple[str, str] | None = self._db.execute(query, (client, key)).fetchone()
        return found

    def expired(self, looked_before: float) -> list[Job]:
        """Finished jobs that nobody looked at since."""
        query = f"{_SELECT} WHERE state IN ('done', 'failed', 'cancelled') AND looked < ?"
        return [_job(row) for row in self._db.execute(query, (looked_before,))]

    def ids(self) -> set[str]:
        """All jobs."""
        return {row[0] for row in self._db.execute("SELECT id FROM jobs")}

    def counts(self) -> Mapping[str, int]:
        """How many jobs are in each state."""
        return dict(self._db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())

    def done(self) -> list[Job]:
        """Jobs that have a result, the oldest first."""
        return [_job(row) for row in self._db.execute(f"{_SELECT} WHERE state = 'done' ORDER BY created")]

    def last_time_ms(self) -> int:
        """When the newest job was made, in milliseconds since 1970; 0 if there is none."""
        (last,) = self._db.execute("SELECT coalesce(max(created), 0) FROM jobs").fetchone()
        return round(float(last) * 1000)

    def shift_looks(self, seconds: float) -> None:
        """Move the times at which jobs were looked at, since the clock was set."""
        self._db.execute("UPDATE jobs SET looked = looked + ?", (seconds,))

    def flush(self) -> None:
        """Have what was written so far written to the disk itself, so that it outlasts a power failure.

        May be called in another thread.
        """
        if sys.platform != "win32":
            flush_file(self._log)

    def check(self) -> None:
        """Check that the database answers.

        Raises:
            sqlite3.Error: it does not.
        """
        self._db.execute("SELECT 1 FROM jobs LIMIT 1").fetchall()
