"""A sequence of images to images of other numbers: each goes the way of an image, with all of its metadata."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.errors import InvalidArgument, VideoWriteError
from subpixel.image.batch.plan import Task
from subpixel.image.batch.run import Batch
from subpixel.image.batch.task_policy import TaskPolicy
from subpixel.image.estimate import estimate_job as estimate_image
from subpixel.image.job import Job
from subpixel.image.job import Result as ImageResult
from subpixel.image.job_options import job_options
from subpixel.models.auto import Choice
from subpixel.video.estimate import Estimate
from subpixel.video.images.frame_files import check_place, make_folder
from subpixel.video.images.number_pattern import NumberPattern
from subpixel.video.images.sequence import ImageSequence, find_sequence
from subpixel.video.images.stills import DEFAULT_RATE
from subpixel.video.job import Progress, Result

if TYPE_CHECKING:
    from subpixel.video.images.image_output import ImageOutput

__all__ = ["estimate_sequence", "upscale_sequence"]


def upscale_sequence(job: ImageOutput, pattern: NumberPattern, progress: Progress | None) -> Result:
    """Write the image of each image.

    Args:
        job: whose source is a sequence.
        pattern: of the images to write.
        progress: as for :meth:`subpixel.video.images.image_output.ImageOutput.run`.

    Raises:
        SubpixelError: the first error of an image; those before it are done.
    """
    start, made, skipped = time.perf_counter(), 0, 0
    sequence, tasks = _tasks(job, pattern)
    for note in sequence.notes:
        job.on_note(note)
    make_folder(pattern)
    notes: dict[str, list[str]] = {note: [] for note in sequence.notes}
    seconds: dict[str, float] = dict.fromkeys(("read", "upscale", "write"), 0.0)
    last: ImageResult | None = None
    alone = 1  # process: others would have to be started, which a script must be prepared for
    batch = Batch(tasks, job.upscaler, lambda threads: job.upscaler, _policy(job), alone, job.on_note)
    with closing(batch.run()) as reports:
        for report in reports:
            if report.error is not None:
                raise report.error
            skipped += report.status == "skipped"
            if report.result is not None:
                made, last = made + 1, report.result
                for note in report.result.notes:
                    notes.setdefault(note, []).append(report.source.name)
                for stage, each in report.result.seconds.items():
                    seconds[stage] = seconds.get(stage, 0.0) + each
            if progress is not None:
                progress(made + skipped, len(tasks))
    like = last or _estimate_first(job, tasks)
    return Result(
        job.destination,
        like.size_in,
        like.size_out,
        len(tasks),
        skipped,
        tuple(_with_names(notes)),
        seconds,
        time.perf_counter() - start,
        like.choice,
        done_before=not made,
    )


def estimate_sequence(job: ImageOutput, pattern: NumberPattern) -> Estimate:
    """What :func:`upscale_sequence` would do, by its first image."""
    sequence, tasks = _tasks(job, pattern)
    policy = _policy(job)
    done = 0
    for task in tasks:
        report = policy.check(task, job.upscaler) if task.destination.exists() else None
        if report is not None and report.error is not None:
            raise report.error
        done += report is not None
    one = _estimate_first(job, tasks)
    return replace(
        one,
        frames=len(tasks),
        notes=(*sequence.notes, *one.notes),
        seconds=(one.seconds or 0.0) * (len(tasks) - done),
        done_before=done == len(tasks),
    )


def _tasks(job: ImageOutput, pattern: NumberPattern) -> tuple[ImageSequence, list[Task]]:
    """The images, and what becomes of each of the part that is wanted; all arguments are checked here."""
    sequence = find_sequence(job.source)
    assert sequence is not None
    if job.side_by_side or job.deinterlace:
        name = "side_by_side" if job.side_by_side else "deinterlace"
        raise InvalidArgument(f"{name}=True is for videos, and {job.source} are images")
    if job.time_range is None and job.frame_rate is not None:
        raise InvalidArgument(
            f"frame_rate={float(job.frame_rate):g}: from images to images there is no rate, unless a part is wanted"
        )
    check_place(pattern, job.source, sequence.paths)
    chosen = [*_chosen(job, len(sequence.paths))]
    if not chosen:
        raise InvalidArgument(f"{job.source}: there is no image in this part of the sequence")
    first = sequence.numbers[chosen[0]] if job.start_number is None else job.start_number
    numbers = [first + place for place in range(len(chosen))]
    tasks = [Task(sequence.paths[n], pattern.path(number), 0) for n, number in zip(chosen, numbers, strict=True)]
    others = sorted(set(pattern.existing()) - {*numbers})
    if others and not job.overwrite:
        raise VideoWriteError(
            f"{pattern.path(others[0])}: exists already, and is no image of this sequence; choose another folder"
        )
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        note = f"{pattern.path(others[0])}{more}: of another run, beyond the images of this one, and left as it was"
        sequence = replace(sequence, notes=(*sequence.notes, note))
    return sequence, tasks


def _chosen(job: ImageOutput, count: int) -> Iterator[int]:
    """The places of the images that are wanted."""
    tick = 1 / (job.frame_rate or DEFAULT_RATE)
    for number in range(count):
        part, at = job.time_range, number * tick
        if part is None or (part.start <= at and (part.end is None or at < part.end)):
            yield number


def _policy(job: ImageOutput) -> TaskPolicy:
    upscaler = job.upscaler
    options = upscaler.options
    made = job_options(
        upscaler.asked_model,
        precision=options.precision,
        ensemble=options.ensemble,
        strength=options.strength,
        exact=options.exact,
    )
    return TaskPolicy(partial(Job, **made), "replace" if job.overwrite else "keep", make_folders=True)


def _estimate_first(job: ImageOutput, tasks: list[Task]) -> Estimate:
    image_job = replace(_policy(job).job(tasks[0], job.upscaler), overwrite=True)
    one = estimate_image(image_job, makes_folder=True)
    if one.problems:
        raise one.problems[0]
    assert one.size_in is not None
    assert one.size_out is not None
    choice = one.choice or Choice(one.clean, False, "")
    bits = {"uint8": "8 bits", "uint16": "16 bits"}.get(one.dtype, "floating point")
    form = Path(tasks[0].destination).suffix.lstrip(".")
    return Estimate(
        job.destination,
        one.size_in,
        one.size_out,
        len(tasks),
        f"{form}, {bits}",
        "an image for each image",
        (),
        0,
        one.notes,
        choice,
        one.memory,
        one.seconds,
    )


def _with_names(notes: dict[str, list[str]]) -> Iterator[str]:
    for note, names in notes.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{note} ({names[0]}{others})" if names else note
