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
    COMPUTATION,
    FILES,
    OUTPUT,
    REPORTING,
    AnyScale,
    Backend,
    Device,
    Ensemble,
    Exact,
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
from subpixel.cli.suggestions import check_last_input
from subpixel.errors import InvalidArgument
from subpixel.storage.interrupts import interrupt_requested
from subpixel.storage.suffixes import IMAGES

if TYPE_CHECKING:
    from subpixel.image.batch.plan import BatchPlan
    from subpixel.image.batch.run import Batch
    from subpixel.image.batch.stdio import StandardStreams
    from subpixel.upscaler import Target


def upscale(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Images, folders with everything below them, and patterns such as 'scans/**/*.tif'. Use - to read "
            "one image from standard input.",
            show_default=False,
        ),
    ],
    scale: AnyScale = None,
    width: Width = None,
    height: Height = None,
    fit: Fit = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--format",
            metavar="NAME",
            help="Write outputs that you do not name in this format: png, jpg, tif, webp, avif or gif. Default: png, "
            "tif for floating point; an animation keeps its format.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            "-q",
            "--quality",
            metavar="N",
            help="Set the quality of JPEG, WebP and AVIF, 1 to 100. Default: 95; WebP stays lossless if the source is.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            "--background",
            metavar="COLOUR",
            help="Lay transparent images on this colour: a name such as white, or #rrggbb.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            metavar="BITS",
            help="Round to 8 bits per sample. Default: those of the image.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also write an image that shows bicubic beside the result. With several inputs, name a folder.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    no_provenance: Annotated[
        bool,
        typer.Option(
            "--no-provenance",
            help="Do not record model, settings and source in the metadata of the output.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    model: Model = "auto",
    precision: Precision = "auto",
    ensemble: Ensemble = False,
    strength: Strength = 1.0,
    exact: Exact = False,
    backend: Backend = "auto",
    device: Device = "cpu",
    tile: Tile = None,
    threads: Threads = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1024,
            help="Share small images among so many processes, 1 to 1024. Default: what saves time and fits in memory.",
            show_default=False,
            rich_help_panel=COMPUTATION,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Write to this file or folder. Use - to write one image to standard output. Default: "
            "name_x2.png beside each image.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=FILES)
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Skip outputs that exist, whatever they contain.", rich_help_panel=FILES),
    ] = False,
    page: Annotated[
        int | None,
        typer.Option(
            "--page",
            metavar="N",
            min=1,
            max=100_000,
            help="Upscale this image of a TIFF or HEIF that holds several, counted from 1. Default: the main one.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    limit: Annotated[
        float,
        typer.Option("--limit", metavar="MEGAPIXELS", help="Refuse inputs larger than this.", rich_help_panel=FILES),
    ] = 1000.0,
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be done, with time and memory. Write nothing.",
            rich_help_panel=REPORTING,
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each image.", rich_help_panel=REPORTING)
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "-v", "--verbose", help="Name each image even if a progress bar is shown.", rich_help_panel=REPORTING
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only notes and errors.", rich_help_panel=REPORTING)
    ] = False,
) -> int:
    """Upscale images and folders of images.

    Profile, EXIF, bit depth, transparency and animation are kept. Each output is verified before it is moved into
    place.

    Nothing is overwritten by default. If interrupted, run the same command again to resume: an output that was made
    from the same image with the same settings is skipped.
    """
    from subpixel.image.batch.inputs import find_images
    from subpixel.image.batch.output_paths import OutputPaths
    from subpixel.image.batch.plan import check_comparisons, plan_batch
    from subpixel.image.batch.run import Batch
    from subpixel.image.batch.stdio import StandardStreams
    from subpixel.image.batch.task_policy import Existing, TaskPolicy
    from subpixel.image.files.formats import suffix_of
    from subpixel.image.job import Job
    from subpixel.image.job_options import job_options
    from subpixel.upscaler import Upscaler

    if overwrite and skip_existing:
        raise InvalidArgument("--overwrite and --skip-existing contradict each other")
    existing: Existing = "replace" if overwrite else "skip" if skip_existing else "keep"
    size: dict[str, Any] = {"width": width, "height": height, "fit": fit, "tile": tile}
    make_upscaler = partial(
        Upscaler,
        scale,
        model=model,
        backend=backend,
        device=device,
        precision=precision,
        **size,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    upscaler = make_upscaler(threads=threads)
    with StandardStreams(inputs, output, limit) as streams:
        if streams.to_stdout and as_json:
            raise InvalidArgument("--json and an image cannot both be written to standard output")
        suffix = None if file_format is None else suffix_of(file_format)
        options = job_options(
            model,
            precision=precision,
            ensemble=ensemble,
            strength=strength,
            exact=exact,
            quality=quality,
            background=background,
            depth=depth,
            page=page,
            compare=compare,
            format=file_format,
            provenance=not no_provenance,
            limit=limit,
        )
        make_job = partial(Job, **options)
        make_job(source=Path(), upscaler=upscaler)  # checks the arguments before anything is looked at
        check_last_input("upscale", inputs, output, IMAGES)
        paths = OutputPaths(streams.inputs, streams.output, upscaler.target, suffix, page)
        videos: list[Path] = []
        plan = plan_batch(find_images(streams.inputs, paths.folder, videos), paths)
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
            if count == 1:
                reporter.note(f"1 file was left out: it is a result of an earlier run ({first})")
            else:
                reporter.note(f"{count} files were left out: they are results of an earlier run, such as {first}")
        if videos and plan.tasks:
            what = "1 video was" if len(videos) == 1 else f"{len(videos)} videos were"
            reporter.note(f"{what} left out ({videos[0]}); subpixel video upscales videos")
        policy = TaskPolicy(make_job, existing, make_folders=paths.folder is not None)
        with bar(str(inputs[0]), enabled=len(plan.tasks) == 1 and not quiet) as progress:
            batch = Batch(
                plan.tasks, upscaler, make_upscaler, policy, processes, reporter.note, progress, interrupt_requested
            )
            _note_little_space(plan, upscaler.target, reporter)
            if dry:
                return dry_run(batch, plan, reporter, quiet=quiet)
            return follow(batch, plan, reporter, streams, str(paths))


def _note_little_space(plan: BatchPlan, target: Target, reporter: Reporter) -> None:
    """Note before the work that the disk is nearly full: results need about as many bytes a pixel as their sources."""
    from subpixel.cli.dry_run import amount
    from subpixel.storage.os_errors import free_space

    folders: dict[Path, int] = {}
    for task in plan.tasks:
        if task.source.is_file() and not task.destination.exists():
            folder = next((each for each in task.destination.parents if each.is_dir()), Path())
            folders[folder] = folders.get(folder, 0) + task.source.stat().st_size
    for folder, size in folders.items():
        free, needed = free_space(folder), int(size * (target.scale or 1) ** 2)
        if free is not None and free < needed / 2:
            reporter.note(f"{folder}: {amount(free)} are free, and the results may need {amount(needed)} or more")


def follow(batch: Batch, plan: BatchPlan, reporter: Reporter, streams: StandardStreams, where: str) -> int:
    """Run a batch and print the outcome of each image; returns the exit code. The error of a single image is raised."""
    from subpixel.image.batch.task_policy import Report

    try:
        with reporter, closing(batch.run()) as reports:
            unreachable = (Report(path, None, "failed", error=error) for path, error in plan.unreachable)
            for report in chain(unreachable, reports):
                reporter.report(report)
                if report.error is not None and reporter.total == 1:
                    raise type(report.error)(reporter.with_names(str(report.error)))
                if report.error is None and report.destination is not None:
                    streams.deliver(report.destination)
    except KeyboardInterrupt:
        reporter.interruption()
        raise
    reporter.end(where)
    failed = reporter.counts["failed"]
    return 0 if not failed else 3 if reporter.counts["done"] + reporter.counts["skipped"] else 1
