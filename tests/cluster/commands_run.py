"""Commands on a cluster as processes, and the workers that Ray started for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

__all__ = ["Command", "wait_until"]


def wait_until(what: Callable[[], object], seconds: float = 120) -> object:
    """What a function returns as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class Command:
    """A running ``subpixel`` command.

    Args:
        arguments: of the command.
        before: words before it, such as those that run it in another network namespace.
    """

    def __init__(self, *arguments: object, before: tuple[str, ...] = ()) -> None:
        words = [*before, sys.executable, "-m", "subpixel", *map(str, arguments)]
        # Files, since nobody reads a pipe meanwhile.
        self._files = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115 - closed at the end of the process
        out, err = self._files
        self.process = subprocess.Popen(words, stdout=out, stderr=err, cwd="/", start_new_session=True)
        self.out = self.err = ""

    def end(self, seconds: float = 900) -> int:
        """Wait for the end; returns the exit code."""
        self.process.wait(timeout=seconds)
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        self.out, self.err = texts

    def workers(self) -> list[int]:
        """The processes of workers that began under this command."""
        raylets = [pid for pid, parent, name in _processes() if parent == self.process.pid and "raylet" in name]
        return [pid for pid, parent, name in _processes() if parent in raylets and name.startswith("ray::_Actor")]

    def kill_worker(self) -> int | None:
        """Kill the first worker, if there is one; returns its number."""
        for pid in self.workers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return pid
        return None

    def kill(self) -> None:
        """End the command at once, as ``kill -9`` does, and wait until Ray's processes are gone."""
        below = {pid for pid, parent, _ in _processes() if parent == self.process.pid}
        self.process.kill()
        self.process.wait()
        self._read()
        wait_until(lambda: not below & {pid for pid, _, _ in _processes()})


def _processes() -> Iterator[tuple[int, int, str]]:
    """Each process, its parent and its command."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z":
                    yield int(folder.name), parent, (folder / "cmdline").read_text().replace("\0", " ")
