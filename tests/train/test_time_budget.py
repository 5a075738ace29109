"""How the minutes of a run are divided."""

from __future__ import annotations

import math

import pytest

from subpixel.train.time_budget import TimeBudget


def divided(minutes: float | None, reading: float, solve: float, measurement: float) -> tuple[TimeBudget, str]:
    now = [100.0]
    budget = TimeBudget(minutes, clock=lambda: now[0])
    now[0] += reading
    return budget, budget.divide(solve, measurement)


def test_reading_the_last_solve_and_writing_count() -> None:
    budget, text = divided(2, reading=10, solve=12, measurement=1)
    assert budget.training == 120 - 10 - 12 - 2 - 3
    assert budget.deadline == 100 + 10 + budget.training + 12
    assert text == "training takes 93 s of 120 s: 10 s were for reading, 17 s are for the last solve and writing"


def test_a_slow_solve_is_shortened() -> None:
    budget, _ = divided(2, reading=10, solve=500, measurement=1)
    assert budget.training == pytest.approx(120 - 10 - 0.15 * 120 - 5)


def test_too_little_time_is_said() -> None:
    budget, text = divided(0.05, reading=6, solve=30, measurement=1)
    assert budget.training == pytest.approx(0.3)
    assert text.endswith("; all takes about 12 s, longer than asked for")


def test_steps_have_no_limit_of_time() -> None:
    budget, text = divided(None, reading=6, solve=30, measurement=1)
    assert (budget.training, budget.deadline, text) == (math.inf, math.inf, "")
