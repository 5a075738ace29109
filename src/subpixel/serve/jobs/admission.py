"""Whether there is room for another job: in the queue, in the quota, on the disk. Asked before its body is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from subpixel.serve.jobs.measurements import Measurements
from subpixel.serve.problems import Problem
from subpixel.serve.settings import Settings
from subpixel.storage.os_errors import free_space

__all__ = ["Admission"]

# Bytes that stay free on the disk.
_RESERVE = 256 << 20
# Seconds that a full queue is asked to be left alone for.
_LEAST_PAUSE, _LONGEST_PAUSE = 1.0, 600.0
# The last jobs count for the expected time of the next one, each by this share.
_SHARE = 1 / 8


class Admission:
    """Places for requests whose bodies are on their way.

    Args:
        settings: of the server.
        measurements: counts those that are refused.
    """

    def __init__(self, settings: Settings, measurements: Measurements) -> None:
        self._settings, self._measurements = settings, measurements
        self._places = self._bytes = 0
        self._mean_seconds = 1.0

    def took(self, seconds: float) -> None:
        """Learn how long a job took."""
        self._mean_seconds += (seconds - self._mean_seconds) * _SHARE

    @contextmanager
    def reservation(self, size: int | None, queued: int, stored: int, *, is_job: bool = True) -> Iterator[None]:
        """A place in the queue, and space.

        Args:
            size: of the body in bytes, if it is known.
            queued: how many jobs wait.
            stored: bytes of all files.
            is_job: whether it needs a place; an estimate needs none.

        Raises:
            Problem: there is none.
        """
        settings, waiting, needed = self._settings, queued + self._places, size or 0
        if is_job and waiting >= settings.queue:
            self._measurements.rejected += 1
            raise Problem(
                "queue-full",
                f"{waiting} jobs wait, and no more than {settings.queue} can; send it again later",
                retry_after=self._pause(waiting),
            )
        if stored + self._bytes + needed > settings.quota:
            raise Problem("unavailable", "the space for jobs is used up; it is freed in a while", retry_after=60)
        free = free_space(settings.data)
        if free is not None and free - self._bytes - needed < _RESERVE:
            raise Problem("unavailable", "the disk is nearly full; space must be freed first", retry_after=60)
        self._places += is_job
        self._bytes += needed
        try:
            yield
        finally:
            self._places -= is_job
            self._bytes -= needed

    def _pause(self, waiting: int) -> float:
        """When a quarter of those who wait will be done."""
        expected = waiting / 4 * self._mean_seconds / self._settings.workers
        return min(_LONGEST_PAUSE, max(_LEAST_PAUSE, expected))
