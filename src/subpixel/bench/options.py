"""Options of a benchmark run, and the measurement of one group of calls."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.bench.results import Entry, Group
from subpixel.bench.timing import time_alternately

__all__ = ["BenchOptions", "measure_group"]


@dataclass(frozen=True)
class BenchOptions:
    """Options of a run.

    Args:
        threads: of every program that is measured.
        rounds: how many rounds of a group count.
        seconds: a group ends early after this time.
        full: also the largest cases: images of 100 megapixels, 1,000 files.
        superres: a folder with the model files of OpenCV's dnn_superres.
        only: of suites ``ops`` and ``files``, the cases whose name contains this.
        scale: of suite ``quality``.
        models: of suite ``quality``, a folder of further model files; of suite ``flat``, of those to measure.
        data: of suite ``quality`` a folder of test sets, of suite ``video`` a video, of suite ``flat`` either.
        progress: called with a line before each part of suite ``overview``.
    """

    threads: int
    rounds: int = 15
    seconds: float = 20.0
    full: bool = False
    superres: Path | None = None
    only: str = ""
    scale: int = 2
    models: Path | None = None
    data: Path | None = None
    progress: Callable[[str], None] = field(default=lambda line: None, repr=False, compare=False)

    def command(self, suite: str) -> str:
        """The command that repeats the measurement, without options that have their default.

        >>> BenchOptions(2, full=True).command("engine")
        'subpixel bench --suite engine --threads 2 --full'
        """
        words = ["subpixel", "bench", "--suite", suite, "--threads", str(self.threads)]
        defaults = BenchOptions(self.threads)
        for name in ("rounds", "seconds", "superres", "only", "scale", "models", "data"):
            if getattr(self, name) != getattr(defaults, name):
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
    """Measure calls in turns. An entry is the name of a call, its role, and the name of its ceiling or None."""
    times = time_alternately(calls, options.rounds, options.seconds)
    result = (Entry(call, role, times[call], ceiling, pixels) for call, role, ceiling in entries)  # type: ignore[arg-type]
    return Group(name, title, tuple(result), notes=tuple(notes))
