"""Holding a frame rate: where the network of choice is too slow for a while, a cheaper one takes its place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from subpixel.video.incremental import IncrementalUpscaler

__all__ = ["Realtime"]

# Seconds behind from which a cheaper network is taken. Less than what queues hold at 24 frames a second, so that the
# one who watches has not noticed yet.
_LATE = 0.15
# Seconds ahead from which a better one is tried again.
_EARLY = 0.5
# Frames after a change before the next one up: to be tried too often would cost what was gained.
_REST = 12


class Realtime:
    """Upscales frames by the best of several networks that holds the rate; no frame is left out.

    What comes out depends on the machine and on what else it does.

    Args:
        ways: from the one of choice to the cheapest, all of the same frames and scale.
        time_base: of the frames' times.
        rate: frames a second to hold; None for those that the frames' times say.
        clock: seconds.
    """

    def __init__(
        self,
        ways: Sequence[IncrementalUpscaler],
        time_base: Fraction,
        rate: Fraction | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.ways, self._time_base, self._rate, self._clock = list(ways), time_base, rate, clock
        self.result_size = self.ways[0].result_size
        self.used: Counter[str] = Counter()
        self._level = 0
        self._count = self._changed = 0
        self._begun: tuple[float, int] | None = None

    def __call__(self, frame: Any) -> Any:
        """A new frame, upscaled; its time is not set."""
        self._choose(self._ahead(frame))
        way = self.ways[self._level]
        self.used[way.network.model.name] += 1
        self._count += 1
        return way(frame)

    def note(self) -> str:
        """What was used, in a sentence."""
        parts = [f"{number} by {name}" for name, number in self.used.items()]
        return f"of {self._count} frames {', '.join(parts)}"

    def _ahead(self, frame: Any) -> float:
        """Seconds until this frame is due."""
        now, pts = self._clock(), frame.pts or 0
        if self._begun is None:
            self._begun = now, pts
        begun, first = self._begun
        passed = (pts - first) * self._time_base if self._rate is None else self._count / self._rate
        return float(passed) - (now - begun)

    def _choose(self, ahead: float) -> None:
        cheaper = ahead < -_LATE and self._level + 1 < len(self.ways)
        better = ahead > _EARLY and self._level > 0 and self._count - self._changed >= _REST
        if cheaper or better:
            self._level += 1 if cheaper else -1
            self._changed = self._count
            if ahead < -1:
                # So far behind that what was missed cannot be made good: the clock goes on from here.
                self._begun = None
