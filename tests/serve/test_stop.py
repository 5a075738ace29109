"""Servers that are asked to stop while much is going on."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from helpers import random_image, save_image
from serve.conftest import finished, wait_until
from serve.processes import Server, server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are signals of Unix")

HEAD = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


def to_all(one: Server) -> None:
    """As systemd and a terminal do: workers get the signal, too."""
    threads = Path(f"/proc/{one.process.pid}/task").glob("*/children")
    numbers = [number for children in threads for number in children.read_text().split()]
    assert numbers or not sys.platform.startswith("linux")
    for number in [*numbers, one.process.pid]:
        os.kill(int(number), signal.SIGTERM)


def twice(one: Server) -> None:
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)  # the first is at work
    one.process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("ask", [to_all, twice])
def test_a_running_image_is_answered_and_an_upload_is_not_lost(
    tmp_path: Path, photo: Path, ask: Callable[[Server], None]
) -> None:
    large = save_image(tmp_path / "large.png", random_image((300, 400, 3), np.uint8)).read_bytes()
    content, data = photo.read_bytes(), tmp_path / "data"
    answers: list[httpx.Response] = []
    with server(data) as one:
        waiting = threading.Thread(
            target=lambda: answers.append(one.client.post("/v1/images?scale=4&model=high", content=large))
        )
        waiting.start()
        with httpx.Client(base_url=one.client.base_url) as client:
            wait_until(lambda: any(job["state"] == "running" for job in client.get("/v1/jobs").json()["jobs"]))
        address = (one.client.base_url.host, one.client.base_url.port or 0)
        with socket.create_connection(address, 30) as upload:
            upload.sendall(HEAD % len(content) + content[:100])
            wait_until(lambda: list((data / "incoming").iterdir()))
            ask(one)
            upload.sendall(content[100:])
            answer = b""
            while not answer.endswith(b"}") and (part := upload.recv(65536)):
                answer += part
            status = int(answer.split()[1])
        assert one.process.wait(40) == 0
        waiting.join(10)
        assert [answer.status_code for answer in answers] == [200]
    assert status == 503
    # Either it was refused, or taken: then the answer names the job.
    taken = re.findall(rb"job (\w+) goes on later", answer)
    assert taken or b"/problems/unavailable" in answer
    assert not list((data / "incoming").iterdir())
    with server(data) as second:
        jobs = second.client.get("/v1/jobs").json()["jobs"]
        assert len(jobs) == 1 + len(taken)
        assert {each.decode() for each in taken} <= {job["id"] for job in jobs}
        assert {finished(second.client, job["id"])["state"] for job in jobs} == {"done"}
        made = second.client.get(f"/v1/jobs/{answers[0].headers['x-subpixel-job']}/result")
        assert made.content == answers[0].content
