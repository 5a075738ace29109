"""Slow, endless and broken requests."""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.conftest import client_of, raw_answer, wait_until
from subpixel.serve.server import Running

POST = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\n"


def incoming(running: Running) -> list[Path]:
    return list((running.service.settings.data / "incoming").iterdir())


def test_a_huge_length_is_refused_before_anything_is_read(running: Running) -> None:
    answer = raw_answer(running, POST + b"Content-Length: 10737418240\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/too-large" in answer
    assert b"connection: close" in answer.lower()
    assert raw_answer(running, POST + b"Content-Length: 999999999999999999\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_client_that_waits_for_100_continue_sends_nothing(running: Running) -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n"
    began = time.monotonic()
    assert raw_answer(running, head).startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("kind", [b"image/png", b"multipart/form-data; boundary=b", b"application/json"])
def test_an_endless_body_is_stopped_at_the_limit(serve: Any, kind: bytes) -> None:
    running = serve(image_bytes=1 << 20)
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' if b"form" in kind else b""
    start += b"" if b"json" in kind else b"\x89PNG\r\n\x1a\n"
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(POST + b"Content-Type: " + kind + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(f"{len(start):x}\r\n".encode() + start + b"\r\n" if start else b"")
        sent = 0
        connection.settimeout(5)
        with suppress(ConnectionError, TimeoutError):  # the server hangs up
            while sent < 64 << 20:
                connection.sendall(chunk)
                sent += 0x10000
    assert sent < 32 << 20
    wait_until(lambda: not incoming(running), 10)
    with client_of(running) as client:
        assert 'subpixel_requests_total{status="413"} 1' in client.get("/metrics").text


def test_the_answer_arrives_although_the_body_is_not_read(serve: Any) -> None:
    running = serve(image_bytes=1 << 20)
    with client_of(running) as client:
        for _ in range(5):
            answer = client.post("/v1/images", content=bytes(3 << 20))
            assert answer.status_code == 413


def test_the_answer_arrives_although_the_client_writes_before_it_reads(serve: Any) -> None:
    """As nginx does: it reads an early answer only when it cannot write."""
    running = serve(image_bytes=1 << 20)
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(POST + b"Content-Length: 1000000000\r\n\r\n")
        connection.setblocking(False)
        while select.select([], [connection], [], 0.02)[1]:
            connection.send(bytes(0x10000))
        connection.settimeout(5)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_slow_heads_and_bodies_time_out(serve: Any) -> None:
    running = serve(idle=1.0)
    began = time.monotonic()
    assert raw_answer(running, b"GET / HT") == b""
    assert raw_answer(running, *[b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 20], pause=0.1) == b""
    assert raw_answer(running, POST + b"Content-Length: 1000\r\n\r\n\x89PNG").startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 12
    assert not incoming(running)
    with client_of(running) as client:
        assert client.get("/healthz").status_code == 200


def test_a_client_that_takes_nothing_is_given_up(serve: Any, tmp_path: Path) -> None:
    running = serve(idle=1.0)
    with client_of(running) as client:
        large = b"BM" + bytes(8 << 20)
        job = client.post("/v1/images", content=large, headers={"Prefer": "respond-async"}).json()["id"]
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.sendall(f"GET /v1/jobs/{job}/source HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: running.server.server_state.tasks, 5)
        wait_until(lambda: not running.server.server_state.tasks, 10)


def test_an_upload_that_breaks_off_leaves_nothing(running: Running, client: httpx.Client) -> None:
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    before = len(client.get("/v1/jobs?limit=500").json()["jobs"])
    for kind in (b"image/png", b"multipart/form-data; boundary=b"):
        with socket.create_connection((host, int(port)), 10) as connection:
            head = POST + b"Content-Type: " + kind + b"\r\nContent-Length: 100000\r\n\r\n"
            start = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' if b"form" in kind else b""
            connection.sendall(head + start + b"\x89PNG\r\n\x1a\n" + bytes(50_000))
            wait_until(lambda: incoming(running), 5)
        wait_until(lambda: not incoming(running), 10)
    assert len(client.get("/v1/jobs?limit=500").json()["jobs"]) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--b--",
        b"--b\r\n\r\n",
        b"--c\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--c--\r\n",
        b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx",
        b"--b\r\nContent-Disposition: form-data; name=scale\r\n\r\n" + b"2" * 10_000 + b"\r\n--b--\r\n",
        b"--b\r\nX: " + b"y" * 10_000 + b"\r\n\r\n\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=scale\r\n\r\n2\r\n--b--\r\n",
    ],
)
def test_forms_that_are_wrong(client: httpx.Client, content: bytes) -> None:
    answer = client.post("/v1/images", content=content, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"scale": NaN}', b"[" * 100_000, b'{"scale": 2}', b'{"job": 5}']
)
def test_json_that_is_wrong(client: httpx.Client, content: bytes) -> None:
    answer = client.post("/v1/images", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 404, 413), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: -1\r\n\r\n",
    ],
)
def test_requests_that_are_no_http(running: Running, head: bytes) -> None:
    answer = raw_answer(running, head, seconds=10)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
