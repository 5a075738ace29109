"""Turns, medians and spread, with a clock that the test winds."""

from __future__ import annotations

import pytest

from subpixel.bench.timing import time_alternately


class Clock:
    """Time passes only when work says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def work(self, name: str, *seconds: float):
        left = list(seconds)

        def call() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


def test_calls_take_turns_and_every_other_round_backwards() -> None:
    clock = Clock()
    time_alternately({"a": clock.work("a", 0.1), "b": clock.work("b", 0.1)}, 2, clock=clock)
    assert "".join(clock.calls) == "aabb" + "bbaa" + "aabb"


def test_the_second_call_of_a_turn_counts_and_the_first_round_does_not() -> None:
    clock = Clock()
    # two calls of the round that is not counted, then a slow waking call before each that counts
    call = clock.work("a", 0.4, 0.4, 0.3, 0.001, 0.3, 0.002, 0.3, 0.003, 0.3, 0.004, 0.3, 0.005)
    timing = time_alternately({"a": call}, 5, clock=clock)["a"]
    assert timing.median == pytest.approx(3)
    assert (timing.low, timing.high) == (pytest.approx(2), pytest.approx(4))
    assert timing.rounds == 5


def test_a_long_call_runs_once_per_turn() -> None:
    clock = Clock()
    timing = time_alternately({"a": clock.work("a", 1.0)}, 4, seconds=100, clock=clock)["a"]
    assert len(clock.calls) == 5
    assert timing.median == pytest.approx(1000)


def test_rounds_end_when_time_is_up_but_not_before_three() -> None:
    clock = Clock()
    assert time_alternately({"a": clock.work("a", 2.0)}, 100, seconds=0, clock=clock)["a"].rounds == 3
    clock = Clock()
    assert time_alternately({"a": clock.work("a", 2.0)}, 100, seconds=21, clock=clock)["a"].rounds == 10


def test_what_a_call_raises_is_raised() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        time_alternately({"a": fail}, 3)
