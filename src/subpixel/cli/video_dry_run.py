"""``subpixel video --dry-run``: what would be done with each video and with all, with time and memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.dry_run import amount, duration
from subpixel.cli.reporting import printable
from subpixel.cli.video_reporting import VideoReporter, model_fields

if TYPE_CHECKING:
    from subpixel.errors import SubpixelError
    from subpixel.video import Estimate
    from subpixel.video.batch import Batch

__all__ = ["dry_run"]


def dry_run(batch: Batch, reporter: VideoReporter) -> int:
    """Print what would be done; returns the exit code that the run would have.

    Raises:
        SubpixelError: the error of a single video.
    """
    estimates: list[Estimate] = []
    failures: list[SubpixelError] = []
    for path, destination, outcome in _each(batch):
        reporter.begin(path)
        place = reporter.place
        if isinstance(outcome, Exception):
            failures.append(outcome)
            _report_failure(destination, outcome, reporter)
            continue
        estimates.append(outcome)
        reporter.counts["planned"] += 1
        for text in outcome.notes:
            reporter.note(text)
        if reporter.as_json:
            _print_json(outcome, reporter)
        elif not reporter.quiet:
            for line in _lines(reporter.name, outcome, reporter.choices):
                print(printable(place + line), flush=True)
                place = ""
    if failures and batch.count == 1:
        raise failures[0]
    if not (reporter.as_json or reporter.quiet):
        for line in _summary(estimates, batch.count):
            print(line)
    if failures:
        reporter.message(f"error: {len(failures)} of {batch.count} videos would fail")
    return 0 if not failures else 3 if estimates else 1


def _each(batch: Batch) -> Iterator[tuple[Path, Path | None, Estimate | SubpixelError]]:
    """Each video, its destination, and the estimate or the error."""
    from subpixel.errors import SubpixelError
    from subpixel.video import Job, estimate_job

    for path, error in batch.failed:
        yield path, None, error
    for job in batch.jobs:
        try:
            job = batch.resumable(job)
            yield job.source, job.destination, estimate_job(job) if isinstance(job, Job) else job.estimate()
        except SubpixelError as error:
            yield job.source, job.destination, error


def _report_failure(destination: Path | None, error: SubpixelError, reporter: VideoReporter) -> None:
    reporter.counts["failed"] += 1
    text = reporter.text(str(error))
    if reporter.as_json:
        path = None if destination is None else str(destination)
        reporter.print_json("plan", destination=path, status="failed", error=text)
    if reporter.total > 1:
        reporter.message(f"error: {text}")


def _print_json(one: Estimate, reporter: VideoReporter) -> None:
    encoder, _, pix_fmt = one.encoder.partition(", ")
    reporter.print_json(
        "plan",
        destination=str(one.destination),
        status="skipped" if one.done_before else "planned",
        size_in=one.size_in,
        size_out=one.size_out,
        frames=one.frames,
        container=one.container,
        encoder=encoder,
        pix_fmt=pix_fmt,
        copied=one.copied,
        chapters=one.chapters,
        seconds=None if one.seconds is None else float(f"{one.seconds:.2g}"),
        bytes=one.memory,
        **model_fields(one.choice),
        notes=list(map(reporter.text, one.notes)),
        error=None,
    )


def _lines(name: str, one: Estimate, automatic: bool) -> Iterator[str]:
    (width, height), (wide, high) = one.size_in, one.size_out
    if one.done_before:
        yield f"{name} → {one.destination}  {wide}×{high}  done before"
        return
    count = "an unknown number of frames" if one.frames is None else f"about {one.frames} frames"
    count = "1 frame" if one.frames == 1 else count
    yield f"{name}  {width}×{height} → {one.destination}  {wide}×{high}  {count}"
    yield f"    {one.container}, encoded by {one.encoder}"
    chapters = [f"{one.chapters} chapter{'s'[: one.chapters > 1]}"] if one.chapters else []
    copied = ", ".join([*one.copied, *chapters])
    if copied:
        yield f"    copied: {copied}"
    if one.changed:
        yield f"    converted: {', '.join(one.changed)}"
    model = f"auto: {one.choice}" if automatic else one.choice.model
    seconds = "" if one.seconds is None else f", {duration(one.seconds)}"
    yield f"    {model}; about {amount(one.memory)} of memory for frames{seconds}"
    yield from (f"    {note}" for note in one.flat)


def _summary(estimates: Sequence[Estimate], count: int) -> Iterator[str]:
    """The last lines, about all of so many videos."""
    pending = [one for one in estimates if not one.done_before]
    if pending and count > 1:
        frames = sum(one.frames or 0 for one in pending)
        seconds = sum(one.seconds or 0.0 for one in pending)
        unknown = sum(one.frames is None or one.seconds is None for one in pending)
        others = f", and {unknown} of unknown length" if unknown else ""
        memory = amount(max(one.memory for one in pending))
        yield (
            f"{len(pending)} to do, one after another: about {frames} frames, {duration(seconds)} in all{others}; "
            f"about {memory} of memory for frames"
        )
    yield "Nothing was written." + (" The time is an estimate from a trial on the first frames." if pending else "")
