"""A bar for one image that takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]


@contextmanager
def bar(name: str, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal and an image is not done in one piece.

    Args:
        name: what stands beside it.
        shown: whether it is wanted at all.

    Yields:
        What is to be told how much is done, and of how much.
    """
    if not shown or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    drawn = Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    task = drawn.add_task(escape(name), total=None)
    begun = False

    def tell(done: int, total: int) -> None:
        nonlocal begun
        if not begun and done < total:
            drawn.start()
            begun = True
        drawn.update(task, completed=done, total=total)
        if done >= total:
            drawn.stop()  # before anything else is said

    try:
        yield tell
    finally:
        drawn.stop()
