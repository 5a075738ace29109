"""``subpixel video``: upscale a video."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli import completion
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
from subpixel.cli.video_batch import batch_of, follow, note_left_out
from subpixel.cli.video_dry_run import dry_run
from subpixel.cli.video_images import Rate, StartNumber, check_images, image_job, names_images
from subpixel.cli.video_reporting import VideoReporter, print_notes
from subpixel.errors import InvalidArgument, SubpixelError
from subpixel.storage.output_place import names_several
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
    from subpixel.video import Job
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
EncoderName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=completion.encoders,
        help="Encode with x264, x265, svt-av1, vp9, ffv1 or prores. Names such as hevc work too, and encoders of "
        "graphics cards such as h264_nvenc. Default: what fits the video and its container.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Crf = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Set the quality. Lower is better and larger: 0 to 51 for x264 and x265, 1 to 63 for svt-av1, 0 to 63 "
        "for vp9. Default: 18, 20, 28 and 28.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Set the speed by the encoder's own name: ultrafast to placebo for x264 (default veryfast) and x265 "
        "(superfast), 0 to 13 for svt-av1 (9), 0 to 8 for vp9 (5).",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
PixFmt = Annotated[
    str | None,
    typer.Option(
        "--pix-fmt",
        metavar="NAME",
        help="Encode in this pixel format, such as yuv420p10le. Default: that of the video.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
EncoderOptions = Annotated[
    str | None,
    typer.Option(
        "--encoder-options",
        metavar="LIST",
        help="Pass more options to libavcodec, such as tune=grain:bf=2.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]


StreamNumber = Annotated[
    int | None,
    typer.Option(
        "--stream",
        metavar="N",
        help="Upscale this video stream, by the number that ffprobe prints. Default: the one that the file marks as "
        "default, then the largest.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Audio = Annotated[
    str,
    typer.Option(
        "--audio",
        metavar="NAME",
        help="Copy all sound (copy), leave it out (none), or encode it with aac, opus, mp3, ac3, eac3, flac or alac. "
        "Bits a second of each stream follow a colon, as in aac:128k.",
        rich_help_panel=OUTPUT,
    ),
]


JsonEvents = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print lines of JSON: at the start and the end of each video, and once a second.",
        rich_help_panel=REPORTING,
    ),
]


def video(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Videos, folders with everything below them, and patterns such as 'clips/**/*.mkv'; or images that "
            "are the frames of one video: 'frames/%04d.png', or a folder of images. Use - to read one video from "
            "standard input.",
            show_default=False,
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
    audio: Audio = "copy",
    stream: StreamNumber = None,
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
            help="Write to this file or folder; or an image for each frame, as in 'frames/%04d.png'. Use - to write "
            "frames to standard output, for a player or another program. Default: name_x2 beside each video.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    start_number: StartNumber = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=FILES)
    ] = False,
    copy_time: Annotated[
        bool,
        typer.Option("--copy-time", help="Give the result the modification time of the video.", rich_help_panel=FILES),
    ] = False,
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show what would be done and kept, with time and memory. Write nothing.",
            rich_help_panel=REPORTING,
        ),
    ] = False,
    as_json: JsonEvents = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print only notes and errors.", rich_help_panel=REPORTING)
    ] = False,
) -> int:
    """Upscale videos with their sound, subtitles and chapters.

    Every other stream is copied or, where the container needs it, converted, and frames keep their times. Each file is
    verified before it is moved into place.

    If interrupted, run the same command again to resume. A finished video is not made again.
    """
    from subpixel.upscaler import Upscaler
    from subpixel.video import Job, PipeOutput, Settings, parse_options, pipe_format
    from subpixel.video.images.number_pattern import NumberPattern
    from subpixel.video.source import probe_source
    from subpixel.video.time_range import requested_range

    if target_fps is not None and not (realtime and 0 < target_fps < math.inf):
        raise InvalidArgument("--target-fps needs --realtime and a rate above 0")
    to_images = output is not None and NumberPattern.of(output) is not None
    check_images(wanted=to_images, start_number=start_number, realtime=realtime)
    if copy_time and (to_images or names_images(inputs)):
        raise InvalidArgument("--copy-time is for videos, and these are images")
    piped = len(inputs) == 1 and is_input_stream(inputs[0])
    to_pipe = is_output_stream(output) or (piped and output is None)
    if (STREAM in inputs or to_pipe) and names_several(inputs) and not names_images(inputs):
        raise InvalidArgument("-: only one video can be read from standard input or written to standard output")
    time_range = requested_range(start, end, preview)  # whose arguments are checked before a file is opened
    if preview is not None and start is None and to_pipe and not piped:
        time_range = requested_range(start, end, preview, probe_source(inputs[0], rate, stream).duration)
    options: Any = {
        "time_range": time_range,
        "deinterlace": deinterlace,
        "side_by_side": side_by_side or preview is not None,
        "realtime": realtime,
        "rate": None if target_fps is None else Fraction(target_fps).limit_denominator(1001),
        "stream": stream,
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
    if to_pipe:
        if dry:
            raise InvalidArgument("--dry-run: frames would go to standard output; name a file with -o to see its plan")
        if as_json or copy_time:
            option = "--json" if as_json else "--copy-time"
            raise InvalidArgument(f"{option} is for files, and frames go to standard output; name a file with -o")
        sink = STREAM if output is None else output
        check_output(sink)
        source = inputs[0] if piped else Path(inputs[0])
        live = PipeOutput(source, upscaler, pipe_format(file_format), **options)
        with open_output(sink) as out:
            print_notes(stream_name(inputs[0], "standard input"), live.run(out).notes)
        return 0
    if piped and output is not None and (os.path.isdir(output) or output.endswith(("/", os.sep))):
        source_name = stream_name(inputs[0], "standard input")
        raise InvalidArgument(f"{output}: a video from {source_name} has no name, so the output must be a file")
    if copy_time and piped:
        raise InvalidArgument("--copy-time needs a file as input, since a pipe has no time of modification")
    settings = Settings(encoder, crf, preset, pix_fmt, parse_options(encoder_options), audio)

    def options_for(source: Path) -> Any:
        if preview is None or start is not None or piped:
            return options
        return {
            **options,
            "time_range": requested_range(start, end, preview, probe_source(source, rate, stream).duration),
        }

    def make_images(source: Path) -> ImageOutput:
        more: Any = {"start_number": start_number, "overwrite": overwrite}
        return image_job(source, upscaler, str(output), settings, **options_for(source), **more)

    def make_job(source: Path, destination: Path | None) -> Job:
        return Job(
            source,
            upscaler,
            destination,
            settings,
            overwrite,
            preview=preview is not None,
            copy_time=copy_time,
            **options_for(source),
        )

    with _file(inputs[0]) if piped else nullcontext() as received:
        names = {} if received is None else {str(received): stream_name(inputs[0], "standard input")}
        sources = inputs if received is None else [str(received)]
        batch, place, images = batch_of(sources, output, make_job, make_images if to_images else None)
        reporter = VideoReporter(batch.count, as_json=as_json, quiet=quiet, choices=model == "auto", names=names)
        note_left_out(batch, images, reporter)
        return dry_run(batch, reporter) if dry else follow(batch, reporter, str(place))


@contextmanager
def _file(source: str) -> Iterator[Path]:
    """A pipe as a file: it is copied into a temporary one, since a video is read twice."""
    from subpixel.video.pipe_input import copy_pipe

    with temporary_folder() as folder:
        path = folder / "video"
        try:
            copy_pipe(source, path)
            yield path
        except SubpixelError as error:
            raise type(error)(str(error).replace(str(path), stream_name(source, "standard input"))) from None
