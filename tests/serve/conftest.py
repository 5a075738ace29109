"""Servers to ask, and what to ask them about."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from helpers import random_image, save_image
from subpixel.serve.server import Running, serving
from subpixel.serve.settings import Settings

Ask = Callable[..., httpx.Response]


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What a condition returns once it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.02)
    return found


def client_of(running: Running, **options: Any) -> httpx.Client:
    return httpx.Client(base_url=running.address, timeout=60, **options)


def wait_for_worker(running: Running) -> None:
    wait_until(lambda: any(worker.is_idle for worker in running.service.workers.all))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one worker, which is ready."""
    data = tmp_path_factory.mktemp("serve") / "data"
    with serving(Settings(data, port=0, workers=1, threads=2, idle=5, stop=5)) as running:
        wait_for_worker(running)
        yield running


@pytest.fixture(scope="session")
def client(running: Running) -> Iterator[httpx.Client]:
    with client_of(running) as client:
        yield client


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """``serve(**settings)``: another server, for the test alone."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Running:
            settings = {"port": 0, "workers": 1, "threads": 1, "idle": 2.0, "stop": 0.5, **settings}
            return stack.enter_context(serving(Settings(settings.pop("data", tmp_path / "data"), **settings)))

        yield start


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small PNG."""
    return save_image(tmp_path_factory.mktemp("photo") / "photo.png", random_image((24, 36, 3), np.uint8))


def finished(client: httpx.Client, job_id: str, seconds: float = 60) -> dict[str, Any]:
    """A job, once it is finished."""

    def look() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        return job if job["state"] in ("done", "failed", "cancelled") else None

    found: dict[str, Any] = wait_until(look, seconds)
    return found


def raw_answer(running: Running, *parts: bytes, pause: float = 0.0, seconds: float = 20) -> bytes:
    """What a server sends after some bytes, until it closes the connection."""
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), seconds) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break  # it has closed the connection already
            time.sleep(pause)
        answer = bytearray()
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
        return bytes(answer)


def events_in(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """``(id, event, data)`` of a stream of events."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def different(folder: Path, number: int) -> bytes:
    return save_image(folder / f"{number}.png", random_image((16, 16, 3), np.uint8, number)).read_bytes()


def stop_worker(running: Running) -> int:
    """Make the one worker stand still, so that jobs wait; its process id."""
    wait_for_worker(running)
    pid: int = running.service.workers.all[0].process.pid
    os.kill(pid, signal.SIGSTOP)
    return pid


def read_events(stream: httpx.Response, is_last: Callable[[str, dict[str, Any]], bool]) -> list[Any]:
    """The events of a stream up to the last that is wanted."""
    text, found = "", []
    for chunk in stream.iter_text():
        *blocks, text = (text + chunk).split("\n\n")
        for event in events_in("\n\n".join(blocks)):
            found.append(event)
            if is_last(event[1], event[2]):
                return found
    raise AssertionError(f"the stream ended after {found}")
