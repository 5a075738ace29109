"""Holding a frame rate: if the chosen network falls behind, a cheaper one takes over for a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from subpixel.video.frame import StillUpscaler
from subpixel.video.incremental import IncrementalUpscaler
from subpixel.video.resized import ResizedUpscaler

__all__ = ["RealtimeUpscaler"]

# Seconds behind schedule at which a cheaper network takes over. The queues hold more than this at 24 frames a second,
# so a viewer does not notice the delay.
_LATE = 0.15
# Seconds ahead of schedule at which a better network is tried again.
_EARLY = 0.5
# Frames between a change and the next attempt at a better network: trying too often would cost the time gained.
_REST = 12


class RealtimeUpscaler(StillUpscaler):
    """Upscales each frame by the best of several networks that holds the frame rate. No frame is dropped.

    The result depends on the machine and its load.

    Args:
        upscalers: from the best network to the cheapest, all for the same frames and size.
        time_base: of the frames' times.
        rate: frames a second to hold; None for the rate that the frames' times imply.
        clock: returns seconds.
    """

    def __init__(
        self,
        upscalers: Sequence[IncrementalUpscaler | ResizedUpscaler],
        time_base: Fraction,
        rate: Fraction | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._upscalers, self._time_base, self._rate, self._clock = list(upscalers), time_base, rate, clock
        self.result_size = self._upscalers[0].result_size
        self.frames_by_model: Counter[str] = Counter()
        self._level = 0
        self._count = self._last_change = 0
        self._start: tuple[float, int] | None = None

    def upscale(self, source: Any) -> Any:
        self._choose_level(self._seconds_ahead(source))
        upscaler = self._upscalers[self._level]
        self.frames_by_model[upscaler.name] += 1
        self._count += 1
        return upscaler.upscale(source)

    def notes(self) -> Iterator[str]:
        counts = list(self.frames_by_model.items())
        for name, number in counts[:1]:
            first = f"upscaled {number} frame{'s'[: number > 1]} with {name}"
            yield ", ".join([first, *(f"{other} with {cheaper}" for cheaper, other in counts[1:])])

    def _seconds_ahead(self, source: Any) -> float:
        """Seconds until this frame is due."""
        now, pts = self._clock(), source.pts or 0
        if self._start is None:
            self._start = now, pts
        start, first = self._start
        due = (pts - first) * self._time_base if self._rate is None else self._count / self._rate
        return float(due) - (now - start)

    def _choose_level(self, ahead: float) -> None:
        cheaper = ahead < -_LATE and self._level + 1 < len(self._upscalers)
        better = ahead > _EARLY and self._level > 0 and self._count - self._last_change >= _REST
        if cheaper or better:
            self._level += 1 if cheaper else -1
            self._last_change = self._count
            if ahead < -1:
                # So far behind that the lost time cannot be made up: the schedule starts again here.
                self._start = None
