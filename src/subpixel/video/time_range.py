"""A part of a video: as its user counts, from the first frame, and as the clock of its file counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.video.containers import is_cover
from subpixel.video.video_file import Stream, VideoFile

__all__ = ["Span", "TimeRange", "span_of"]


@dataclass(frozen=True)
class TimeRange:
    """A part of a video, from ``start`` up to but not including ``end``.

    Args:
        start: in seconds after the first frame that is shown.
        end: likewise; None for the end of the video.

    Raises:
        InvalidArgument: ``start`` is negative, or ``end`` is not after ``start``.

    >>> TimeRange(Fraction(1), Fraction(2)).end
    Fraction(2, 1)
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InvalidArgument(f"start={float(self.start):g}: a time of 0 or more is needed")
        if self.end is not None and self.end <= self.start:
            raise InvalidArgument(f"end={float(self.end):g}: a time after start={float(self.start):g} is needed")


@dataclass(frozen=True)
class Span:
    """What is written of a video, on the clock of its file.

    Args:
        start: its first time in seconds; None for everything from the first packet on.
        end: the time before which it ends; None for the end of the video.
        zero: the time that becomes 0 in the result.

    >>> span = Span(Fraction(1), Fraction(2), Fraction(1))
    >>> span.contains(Fraction(1)), span.contains(Fraction(2))
    (True, False)
    """

    start: Fraction | None = None
    end: Fraction | None = None
    zero: Fraction = Fraction(0)

    def contains(self, seconds: Fraction) -> bool:
        """Whether a time lies in the span."""
        return (self.start is None or self.start <= seconds) and not self.ends_by(seconds)

    def ends_by(self, seconds: Fraction) -> bool:
        """Whether the span ends at a time or before it."""
        return self.end is not None and self.end <= seconds

    def first_tick(self, time_base: Fraction) -> int | None:
        """The first time in the span, in units of a time base; None if it begins with the first packet."""
        return None if self.start is None else -int(-self.start / time_base // 1)

    def shift(self, time_base: Fraction) -> int:
        """How far times move back so that ``zero`` becomes 0, in whole ticks."""
        return round(self.zero / time_base)


def span_of(video: VideoFile, streams: Iterable[Stream], time_range: TimeRange | None) -> Span:
    """The span of a part of a video.

    A result begins at 0, and its streams keep their distances. 0 is the first frame that is shown, or the beginning of
    a sound or another video that comes first: it would be cut off before 0. Samples that a decoder skips do not count,
    and neither does what already lies before 0 while the image does not.

    Args:
        video: the video.
        streams: those of its streams that are written beside the image.
        time_range: the part; None for all.
    """
    if time_range is not None and time_range.start > 0:
        start = video.first + time_range.start
        return Span(start, None if time_range.end is None else video.first + time_range.end, start)
    others = (each for each in streams if each.kind in ("audio", "video") and not is_cover(each))
    starts = [each.start for each in others if each.start is not None]
    earliest = min([video.first, *(max(start, min(Fraction(0), video.first)) for start in starts)])
    tick = video.stream.time_base
    end = None if time_range is None or time_range.end is None else video.first + time_range.end
    return Span(None, end, earliest // tick * tick)
