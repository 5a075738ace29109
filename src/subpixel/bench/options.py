"""What the user asked for, and the measuring of one group by it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subpixel.bench.results import Entry, Group
from subpixel.bench.timing import time_alternately

__all__ = ["BenchOptions", "measure_group"]


@dataclass(frozen=True)
class BenchOptions:
    """How much is measured: threads for all alike, rounds and seconds of a group, the largest cases, model files; for
    suite ``quality`` its scale, a folder of candidates, and test sets."""

    threads: int
    rounds: int = 15
    seconds: float = 20.0
    full: bool = False
    superres: Path | None = None
    only: str = ""
    scale: int = 2
    models: Path | None = None
    data: Path | None = None

    def command(self, suite: str) -> str:
        """What to type for the same measurement, less what goes without saying.

        >>> BenchOptions(2, full=True).command("engine")
        'subpixel bench --suite engine --threads 2 --full'
        """
        words = ["subpixel", "bench", "--suite", suite, "--threads", str(self.threads)]
        plain = BenchOptions(self.threads)
        for name in ("rounds", "seconds", "superres", "only", "scale", "models", "data"):
            if getattr(self, name) != getattr(plain, name):
                words += [f"--{name}", str(getattr(self, name))]
        return shlex.join([*words, "--full"] if self.full else words)


def measure_group(
    options: BenchOptions,
    name: str,
    title: str,
    calls: Mapping[str, Callable[[], Any]],
    entries: Iterable[tuple[str, str, str | None]],
    notes: Iterable[str] = (),
    pixels: int | None = None,
) -> Group:
    """Calls by their names, alternating; each entry is a call's name, its role, and the name of its ceiling."""
    times = time_alternately(calls, options.rounds, options.seconds)
    result = (Entry(call, role, times[call], ceiling, pixels) for call, role, ceiling in entries)  # type: ignore[arg-type]
    return Group(name, title, tuple(result), notes=tuple(notes))
