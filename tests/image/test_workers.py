"""Processes: order of answers, deaths, and the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from subpixel.errors import BackendUnavailable
from subpixel.image.batch.workers import WorkerDeath, Workers


def work(kind: str) -> Callable[[Any], Any]:
    if kind == "unable":
        os._exit(3)

    def one(task: int) -> tuple[int, int]:
        if task == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if task == 3:
            os._exit(7)
        time.sleep(0.05 if task == 0 else 0)
        return task, os.getpid()

    return one


def test_answers_come_in_order_and_a_death_costs_one_task() -> None:
    with Workers(2, work, ("able",)) as workers:
        answers = dict(workers.map(range(6)))
    assert list(answers) == list(range(6))
    assert isinstance(answers[2], WorkerDeath)
    assert "killed" in answers[2]
    assert "exit code 7" in answers[3]
    alive = [answers[number] for number in (0, 1, 4, 5)]
    assert [number for number, _ in alive] == [0, 1, 4, 5]
    for pid in {pid for _, pid in alive}:
        assert pid != os.getpid()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_processes_that_cannot_start_are_an_error() -> None:
    with Workers(2, work, ("unable",)) as workers, pytest.raises(BackendUnavailable, match="ended at its start"):
        list(workers.map(range(6)))
