"""``subpixel upscale``: upscale image files."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.dry_run import dry_run
from subpixel.cli.options import (
    AnyScale,
    Backend,
    Ensemble,
    Fit,
    Height,
    Model,
    Precision,
    Strength,
    Threads,
    Tile,
    Width,
)
from subpixel.cli.progress import bar
from subpixel.cli.reporting import Reporter
from subpixel.cli.signals import stopped_by_signals
from subpixel.errors import InvalidArgument

if TYPE_CHECKING:
    from subpixel.image.batch.plan import BatchPlan
    from subpixel.image.batch.run import Batch
    from subpixel.image.batch.stdio import StandardStreams


def upscale(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Images, folders (with all below), patterns; - reads one.", show_default=False
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="File to write, or a folder; without it name_x2.png beside each image; - writes one.",
        ),
    ] = None,
    scale: AnyScale = None,
    width: Width = None,
    height: Height = None,
    fit: Fit = None,
    tile: Tile = None,
    model: Model = "auto",
    file_format: Annotated[
        str | None,
        typer.Option("-f", "--format", help="Of results without a name: png, jpg, tif, webp, avif, gif."),
    ] = None,
    quality: Annotated[
        int | None, typer.Option("-q", "--quality", help="1 to 100, of JPEG, WebP and AVIF.", show_default=False)
    ] = None,
    threads: Threads = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
    ensemble: Ensemble = False,
    strength: Strength = 1.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    compare: Annotated[
        Path | None,
        typer.Option(help="File for an image of bicubic and the result side by side; a folder with several images."),
    ] = None,
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, with time and memory; do not.")
    ] = False,
    skip_existing: Annotated[bool, typer.Option("--skip-existing", help="Pass over whatever exists.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=1024, help="For many small images.", show_default=False)
    ] = None,
    no_provenance: Annotated[
        bool, typer.Option("--no-provenance", help="Write nothing into results of where they come from.")
    ] = False,
    limit: Annotated[
        float, typer.Option("--limit", metavar="MEGAPIXELS", help="Refuse images of more than this.")
    ] = 1000.0,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each image.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Name each image beside a bar, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only notes and errors.")] = False,
) -> int:
    """Upscale images. What belongs to an image (profile, EXIF, 16 bits, transparency) is kept.

    A file that exists counts as done if it was made of the same content with the same settings, and is an error else;
    so the same command goes on where it was interrupted.
    """
    from subpixel.image.batch.inputs import find_images
    from subpixel.image.batch.output_paths import OutputPaths
    from subpixel.image.batch.plan import check_comparisons, plan_batch
    from subpixel.image.batch.run import Batch
    from subpixel.image.batch.settings_fingerprint import settings_fingerprint
    from subpixel.image.batch.stdio import StandardStreams
    from subpixel.image.batch.task_policy import Existing, TaskPolicy
    from subpixel.image.files.formats import suffix_of
    from subpixel.image.job import Job
    from subpixel.upscaler import Upscaler

    if overwrite and skip_existing:
        raise InvalidArgument("--overwrite and --skip-existing contradict each other")
    existing: Existing = "replace" if overwrite else "skip" if skip_existing else "keep"
    size: dict[str, Any] = {"width": width, "height": height, "fit": fit, "tile": tile}
    make_upscaler = partial(
        Upscaler, scale, model=model, backend=backend, precision=precision, **size, ensemble=ensemble, strength=strength
    )
    upscaler = make_upscaler(threads=threads)
    with stopped_by_signals() as stop, StandardStreams(inputs, output) as streams:
        if streams.writes and as_json:
            raise InvalidArgument("--json and an image cannot both be written to standard output")
        suffix = None if file_format is None else suffix_of(file_format)
        fingerprint = settings_fingerprint(
            model, precision=precision, ensemble=ensemble, strength=strength, quality=quality
        )
        output_options: dict[str, Any] = {"quality": quality, "provenance": not no_provenance, "limit": limit}
        make_job = partial(Job, settings=fingerprint, compare=compare, format=file_format, **output_options)
        paths = OutputPaths(streams.inputs, streams.output, upscaler.target, suffix)
        plan = plan_batch(find_images(streams.inputs, paths.folder), paths)
        if compare is not None:
            check_comparisons(plan, compare)
        reporter = Reporter(
            len(plan.tasks) + len(plan.unreachable),
            as_json=as_json,
            verbose=verbose,
            quiet=quiet or streams.writes,
            choices=model == "auto",
            names=streams.names,
        )
        if plan.earlier_results:
            first, count = plan.earlier_results[0], len(plan.earlier_results)
            reporter.note(f"{count} left out, because they are results of other inputs: {first} …")
        policy = TaskPolicy(make_job, existing, make_folders=paths.folder is not None)
        with bar(str(inputs[0]), shown=len(plan.tasks) == 1 and not quiet) as progress:
            batch = Batch(plan.tasks, upscaler, make_upscaler, policy, processes, reporter.note, progress, stop)
            if dry:
                return dry_run(batch, plan, reporter)
            return follow(batch, plan, reporter, streams, str(paths))


def follow(batch: Batch, plan: BatchPlan, reporter: Reporter, streams: StandardStreams, where: str) -> int:
    """Run a batch and say what becomes of each image; returns the exit code. The failure of a lone one is raised."""
    from subpixel.image.batch.task_policy import Report

    try:
        with reporter, closing(batch.run()) as reports:
            unreachable = (Report(path, None, "failed", error=error) for path, error in plan.unreachable)
            for report in chain(unreachable, reports):
                reporter.report(report)
                if report.error is not None and reporter.total == 1:
                    raise type(report.error)(reporter.spoken(str(report.error)))
                if report.error is None and report.destination is not None:
                    streams.deliver(report.destination)
    except KeyboardInterrupt:
        reporter.interrupted("the same command goes on with the rest")
        raise
    reporter.end(where)
    failed = reporter.counts["failed"]
    return 0 if not failed else 1 if failed == reporter.total else 3
