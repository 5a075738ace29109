"""Part of a video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.video.decoding import DecodedFrame

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """From ``start`` on and before ``end``, in seconds of the video's own clock; None for its end.

    Raises:
        InvalidArgument: it begins before 0, or ends before it begins.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            end = "the end" if self.end is None else f"{float(self.end):g} s"
            raise InvalidArgument(f"a part of a video from {float(self.start):g} s to {end} holds nothing")

    def first(self, time_base: Fraction) -> int:
        """The first time that lies in it, in units of a time base."""
        return -int(-self.start / time_base // 1)

    def frames(self, frames: Iterator[DecodedFrame], time_base: Fraction) -> Iterator[DecodedFrame]:
        """Those that lie in it."""
        first = self.first(time_base)
        for each in frames:
            if self.end is not None and each.time * time_base >= self.end:
                return
            if each.time >= first:
                yield each
