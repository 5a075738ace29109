"""A part of a video."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from subpixel.errors import InvalidArgument

__all__ = ["TimeRange", "range_shift"]


@dataclass(frozen=True)
class TimeRange:
    """A part of a video, from ``start`` up to but not including ``end``.

    Args:
        start: in seconds of the video's own clock.
        end: likewise; None for the end of the video.

    Raises:
        InvalidArgument: ``start`` is negative, or ``end`` is not after ``start``.

    >>> part = TimeRange(Fraction(1), Fraction(2))
    >>> part.contains(Fraction(1)), part.contains(Fraction(2))
    (True, False)
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            end = "the end" if self.end is None else f"{float(self.end):g} s"
            raise InvalidArgument(f"the part of a video from {float(self.start):g} s to {end} is empty")

    def contains(self, seconds: Fraction) -> bool:
        """Whether a time lies in the range."""
        return self.start <= seconds and not self.ends_by(seconds)

    def ends_by(self, seconds: Fraction) -> bool:
        """Whether the range ends at a time or before it."""
        return self.end is not None and self.end <= seconds

    def first_tick(self, time_base: Fraction) -> int:
        """The first time in the range, in units of a time base."""
        return -int(-self.start / time_base // 1)


def range_shift(time_range: TimeRange | None, time_base: Fraction) -> int:
    """How far times move back so that the range begins at 0, in whole ticks; 0 for a whole video."""
    return 0 if time_range is None else round(time_range.start / time_base)
