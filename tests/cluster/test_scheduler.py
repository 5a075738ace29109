"""Retries after lost workers, and stragglers that run twice; time is a number here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from subpixel.cluster.scheduler import ATTEMPTS, Event, Lost, Piece, Scheduler, given_up


class Script:
    """A pool that gives the events of a script. Each entry is a worker and its answer, or a function to call."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.events, self.sent = list(events), list[tuple[int, Any]]()

    def send(self, worker: int, task: Any) -> None:
        self.sent.append((worker, task))

    def wait(self, seconds: float) -> Sequence[Event]:
        event = self.events.pop(0)
        if callable(event):
            event()
            return []
        return [Event(*event)]


def scheduler(pool: Script, *costs: float, now: Callable[[], float] = lambda: 0.0) -> Scheduler[int]:
    one: Scheduler[int] = Scheduler(pool, stop=lambda: False, now=now)
    for key, cost in enumerate(costs):
        one.add(Piece(key, cost, lambda key=key: f"task {key}"))
    return one


def test_each_ready_worker_gets_a_piece_and_each_piece_one_answer() -> None:
    pool = Script([(0,), (1,), (1, "b"), (0, "a"), (1, "c")])
    assert list(scheduler(pool, 1, 1, 1).answers()) == [(1, "b"), (0, "a"), (2, "c")]
    assert pool.sent == [(0, "task 0"), (1, "task 1"), (1, "task 2")]


def test_a_piece_whose_worker_is_lost_goes_to_another() -> None:
    pool = Script([(0,), (0, Lost("gone")), (1,), (1, "a")])
    assert list(scheduler(pool, 1).answers()) == [(0, "a")]
    assert pool.sent == [(0, "task 0"), (1, "task 0")]


def test_a_piece_that_ends_its_workers_is_given_up_and_the_others_are_not() -> None:
    events = [event for n in range(ATTEMPTS) for event in ((n,), (n, Lost(f"gone {n}")))]
    pool = Script([*events, (9,), (9, "b")])
    answers = dict(scheduler(pool, 1, 1).answers())
    assert answers == {0: f"gone {ATTEMPTS - 1}", 1: "b"}
    assert isinstance(answers[0], Lost)
    assert str(given_up("a.png", answers[0])) == (
        "a.png: given up, since 3 workers ended while they worked on it; the last: gone 2"
    )


def test_a_lost_worker_that_was_ready_gets_nothing() -> None:
    pool = Script([(0,), (1,), (0, "a"), (0, Lost("gone")), (1, Lost("gone")), (2,), (2, "b")])
    assert dict(scheduler(pool, 1, 1).answers()) == {0: "a", 1: "b"}
    assert pool.sent == [(0, "task 0"), (1, "task 1"), (2, "task 1")]


def late(seconds: float, *events: Any) -> tuple[Script, Scheduler[int]]:
    """Two workers; the first piece takes a second, and then the time is as given while the second one runs."""
    clock = [0.0]
    pool = Script([(0,), (1,), lambda: clock.__setitem__(0, 1.0), (0, "a"), lambda: clock.__setitem__(0, seconds)])
    pool.events += events
    return pool, scheduler(pool, 1, 1, now=lambda: clock[0])


def test_a_straggler_runs_again_and_the_first_answer_counts() -> None:
    pool, one = late(2.1, (0, "b of 0"), (1, "b of 1"))
    assert list(one.answers()) == [(0, "a"), (1, "b of 0")]
    assert pool.sent[2] == (0, "task 1")


def test_the_first_worker_of_a_straggler_may_win() -> None:
    pool, one = late(2.1, (1, "b of 1"))
    assert list(one.answers()) == [(0, "a"), (1, "b of 1")]
    assert len(pool.sent) == 3


def test_what_is_not_late_does_not_run_twice() -> None:
    pool, one = late(1.9, (1, "b"))
    assert list(one.answers()) == [(0, "a"), (1, "b")]
    assert len(pool.sent) == 2


def test_a_piece_of_much_work_may_take_longer() -> None:
    clock = [0.0]
    pool = Script(
        [(0,), (1,), lambda: clock.__setitem__(0, 1.0), (0, "a"), lambda: clock.__setitem__(0, 15.0), (1, "b")]
    )
    assert list(scheduler(pool, 1, 10, now=lambda: clock[0]).answers()) == [(0, "a"), (1, "b")]
    assert len(pool.sent) == 2


def test_a_lost_straggler_does_not_begin_a_third_time_while_its_twin_runs() -> None:
    _, one = late(2.1, lambda: None, (1, Lost("gone")), (2,), (0, "b of 0"))
    assert list(one.answers()) == [(0, "a"), (1, "b of 0")]


def test_dropped_pieces_do_not_begin_and_their_answers_do_not_count() -> None:
    pool = Script([(0,), (0, "a"), (0, "b"), (0, "new")])
    one = scheduler(pool, 1, 1, 1)
    answers = []
    for key, answer in one.answers():
        answers.append((key, answer))
        if key == 0:
            one.drop(lambda key: True)
            one.add(Piece(9, 1, lambda: "task 9"), first=True)
    assert answers == [(0, "a"), (9, "b")]
    assert pool.sent == [(0, "task 0"), (0, "task 9")]


def test_a_request_to_stop_is_an_interrupt() -> None:
    one: Scheduler[int] = Scheduler(Script([]), stop=lambda: True)
    one.add(Piece(0, 1, lambda: None))
    with pytest.raises(KeyboardInterrupt):
        next(one.answers())
