"""``subpixel cluster``: images and videos on many machines, by Ray."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.examples import examples_of
from subpixel.cli.help import HelpCommand, HelpSubgroup
from subpixel.cli.options import (
    FILES,
    AnyScale,
    Backend,
    Deinterlace,
    Ensemble,
    Exact,
    Fit,
    Height,
    Model,
    Precision,
    SideBySide,
    Strength,
    Tile,
    Width,
)
from subpixel.cli.upscale import (
    Background,
    Depth,
    Format,
    JsonLines,
    Limit,
    NoProvenance,
    Overwrite,
    Page,
    Quality,
    Quiet,
    SkipExisting,
    Verbose,
    existing_files,
    run_images,
)
from subpixel.cli.video import (
    Audio,
    Crf,
    EncoderName,
    EncoderOptions,
    End,
    JsonEvents,
    PixFmt,
    Preset,
    Start,
    StreamNumber,
)
from subpixel.cli.video_batch import batch_of, follow, note_left_out
from subpixel.cli.video_reporting import VideoReporter
from subpixel.errors import InvalidArgument
from subpixel.storage.standard_streams import is_input_stream, is_output_stream

if TYPE_CHECKING:
    from subpixel.cli.reporting import Reporter
    from subpixel.image.batch.task_policy import TaskPolicy

__all__ = ["cluster_app"]

CLUSTER = "The cluster"

Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="Join the Ray cluster at this address; auto finds one that runs here. Default: start Ray on this machine "
        "for the time of the job.",
        show_default=False,
        rich_help_panel=CLUSTER,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=100_000,
        help="Use this many workers. Default: as many as the processors of the cluster allow.",
        show_default=False,
        rich_help_panel=CLUSTER,
    ),
]
Cores = Annotated[
    int,
    typer.Option(
        "--cores",
        metavar="N",
        min=1,
        max=1024,
        help="Give each worker this many processors; it runs as many threads.",
        rich_help_panel=CLUSTER,
    ),
]
Ship = Annotated[
    bool,
    typer.Option(
        "--ship",
        help="Send files to the workers and results back. By default all machines see them under the same paths.",
        rich_help_panel=CLUSTER,
    ),
]

cluster_app = typer.Typer(
    cls=HelpSubgroup,
    epilog=examples_of("cluster"),
    no_args_is_help=True,
    help="Upscale images or videos on many machines, by Ray.\n\n"
    "The results are those of one machine, byte for byte. Ray is not part of the package: "
    "pip install 'subpixel[cluster]'.",
)


def images(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Images, folders with everything below them, and patterns such as 'scans/**/*.tif'.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Write to this folder.", show_default=False, rich_help_panel=FILES
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
    no_provenance: NoProvenance = False,
    model: Model = "auto",
    precision: Precision = "auto",
    ensemble: Ensemble = False,
    strength: Strength = 1.0,
    exact: Exact = False,
    backend: Backend = "auto",
    tile: Tile = None,
    address: Address = None,
    workers: Workers = None,
    cores: Cores = 1,
    ship: Ship = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    page: Page = None,
    limit: Limit = 1000.0,
    as_json: JsonLines = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> int:
    """Upscale images and folders of images on the workers of a cluster.

    Options, notes and exit codes are those of subpixel upscale, and the outputs have the same bytes.

    If interrupted, run the same command again to resume: an output that was made from the same image with the same
    settings is skipped.
    """
    from subpixel.cluster.image_batch import ClusterImages
    from subpixel.cluster.pool import Cluster
    from subpixel.upscaler import Upscaler

    if any(map(is_input_stream, inputs)) or is_output_stream(output):
        raise InvalidArgument("-: a cluster reads files and writes into a folder; subpixel upscale reads a pipe")
    cluster = Cluster(address, workers, cores)
    make_upscaler = partial(
        Upscaler,
        scale,
        model=model,
        backend=backend,
        precision=precision,
        width=width,
        height=height,
        fit=fit,
        tile=tile,
        ensemble=ensemble,
        strength=strength,
        exact=exact,
    )
    upscaler = make_upscaler(threads=cores)
    asked: dict[str, Any] = {
        "precision": precision,
        "ensemble": ensemble,
        "strength": strength,
        "exact": exact,
        "quality": quality,
        "background": background,
        "depth": depth,
        "page": page,
        "format": file_format,
        "provenance": not no_provenance,
        "limit": limit,
    }

    def elsewhere(policy: TaskPolicy, folder: Path, reporter: Reporter) -> ClusterImages:
        return ClusterImages(cluster, folder, upscaler, make_upscaler, policy, reporter.note, ship)

    return run_images(
        inputs,
        os.path.join(output, ""),
        make_upscaler,
        upscaler,
        model,
        asked,
        existing=existing_files(overwrite, skip_existing),
        as_json=as_json,
        verbose=verbose,
        quiet=quiet,
        elsewhere=elsewhere,
    )


def video(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Videos, folders with everything below them, and patterns such as 'clips/**/*.mkv'.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Write to this file or folder.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ],
    scale: AnyScale = None,
    width: Width = None,
    height: Height = None,
    fit: Fit = None,
    encoder: EncoderName = None,
    crf: Crf = None,
    preset: Preset = None,
    pix_fmt: PixFmt = None,
    encoder_options: EncoderOptions = None,
    stream: StreamNumber = None,
    audio: Audio = "copy",
    start: Start = None,
    end: End = None,
    side_by_side: SideBySide = False,
    model: Model = "auto",
    precision: Precision = "auto",
    strength: Strength = 1.0,
    exact: Exact = False,
    deinterlace: Deinterlace = False,
    backend: Backend = "auto",
    address: Address = None,
    workers: Workers = None,
    cores: Cores = 1,
    ship: Ship = False,
    overwrite: Overwrite = False,
    as_json: JsonEvents = False,
    quiet: Quiet = False,
) -> int:
    """Upscale videos on the workers of a cluster.

    Sound, subtitles and chapters are kept. Options, notes and exit codes are those of subpixel video. An output has the
    bytes that subpixel video writes with as many threads as a worker has processors.

    If interrupted, run the same command again to resume, on one machine or on many.
    """
    from subpixel.cluster.pool import Cluster
    from subpixel.cluster.video_job import ClusterJob
    from subpixel.upscaler import Upscaler
    from subpixel.video import Settings, parse_options
    from subpixel.video.time_range import requested_range

    if any(map(is_input_stream, inputs)) or is_output_stream(output):
        raise InvalidArgument("-: a cluster reads and writes files; subpixel video has pipes")
    cluster = Cluster(address, workers, cores)
    make_upscaler = partial(
        Upscaler,
        scale,
        width=width,
        height=height,
        fit=fit,
        model=model,
        backend=backend,
        precision=precision,
        strength=strength,
        exact=exact,
    )
    upscaler = make_upscaler(threads=cores)
    settings = Settings(encoder, crf, preset, pix_fmt, parse_options(encoder_options), audio)
    time_range = requested_range(start, end, None)

    def make_job(source: Path, destination: Path | None) -> ClusterJob:
        return ClusterJob(
            source,
            upscaler,
            destination,
            settings,
            overwrite,
            deinterlace,
            time_range,
            side_by_side,
            stream=stream,
            cluster=cluster,
            make_upscaler=make_upscaler,
            ship=ship,
            on_worker=lambda text: reporter.note(text),
        )

    batch, place, left_out = batch_of(inputs, output, make_job, None)
    reporter = VideoReporter(batch.count, as_json=as_json, quiet=quiet, choices=model == "auto")
    note_left_out(batch, left_out, reporter)
    return follow(batch, reporter, str(place))


for _command in (images, video):
    _name = _command.__name__
    cluster_app.command(_name, cls=HelpCommand, epilog=examples_of(f"cluster {_name}"))(_command)
