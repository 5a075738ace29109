"""What an estimate states about memory, against what whole processes take."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import subpixel.image.batch.run
from image.memory_survey import JOBS, SurveyJob, measure
from subpixel import Upscaler
from subpixel.image.batch.plan import Task
from subpixel.image.batch.run import Batch
from subpixel.image.batch.task_policy import TaskPolicy
from subpixel.image.files.formats import FORMATS
from subpixel.image.memory_need import most_memory
from subpixel.models import find

linux = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
# A process takes so much by itself, and a part of it depends on the system's libraries.
_SMALL = 250e6
_FEW = (
    "300×200 RGB .jpg",
    "2000×1500 RGB .jpg → .jpg",
    "300×200 RGB .png → .avif",
    "3000×2000 RGBA",
    "4000×3000 RGB flat cells",
    "5200×3600",
)


def check(job: SurveyJob) -> None:
    stated, peak = measure(job)
    figures = f"{job.name}: {stated / 1e6:.0f} MB stated, {peak / 1e6:.0f} MB taken"
    assert stated >= peak, figures
    assert stated <= (2 if peak < _SMALL else 1.6) * peak, figures


@linux
@pytest.mark.parametrize("start", _FEW)
def test_a_job_takes_what_is_stated_at_most(start: str) -> None:
    job, *_ = (each for each in JOBS if each.name.startswith(start))
    check(job)


@linux
@pytest.mark.long
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_kind_of_job_takes_what_is_stated_at_most(job: SurveyJob) -> None:
    check(job)


def test_the_luma_of_flat_cells_counts() -> None:
    model = replace(find("fast", 2), flat={"threshold": 8})
    exact, skipping = (Upscaler(2, model=model, backend="native", exact=exact) for exact in (True, False))
    least, most = (most_memory(12_000_000, each, FORMATS[0], {}) for each in (exact, skipping))
    assert most - least == 4 * 12_000_000


@pytest.mark.parametrize(
    ("suffix", "free", "expected"),
    [
        (".png", 8_000_000_000, 16),
        (".png", 1_000_000_000, 4),
        (".avif", 8_000_000_000, 5),
        (".avif", 100_000_000, 0),
        (".avif", None, 16),
    ],
)
def test_no_more_processes_than_fit_in_memory(
    monkeypatch: pytest.MonkeyPatch, suffix: str, free: int | None, expected: int
) -> None:
    monkeypatch.setattr(subpixel.image.batch.run, "available_memory", lambda: free)
    tasks = [Task(Path(f"{k}.png"), Path(f"{k}_x2{suffix}"), 4_000_000) for k in range(40)]
    make = partial(Upscaler, 2, model="bicubic")
    batch = Batch(tasks, make(threads=16), make, TaskPolicy())
    assert batch._processes(tasks) == expected
