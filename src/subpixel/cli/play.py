"""``subpixel play``: watch a video upscaled while it is made."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from subpixel.cli.options import Backend, Model, Precision, Scale, Threads
from subpixel.cli.video import Time, say_notes, time_range_of


def play(
    given: Annotated[str, typer.Argument(metavar="FILE", help="A video; - reads one.", show_default=False)],
    scale: Scale = 2,
    model: Model = "auto",
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="The plain resize on the left.")] = False,
    start: Time = None,
    end: Time = None,
    deinterlace: Annotated[bool, typer.Option("--deinterlace", help="Make whole frames of fields first.")] = False,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="By the network of choice, even where that is not in time.")
    ] = False,
    player: Annotated[str | None, typer.Option(help="mpv or ffplay; by itself the first there is.")] = None,
    threads: Threads = None,
    backend: Backend = "auto",
    precision: Precision = "auto",
) -> None:
    """Show a video upscaled in a player's window, at the video's own rate.

    Where the network is too slow, a cheaper one takes its place for a while. At the end the rate reached is printed."""
    from subpixel.upscaler import Upscaler
    from subpixel.video import PipeOutput, find_player, open_player

    found, program = find_player(player)
    source, name = Path(given), "standard input" if given == "-" else given
    upscaler = Upscaler(scale, model=model, backend=backend, precision=precision, threads=threads)
    live = PipeOutput(
        source,
        upscaler,
        time_range=time_range_of(start, end, None),
        deinterlace=deinterlace,
        side_by_side=side_by_side,
        realtime=not every_frame,
    )
    # Sound begins with the file: beside a part of it, it would be the wrong one.
    sound = source if given != "-" and start in (None, Fraction(0)) else None
    with open_player(found, program, f"{name} ×{scale} by {model}", sound) as pipe:
        done = live.run(pipe)
    say_notes(name, done.notes)
    rate = done.frames / done.seconds if done.seconds else 0.0
    print(f"{name}: {done.frames} frames in {done.seconds:.1f} s, {rate:.1f} frames/s", file=sys.stderr)
