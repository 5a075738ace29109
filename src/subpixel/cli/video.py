"""``subpixel video``: upscale a video."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subpixel.cli.option_names import with_option_names
from subpixel.cli.options import Backend, Model, Precision, Scale, Strength, Threads
from subpixel.cli.progress import bar
from subpixel.cli.reporting import shown
from subpixel.cli.signals import stopped_by_signals
from subpixel.errors import InvalidArgument, SubpixelError

if TYPE_CHECKING:
    from subpixel.video import Result, TimeRange

_PREVIEW_AT = 5  # seconds into the video: what it begins with is rarely like the rest


def _seconds(text: str) -> Fraction:
    """``90``, ``1:30`` or ``0:01:30.5``."""
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if len(parts) > 3 or any(part < 0 for part in parts) or not text.isascii():
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(f"{text!r} is not a time; 90, 1:30 or 0:01:30.5 would be") from None
    total = Fraction(0)
    for part in parts:
        total = total * 60 + part
    return total


Time = Annotated[
    Fraction | None, typer.Option(parser=_seconds, metavar="TIME", show_default=False, help="As 90 or 1:30.5.")
]


def video(
    given: Annotated[str, typer.Argument(metavar="INPUT", help="A video; - reads one.", show_default=False)],
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", help="File to write; without it name_x2 beside the video; - writes frames for a player."
        ),
    ] = None,
    scale: Scale = 2,
    model: Model = "auto",
    encoder: Annotated[
        str | None,
        typer.Option(help="x264, x265, svt-av1, vp9, ffv1 or prores; by itself what fits the video and the container."),
    ] = None,
    crf: Annotated[int | None, typer.Option(help="Quality: less is better and larger.", show_default=False)] = None,
    preset: Annotated[str | None, typer.Option(help="Speed, in the encoder's words.", show_default=False)] = None,
    pix_fmt: Annotated[
        str | None, typer.Option("--pix-fmt", help="Another pixel format than the video's.", show_default=False)
    ] = None,
    encoder_options: Annotated[
        str | None,
        typer.Option("--encoder-options", metavar="NAME=VALUE:…", help="Of libavcodec besides.", show_default=False),
    ] = None,
    file_format: Annotated[
        str, typer.Option("-f", "--format", help="Of frames on standard output: y4m or nut.")
    ] = "y4m",
    start: Time = None,
    end: Time = None,
    preview: Annotated[
        float | None,
        typer.Option(
            help="So many seconds of it, the plain resize on the left.", metavar="SECONDS", show_default=False
        ),
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="The plain resize on the left.")] = False,
    deinterlace: Annotated[bool, typer.Option("--deinterlace", help="Make whole frames of fields first.")] = False,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Hold the video's frame rate, by cheaper networks where it must be.")
    ] = False,
    target_fps: Annotated[
        float | None, typer.Option("--target-fps", help="The rate that --realtime holds.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    threads: Threads = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
    strength: Strength = 1.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only notes and errors.")] = False,
) -> None:
    """Upscale a video. Sound, subtitles, chapters, times and all else that belongs to it are kept, and read back.

    Stopped, however that was, the same command goes on where it was.
    """
    from subpixel.upscaler import Upscaler
    from subpixel.video import Job, PipeOutput, Settings, parse_options, pipe_format

    if target_fps is not None and not (realtime and target_fps > 0):
        raise InvalidArgument("--target-fps: a rate above 0 is needed, and --realtime, which holds it")
    source, name = Path(given), "standard input" if given == "-" else given
    time_range = time_range_of(start, end, preview)
    asked: Any = {
        "time_range": time_range,
        "deinterlace": deinterlace,
        "side_by_side": side_by_side or preview is not None,
        "realtime": realtime,
        "rate": None if target_fps is None else Fraction(target_fps).limit_denominator(1001),
    }
    upscaler = Upscaler(scale, model=model, backend=backend, precision=precision, threads=threads, strength=strength)
    if output == "-" or (given == "-" and output is None):
        if sys.stdout.isatty():
            raise InvalidArgument("-: standard output is a terminal, where a video is of no use; -o FILE writes one")
        live = PipeOutput(source, upscaler, pipe_format(file_format), **asked).run(sys.stdout.buffer)
        say_notes(name, live.notes)
        return
    settings = Settings(encoder, crf, preset, pix_fmt, parse_options(encoder_options))
    with stopped_by_signals(), _file(given) as path, bar(name, shown=not quiet) as progress:
        messages: list[str] = []

        def tell(note: str) -> None:
            messages.append(note)
            say_notes(name, [note])

        job = Job(
            path,
            upscaler,
            None if output is None else Path(output),
            settings,
            overwrite,
            on_note=tell,
            **asked,
        )
        try:
            result = job.run(lambda done, total: progress(min(done, total or 0), total or 0))
        except KeyboardInterrupt:
            say_notes(name, ["what is made so far is kept; the same command goes on with the rest"])
            raise
    say_notes(name, (note for note in result.notes if note not in messages))
    if not quiet:
        print(shown(_line(name, result, model == "auto")))


def time_range_of(start: Fraction | None, end: Fraction | None, preview: float | None) -> TimeRange | None:
    """The part of a video that was asked for; None for all of it."""
    from subpixel.video import TimeRange

    if preview is not None:
        if end is not None:
            raise InvalidArgument("--preview and --end contradict each other; --start says where the preview begins")
        begin = Fraction(_PREVIEW_AT) if start is None else start
        return TimeRange(begin, begin + Fraction(preview).limit_denominator(1000))
    return None if start is None and end is None else TimeRange(start or Fraction(0), end)


@contextmanager
def _file(given: str) -> Iterator[Path]:
    """The video as a file: what comes from standard input is kept in one until the end, since it is read twice."""
    if given != "-":
        yield Path(given)
        return
    with tempfile.TemporaryDirectory(prefix="subpixel-") as folder:
        path = Path(folder) / "video"
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield path
        except SubpixelError as error:
            raise type(error)(str(error).replace(str(path), "standard input")) from None


def _line(name: str, result: Result, automatic: bool) -> str:
    width, height = result.size_out
    seconds = result.elapsed
    output = result.frames - result.resumed
    rate = f", {output / seconds:.1f} frames/s" if output and seconds else ""
    before = f" ({result.resumed} of them made before)" if result.resumed else ""
    chosen = f"  auto: {result.choice}" if automatic else ""
    done = f"{result.frames} frames{before} in {seconds:.1f} s{rate}"
    return f"{name} → {result.destination}  {width}×{height}  {done}{chosen}"


def say_notes(name: str, notes: Iterable[str]) -> None:
    """On standard error, after the video's name."""
    for note in notes:
        values = with_option_names(note if note.startswith(name) else f"{name}: {note}")
        print(f"note: {shown(with_option_names(values))}", file=sys.stderr, flush=True)
