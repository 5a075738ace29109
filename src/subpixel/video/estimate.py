"""Estimating the upscaling of a video: all that a run decides and checks before its work, and a trial on some frames.

Nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from subpixel.models.auto import Choice
from subpixel.storage.memory import memory_errors
from subpixel.upscaler import flat_notes
from subpixel.video.decoding import Damage, frames_in_span, progressive_frames, read_frames
from subpixel.video.frame import Frame
from subpixel.video.frame_limits import encoding_memory
from subpixel.video.pipeline import Stages
from subpixel.video.request import Plan, Request
from subpixel.video.source_state import unchanged_file
from subpixel.video.video_file import no_frame

__all__ = ["Estimate", "estimate_job"]

# A trial ends after so many frames, or seconds.
_MOST_FRAMES, _MOST_SECONDS = 24, 3.0


@dataclass(frozen=True)
class Estimate:
    """What a job would do.

    Args:
        destination: the file to be written.
        size_in: (width, height) of the source's frames.
        size_out: (width, height) of the result's frames.
        frames: about how many frames the result would have; None if that is unknown.
        encoder: its name, with the pixel format.
        container: the name of the result's container.
        copied: the streams that would be copied, one phrase each.
        chapters: how many chapters the source has, if the container stores them.
        notes: what cannot be kept, one sentence each.
        choice: the model, and why it was chosen.
        memory: in bytes, of the frames on their way and of the encoder.
        seconds: for all frames, by the trial; None if their number is unknown.
        flat: what flat parts cost that are resized plainly, a few words for each network.
        done_before: whether the file is there, made from the same video with the same settings.
        changed: the streams that would be encoded or converted, and what they would become, one phrase each.
    """

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    frames: int | None
    encoder: str
    container: str
    copied: tuple[str, ...]
    chapters: int
    notes: tuple[str, ...]
    choice: Choice
    memory: int
    seconds: float | None
    flat: tuple[str, ...] = ()
    done_before: bool = False
    changed: tuple[str, ...] = ()


def estimate_job(job: Request) -> Estimate:
    """Estimate a job without running it.

    Args:
        job: the job.

    Raises:
        SubpixelError: the error with which the run would end, as far as it can be known before the work. Damage shows
            only when it is decoded, and a full disk only when it is written to.
    """
    with memory_errors(str(job.source)), unchanged_file(job.source):
        plan = job.plan()
        done = plan.earlier is not None
        per_frame = 0.0 if done else _trial(job, plan)
    frames = plan.frames if plan.earlier is None else plan.earlier.frames
    container = plan.selection.container
    return Estimate(
        plan.destination,
        plan.video.stream.size,
        plan.stream.size,
        frames,
        f"{plan.encoding.encoder.name}, {plan.encoding.pix_fmt}",
        str(container),
        tuple(str(each) for each in plan.selection.streams if each.index not in plan.selection.became),
        len(plan.video.chapters) if container.chapters else 0,
        () if done else plan.notes,
        plan.choice,
        encoding_memory(plan.stream.size, plan.encoding.encoder.name, plan.layout, plan.frames_by.large),
        None if frames is None else per_frame * frames,
        tuple(flat_notes(plan.frames_by.networks)),
        done,
        plan.selection.changes,
    )


def _trial(job: Request, plan: Plan) -> float:
    """Seconds per frame: the first frames of the part go the way of all frames, and what comes out is dropped.

    Raises:
        SubpixelError: what would end the run at one of these frames, or that there is no frame.
    """
    video, span, count = plan.video, plan.selection.span, 0
    time_base, damage = video.stream.time_base, Damage()
    started = time.perf_counter()

    def some() -> Iterator[Frame]:
        first = span.first_tick(time_base)
        frames = frames_in_span(read_frames(video, damage, start=first, deinterlace=job.deinterlace), span, time_base)
        for number, frame in enumerate(progressive_frames(frames, video, job.deinterlace), 1):
            yield frame
            if number == _MOST_FRAMES or time.perf_counter() - started > _MOST_SECONDS:
                return

    def encode(results: Iterator[Frame]) -> None:
        nonlocal count
        context = None
        for frame in results:
            context = context or plan.encoding.context(plan.stream)
            count += 1
            frame.result.pts, frame.result.time_base = frame.time, time_base
            context.encode(plan.encoding.convert(frame.result, plan.stream))
        if context is not None:
            context.encode(None)

    Stages(some(), plan.upscaler.push, plan.upscaler.flush, encode).run()
    if not count:
        raise no_frame(video)
    return (time.perf_counter() - started) / count
