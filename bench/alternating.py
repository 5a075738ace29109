"""The one way in which these benchmarks take time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["alternating"]


def alternating(calls: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median milliseconds of each call; they take turns, so that a drift of the machine meets all alike.

    Two rounds more than ``runs`` are made; the first two are not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + 2):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            if turn >= 2:
                times[name].append((time.perf_counter() - begun) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}
