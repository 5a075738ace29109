"""A part of a video: as its user counts, from the first frame, and as the clock of its file counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from subpixel.errors import InvalidArgument
from subpixel.video.containers import is_cover
from subpixel.video.video_file import Stream, VideoFile

__all__ = ["Span", "TimeRange", "parse_time", "requested_range", "span_of"]

_PREVIEW_AT = 5  # seconds into the video: its beginning is rarely like the rest


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


def parse_time(text: str) -> Fraction:
    """Seconds from ``90``, ``1:30`` or ``0:01:30.5``.

    Raises:
        InvalidArgument: it is not written so.

    >>> parse_time("1:30.5")
    Fraction(181, 2)
    """
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if len(parts) > 3 or any(part < 0 for part in parts) or not text.isascii():
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise InvalidArgument(f"{text!r} is not a time. Use for example 90, 1:30 or 0:01:30.5.") from None
    total = Fraction(0)
    for part in parts:
        total = total * 60 + part
    return total


def requested_range(
    start: Fraction | None, end: Fraction | None, preview: float | None, length: Fraction | None = None
) -> TimeRange | None:
    """The part of a video that is asked for; None for all of it.

    Args:
        start: of the part, in seconds; None for the default.
        end: of the part; None for the end of the video.
        preview: how many seconds a preview lasts; None for no preview.
        length: of the video, if it is known. A preview begins at 0:05 only if it is known to fit.

    Raises:
        InvalidArgument: a preview has an end of its own, or no length.

    >>> requested_range(None, None, 2, Fraction(60))
    TimeRange(start=Fraction(5, 1), end=Fraction(7, 1))
    """
    if preview is not None and not 0 < preview < math.inf:
        raise InvalidArgument(f"preview={preview:g}: a number of seconds above 0 is needed")
    if preview is not None:
        if end is not None:
            raise InvalidArgument("preview= and end= contradict each other; use start= to say where the preview begins")
        seconds = Fraction(preview).limit_denominator(1000)
        long = length is not None and length >= _PREVIEW_AT + seconds
        begin = Fraction(_PREVIEW_AT if long else 0) if start is None else start
        return TimeRange(begin, begin + seconds)
    return None if start is None and end is None else TimeRange(start or Fraction(0), end)


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
