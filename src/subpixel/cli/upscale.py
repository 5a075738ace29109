"""``subpixel upscale``: upscale image files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
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
    from subpixel.image.batch.task_policy import Existing, TaskPolicy
    from subpixel.upscaler import Target, Upscaler

Format = Annotated[
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
]
Quality = Annotated[
    int | None,
    typer.Option(
        "-q",
        "--quality",
        metavar="N",
        help="Set the quality of JPEG, WebP and AVIF, 1 to 100. Default: 95; WebP stays lossless if the source is.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="COLOUR",
        help="Lay transparent images on this colour: a name such as white, or #rrggbb.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="BITS",
        help="Round to 8 bits per sample. Default: those of the image.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
NoProvenance = Annotated[
    bool,
    typer.Option(
        "--no-provenance",
        help="Do not record model, settings and source in the metadata of the output.",
        rich_help_panel=OUTPUT,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=FILES)]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing", help="Skip outputs that exist, whatever they contain.", rich_help_panel=FILES),
]
Page = Annotated[
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
]
Limit = Annotated[
    float,
    typer.Option("--limit", metavar="MEGAPIXELS", help="Refuse inputs larger than this.", rich_help_panel=FILES),
]
JsonLines = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON for each image.", rich_help_panel=REPORTING)
]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Name each image even if a progress bar is shown.", rich_help_panel=REPORTING),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only notes and errors.", rich_help_panel=REPORTING)]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Show what would be done, with time and memory. Write nothing.",
        rich_help_panel=REPORTING,
    ),
]


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
    file_format: Format = None,
    quality: Quality = None,
    background: Background = None,
    depth: Depth = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Also write an image that shows bicubic beside the result. With several inputs, name a folder.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    no_provenance: NoProvenance = False,
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
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    page: Page = None,
    limit: Limit = 1000.0,
    dry: DryRun = False,
    as_json: JsonLines = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Upscale images and folders of images.

    Profile, EXIF, bit depth, transparency and animation are kept. Each output is verified before it is moved into
    place.

    Nothing is overwritten by default. If interrupted, run the same command again to resume: an output that was made
    from the same image with the same settings is skipped.
    """
    from subpixel.upscaler import Upscaler

    make_upscaler = partial(
        Upscaler,
        scale,
        model=model,
        backend=backend,
        device=device,
        precision=precision,
        width=width,
        height=height,
        fit=fit,
        tile=tile,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    asked: dict[str, Any] = {
        "precision": precision,
        "ensemble": ensemble,
        "strength": strength,
        "exact": exact,
        "quality": quality,
        "background": background,
        "depth": depth,
        "page": page,
        "compare": compare,
        "format": file_format,
        "provenance": not no_provenance,
        "limit": limit,
    }
    return run_images(
        inputs,
        output,
        make_upscaler,
        make_upscaler(threads=threads),
        model,
        asked,
        existing=existing_files(overwrite, skip_existing),
        processes=processes,
        dry=dry,
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
    )


def existing_files(overwrite: bool, skip_existing: bool) -> Existing:
    """What happens to outputs that exist."""
    if overwrite and skip_existing:
        raise InvalidArgument("--overwrite and --skip-existing contradict each other")
    return "replace" if overwrite else "skip" if skip_existing else "keep"


def run_images(
    inputs: Sequence[str],
    output: str | None,
    make_upscaler: Callable[..., Upscaler],
    upscaler: Upscaler,
    model: str,
    asked: dict[str, Any],
    *,
    existing: Existing,
    processes: int | None = None,
    dry: bool = False,
    as_json: bool = False,
    verbose: bool = False,
    quiet: bool = False,
    elsewhere: Callable[[TaskPolicy, Path, Reporter], AbstractContextManager[Any]] | None = None,
) -> int:
    """Upscale images as they were asked for on the command line; returns the exit code.

    Args:
        inputs, output: as given.
        make_upscaler: makes the upscaler with another number of ``threads``.
        upscaler: the one of this process.
        model: by the name that was given.
        asked: the options of the jobs, see :func:`subpixel.image.job_options.job_options`.
        existing: what happens to outputs that exist.
        processes: as for :class:`subpixel.image.batch.run.Batch`.
        dry: only show what would be done.
        as_json, verbose, quiet: what is printed.
        elsewhere: makes what runs the images on other machines, from the policy and the output folder.
    """
    from subpixel.image.batch.inputs import find_images
    from subpixel.image.batch.output_paths import OutputPaths
    from subpixel.image.batch.plan import check_comparisons, plan_batch
    from subpixel.image.batch.run import Batch
    from subpixel.image.batch.stdio import StandardStreams
    from subpixel.image.batch.task_policy import TaskPolicy
    from subpixel.image.files.formats import suffix_of
    from subpixel.image.job import Job
    from subpixel.image.job_options import job_options

    compare = asked.get("compare")
    with StandardStreams(inputs, output, asked["limit"]) as streams:
        if streams.to_stdout and as_json:
            raise InvalidArgument("--json and an image cannot both be written to standard output")
        suffix = None if asked["format"] is None else suffix_of(asked["format"])
        make_job = partial(Job, **job_options(model, **asked))
        make_job(source=Path(), upscaler=upscaler)  # checks the arguments before anything is looked at
        check_last_input("upscale", inputs, output, IMAGES)
        paths = OutputPaths(streams.inputs, streams.output, upscaler.target, suffix, asked["page"])
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
        with ExitStack() as stack:
            progress = stack.enter_context(bar(str(inputs[0]), enabled=len(plan.tasks) == 1 and not quiet))
            run = None
            if elsewhere is not None and not dry:
                assert paths.folder is not None
                run = stack.enter_context(elsewhere(policy, paths.folder, reporter))
            batch = Batch(
                *(plan.tasks, upscaler, make_upscaler, policy, processes, reporter.note, progress),
                stop=interrupt_requested,
                elsewhere=run,
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
