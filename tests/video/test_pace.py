"""How fast a job is: rates and shares of the last half minute, and what a running job states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from subpixel.upscaler import Upscaler
from subpixel.video import Job, Pace, Settings
from subpixel.video.pace import PaceMeter


class Time:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rate_and_shares_are_those_of_the_last_half_minute() -> None:
    time = Time()
    meter = PaceMeter(1000, 240, now=time)
    time.now += 10
    pace = meter(290, {"decode": 1.0, "upscale": 10.0, "encode": 5.0})
    assert (pace.frames, pace.total, pace.seconds, pace.rate, pace.left) == (290, 1000, 10.0, 5.0, 142.0)
    assert pace.busy == {"decode": 0.1, "upscale": 1.0, "encode": 0.5}
    time.now += 90  # the machine did something else
    meter(290, {"decode": 1.0, "upscale": 10.0, "encode": 5.0})
    time.now += 30
    pace = meter(590, {"decode": 1.0, "upscale": 25.0, "encode": 35.0})
    assert (pace.rate, pace.left, pace.seconds) == (10.0, 41.0, 130.0)
    assert pace.busy == {"decode": 0.0, "upscale": 0.5, "encode": 1.0}


@pytest.mark.parametrize(("total", "frames", "left"), [(None, 30, None), (20, 30, 0.0), (30, 30, 0.0)])
def test_the_time_left_of_what_is_unknown_or_longer_than_stated(
    total: int | None, frames: int, left: float | None
) -> None:
    time = Time()
    meter = PaceMeter(total, now=time)
    assert meter(0, {}) == Pace(0, total, 0.0, None, None, {})
    time.now += 1
    assert meter(frames, {}).left == left


def test_a_job_states_its_pace_after_each_frame(tmp_path: Path, clip: Callable[[str], Path]) -> None:
    paces: list[Pace] = []
    starts: list[tuple[tuple[int, int], int]] = []
    job = Job(
        clip("plain.mkv"),
        Upscaler(2, model="bicubic", threads=1),
        tmp_path / "out.mkv",
        Settings("ffv1"),
        on_start=lambda plan, resumed: starts.append((plan.stream.size, resumed)),
        on_pace=paces.append,
    )
    result = job.run()
    assert starts == [((96, 64), 0)]
    assert [pace.frames for pace in paces] == list(range(1, result.frames + 1))
    assert {pace.total for pace in paces} == {result.frames}
    assert all(set(pace.busy) == set(result.seconds) for pace in paces)
    assert all(0 <= share <= 1 for pace in paces for share in pace.busy.values())
    seconds = [pace.seconds for pace in paces]
    assert seconds == sorted(seconds)
    assert 0 < max(result.seconds.values()) < result.elapsed
