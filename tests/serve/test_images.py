"""Images: the bytes of the command line, whatever way they are sent."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pyvips
from PIL import Image

from helpers import random_image, save_image
from serve.conftest import finished
from subpixel.cli import main


def by_command_line(source: Path, folder: Path, **options: Any) -> Path:
    """The file that the command line makes."""
    words = []
    for name, value in options.items():
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    assert main(["upscale", str(source), "--quiet", "-o", f"{folder}{os.sep}", *words]) == 0
    (made,) = folder.iterdir()
    return made


def picture(folder: Path, kind: str) -> Path:
    """An image of a kind."""
    if kind == "float.tif":
        return save_image(folder / "a.tif", random_image((17, 23, 3), np.float32))
    if kind == "deep.png":
        return save_image(folder / "a.png", random_image((17, 23, 3), np.uint16))
    if kind == "alpha.png":
        return save_image(folder / "a.png", random_image((17, 23, 4), np.uint8))
    if kind in ("moving.gif", "moving.apng", "moving.webp"):
        frames = [Image.fromarray(random_image((17, 23, 3), np.uint8, seed)) for seed in range(3)]
        path = folder / f"a.{kind.rsplit('.')[-1]}"
        form = "PNG" if path.suffix == ".apng" else None
        frames[0].save(path, format=form, save_all=True, append_images=frames[1:], duration=80)
        return path
    return save_image(folder / f"a.{kind.rsplit('.')[-1]}", random_image((17, 23, 3), np.uint8))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rgb.png", {}),
        ("rgb.jpg", {"scale": 3}),
        ("rgb.png", {"scale": 1.5, "strength": 0.5, "format": "jpg", "quality": 80}),
        ("rgb.png", {"width": 100, "precision": "f32", "format": "webp"}),
        ("rgb.webp", {"fit": "64x64"}),
        ("deep.png", {"depth": 8}),
        ("float.tif", {}),
        ("float.tif", {"depth": 8}),
        ("alpha.png", {"background": "white", "model": "bicubic"}),
        ("rgb.png", {"ensemble": True}),
        ("moving.gif", {}),
        ("moving.apng", {}),
        ("moving.webp", {"scale": 3}),
    ],
)
def test_the_answer_is_the_bytes_of_the_command_line(
    client: httpx.Client, tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    source = picture(tmp_path, kind)
    (tmp_path / "out").mkdir()
    expected = by_command_line(source, tmp_path / "out", **options)
    asked = {"file": (source.name, source.read_bytes())}
    answer = client.post("/v1/images", files=asked, data={name: str(value) for name, value in options.items()})
    assert answer.status_code == 200, answer.text
    assert answer.content == expected.read_bytes()
    assert expected.name in answer.headers["content-disposition"]
    job = client.get(f"/v1/jobs/{answer.headers['x-subpixel-job']}").json()
    image = pyvips.Image.new_from_file(str(expected))
    assert (job["result"]["width"], job["result"]["height"]) == (image.width, image.height)


def test_ways_to_send_an_image(client: httpx.Client, photo: Path) -> None:
    data = photo.read_bytes()
    body = client.post("/v1/images?scale=3&name=photo.png", content=data, headers={"Content-Type": "image/png"})
    assert body.status_code == 200
    assert body.headers["content-type"] == "image/png"
    other_type = client.post("/v1/images?scale=3", content=data, headers={"Content-Type": "text/plain"})
    form = client.post("/v1/images", data={"scale": "3"}, files={"file": ("photo.png", data)})
    again = client.post("/v1/images", json={"job": body.headers["x-subpixel-job"], "scale": 3})
    assert body.content == other_type.content == form.content == again.content
    assert "photo_x3.png" in again.headers["content-disposition"]


def test_an_equal_request_is_answered_from_what_was_made(client: httpx.Client, tmp_path: Path) -> None:
    data = save_image(tmp_path / "a.png", random_image((20, 20, 3), np.uint8, 5)).read_bytes()
    first = client.post("/v1/images", content=data)
    assert "x-subpixel-cached" not in first.headers
    # The default is written out: it is the same request.
    second = client.post("/v1/images?scale=2&strength=1.0&format=", content=data)
    assert second.headers["x-subpixel-cached"] == "true"
    assert second.content == first.content
    assert second.headers["x-subpixel-job"] != first.headers["x-subpixel-job"]
    named = client.post("/v1/images?name=mine.png", content=data)
    assert named.headers["x-subpixel-cached"] == "true"
    assert "mine_x2.png" in named.headers["content-disposition"]
    # It does not depend on the job that it was taken from.
    client.delete(f"/v1/jobs/{first.headers['x-subpixel-job']}").raise_for_status()
    assert client.get(f"/v1/jobs/{second.headers['x-subpixel-job']}/result").content == first.content


def test_a_job_instead_of_a_result(client: httpx.Client, photo: Path) -> None:
    answer = client.post("/v1/images?scale=4", content=photo.read_bytes(), headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["options"] == {"scale": 4.0}
    job = finished(client, job["id"])
    assert job["state"] == "done"
    assert job["model"] == "fast"
    assert job["source"]["width"], job["source"]["height"] == (36, 24)
    assert client.get(job["result"]["url"]).status_code == 200


def test_a_large_image_is_answered_with_a_job(serve: Any, photo: Path) -> None:
    running = serve(direct_pixels=100)
    with httpx.Client(base_url=running.address, timeout=60) as client:
        assert client.post("/v1/images", content=photo.read_bytes()).status_code == 202


def test_a_key_makes_a_repeated_request_harmless(client: httpx.Client, photo: Path) -> None:
    data, headers = photo.read_bytes(), {"Idempotency-Key": "a-key", "X-Subpixel-Client": "keys"}
    first = client.post("/v1/images?scale=2.25", content=data, headers=headers)
    second = client.post("/v1/images?scale=2.25", content=data, headers=headers)
    assert first.status_code == 200
    assert second.headers["x-subpixel-job"] == first.headers["x-subpixel-job"]
    other = client.post("/v1/images?scale=2.5", content=data, headers=headers)
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    someone_else = client.post("/v1/images?scale=2.5", content=data, headers={"Idempotency-Key": "a-key"})
    assert someone_else.status_code == 200


def test_parts_and_conditions_of_a_result(client: httpx.Client, photo: Path) -> None:
    made = client.post("/v1/images?scale=2", content=photo.read_bytes())
    url, whole = f"/v1/jobs/{made.headers['x-subpixel-job']}/result", made.content
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert client.get(url, headers={"Range": "bytes=-5"}).content == whole[-5:]
    beyond = client.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-type"] == "application/problem+json"
    assert client.get(url, headers={"Range": "rows=1-2"}).content == whole
    etag = made.headers["etag"]
    assert client.get(url).headers["etag"] == etag
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    stale = client.get(url, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, whole)
    head = client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(whole)))


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("scale=0", 422, "scale"),
        ("scale=65", 422, "at most 64"),
        ("scale=nan", 422, "a number is needed"),
        ("scale=2&scale=3", 422, "more than once"),
        ("scale=3&width=100", 422, "contradict"),
        ("scale=2&width=100", 422, "contradict"),
        ("model=fats", 422, "Did you mean 'fast'"),
        ("model=/etc/passwd", 422, "Unknown model"),
        ("model=recurrent", 422, "Unknown model"),
        ("format=exe", 422, "Unknown format"),
        ("quality=50", 422, "quality"),
        ("background=..%2F..%2Fetc", 422, "background"),
        ("page=7", 422, "page"),
        ("colour=red", 422, "Unknown option 'colour'"),
        ("compare=maybe", 422, "true or false"),
    ],
)
def test_options_that_are_not_possible(client: httpx.Client, photo: Path, query: str, status: int, words: str) -> None:
    answer = client.post(f"/v1/images?{query}", content=photo.read_bytes())
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert words in problem["detail"]
    assert problem["status"] == status
    assert client.get(problem["type"]).json()["title"] == problem["title"]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "no file"),
        (b"hello", 415, "not an image"),
        (b"#EXTM3U\nfile:///etc/passwd", 415, "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not an image"),
        (b"\x1aE\xdf\xa3" + bytes(5000), 415, "it is a video"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), 422, "cat.png: "),
    ],
)
def test_files_that_are_no_images(client: httpx.Client, content: bytes, status: int, words: str) -> None:
    answer = client.post("/v1/images?name=cat.png", content=content)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "/" not in answer.json()["detail"].replace("I/O", "")


def test_names_are_for_display_only(running: Any, client: httpx.Client, photo: Path) -> None:
    for number, name in enumerate(
        ["../../../tmp/evil.png", "C:\\evil.png", "/etc/evil.png", "a\nb\x00.png", "…/évil.png"]
    ):
        form = {"file": (name, photo.read_bytes()), "scale": (None, f"2.0{number + 1}")}
        answer = client.post("/v1/images", files=form)
        assert answer.status_code == 200, answer.text
        named = answer.headers["content-disposition"]
        assert "/" not in named.replace("%2F", "/x")
        assert "\\" not in named
        folder = running.service.files.folder(answer.headers["x-subpixel-job"])
        assert {path.name for path in folder.iterdir()} == {"source.png", f"source_x2.0{number + 1}.png"}
    for path in (
        "/v1/jobs/..%2f..%2fdb.sqlite3",
        "/v1/jobs/%2e%2e/result",
        "/page/..%2fapp.py",
        "/page/%2e%2e%2fapp.py",
    ):
        assert client.get(path).status_code == 404


def test_limits_of_size(serve: Any, photo: Path, tmp_path: Path) -> None:
    running = serve(image_bytes=1 << 20, limit=0.0005, result_limit=0.01)
    with httpx.Client(base_url=running.address, timeout=60) as client:
        answer = client.post("/v1/images", content=photo.read_bytes())
        assert answer.status_code == 413
        assert "megapixels" in answer.json()["detail"]
        assert "limit=" not in answer.json()["detail"]
        small = save_image(tmp_path / "s.png", random_image((20, 20, 3), np.uint8)).read_bytes()
        assert client.post("/v1/images?scale=4", content=small).status_code == 200
        answer = client.post("/v1/images?scale=6", content=small)
        assert answer.status_code == 413
        assert "choose a smaller size" in answer.json()["detail"]
        too_long = client.post("/v1/images", content=bytes(2 << 20))
        assert too_long.status_code == 413
        form = client.post("/v1/images", files={"file": b"\x89PNG\r\n\x1a\n" + bytes((1 << 20) + 1000)})
        assert form.status_code == 413
    assert not list((tmp_path / "data" / "incoming").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_a_worker_has_a_limit_of_memory(serve: Any, tmp_path: Path) -> None:
    running = serve(memory=1 << 30)
    large = save_image(tmp_path / "large.png", np.zeros((3000, 3000, 3), np.uint8)).read_bytes()
    with httpx.Client(base_url=running.address, timeout=60) as client:
        answer = client.post("/v1/images?scale=4&compare=true&name=large.png", content=large)
        assert answer.status_code == 413
        assert "large.png: not enough memory: about " in answer.json()["detail"]
        assert "threads=" not in answer.json()["detail"]
        small = save_image(tmp_path / "small.png", random_image((20, 20, 3), np.uint8)).read_bytes()
        assert client.post("/v1/images", content=small).status_code == 200


def test_previews_comparisons_and_archives(client: httpx.Client, photo: Path) -> None:
    made = client.post("/v1/images?scale=3&compare=true", content=photo.read_bytes())
    url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
    for of, size in (("source", (36, 24)), ("result", (108, 72)), ("bicubic", (108, 72))):
        shown = client.get(f"{url}/preview?of={of}")
        assert shown.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(shown.content)) as image:
            assert image.size == size
            if of == "result":
                with Image.open(io.BytesIO(made.content)) as result:
                    assert np.array_equal(np.asarray(image), np.asarray(result))
    with Image.open(io.BytesIO(client.get(f"{url}/preview?of=result&max=54").content)) as image:
        assert image.size == (54, 36)
    assert client.get(f"{url}/preview?of=other").status_code == 422
    sheet = client.get(f"{url}/comparison")
    with Image.open(io.BytesIO(sheet.content)) as image:
        assert image.width > 200
    source = client.get(f"{url}/source")
    assert source.content == photo.read_bytes()
    second = client.post("/v1/images?scale=3&name=x.png", content=photo.read_bytes())
    ids = f"{made.headers['x-subpixel-job']},{second.headers['x-subpixel-job']}"
    archive = client.get(f"/v1/archive?ids={ids}")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        assert file.testzip() is None
        assert [file.read(name) for name in file.namelist()] == [made.content, second.content]


def test_an_estimate_says_what_the_work_would_take(client: httpx.Client, photo: Path) -> None:
    answer = client.post("/v1/estimates?scale=3", content=photo.read_bytes())
    assert answer.status_code == 200, answer.text
    estimate = answer.json()
    assert estimate["size_out"] == [108, 72]
    assert estimate["seconds"] > 0
    form = client.post("/v1/estimates", data={"kind": "image", "scale": "3"}, files={"file": photo.read_bytes()})
    assert form.json()["size_out"] == [108, 72]
    job = client.post("/v1/images", content=photo.read_bytes()).headers["x-subpixel-job"]
    assert client.post("/v1/estimates", json={"job": job, "scale": 4}).json()["size_out"] == [144, 96]
    refused = client.post("/v1/estimates?format=jpg&scale=2000", content=photo.read_bytes())
    assert refused.status_code == 422
    assert client.post("/v1/estimates", content=b"hello").status_code == 415


def test_notes_come_with_the_result(client: httpx.Client, tmp_path: Path) -> None:
    source = save_image(tmp_path / "a.png", random_image((20, 20, 3), np.uint8))
    answer = client.post("/v1/images?format=gif", content=source.read_bytes())
    assert answer.status_code == 200, answer.text
    notes = json.loads(answer.headers["x-subpixel-notes"])
    assert any("256 colours" in note for note in notes)
