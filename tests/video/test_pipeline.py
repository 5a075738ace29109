"""Three stages at once: all items in order, and the first error ends everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from subpixel.video import pipeline
from subpixel.video.pipeline import Clock, Stages


class Failure(Exception):
    pass


def test_every_result_arrives_in_order() -> None:
    results: list[int] = []
    stages = Stages(
        iter(range(50)), lambda n: [] if n % 3 else [n, -n], lambda: [1000, 1001], lambda found: results.extend(found)
    )
    stages.run()
    assert results == [m for n in range(0, 50, 3) for m in (n, -n)] + [1000, 1001]
    assert set(stages.clocks) == {"decode", "upscale", "encode"}


@pytest.mark.parametrize("stage", ["first", "middle", "rest", "last"])
@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt])
def test_an_error_of_any_stage_ends_all(stage: str, error: type[BaseException]) -> None:
    def fail(name: str, number: int = 5) -> None:
        if name == stage and number == 5:
            raise error(name)

    def first() -> Iterator[int]:
        for number in range(1000 if stage != "rest" else 5):
            fail("first", number)
            yield number

    def middle(number: int) -> list[int]:
        fail("middle", number)
        return [number]

    def rest() -> list[int]:
        fail("rest")
        return []

    def last(results: Iterator[int]) -> None:
        for number in results:
            fail("last", number)

    threads = threading.active_count()
    with pytest.raises(error, match=stage):
        Stages(first(), middle, rest, last).run()
    assert threading.active_count() == threads


def test_a_clock_runs_while_a_stage_works_and_not_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(pipeline.time, "perf_counter", lambda: now)
    clock = Clock()
    with clock:
        now += 2
        assert clock.seconds == 2  # as another thread sees it meanwhile
        with clock.paused():
            now += 100
            assert clock.seconds == 2
        now += 3
    now += 100
    assert clock.seconds == 5


def test_the_work_after_the_last_item_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What remains in the network, and what the encoder still holds, belong to their stages."""
    now = 0.0
    monkeypatch.setattr(pipeline.time, "perf_counter", lambda: now)

    def rest() -> list[int]:
        nonlocal now
        now += 7
        return [1]

    def last(results: Iterator[int]) -> None:
        nonlocal now
        assert list(results) == [1]
        now += 20

    stages = Stages(iter([0]), lambda n: [], rest, last)
    stages.run()
    assert stages.clocks["decode"].seconds <= 7
    assert stages.clocks["upscale"].seconds == 7
    assert 20 <= stages.clocks["encode"].seconds <= 27
