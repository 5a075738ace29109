"""``subpixel play``: watch a video while it is upscaled."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subpixel.cli.options import (
    COMPUTATION,
    OUTPUT,
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
    Threads,
    Width,
)
from subpixel.cli.video import End, Start
from subpixel.cli.video_reporting import print_notes
from subpixel.storage.standard_streams import is_input_stream, stream_name

if TYPE_CHECKING:
    from subpixel.upscaler import Target


def play(
    input_name: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A video file. Use - to read one from standard input.", show_default=False
        ),
    ],
    scale: AnyScale = None,
    width: Width = None,
    height: Height = None,
    fit: Fit = None,
    start: Start = None,
    end: End = None,
    side_by_side: SideBySide = False,
    player: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Show it in mpv or ffplay. Default: the first that is installed.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    model: Model = "auto",
    precision: Precision = "auto",
    every_frame: Annotated[
        bool,
        typer.Option(
            "--every-frame",
            help="Upscale every frame with the chosen model, even if it is late.",
            rich_help_panel=COMPUTATION,
        ),
    ] = False,
    exact: Exact = False,
    deinterlace: Deinterlace = False,
    backend: Backend = "auto",
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Watch a video while it is upscaled.

    If the chosen model is too slow for the frame rate, a faster one takes over until there is time again. At the end,
    the command prints the frame rate that it reached.
    """
    from subpixel.upscaler import Upscaler
    from subpixel.video import PipeOutput, find_player, open_player
    from subpixel.video.time_range import requested_range

    found, program = find_player(player)
    name, piped = stream_name(input_name, "standard input"), is_input_stream(input_name)
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
        exact=exact,
    )
    live = PipeOutput(
        input_name if piped else Path(input_name),
        upscaler,
        None,
        time_range=requested_range(start, end, None),
        deinterlace=deinterlace,
        side_by_side=side_by_side,
        realtime=not every_frame,
    )
    # A player starts the sound at the beginning of the file, which is wrong beside a later part.
    has_sound = not piped and os.path.isfile(input_name) and start in (None, Fraction(0))
    sound = Path(os.path.abspath(input_name)) if has_sound else None
    with open_player(found, program, f"{name} {_size(upscaler.target)} by {model}", sound) as pipe:
        result = live.run(pipe)
    print_notes(name, result.notes)
    rate = result.frames / result.seconds if result.seconds else 0.0
    frames = f"{result.frames} frame{'s'[: result.frames > 1]}"
    print(f"{name}: {frames} in {result.seconds:.1f} s, {rate:.1f} frames/s", file=sys.stderr)


def _size(target: Target) -> str:
    """The size for the title of the window: ``×2.5``, ``1920 wide``."""
    if target.scale is not None:
        return f"×{target.scale:g}"
    if target.fit is not None:
        return "in {}×{}".format(*target.fit)
    return f"{target.width} wide" if target.width is not None else f"{target.height} high"
