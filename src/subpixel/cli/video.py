"""``subpixel video``: upscale a video."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.option_names import with_option_names
from subpixel.cli.options import (
    COMPUTATION,
    FILES,
    OUTPUT,
    REPORTING,
    AnyScale,
    Backend,
    Deinterlace,
    Device,
    Exact,
    Fit,
    Height,
    Model,
    Precision,
    SideBySide,
    Strength,
    Threads,
    Width,
)
from subpixel.cli.progress import bar
from subpixel.cli.reporting import printable
from subpixel.cli.video_dry_run import print_estimate
from subpixel.cli.video_images import Rate, StartNumber, check_images, image_job
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.storage.standard_streams import (
    STREAM,
    check_output,
    is_input_stream,
    is_output_stream,
    open_output,
    stream_name,
)
from subpixel.storage.temporary import temporary_folder

if TYPE_CHECKING:
    from subpixel.video import Result
    from subpixel.video.images.image_output import ImageOutput


def _seconds(text: str) -> Fraction:
    from subpixel.video.time_range import parse_time

    try:
        return parse_time(text)
    except InvalidArgument as error:
        raise typer.BadParameter(str(error)) from None


Start = Annotated[
    Fraction | None,
    typer.Option(
        "--start",
        parser=_seconds,
        metavar="TIME",
        show_default=False,
        help="Begin at this time after the first frame: 90, 1:30.5 or 0:01:30.",
        rich_help_panel=OUTPUT,
    ),
]
End = Annotated[
    Fraction | None,
    typer.Option(
        "--end",
        parser=_seconds,
        metavar="TIME",
        show_default=False,
        help="End at this time, written like --start.",
        rich_help_panel=OUTPUT,
    ),
]


def video(
    input_name: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A video file, or images that are its frames: a pattern such as 'frames/%04d.png', or a folder of "
            "images. Use - to read a video from standard input.",
            show_default=False,
        ),
    ],
    scale: AnyScale = None,
    width: Width = None,
    height: Height = None,
    fit: Fit = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Encode with x264, x265, svt-av1, vp9, ffv1 or prores. Names such as hevc work too. Default: what "
            "fits the video and its container.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Set the quality. Lower is better and larger: 0 to 51 for x264 and x265, 1 to 63 for svt-av1, 0 to 63 "
            "for vp9. Default: 18, 20, 28 and 28.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Set the speed by the encoder's own name: ultrafast to placebo for x264 (default veryfast) and x265 "
            "(superfast), 0 to 13 for svt-av1 (9), 0 to 8 for vp9 (5).",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    pix_fmt: Annotated[
        str | None,
        typer.Option(
            "--pix-fmt",
            metavar="NAME",
            help="Encode in this pixel format, such as yuv420p10le. Default: that of the video.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    encoder_options: Annotated[
        str | None,
        typer.Option(
            "--encoder-options",
            metavar="LIST",
            help="Pass more options to libavcodec, such as tune=grain:bf=2.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    file_format: Annotated[
        str,
        typer.Option(
            "-f",
            "--format",
            metavar="NAME",
            help="Write frames to standard output as y4m or nut.",
            rich_help_panel=OUTPUT,
        ),
    ] = "y4m",
    rate: Rate = None,
    start: Start = None,
    end: End = None,
    preview: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Upscale only this many seconds, with bicubic on the left. The preview begins at --start, or at "
            "0:05; that of a video that is short or of unknown length begins at 0:00.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    side_by_side: SideBySide = False,
    model: Model = "auto",
    precision: Precision = "auto",
    strength: Strength = 1.0,
    exact: Exact = False,
    deinterlace: Deinterlace = False,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime",
            help="Hold the frame rate of the video. A faster model takes over while the chosen one is late.",
            rich_help_panel=COMPUTATION,
        ),
    ] = False,
    target_fps: Annotated[
        float | None,
        typer.Option(
            "--target-fps",
            metavar="RATE",
            help="Hold this frame rate instead. Needs --realtime.",
            show_default=False,
            rich_help_panel=COMPUTATION,
        ),
    ] = None,
    backend: Backend = "auto",
    device: Device = "cpu",
    threads: Threads = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Write to this file; or an image for each frame, as in 'frames/%04d.png'. Use - to write frames to "
            "standard output, for a player or another program. Default: name_x2 beside the video.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    start_number: StartNumber = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel=FILES)
    ] = False,
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be done and kept, with time and memory. Write nothing.",
            rich_help_panel=REPORTING,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only notes and errors.", rich_help_panel=REPORTING)
    ] = False,
) -> None:
    """Upscale a video with its sound, subtitles and chapters.

    Every other stream is copied, and frames keep their times. The file is verified before it is moved into place.

    If interrupted, run the same command again to resume. A finished video is not made again.
    """
    from subpixel.upscaler import Upscaler
    from subpixel.video import Job, PipeOutput, Settings, estimate_job, parse_options, pipe_format
    from subpixel.video.images.number_pattern import NumberPattern
    from subpixel.video.source import probe_source
    from subpixel.video.time_range import requested_range

    if target_fps is not None and not (realtime and 0 < target_fps < math.inf):
        raise InvalidArgument("--target-fps needs --realtime and a rate above 0")
    images = output is not None and NumberPattern.of(output) is not None
    check_images(wanted=images, start_number=start_number, realtime=realtime)
    name, piped = stream_name(input_name, "standard input"), is_input_stream(input_name)
    time_range = requested_range(start, end, preview)  # whose arguments are checked before a file is opened
    if preview is not None and start is None and not piped:
        time_range = requested_range(start, end, preview, probe_source(input_name, rate).duration)
    options: Any = {
        "time_range": time_range,
        "deinterlace": deinterlace,
        "side_by_side": side_by_side or preview is not None,
        "realtime": realtime,
        "rate": None if target_fps is None else Fraction(target_fps).limit_denominator(1001),
        "frame_rate": rate,
    }
    upscaler = Upscaler(
        scale,
        width=width,
        height=height,
        fit=fit,
        model=model,
        backend=backend,
        device=device,
        precision=precision,
        threads=threads,
        strength=strength,
        exact=exact,
    )
    if is_output_stream(output) or (piped and output is None):
        if dry:
            raise InvalidArgument("--dry-run: frames would go to standard output; name a file with -o to see its plan")
        sink = STREAM if output is None else output
        check_output(sink)
        live = PipeOutput(input_name if piped else Path(input_name), upscaler, pipe_format(file_format), **options)
        with open_output(sink) as out:
            print_notes(name, live.run(out).notes)
        return
    settings = Settings(encoder, crf, preset, pix_fmt, parse_options(encoder_options))
    with _file(input_name) as path, bar(name, enabled=not quiet and not dry) as progress:
        printed: list[str] = []

        def note(text: str) -> None:
            printed.append(text)
            print_notes(name, [text])

        job: Job | ImageOutput
        if images:
            options |= {"start_number": start_number, "overwrite": overwrite, "on_note": note}
            job = image_job(path, upscaler, str(output), settings, **options)
        else:
            job = Job(
                path,
                upscaler,
                None if output is None else Path(output),
                settings,
                overwrite,
                preview=preview is not None,
                on_note=note,
                **options,
            )
        if dry:
            estimate = estimate_job(job) if isinstance(job, Job) else job.estimate()
            print_notes(name, estimate.notes)
            if not quiet:
                print_estimate(name, estimate, automatic=model == "auto")
            return
        try:
            result = job.run(lambda done, total: progress(min(done, total or 0), total or 0))
        except KeyboardInterrupt:
            if job.can_resume:
                print_notes(name, ["interrupted; run the same command again to resume"])
            raise
    print_notes(name, (text for text in result.notes if text not in printed))
    if not quiet:
        print(printable(_line(name, result, model == "auto")))


@contextmanager
def _file(source: str) -> Iterator[Path]:
    """The video as a file. A pipe is copied into a temporary one, since a video is read twice."""
    if not is_input_stream(source):
        yield Path(source)
        return
    from subpixel.video.pipe_input import copy_pipe

    with temporary_folder() as folder:
        path = folder / "video"
        try:
            copy_pipe(source, path)
            yield path
        except SubpixelError as error:
            raise type(error)(str(error).replace(str(path), stream_name(source, "standard input"))) from None


def _line(name: str, result: Result, automatic: bool) -> str:
    width, height = result.size_out
    if result.done_before:
        return f"{name} → {result.destination}  {width}×{height}  done before"
    seconds = result.elapsed
    count = result.frames - result.resumed
    rate = f", {count / seconds:.1f} frames/s" if count and seconds else ""
    resumed = f" ({result.resumed} from an earlier run)" if result.resumed else ""
    choice = f"  auto: {result.choice}" if automatic else ""
    work = f"{result.frames} frame{'s'[: result.frames > 1]}{resumed} in {seconds:.1f} s{rate}"
    return f"{name} → {result.destination}  {width}×{height}  {work}{choice}"


def print_notes(name: str, notes: Iterable[str]) -> None:
    """Print notes to standard error, each after the name of the video."""
    for note in notes:
        text = note if note.startswith(name) else f"{name}: {note}"
        print(f"note: {printable(with_option_names(text))}", file=sys.stderr, flush=True)
