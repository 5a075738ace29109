"""A progress bar for one image or video."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from subpixel.cli.reporting import printable

__all__ = ["bar"]


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
