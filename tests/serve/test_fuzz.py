"""Requests by chance: whatever is sent, the answer is one of those that are stated, and the server goes on."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel.serve.options import IMAGE_OPTIONS, VIDEO_OPTIONS
from subpixel.serve.problems import PROBLEMS

NAMES = sorted({*IMAGE_OPTIONS, *VIDEO_OPTIONS, "job", "source", "name", "kind", "file", "x"})
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["2", "-1", "1e999", "nan", "../../x", "/etc/passwd", "0x0", "99999999999999999999", "true", "png", "٣"]
    ),
    st.floats().map(str),
    st.integers().map(str),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inside, max_size=3),
    max_leaves=6,
)
HEADS = st.sampled_from(
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"II*\0\x08\0\0\0",
        b"BM",
        b"P6\n",
    ]
)
BODIES = st.tuples(HEADS, st.binary(max_size=300)).map(b"".join)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def stated(client: httpx.Client) -> Iterator[None]:
    """The statuses that OpenAPI states, which every answer is checked against."""
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        pattern = re.compile(re.sub("{[^}]*}", "[^/]*", path))
        for method, operation in operations.items():
            STATED[pattern, method.upper()] = {int(each) for each in operation["responses"] if each != "default"}
    yield
    STATED.clear()


STATED: dict[tuple[re.Pattern[str], str], set[int]] = {}


def check(answer: httpx.Response) -> None:
    request = answer.request
    path = request.url.raw_path.decode().partition("?")[0]
    for (pattern, method), statuses in STATED.items():
        if method == request.method and pattern.fullmatch(path):
            assert answer.status_code in statuses, (method, path)
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    status, _ = PROBLEMS[problem["type"].removeprefix("/problems/")]
    assert answer.status_code == problem["status"] == status
    assert problem["type"] not in ("/problems/internal", "/problems/crashed"), problem
    assert problem["detail"]
    assert "Traceback" not in answer.text
    assert "/jobs/" not in problem["detail"]  # no path of the server


@QUICK
@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3), BODIES)
def test_options_and_files(client: httpx.Client, query: list[tuple[str, str]], body: bytes) -> None:
    check(client.post("/v1/images", params=query, content=body))


@QUICK
@given(st.sampled_from(["/v1/images", "/v1/videos", "/v1/estimates"]), JSON)
def test_json(client: httpx.Client, path: str, value: Any) -> None:
    check(client.post(path, json=value))


@QUICK
@given(
    st.sampled_from(["/v1/images", "/v1/videos"]), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), BODIES
)
def test_forms(client: httpx.Client, path: str, fields: dict[str, str], body: bytes) -> None:
    files = {"file": (fields.pop("file", "a.png"), body)}
    check(client.post(path, data=fields, files=files, headers={"Prefer": "respond-async"}))


@QUICK
@given(
    st.sampled_from(
        ["/v1/jobs", "/v1/archive", "/v1/jobs/{}/preview", "/v1/jobs/{}", "/v1/jobs/{}/result", "/page/{}"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.dictionaries(st.sampled_from(["limit", "before", "client", "ids", "of", "max", "time"]), VALUES, max_size=3),
)
def test_addresses(client: httpx.Client, path: str, part: str, query: dict[str, str]) -> None:
    from urllib.parse import quote

    check(client.get(path.format(quote(part, safe="")), params=query))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


BOMBS = {
    "png": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(bytes(10_000)))
    + chunk(b"IEND", b""),
    "gif": b"GIF89a"
    + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0)
    + bytes(6)
    + b"\x2c"
    + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    + b"\x02\x02\x44\x01\x00\x3b",
    "bmp": b"BM"
    + struct.pack("<IHHI", 100, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "ppm": b"P6\n99999 99999\n255\n" + bytes(1000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs(client: httpx.Client, kind: str) -> None:
    answer = client.post("/v1/images", content=BOMBS[kind])
    assert answer.status_code in (413, 422), answer.text
    check(answer)
    assert client.get("/readyz").status_code == 200
