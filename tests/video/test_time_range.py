"""A part of a video, and which times lie in it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from subpixel.errors import InvalidArgument
from subpixel.video.time_range import TimeRange, range_shift


def test_a_range_holds_its_start_but_not_its_end() -> None:
    part = TimeRange(Fraction(1), Fraction(2))
    times = [Fraction(n, 2) for n in range(6)]
    assert [part.contains(time) for time in times] == [False, False, True, True, False, False]
    assert [part.ends_by(time) for time in times] == [False, False, False, False, True, True]
    assert TimeRange(Fraction(1)).contains(Fraction(10**9))


@pytest.mark.parametrize(
    ("start", "end", "text"), [(-1, None, "-1 s to the end"), (2, 2, "2 s to 2 s"), (3, 2, "3 s to 2 s")]
)
def test_an_empty_range_is_refused(start: int, end: int | None, text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"the part of a video from {text} is empty"):
        TimeRange(Fraction(start), None if end is None else Fraction(end))


def test_ticks() -> None:
    part = TimeRange(Fraction(1, 3))
    assert part.first_tick(Fraction(1, 10)) == 4  # 0.3 lies before the range
    assert part.first_tick(Fraction(1, 9)) == 3
    assert range_shift(part, Fraction(1, 10)) == 3
    assert range_shift(TimeRange(Fraction(2, 3)), Fraction(1, 10)) == 7
    assert range_shift(None, Fraction(1, 10)) == 0
