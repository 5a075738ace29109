"""How fast a video is upscaled, how long it still takes, and which stage is the slow one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Pace", "PaceMeter"]

# Rates and shares are those of the last so many seconds: videos change, and so does what else the machine does.
_WINDOW = 30.0
# Seconds between the moments that are remembered.
_STEP = 0.5


@dataclass(frozen=True)
class Pace:
    """How far a job is, and how fast.

    Args:
        frames: encoded so far, also by an earlier run.
        total: the number of all frames; None if it is unknown. A container that states its length only may be off by
            some.
        seconds: since the first frame was asked for.
        rate: frames a second, of the last half minute; None at the beginning.
        left: about how many seconds the other frames take; None if that is unknown.
        busy: for each stage (``decode``, ``upscale``, ``encode``) the share of the last half minute for which it
            worked, 0 … 1. The stages work at the same time and wait for each other, so each may reach 1; the one that
            is near 1 limits the rate.
    """

    frames: int
    total: int | None
    seconds: float
    rate: float | None
    left: float | None
    busy: Mapping[str, float]


class PaceMeter:
    """Measures the pace of a job, from now on.

    Args:
        total: the number of all frames; None if it is unknown.
        frames: those that are encoded already.
        now: the time in seconds.

    >>> times = iter([0.0, 2.0])
    >>> meter = PaceMeter(10, now=lambda: next(times))
    >>> meter(4, {"decode": 0.5, "upscale": 2.0})
    Pace(frames=4, total=10, seconds=2.0, rate=2.0, left=3.0, busy={'decode': 0.25, 'upscale': 1.0})
    """

    def __init__(self, total: int | None, frames: int = 0, now: Callable[[], float] = time.perf_counter) -> None:
        self._total, self._now = total, now
        self._start = now()
        self._moments: deque[tuple[float, int, Mapping[str, float]]] = deque([(self._start, frames, {})])

    def __call__(self, frames: int, worked: Mapping[str, float]) -> Pace:
        """The pace now.

        Args:
            frames: encoded so far.
            worked: the seconds for which each stage worked so far.
        """
        now, moments = self._now(), self._moments
        while len(moments) > 1 and moments[1][0] <= now - _WINDOW:
            moments.popleft()
        then, before, earlier = moments[0]
        if now - moments[-1][0] >= _STEP:
            moments.append((now, frames, dict(worked)))
        passed = now - then
        rate = (frames - before) / passed if frames > before and passed > 0 else None
        known = rate is not None and self._total is not None
        left = max(0, (self._total or 0) - frames) / rate if known and rate else None
        busy = {
            name: min(1.0, max(0.0, seconds - earlier.get(name, 0.0)) / passed) if passed > 0 else 0.0
            for name, seconds in worked.items()
        }
        return Pace(frames, self._total, now - self._start, rate, left, busy)
