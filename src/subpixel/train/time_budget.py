"""How a run of some minutes divides its time: reading, training, the last solve, and writing."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["TimeBudget"]

# Seconds for writing: the curve, the checkpoint, and the model file, which is read back.
_WRITING = 3.0
# At most this share of the time is kept for the last solve, and at least that share is for training.
_SOLVE, _TRAINING = 0.15, 0.1


class TimeBudget:
    """The time of a run.

    Args:
        minutes: of the whole run; None if its length is counted in steps.
        began: when the run began, by the clock; None for now.
        clock: gives seconds.

    Attributes:
        training: seconds of training, those of resumed runs included; infinite without ``minutes``.
        deadline: when the last solve ends, by the clock; infinite without ``minutes``.
    """

    def __init__(
        self, minutes: float | None, began: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._begin = clock() if began is None else began
        self.total = float("inf") if minutes is None else 60 * minutes
        self.training = self.deadline = float("inf")

    def divide(self, solve: float, measurement: float) -> str:
        """Divide the time that is left; returns a sentence about it, which is empty without ``minutes``.

        Args:
            solve: seconds that a full last solve takes.
            measurement: seconds that a measurement on the held-out images takes.
        """
        if self.total == float("inf"):
            return ""
        reading = self._clock() - self._begin
        writing = 2 * measurement + _WRITING
        kept = min(solve, _SOLVE * self.total)
        wanted = self.total - reading - kept - writing
        self.training = max(wanted, _TRAINING * self.total)
        self.deadline = self._begin + reading + self.training + kept
        text = f"training takes {_seconds(self.training)} of {_seconds(self.total)}: "
        text += f"{_seconds(reading)} were for reading, {_seconds(kept + writing)} are for the last solve and writing"
        if wanted < self.training:
            text += f"; all takes about {_seconds(reading + self.training + kept + writing)}, longer than asked for"
        return text


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
