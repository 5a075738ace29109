"""``subpixel upscale --dry-run``: what would be done, with time and memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from subpixel.cli.option_names import with_option_names
from subpixel.cli.reporting import Reporter, printable

if TYPE_CHECKING:
    from subpixel.errors import SubpixelError
    from subpixel.image.batch.plan import BatchPlan, Task
    from subpixel.image.batch.run import Batch
    from subpixel.image.estimate import Estimate

__all__ = ["amount", "dry_run", "duration"]

_KINDS = {1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGB with alpha"}
_DTYPES = {"uint8": "8 bits", "uint16": "16 bits", "float32": "floating point"}


def dry_run(batch: Batch, plan: BatchPlan, reporter: Reporter, *, quiet: bool = False) -> int:
    """Print what would be done with each image and with all; returns the exit code that the run would have.

    Args:
        batch: what would be done.
        plan: the same, with what cannot be done.
        reporter: prints notes.
        quiet: print only notes and errors.

    Raises:
        SubpixelError: the error of a single image.
    """
    pending: dict[Task, Estimate] = {}
    failures: list[SubpixelError] = []
    for number, (task, estimate, reason) in enumerate(_each(batch, plan), 1):
        place = f"[{number}/{reporter.total}] " if reporter.total > 1 else ""
        if reporter.as_json:
            print(json.dumps(_as_json(estimate, reason, reporter)), flush=True)
        elif not quiet:
            for line in _lines(estimate, reason):
                print(printable(reporter.with_names(place + line)), flush=True)
                place = "    "
        for note in estimate.notes:
            reporter.note(f"{estimate.source}: {note}")
        failures += estimate.problems[:1]
        # The first error of a single image is that of the command.
        for error in estimate.problems[reporter.total == 1 :]:
            print(printable(reporter.with_names(f"error: {with_option_names(str(error))}")), file=sys.stderr)
        if task is not None and not estimate.problems and not reason:
            pending[task] = estimate
    if not reporter.as_json and not quiet:
        if pending and reporter.total > 1:
            print(_summary(batch, pending))
        print("Nothing was written. Times are estimates from a trial on a small image.")
    if failures and reporter.total == 1:
        raise type(failures[0])(reporter.with_names(str(failures[0])))
    if failures:
        print(f"error: {len(failures)} of {reporter.total} images would fail", file=sys.stderr)
    return 0 if not failures else 1 if len(failures) == reporter.total else 3


def _each(batch: Batch, plan: BatchPlan) -> Iterator[tuple[Task | None, Estimate, str]]:
    """Each image, its estimate, and why it would be skipped."""
    from subpixel.image.estimate import Estimate, SpeedTrials, estimate_job

    trials, policy = SpeedTrials(), batch.policy
    for path, error in plan.unreachable:
        yield None, Estimate(path, None, problems=(error,)), ""
    for task in plan.tasks:
        report = policy.check(task, batch.upscaler)
        if report is None:
            job = policy.job(task, batch.upscaler)
            yield task, estimate_job(job, trials, makes_folder=policy.make_folders), ""
        else:
            problems = () if report.error is None else (report.error,)
            yield task, Estimate(task.source, task.destination, problems=problems), report.reason


def _lines(one: Estimate, reason: str) -> Iterator[str]:
    if one.size_in is None or one.size_out is None:
        arrow = "" if one.destination is None else f" → {one.destination}"
        yield f"{one.source}: {with_option_names(reason) or 'would fail'}{arrow}"
        return
    orientation = f", orientation {one.orientation}" if one.orientation != 1 else ""
    kind = f"{_KINDS[one.channels]}, {_DTYPES[one.dtype]}{orientation}"
    yield (
        f"{one.source}  {one.size_in[0]}×{one.size_in[1]} {kind}"
        f" → {one.destination}  {one.size_out[0]}×{one.size_out[1]}"
    )
    model = one.choice or f"{one.clean}, or its variant for compressed images if blocks are visible"
    yield f"{model}; up to {amount(one.memory, up=True)} of memory, {duration(one.seconds)}, {_file_size(one)}"
    yield from one.flat
    if one.comparison is not None:
        yield f"comparison → {one.comparison}"


def _file_size(one: Estimate) -> str:
    """How large the result's file will be, in words."""
    if one.bytes_out is None:
        return f"a file of at most {amount(one.bytes_most, up=True)}"
    return f"a file of about {amount(one.bytes_out)}"


def _summary(batch: Batch, pending: Mapping[Task, Estimate]) -> str:
    from subpixel.image.memory_need import PROCESS

    together = batch.largest_group(list(pending))
    pixels = sum(one.size_out[0] * one.size_out[1] for one in pending.values() if one.size_out is not None)
    # Processes that share the work are children of one more.
    memory = sum(pending[task].memory for task in together) + PROCESS * (len(together) > 1)
    parallel = f", {len(together)} at a time" if len(together) > 1 else ""
    return (
        f"{len(pending)} to do{parallel}: {pixels / 1e6:.3g} megapixels to write, "
        f"up to {amount(memory, up=True)} of memory, {duration(sum(one.seconds for one in pending.values()))} in all"
    )


def _as_json(one: Estimate, reason: str, reporter: Reporter) -> dict[str, Any]:
    return {
        "source": reporter.names.get(str(one.source), str(one.source)),
        "destination": None if one.destination is None else str(one.destination),
        "comparison": None if one.comparison is None else str(one.comparison),
        "status": "failed" if one.problems else "skipped" if reason else "planned",
        "size_in": one.size_in,
        "size_out": one.size_out,
        "channels": one.channels,
        "dtype": one.dtype,
        "orientation": one.orientation,
        "seconds": float(f"{one.seconds:.2g}"),
        "bytes": one.memory,
        "bytes_out": one.bytes_out,
        "bytes_most": one.bytes_most,
        "model": one.choice and one.choice.model,
        "why": one.choice.reason if one.choice else with_option_names(reason),
        "flat": one.flat,
        "notes": [with_option_names(note) for note in one.notes],
        "errors": [with_option_names(str(problem)) for problem in one.problems],
    }


def duration(seconds: float) -> str:
    """Seconds in one significant digit, in words.

    >>> duration(0.0312), duration(2.7), duration(34), duration(400), duration(9900)
    ('less than 0.1 s', 'about 3 s', 'about 30 s', 'about 7 minutes', 'about 3 hours')
    """
    if seconds < 0.095:
        return "less than 0.1 s"
    if seconds < 95:
        return f"about {float(f'{seconds:.0e}'):g} s"
    for unit, length, most in (("minutes", 60, 95), ("hours", 3600, 48)):
        if seconds / length < most:
            return f"about {float(f'{seconds / length:.0e}'):g} {unit}"
    return f"about {float(f'{seconds / 86400:.0e}'):g} days"


def amount(bytes_needed: int, *, up: bool = False) -> str:
    """Bytes in two significant digits, as a limit (``up``) rounded up.

    >>> amount(4_321)
    '4.3 kB'
    >>> amount(123_456_789), amount(123_456_789, up=True), amount(7_100_000_000), amount(999_000_000, up=True)
    ('120 MB', '130 MB', '7.1 GB', '1 GB')
    """
    if up:
        step = 10 ** max(0, len(str(bytes_needed)) - 2)
        bytes_needed = -(-bytes_needed // step) * step
    value, unit = next(
        (bytes_needed / size, unit)
        for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
        if bytes_needed >= 0.995 * size or unit == "kB"
    )
    return f"{float(f'{value:.1e}'):g} {unit}"
