"""Processes for images: order, deaths, and the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.errors import BackendUnavailable
from subpixel.image import Job, read
from subpixel.image.batch.plan import Task
from subpixel.image.batch.run import Batch
from subpixel.image.batch.task_policy import Policy
from subpixel.image.batch.workers import Died, Workers
from subpixel.storage.locks import claim, scratch_file

Saved = Callable[..., Path]


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
    assert isinstance(answers[2], Died)
    assert "killed" in answers[2]
    assert "exit code 7" in answers[3]
    alive = [answers[number] for number in (0, 1, 4, 5)]
    assert [number for number, _ in alive] == [0, 1, 4, 5]
    for pid in {pid for _, pid in alive}:
        assert pid != os.getpid()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_processes_that_cannot_begin_are_one_sentence() -> None:
    with Workers(2, work, ("unable",)) as workers, pytest.raises(BackendUnavailable, match="ended before it began"):
        list(workers.map(range(6)))


def deadly(source: Path, upscaler: Upscaler, **options: Any) -> Job:
    """A job that takes its process along, as one too few bytes of memory would, with a file half-written."""
    if source.stem == "b":
        with scratch_file(options["destination"], ".png") as place:
            place.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    return Job(source, upscaler, **options)


def test_an_image_that_kills_its_process_fails_alone(saved: Saved, tmp_path: Path) -> None:
    tasks = [Task(saved(f"{name}.png"), tmp_path / "out" / f"{name}_x2.png", 24 * 36) for name in "abcd"]
    make = partial(Upscaler, 2, model="bicubic")
    upscaler = make(threads=2)
    policy = Policy(deadly, make_folders=True)
    reports = list(Batch(tasks, upscaler, make, policy, processes=2).run())
    assert [report.status for report in reports] == ["done", "failed", "done", "done"]
    assert [report.source.stem for report in reports] == ["a", "b", "c", "d"]
    assert str(reports[1].error).startswith(f"{tasks[1].source}: its process was killed from outside")
    assert sorted(os.listdir(tmp_path / "out")) == ["a_x2.png", "c_x2.png", "d_x2.png"]
    for task in (tasks[0], tasks[3]):
        np.testing.assert_array_equal(read(task.destination).pixels, upscaler(read(task.source).pixels))


def test_what_another_run_has_in_work_is_waited_for_and_done_if_that_run_ends(saved: Saved, tmp_path: Path) -> None:
    tasks = [Task(saved(f"{name}.png"), tmp_path / f"{name}_x2.png", 24 * 36) for name in "abc"]
    make = partial(Upscaler, 2, model="bicubic")
    values: list[str] = []
    released = threading.Event()

    def hold() -> None:
        with claim(tasks[0].destination) as mine:
            assert mine
            held.set()
            waited.wait(30)
        released.set()

    held, waited = threading.Event(), threading.Event()
    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(30)

    def say(text: str) -> None:
        values.append(text)
        waited.set()

    reports = list(Batch(tasks, make(threads=1), make, Policy(), say=say).run())
    assert released.is_set()
    assert [(report.source.stem, report.status) for report in reports] == [("b", "done"), ("c", "done"), ("a", "done")]
    assert values == ["waiting for 1 of the images, which another run has in work"]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("waits", [False, True])
def test_a_stop_is_heeded_where_its_exception_was_lost(saved: Saved, tmp_path: Path, waits: bool) -> None:
    """Between two images, and while another run has the last one in work."""
    tasks = [Task(saved(f"{name}.png"), tmp_path / f"{name}_x2.png", 24 * 36) for name in "ab"]
    make = partial(Upscaler, 2, model="bicubic")
    stop = threading.Event()
    batch = Batch(tasks, make(threads=1), make, Policy(), say=lambda text: stop.set(), stop=stop)
    with claim(tasks[0].destination if waits else tmp_path / "other.png"):
        reports = batch.run()
        assert next(reports).source.stem == ("b" if waits else "a")
        if not waits:
            stop.set()
        with pytest.raises(KeyboardInterrupt):
            next(reports)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize(
    ("pixels", "threads", "expected"),
    [
        ([3_000_000] * 8, 2, 2),
        ([3_000_000] * 8, 1, 1),  # one core
        ([3_000_000], 4, 0),  # one image
        ([10_000] * 100, 4, 0),  # little work
        ([3_000_000] * 8, 16, 6),
    ],
)
def test_processes_are_as_many_as_pay(pixels: list[int], threads: int, expected: int) -> None:
    tasks = [Task(Path(f"{k}.png"), Path(f"{k}_x2.png"), count) for k, count in enumerate(pixels)]
    make = partial(Upscaler, 2, model="bicubic")
    batch = Batch(tasks, make(threads=threads), make, Policy())
    assert batch._processes(tasks) == expected
