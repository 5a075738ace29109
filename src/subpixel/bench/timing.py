"""Timing of calls that take turns: medians and quartiles."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["LEAST_ROUNDS", "Timing", "time_alternately"]

# Rounds that always run: the fewest that have quartiles.
LEAST_ROUNDS = 3

# Seconds above which the time to wake threads is negligible.
_LONG = 0.5


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call: the median, the lower and upper quartile, and the number of rounds."""

    median: float
    low: float
    high: float
    rounds: int


def time_alternately(
    calls: Mapping[str, Callable[[], Any]],
    rounds: int,
    seconds: float = 20.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """The time of each call. Calls take turns, so that a change of the machine's speed affects all of them.

    A turn is two calls, and the second counts: the first wakes the threads, fills the caches and outlasts threads of
    the previous call that may still spin. A first call of half a second or more counts itself, without a second. Every
    other round runs backwards, so that no call always follows the same one. The first round does not count.

    Args:
        calls: functions by name.
        rounds: how many rounds count.
        seconds: no new round begins after this time, but at least 3 rounds count.
        clock: returns seconds.

    Returns:
        The timing of each call, in the given order.

    >>> ticks = iter(range(100))
    >>> time_alternately({"work": lambda: None}, 5, clock=lambda: float(next(ticks)))["work"].median
    1000.0
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    started = clock()
    for turn in range(rounds + 1):
        if turn > LEAST_ROUNDS and clock() - started > seconds:
            break
        for name in reversed(times) if turn % 2 else times:
            call = calls[name]
            took = _measure(call, clock)
            if took < _LONG:
                took = _measure(call, clock)
            if turn:
                times[name].append(took * 1e3)
    return {name: _summary(values) for name, values in times.items()}


def _measure(call: Callable[[], Any], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start


def _summary(values: list[float]) -> Timing:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Timing(median, low, high, len(values))
