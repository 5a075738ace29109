"""Three stages at once: all items in order, and the first error ends everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from subpixel.video.pipeline import Stages


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
