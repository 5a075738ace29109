"""A job as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from subpixel.serve.jobs.store import Job

__all__ = ["job_document"]


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def job_document(job: Job, keep: float, position: int | None) -> dict[str, Any]:
    """A job as JSON.

    Args:
        job: the job.
        keep: seconds for which a finished job stays after somebody last looked at it.
        position: of a queued job, from 1.
    """

    def file(found: Mapping[str, Any] | None, url: str) -> dict[str, Any] | None:
        if found is None:
            return None
        return {**{name: value for name, value in found.items() if name != "file"}, "url": f"/v1/jobs/{job.id}/{url}"}

    document: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "created": _time(job.created),
        "started": _time(job.started),
        "finished": _time(job.finished),
        "expires": _time(job.looked + keep) if job.is_finished else None,
        "progress": job.progress,
        "position": position,
        "source": file(job.source, "source"),
        "options": job.options,
        "result": file(job.result, "result"),
        "frames": job.frames,
        "comparison": file(job.comparison, "comparison"),
        "model": job.model,
        "reason": job.reason,
        "notes": job.notes,
        "seconds": job.seconds,
        "error": job.error,
        "attempts": job.attempts,
        "cached": job.cached,
    }
    return document
