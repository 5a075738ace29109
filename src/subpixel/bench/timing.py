"""The one way in which this project takes time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["LEAST_ROUNDS", "Timing", "time_alternately"]

# Rounds that are made however long they take: what a spread needs at least.
LEAST_ROUNDS = 3

# Seconds of a call beside which waking its threads is nothing.
_LONG = 0.5


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call: the median, the quartiles around it, and of how many rounds."""

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
    """Time of each call; they take turns, so that a drift of the machine meets all alike.

    A turn is two calls, the second of which counts: the first wakes the call's own threads, brings its own memory into
    the caches and outlasts the threads of the one before, which may still spin in wait for more. Where the first took
    half a second, that is nothing, and it counts itself. Every other round goes through the calls backwards, so that
    none always follows the same. One round more is made, and not counted.

    Args:
        calls: by name.
        rounds: how many are counted.
        seconds: rounds end early beyond so much time, not before 3 of them.
        clock: seconds.

    Returns:
        The time of each, in the order given.

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
    begun = clock()
    call()
    return clock() - begun


def _summary(values: list[float]) -> Timing:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Timing(median, low, high, len(values))
