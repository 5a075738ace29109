"""What a server counts, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from subpixel.serve.jobs.store import Job

__all__ = ["Measurements", "metric_text"]

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Measurements:
    """Counters since the server was started."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.finished: Counter[tuple[str, str]] = Counter()
        self.requests: Counter[int] = Counter()
        self.cached = self.rejected = self.crashes = 0
        self._buckets: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()

    def finish(self, job: Job) -> None:
        """Count a job that has just ended."""
        self.finished[job.kind, job.state] += 1
        if job.state == "done" and job.started is not None and job.finished is not None:
            seconds = job.finished - job.started
            buckets = self._buckets.setdefault(job.kind, [0] * (len(_BOUNDS) + 1))
            for number, bound in enumerate(_BOUNDS):
                buckets[number] += seconds <= bound
            buckets[-1] += 1
            self._sums[job.kind] += seconds  # type: ignore[assignment]

    def lines(self) -> list[str]:
        """All counters."""
        text = metric_text(
            "subpixel_jobs_accepted_total",
            "counter",
            "Jobs that were accepted.",
            [({"kind": kind}, count) for kind, count in sorted(self.accepted.items())],
        )
        text += metric_text(
            "subpixel_jobs_finished_total",
            "counter",
            "Jobs that ended.",
            [({"kind": kind, "state": state}, count) for (kind, state), count in sorted(self.finished.items())],
        )
        text += metric_text(
            "subpixel_requests_total",
            "counter",
            "Requests that were answered.",
            [({"status": status}, count) for status, count in sorted(self.requests.items())],
        )
        for name, help_text, value in (
            ("subpixel_jobs_cached_total", "Jobs that were answered from what was made.", self.cached),
            ("subpixel_jobs_rejected_total", "Jobs that found the queue full.", self.rejected),
            ("subpixel_worker_crashes_total", "Workers that ended in the middle of a job.", self.crashes),
        ):
            text += metric_text(name, "counter", help_text, [({}, value)])
        name = "subpixel_job_seconds"
        text += [f"# HELP {name} Time of the work on jobs.", f"# TYPE {name} histogram"]
        for kind, buckets in sorted(self._buckets.items()):
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets, strict=True):
                text.append(f'{name}_bucket{{kind="{kind}",le="{bound}"}} {count}')
            text += [
                f'{name}_sum{{kind="{kind}"}} {self._sums[kind]:.6f}',
                f'{name}_count{{kind="{kind}"}} {buckets[-1]}',
            ]
        return text


def metric_text(name: str, kind: str, help_text: str, values: Iterable[tuple[Mapping[str, Any], float]]) -> list[str]:
    """The lines of one metric.

    >>> metric_text("a_total", "counter", "What it is.", [({"b": "c"}, 1)])
    ['# HELP a_total What it is.', '# TYPE a_total counter', 'a_total{b="c"} 1']
    """
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    for labels, value in values:
        inside = ",".join(f'{key}="{each}"' for key, each in labels.items())
        lines.append(f"{name}{{{inside}}} {value}" if inside else f"{name} {value}")
    return lines
