"""What a soak notes about its own process, and whether the curve of it is flat."""

from __future__ import annotations

import csv
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

__all__ = ["Sample", "Verdict", "now", "read", "verdict", "write"]

# The first part of a soak, in which caches fill and the allocator finds its size.
WARM_UP = 0.2
# What the median of the last quarter may lie above that of the first quarter after the warm-up: an allocator's heap
# breathes by a few MiB. A leak of 1 KiB per image is more than this after some thousand images.
MOST_MIB, MOST_SHARE = 8.0, 0.03


@dataclass(frozen=True)
class Sample:
    """One row of the curve.

    Args:
        seconds: since the start.
        items: images or videos that are done.
        frames: of videos that are done; 0 of images.
        rss: resident memory in MiB.
        descriptors: that are open.
        threads: of the process.
        quiet: whether nothing is under way. Only quiet samples are compared.
    """

    seconds: float
    items: int
    frames: int
    rss: float
    descriptors: int
    threads: int
    quiet: bool


@dataclass(frozen=True)
class Verdict:
    """A soak in figures.

    Args:
        first, last: median memory in MiB of the first quarter after the warm-up and of the last.
        slope: of the line through the samples after the warm-up, by least squares, in MiB per hour.
        descriptors: fewest and most that were open after the warm-up, in quiet samples.
        items, frames: that were done.
        seconds: that it took.
        flat: whether neither grew.
    """

    first: float
    last: float
    slope: float
    descriptors: tuple[int, int]
    items: int
    frames: int
    seconds: float
    flat: bool

    def __str__(self) -> str:
        done = f"{self.items} items" + (f", {self.frames} frames" if self.frames else "")
        return (
            f"{done} in {self.seconds:.0f} s: memory {self.first:.1f} MiB, at the end {self.last:.1f} MiB, "
            f"{self.slope:+.2f} MiB per hour; {self.descriptors[0]} to {self.descriptors[1]} file descriptors"
        )


def now(start: float, items: int, frames: int, quiet: bool) -> Sample:
    """A sample of this process."""
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if ":" in line
    )
    return Sample(
        round(time.monotonic() - start, 2),
        items,
        frames,
        round(int(status["VmRSS"].split()[0]) / 1024, 3),
        len(os.listdir("/proc/self/fd")) - 1,  # one of them is open for this list
        int(status["Threads"]),
        quiet,
    )


def write(samples: Sequence[Sample], path: Path) -> None:
    """A curve as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([each.name for each in fields(Sample)])
        rows.writerows([int(value) if isinstance(value, bool) else value for value in astuple(s)] for s in samples)


def read(path: Path) -> list[Sample]:
    """A curve from CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Sample(
                float(row["seconds"]),
                int(row["items"]),
                int(row["frames"]),
                float(row["rss"]),
                int(row["descriptors"]),
                int(row["threads"]),
                row["quiet"] == "1",
            )
            for row in csv.DictReader(file)
        ]


def verdict(samples: Sequence[Sample]) -> Verdict:
    """Whether memory and descriptors stayed flat after the warm-up.

    Raises:
        ValueError: there are fewer than 8 quiet samples after it, too few to say.
    """
    end = samples[-1].seconds
    after = [each for each in samples if each.quiet and each.seconds >= end * WARM_UP]
    if len(after) < 8:
        raise ValueError(f"{len(after)} samples after the warm-up; 8 are needed: run longer")
    quarter = len(after) // 4
    first = statistics.median(each.rss for each in after[:quarter])
    last = statistics.median(each.rss for each in after[-quarter:])
    slope, _ = statistics.linear_regression([each.seconds for each in after], [each.rss for each in after])
    counts = [each.descriptors for each in after]
    # Descriptors are counted one by one: a single one more that stays is a leak.
    still = min(counts[-quarter:]) <= min(counts[:quarter]) and max(counts[-quarter:]) <= max(counts[:quarter])
    return Verdict(
        first,
        last,
        slope * 3600,
        (min(counts), max(counts)),
        samples[-1].items,
        samples[-1].frames,
        end,
        last - first <= max(MOST_MIB, MOST_SHARE * first) and still,
    )
