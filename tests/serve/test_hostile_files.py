"""Files that are made to harm: each is refused with a sentence, the worker lives on, and nothing else is opened."""

from __future__ import annotations

import io
import socket
import struct
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from helpers import random_image, save_image
from serve.conftest import client_of, finished, wait_for_worker
from subpixel.serve.problems import PROBLEMS
from subpixel.serve.server import Running
from video.clips import make_clip


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(megabytes: int) -> bytes:
    """So many zeros, compressed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def png(width: int, height: int, data: bytes, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def small_png(*more: bytes) -> bytes:
    return png(8, 8, zlib.compress(bytes(8 * 25)), *more)


def gif(width: int, height: int, frames: int) -> bytes:
    frame = b"\x21\xf9\x04\0\x01\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame * frames + b"\x3b"


def patched(suffix: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(random_image((64, 48, 3), np.uint8)).save(file, suffix, **options)
    return file.getvalue()


def jpeg() -> bytes:
    """A JPEG that says it has 65,500 pixels a side."""
    content = bytearray(patched("jpeg"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    return bytes(content)


def webp() -> bytes:
    """A WebP animation whose canvas has the largest size."""
    frames = [Image.fromarray(random_image((64, 48, 3), np.uint8, seed)) for seed in range(1, 4)]
    content = bytearray(patched("webp", save_all=True, append_images=frames))
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = (16_383).to_bytes(3, "little") * 2
    return bytes(content)


def avif() -> bytes:
    """An AVIF that says it has 60,000 pixels a side."""
    content = bytearray(patched("avif"))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    return bytes(content)


def tiff() -> bytes:
    """A TIFF of 60,000 pixels a side whose one strip is beyond the end of the file."""
    tags = [(256, 4, 60_000), (257, 4, 60_000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 1 << 30)]
    tags += [(277, 3, 1), (278, 4, 60_000), (279, 4, 3_600_000_000)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)


IMAGES = {
    "a png of 60,000 pixels a side": lambda: png(60_000, 60_000, zeros(1)),
    "a png with more data than pixels": lambda: png(64, 64, zeros(400)),
    "a png whose profile inflates": lambda: png(
        8, 8, zlib.compress(bytes(8 * 25)), chunk(b"iCCP", b"x\0\0" + zeros(400))
    ),
    "a png whose text inflates": lambda: small_png(chunk(b"zTXt", b"x\0\0" + zeros(400))),
    "a gif with many large frames": lambda: gif(5000, 5000, 50_000),
    "a jpeg of 65,500 pixels a side": jpeg,
    "a webp with a huge canvas": webp,
    "an avif of 60,000 pixels a side": avif,
    "a tiff of 60,000 pixels a side": tiff,
    "a pnm with a huge number": lambda: b"P6 " + b"9" * 4000 + b" 1 255\n",
}
TEXTS = {
    "svg": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "xml bomb": b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><svg>&b;</svg>',
    "m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "concat": b"concat:/etc/passwd|/etc/hosts",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/</BaseURL></MPD>',
    "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\x03\x04" + bytes(100),
}


def peak_memory(pids: set[int]) -> int:
    """The most bytes that one of some processes had in memory; 0 where the system does not say."""
    files = [Path(f"/proc/{pid}/status") for pid in pids]
    found = [line for file in files if file.exists() for line in file.read_text().splitlines() if "VmHWM" in line]
    return max((int(line.split()[1]) * 1024 for line in found), default=0)


def check(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    problem = answer.json()
    assert PROBLEMS[problem["type"].removeprefix("/problems/")][0] == answer.status_code
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("kind", IMAGES)
def test_bombs_cost_a_sentence(running: Running, client: httpx.Client, kind: str) -> None:
    wait_for_worker(running)
    pids = {worker.process.pid for worker in running.service.workers.all}
    content = IMAGES[kind]()
    answer = client.post("/v1/images", content=content)
    if answer.status_code == 200:  # what does not belong to the pixels was dropped
        assert kind in ("a png with more data than pixels", "a png whose profile inflates", "a png whose text inflates")
    else:
        check(answer, 413, 422)
    estimate = client.post("/v1/estimates", content=content)
    if estimate.status_code != 200:
        check(estimate, 413, 422)
    assert {worker.process.pid for worker in running.service.workers.all} == pids
    assert peak_memory(pids) < 400 << 20  # what inflates is never in memory as a whole


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("path", ["/v1/images", "/v1/videos", "/v1/estimates"])
def test_what_names_other_files_reaches_no_worker(client: httpx.Client, kind: str, path: str) -> None:
    for headers in ({"Content-Type": "video/mp4"}, {"Content-Type": "image/png"}):
        check(client.post(f"{path}?name=a.mp4", content=TEXTS[kind], headers=headers), 415)
    check(client.post(path, files={"file": ("a.mp4", TEXTS[kind], "video/mp4")}), 415)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def with_reference(content: bytes, reference: bytes) -> bytes:
    """The same MP4, whose pictures are said to lie in another file. Its index comes last, so no offset changes."""
    found = b""
    while content:
        (size,) = struct.unpack(">I", content[:4])
        kind, inside, content = content[4:8], content[8:size], content[size:]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
            inside = with_reference(inside, reference)
        elif kind == b"dref":
            inside = bytes(4) + struct.pack(">I", 1) + reference
        found += box(kind, inside)
    return found


@pytest.mark.parametrize("kind", ["url ", "alis"])
def test_a_video_that_names_another_file_opens_none(serve: Any, tmp_path: Path, kind: str) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size=(32, 24), times=range(8)).read_bytes()
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connections.append(listener.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/other.mp4".encode()
        if kind == "url ":
            reference = box(b"url ", bytes(4) + url + b"\0")
        else:  # a QuickTime alias record with a path, as libavformat reads it
            record = (
                bytes(10) + b"\x04disk".ljust(28, b"\0") + bytes(12) + b"\x09other.mp4".ljust(64, b"\0") + bytes(16)
            )
            record += struct.pack(">hh", 0, 0) + bytes(16)
            record += struct.pack(">HH", 18, len(url)) + url + bytes(len(url) % 2) + struct.pack(">h", -1)
            reference = box(b"alis", bytes(4) + record)
        hostile = with_reference(clip, reference)
        assert url in hostile
        running = serve()
        with client_of(running) as client:
            job = finished(client, client.post("/v1/videos?name=a.mp4", content=hostile).json()["id"])
            assert job["state"] in ("done", "failed")
            if job["error"]:
                assert job["error"]["type"] == "/problems/unreadable"
        over.set()
        thread.join()
    assert not connections


NAMES = {
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\win.ini": "win.ini",
    "C:\\a\\b.png": "b.png",
    "/etc/passwd": "passwd",
    "a\0b.png": "ab.png",
    "a\r\nSet-Cookie: x=1.png": "aSet-Cookie: x=1.png",
    "gnp.\u202eexe.png": "gnp.exe.png",
    "x" * 3000 + ".png": "x" * 150,
    "..": "image.png",
    "": "image.png",
    "\U0001f600.png": "\U0001f600.png",
    '"; filename="evil.html': '"; filename="evil.html',
}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_every_field(client: httpx.Client, tmp_path: Path, name: str) -> None:
    content = save_image(tmp_path / "a.png", random_image((8, 8, 3), np.uint8, sum(name.encode()))).read_bytes()
    answer = client.post("/v1/images", params={"name": name}, content=content)
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    header = answer.headers["content-disposition"]
    assert header.isprintable()
    assert header.count('"') == 2
    job = client.get(f"/v1/jobs/{answer.headers['x-subpixel-job']}").json()
    assert job["source"]["name"] == NAMES[name]
    archive = client.get(f"/v1/archive?ids={job['id']}")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        (inside,) = file.namelist()
    assert inside == job["result"]["name"]
    assert not {"/", "\\", "\0", ".."} & {inside, *inside}
    # Where a name is no name of a file, it is refused or means nothing.
    for field in ("scale", "model", "format", "background", "page", "job"):
        if name:
            assert client.post("/v1/images", params={field: name}, content=content).status_code in (400, 404, 422)
    assert client.post("/v1/images", content=content, headers={"X-Subpixel-Client": ascii(name)}).status_code == 400
    assert client.get("/v1/archive", params={"ids": name}).status_code == 404
    assert client.get("/v1/jobs", params={"client": name}).status_code in ((200,) if not name else (400, 422))
