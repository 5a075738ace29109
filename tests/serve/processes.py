"""Servers in processes of their own, which signals can end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

__all__ = ["Server", "server"]


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def end(self, number: int) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def server(data: Path, *options: str) -> Iterator[Server]:
    command = [
        sys.executable,
        "-m",
        "subpixel",
        "serve",
        "--port",
        "0",
        "--data",
        str(data),
        "--workers",
        "1",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://\S+", line)
            assert match, line
            with httpx.Client(base_url=match[0], timeout=60) as client:
                yield Server(process, client)
        finally:
            process.kill()
