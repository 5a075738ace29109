"""Requests that are made to harm, or are odd: each is answered as it is documented, and the server goes on."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from helpers import random_image, save_image
from serve.conftest import client_of, different, raw_answer, wait_until
from subpixel.serve.http import connections
from subpixel.serve.server import Running

POST = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def connect(running: Running, buffer: int = 0) -> socket.socket:
    host, port = running.address.removeprefix("http://").rstrip("/").split(":")
    found = socket.socket()
    if buffer:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    found.settimeout(20)
    found.connect((host, int(port)))
    return found


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def test_a_length_and_chunks_hide_no_second_request(running: Running, photo: Path) -> None:
    hidden = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = b"0\r\n\r\n" + hidden
    head = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body)
    for more in (b"", b"Connection: keep-alive\r\n"):
        answer = raw_answer(running, POST + more + head + body)
        assert statuses(answer) == [400]
        assert b"connection: close" in answer.lower()
    for encoding in (b"gzip, chunked", b"chunked, chunked", b"identity", b"xchunked", b"\tchunked\x0b"):
        answer = raw_answer(running, POST + b"Transfer-Encoding: " + encoding + b"\r\n\r\n0\r\n\r\n" + hidden)
        assert statuses(answer)[0] in (400, 501)
        assert len(statuses(answer)) == 1


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"-1\r\nx\r\n", b"5\r\nhello", b"ffffffffffffffffffff\r\nx", b"1;" + b"x" * 100_000 + b"\r\nx\r\n"],
)
def test_chunks_that_are_wrong(serve: Any, body: bytes) -> None:
    running = serve(idle=1.0)
    answer = raw_answer(running, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert statuses(answer) in ([400], [408], [413]), answer[:200]
    wait_until(lambda: not list((running.service.settings.data / "incoming").iterdir()), 5)


def test_a_body_that_trickles_is_given_up(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_GRACE", 0.5)
    running = serve(idle=5.0)
    answer = raw_answer(running, POST + b"Content-Length: 100000\r\n\r\n", *[b"x"] * 10, pause=0.1)
    assert statuses(answer) == [408]
    assert b"bytes a second" in answer


def test_methods(client: httpx.Client, photo: Path) -> None:
    job = client.post("/v1/images", content=photo.read_bytes()).headers["x-subpixel-job"]
    for path, allowed in (
        ("/v1/images", "POST"),
        ("/v1/jobs", "GET"),
        (f"/v1/jobs/{job}", "DELETE, GET"),
        (f"/v1/jobs/{job}/cancel", "POST"),
        ("/v1/models", "GET"),
    ):
        for method in ("OPTIONS", "TRACE", "PATCH", "PROPFIND", "FOO"):
            answer = client.request(method, path, headers={"X-Secret": "abc"})
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            assert "abc" not in answer.text
            assert "access-control-allow-origin" not in answer.headers
    head = client.head(f"/v1/jobs/{job}/result")
    assert (head.status_code, head.content) == (200, b"")
    for path in ("/v1/jobs", "/healthz", "/v1/nothing", "/v1/images"):
        assert client.head(path).content == b""
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "done"


def test_connect_is_no_way_through(running: Running) -> None:
    answer = raw_answer(running, b"CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert statuses(answer)[0] in (400, 404, 405)
    answer = raw_answer(running, b"GET http://example.org/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert statuses(answer)[0] in (400, 403, 404)


def test_http_1_0(running: Running, photo: Path) -> None:
    content = photo.read_bytes()
    answer = raw_answer(running, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert statuses(answer) == [200]
    assert answer.endswith(b"ok\n")
    head = b"POST /v1/images HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(content)
    answer = raw_answer(running, head + content)
    assert statuses(answer) == [200]
    assert answer.partition(b"\r\n\r\n")[2].startswith(b"\x89PNG")
    assert statuses(raw_answer(running, b"GET /healthz HTTP/1.0\r\n\r\n")) == [400]


def test_requests_on_their_way_together_are_answered_in_order(running: Running, photo: Path) -> None:
    content = photo.read_bytes()
    post = POST + b"Content-Length: %d\r\n\r\n" % len(content) + content
    wrong = POST + b"Content-Length: 5\r\n\r\nhello"
    last = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw_answer(running, GET + b"\r\n" + post + wrong + GET + b"\r\n" + last)
    assert statuses(answer) == [200, 200, 415, 200, 404]


def test_ten_thousand_parameters(running: Running, client: httpx.Client) -> None:
    many = "&".join(f"x{number}=1" for number in range(10_000)).encode()
    last = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    # A head of more than 64 KiB is refused, unless it came at once.
    for start, status in ((b"POST /v1/images?", 422), (b"GET /v1/jobs?", 200), (b"GET /?token=", 200)):
        assert statuses(raw_answer(running, start + many + last)) in ([400], [status])
    for query in (many[:30_000], b"&".join([b"scale=2"] * 5000)):
        for path in ("/v1/images", "/v1/estimates"):
            answer = client.post(f"{path}?{query.decode()}", content=b"GIF89a")
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 2000
        assert client.get(f"/v1/jobs?{query.decode()}").status_code == 200
    answer = client.post("/v1/images", json={f"x{number}": 1 for number in range(3000)})
    assert answer.status_code == 422
    assert len(answer.content) < 2000


def form(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(b"--b\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts) + b"--b--\r\n"


def part(rest: str) -> str:
    return f"Content-Disposition: form-data; {rest}"


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def test_odd_forms(client: httpx.Client, photo: Path) -> None:
    image = photo.read_bytes()
    file = (part('name="file"; filename="a.png"'), image)
    for content, words in (
        (form(*[(part(f'name="x{number}"'), b"1") for number in range(10_000)], file), "64 fields"),
        (form(file, file), "only one file"),
        (form((part('name="scale"'), b"2" * 5000), file), "too long"),
        (
            form(
                (part('name="file"'), b""),
            ),
            "no file",
        ),
        (form((part('filename="a.png"'), image)), "no name"),
    ):
        answer = client.post("/v1/images", content=content, headers=FORM)
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["detail"]
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""'):
        answer = client.post("/v1/images", content=form(file), headers={"Content-Type": kind})
        assert (answer.status_code, "boundary" in answer.json()["detail"]) == (400, True)
    long = {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"}
    assert client.post("/v1/images", content=form(file), headers=long).status_code == 400
    # A form in a form is a file that is no image; a form of another kind is one, too.
    nested = form((part('name="file"') + "\r\nContent-Type: multipart/mixed; boundary=c", b"--c\r\n\r\n\r\n--c--"))
    assert client.post("/v1/images", content=nested, headers=FORM).status_code == 415
    mixed = {"Content-Type": "multipart/mixed; boundary=b"}
    assert client.post("/v1/images", content=form(file), headers=mixed).status_code == 415


def test_names_in_forms(client: httpx.Client, photo: Path) -> None:
    image = photo.read_bytes()
    # Forms have no filename* (RFC 7578): it is not read. UTF-8 stands as it is.
    for rest, name in (
        ("filename*=UTF-8''k%C3%A4tze.png", "image.png"),
        ("filename=\"x.png\"; filename*=UTF-8''%2e%2e%2fevil.png", "x.png"),
        ("filename*=UTF-8''a%00%0d%0aSet-Cookie:%20b.png", "image.png"),
        ('filename="C:\\\\temp\\\\b.png"', "b.png"),
        ('filename="kätze.png"', "kätze.png"),
        ('filename="a%22b%22.png"', 'a"b".png'),
        ('filename="../../a.png"', "a.png"),
        ("filename*=nonsense", "image.png"),
        ("filename*=UTF-16''%FF%FE.png", "image.png"),
    ):
        content = form((part(f'name="file"; {rest}'), image))
        answer = client.post("/v1/images", content=content, headers=FORM)
        assert answer.status_code == 200, answer.text
        assert "set-cookie" not in answer.headers
        job = client.get(f"/v1/jobs/{answer.headers['x-subpixel-job']}").json()
        assert job["source"]["name"] == name


def test_who_listens_and_never_reads_is_given_up(serve: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    running = serve(idle=1.0)
    with connect(running, buffer=4096) as deaf, client_of(running) as client:
        deaf.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: running.service.events.count == 1, 5)
        for number in range(6):
            job = client.post("/v1/images", content=different(tmp_path, number)).headers["x-subpixel-job"]
            document = client.get(f"/v1/jobs/{job}").json()
            assert document["state"] == "done"
        # Enough events to fill every buffer on the way: all of them again and again, on more connections.
        store = running.service.store
        stored = store.get(job)
        assert stored is not None
        text = json.dumps({**document, "notes": ["x" * 100_000]})
        for _ in range(60):
            run_in_loop(running, lambda: store.step(stored, text))
        run_in_loop(running, lambda: running.service.events.tell(stored.client, stored.id))
        wait_until(lambda: running.service.events.count == 0, 15)
        assert client.get("/healthz").status_code == 200
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "error" not in said


def run_in_loop(running: Running, work: Any) -> None:
    """Call a function where the server calls it: in its event loop."""
    loop = running.service.dispatcher.workers._loop
    assert loop is not None
    done: list[bool] = []
    loop.call_soon_threadsafe(lambda: (work(), done.append(True)))
    wait_until(lambda: done, 5)


def test_listeners_that_go_in_the_middle_leave_no_error(
    serve: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    running = serve()
    with client_of(running) as client:
        for number in range(12):
            with connect(running) as one:
                one.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                one.recv(100)
                client.post("/v1/images", content=different(tmp_path, number), headers={"Prefer": "respond-async"})
                time.sleep(number / 100)
        wait_until(lambda: running.service.events.count == 0, 10)
        metrics = client.get("/metrics").text
    assert 'status="500"' not in metrics
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("host", ["localhost.", "127.0.0.1:80", "[::1]", "[::1]:1", "[0:0:0:0:0:0:0:1]", "127.1.2.3"])
def test_other_spellings_of_this_machine(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("user@127.0.0.1", "user:p@localhost:8765", "localhost@evil.example", "evil.example:8765", "evil.example."),
        *("[::2]", "[::ffff:8.8.8.8]", "localhost:99999", "localhost:x", "localhost#", "localhost?", "localhost\\x"),
        *("0x7f.1.evil", "127.0.0.1, evil.example", "localhost evil", "[localhost]", "[::1]evil.example"),
    ],
)
def test_names_that_only_look_like_it(client: httpx.Client, host: str) -> None:
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code in (400, 403), host
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "http://evil.example",
            "http://localhost.evil.example",
            "http://user@{own}",
            "//{own}",
            "{own}",
            "ftp://{own}",
        ),
        *("http://{own}.evil.example", "http://[::1", "http://{own} http://evil.example", "data:", "null", ""),
    ],
)
def test_origins_that_only_look_like_it(client: httpx.Client, origin: str) -> None:
    own = str(client.base_url).rstrip("/").removeprefix("http://")
    headers = {"Origin": origin.format(own=own)}
    assert client.get("/v1/jobs", headers=headers).status_code == 403
    assert client.post("/v1/images", content=b"x", headers=headers).status_code == 403


def test_a_token_in_the_wrong_place(serve: Any, tmp_path: Path) -> None:
    token = "a-long-token-4c1f"
    image = save_image(tmp_path / "a.png", random_image((8, 8, 3), np.uint8)).read_bytes()
    with client_of(serve(token=token)) as client:
        for query, headers in (
            ("", {}),
            (f"?token={token}", {}),
            (f"?access_token={token}", {}),
            ("", {"X-Token": token}),
            ("", {"X-API-Key": token}),
            ("", {"Authorization": token}),
            ("", {"Authorization": f"Token {token}"}),
            ("", {"Authorization": f"Bearer  {token} x"}),
            ("", {"Authorization": "Bearer \xff".encode("latin-1")}),
            ("", {"Proxy-Authorization": f"Bearer {token}"}),
            ("", {"Cookie": f"token={token}"}),
            ("", {"Cookie": f"subpixel_token={token}x"}),
            ("", {"Cookie": "subpixel_token=\xff; ;;=".encode("latin-1")}),
        ):
            for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/images"), ("GET", "/v1/events")):
                answer = client.request(method, f"{path}{query}", headers=headers, content=image)  # type: ignore[arg-type]
                assert answer.status_code == 401, (path, query, headers)
                assert token not in answer.text
        answer = client.post("/v1/images", content=image, headers={"Authorization": f"bearer {token}"})
        assert answer.status_code == 200
