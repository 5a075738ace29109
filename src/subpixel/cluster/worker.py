"""What runs on a worker, whatever starts it there."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Any

__all__ = ["Worker"]


class Worker:
    """A process that works on one piece at a time."""

    def __init__(self) -> None:
        # One thread for each file: the pieces are what runs in parallel. libvips reads this when it is loaded.
        os.environ["VIPS_CONCURRENCY"] = "1"
        self._work: Callable[[Any], Any] | None = None

    def greet(self, rules: dict[str, Any]) -> tuple[str, int, str | None]:
        """The machine's name, this process's number, and why it cannot work on a job of these rules, if it cannot."""
        from subpixel.cluster.rules import refusal

        return platform.node(), os.getpid(), refusal(rules)

    def begin(self, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> str | None:
        """Make ready what works on pieces; why that cannot be done here, if it cannot."""
        from subpixel.errors import SubpixelError

        try:
            self._work = make(*arguments)
        except SubpixelError as error:
            return f"{platform.node()}: refused: {error}"
        return None

    def work(self, task: Any) -> Any:
        """Work on a piece."""
        assert self._work is not None
        return self._work(task)

    def end(self) -> None:
        """Remove what the work left on this machine."""
        from subpixel.cluster.worker_folder import remove_worker_folder

        remove_worker_folder()
