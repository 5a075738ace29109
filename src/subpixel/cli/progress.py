"""Progress bars for one image and for one video."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.reporting import printable

if TYPE_CHECKING:
    from subpixel.video import Pace

__all__ = ["bar", "pace_bar", "pace_text"]

# What a person calls the stages of the work on a video.
_STAGES = {"decode": "decode", "upscale": "network", "encode": "encode"}


@contextmanager
def bar(name: str, *, enabled: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error for work of several steps, if that is a terminal.

    Args:
        name: the text beside the bar.
        enabled: False for no bar.

    Yields:
        A function that takes how much is done and how much there is. The bar appears at its first call, and never if
        everything is done at once.
    """
    if not enabled or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    progress = Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    task = progress.add_task(escape(printable(name)), total=None)
    started = False

    def update(done: int, total: int) -> None:
        nonlocal started
        if not started and done < total:
            progress.start()
            started = True
        progress.update(task, completed=done, total=total)
        if done >= total:
            progress.stop()  # before anything else is printed

    try:
        yield update
    finally:
        progress.stop()


@contextmanager
def pace_bar(name: str, place: str = "", *, enabled: bool = True) -> Iterator[Callable[[Pace], None]]:
    """A progress bar on standard error for a video, with its rate and its slow stage, if that is a terminal.

    Args:
        name: of the video; the bar shows its last part.
        place: a text before it.
        enabled: False for no bar.

    Yields:
        A function that takes how far the work is. The bar appears at its first call.
    """
    if not enabled or not sys.stderr.isatty():
        yield lambda pace: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    narrow = Column(no_wrap=True, overflow="ellipsis", max_width=24)
    progress = Progress(
        TextColumn("{task.description}", table_column=narrow),
        BarColumn(16),
        TaskProgressColumn(),
        TextColumn("{task.fields[text]}", table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task(escape(printable(place + (Path(name).name or name))), total=None, text="")

    def update(pace: Pace) -> None:
        if not progress.live.is_started:
            progress.start()
        total = None if pace.total is None else max(pace.total, pace.frames)
        progress.update(task, completed=pace.frames, total=total, text=escape(pace_text(pace)))

    try:
        yield update
    finally:
        progress.stop()


def pace_text(pace: Pace) -> str:
    """How far the work is, how fast, and for which share of the time each stage works.

    >>> from subpixel.video import Pace
    >>> pace_text(Pace(250, 1000, 60.0, 4.167, 180.0, {"decode": 0.031, "upscale": 0.992, "encode": 0.4}))
    '4.17 frames/s, 0:03:00 left; decode 3 %, network 99 %, encode 40 %'
    """
    if pace.frames == pace.total:
        return "writing and checking the file"
    busy = ", ".join(f"{_STAGES.get(name, name)} {share:.0%}".replace("%", " %") for name, share in pace.busy.items())
    if pace.rate is None:
        return busy
    left = "" if pace.left is None else f", {timedelta(seconds=round(pace.left))} left"
    count = f"{pace.frames} frames, " if pace.total is None else ""
    return f"{count}{pace.rate:.3g} frames/s{left}; {busy}"
