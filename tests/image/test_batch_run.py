"""Batches: parallel images, deaths of processes, waiting and stopping."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.image import Job, read
from subpixel.image.batch.plan import Task
from subpixel.image.batch.run import Batch
from subpixel.image.batch.task_policy import TaskPolicy
from subpixel.storage.locks import claim, scratch_file

Saved = Callable[..., Path]


def deadly(source: Path, upscaler: Upscaler, **options: Any) -> Job:
    """A job that kills its process in the middle of writing, as the system does when memory runs out."""
    if source.stem == "b":
        with scratch_file(options["destination"], ".png") as file:
            file.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    return Job(source, upscaler, **options)


def test_an_image_that_kills_its_process_fails_alone(saved: Saved, tmp_path: Path) -> None:
    tasks = [Task(saved(f"{name}.png"), tmp_path / "out" / f"{name}_x2.png", 24 * 36) for name in "abcd"]
    (tmp_path / "out").mkdir()  # b dies before its own run would create it, perhaps before another has
    make = partial(Upscaler, 2, model="bicubic")
    upscaler = make(threads=2)
    policy = TaskPolicy(deadly, make_folders=True)
    reports = list(Batch(tasks, upscaler, make, policy, processes=2).run())
    assert [report.status for report in reports] == ["done", "failed", "done", "done"]
    assert [report.source.stem for report in reports] == ["a", "b", "c", "d"]
    assert str(reports[1].error).startswith(f"{tasks[1].source}: its process was killed from outside")
    assert sorted(os.listdir(tmp_path / "out")) == ["a_x2.png", "c_x2.png", "d_x2.png"]
    for task in (tasks[0], tasks[3]):
        np.testing.assert_array_equal(read(task.destination).pixels, upscaler(read(task.source).pixels))


def test_an_image_of_another_process_is_waited_for_and_upscaled_if_that_process_ends(
    saved: Saved, tmp_path: Path
) -> None:
    tasks = [Task(saved(f"{name}.png"), tmp_path / f"{name}_x2.png", 24 * 36) for name in "abc"]
    make = partial(Upscaler, 2, model="bicubic")
    messages: list[str] = []
    released = threading.Event()

    def hold() -> None:
        with claim(tasks[0].destination) as claimed:
            assert claimed
            held.set()
            waited.wait(30)
        released.set()

    held, waited = threading.Event(), threading.Event()
    threading.Thread(target=hold, daemon=True).start()
    assert held.wait(30)

    def note(text: str) -> None:
        messages.append(text)
        waited.set()

    reports = list(Batch(tasks, make(threads=1), make, TaskPolicy(), note=note).run())
    assert released.is_set()
    assert [(report.source.stem, report.status) for report in reports] == [("b", "done"), ("c", "done"), ("a", "done")]
    assert messages == ["waiting for 1 image that another process is upscaling"]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("waits", [False, True])
def test_a_stop_works_even_if_its_exception_was_lost(saved: Saved, tmp_path: Path, waits: bool) -> None:
    """Between two images, and while another process upscales the last one."""
    tasks = [Task(saved(f"{name}.png"), tmp_path / f"{name}_x2.png", 24 * 36) for name in "ab"]
    make = partial(Upscaler, 2, model="bicubic")
    stop = threading.Event()
    batch = Batch(tasks, make(threads=1), make, TaskPolicy(), note=lambda text: stop.set(), stop=stop.is_set)
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
def test_as_many_processes_as_make_it_faster(pixels: list[int], threads: int, expected: int) -> None:
    tasks = [Task(Path(f"{k}.png"), Path(f"{k}_x2.png"), count) for k, count in enumerate(pixels)]
    make = partial(Upscaler, 2, model="bicubic")
    batch = Batch(tasks, make(threads=threads), make, TaskPolicy())
    assert batch._processes(tasks) == expected
