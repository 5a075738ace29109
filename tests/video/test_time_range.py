"""A part of a video, which times lie in it, and which time becomes 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument
from subpixel.video.time_range import Span, TimeRange, span_of
from subpixel.video.video_file import Stream, probe

Clip = Callable[[str], Path]


def test_a_span_holds_its_start_but_not_its_end() -> None:
    part = Span(Fraction(1), Fraction(2))
    times = [Fraction(n, 2) for n in range(6)]
    assert [part.contains(time) for time in times] == [False, False, True, True, False, False]
    assert [part.ends_by(time) for time in times] == [False, False, False, False, True, True]
    assert Span(Fraction(1)).contains(Fraction(10**9))
    assert Span(None, Fraction(1)).contains(Fraction(-5))


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (-1, None, "start=-1: a time of 0 or more is needed"),
        (2, 2, "end=2: a time after start=2 is needed"),
        (3, 2, "end=2: a time after start=3 is needed"),
    ],
)
def test_an_empty_range_is_refused(start: int, end: int | None, text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{text}$"):
        TimeRange(Fraction(start), None if end is None else Fraction(end))


def test_ticks() -> None:
    part = Span(Fraction(1, 3), zero=Fraction(1, 3))
    assert part.first_tick(Fraction(1, 10)) == 4  # 0.3 lies before the range
    assert part.first_tick(Fraction(1, 9)) == 3
    assert part.shift(Fraction(1, 10)) == 3
    assert Span(zero=Fraction(2, 3)).shift(Fraction(1, 10)) == 7
    assert Span().first_tick(Fraction(1, 10)) is None


@pytest.mark.parametrize(
    ("first", "sounds", "zero"),
    [
        (0, [], 0),
        (36000, [], 36000),
        (36000, [36000, 36001], 36000),
        (36000, [35999], 35999),  # sound before the image is not cut off
        (10, [0], 0),
        (0, [-1], 0),  # samples before 0 stay there
        (5, [-1], 0),
        (-3, [], -3),
        (-3, [-4], -3),
        (-3, [0], -3),
        (5, [None], 5),
    ],
)
def test_what_becomes_0(clip: Clip, first: int, sounds: Sequence[int | None], zero: int) -> None:
    video = replace(probe(clip("plain.mp4")), first=Fraction(first))
    streams = [
        Stream(n, "audio", "aac", {}, 0, start=None if start is None else Fraction(start))
        for n, start in enumerate(sounds)
    ]
    streams.append(Stream(9, "subtitle", "subrip", {}, 0, start=Fraction(-100)))
    assert span_of(video, streams, None) == Span(None, None, Fraction(zero))
    assert span_of(video, streams, TimeRange(end=Fraction(2))) == Span(None, Fraction(first + 2), Fraction(zero))
    part = span_of(video, streams, TimeRange(Fraction(1), Fraction(2)))
    assert part == Span(Fraction(first + 1), Fraction(first + 2), Fraction(first + 1))
