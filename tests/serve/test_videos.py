"""Videos: the frames of the command line, cancelling, and frames to look at."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from serve.conftest import client_of, events_in, finished, wait_until
from subpixel.cli import main
from video.clips import make_clip


def packets(file: Any) -> list[tuple[Any, ...]]:
    with av.open(file if isinstance(file, io.BytesIO) else str(file)) as container:
        return [(each.stream_index, each.pts, each.dts, bytes(each)) for each in container.demux() if each.size]


def send(client: httpx.Client, path: Path, query: str = "") -> dict[str, Any]:
    answer = client.post(f"/v1/videos?{query}", files={"file": (path.name, path.read_bytes())})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.mkv", {}),
        ("clip.mp4", {"scale": 3, "encoder": "x265", "crf": 30}),
        ("clip.mkv", {"preview": 0.25, "start": "0:00.1"}),
        ("clip.mov", {"start": "0.1", "end": "0.4", "model": "balanced", "side-by-side": True}),
        ("clip.mp4", {"scale": 2.25}),
        ("clip.mp4", {"width": 130}),
        ("clip.mkv", {"fit": "130x100", "preview": 0.25}),
    ],
)
def test_the_result_is_that_of_the_command_line(
    client: httpx.Client, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    source = make_clip(tmp_path / name)
    words: list[str] = []
    for option, value in options.items():
        words += [f"--{option}"] if value is True else [f"--{option}", str(value)]
    assert main(["video", str(source), "--quiet", "--threads", "2", *words]) == 0
    (expected,) = (path for path in tmp_path.iterdir() if path != source)
    query = "&".join(f"{option.replace('-', '_')}={value}" for option, value in options.items())
    job = finished(client, send(client, source, query)["id"])
    assert job["state"] == "done", job["error"]
    assert job["result"]["name"] == expected.name
    assert job["progress"]["unit"] == "frames"
    made = client.get(job["result"]["url"]).content
    if expected.suffix == ".mkv":  # Matroska gives each file an identity by chance
        assert len(made) == len(expected.read_bytes())
        assert packets(io.BytesIO(made)) == packets(expected)
    else:
        assert made == expected.read_bytes()


def test_another_container(client: httpx.Client, tmp_path: Path) -> None:
    job = finished(client, send(client, make_clip(tmp_path / "clip.mp4"), "container=mkv")["id"])
    assert job["result"]["name"] == "clip_x2.mkv"
    assert job["result"]["media_type"] == "video/x-matroska"


def test_frames_to_look_at(client: httpx.Client, tmp_path: Path) -> None:
    job = finished(client, send(client, make_clip(tmp_path / "clip.mkv"))["id"])
    url = f"/v1/jobs/{job['id']}/preview"
    frames = []
    for of, size in (("source", (48, 32)), ("result", (96, 64)), ("bicubic", (96, 64))):
        answer = client.get(f"{url}?of={of}&time=0.25")
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == size
            frames.append(np.asarray(image, np.float64))
    # The same frame: the result differs from the plain resize, but not by much.
    assert 0 < np.abs(frames[1] - frames[2]).mean() < 10
    other = client.get(f"{url}?of=source&time=0").content
    assert other != client.get(f"{url}?of=source&time=0.25").content


def test_what_a_video_may_not_be(serve: Any, tmp_path: Path, photo: Path) -> None:
    running = serve(video_seconds=0.3)
    with client_of(running) as client:
        clip = make_clip(tmp_path / "clip.mkv")
        failed = finished(client, send(client, clip)["id"])
        assert failed["error"]["type"] == "/problems/too-large"
        assert "start and end" in failed["error"]["detail"]
        assert finished(client, send(client, clip, "end=0.2")["id"])["state"] == "done"
        damaged = tmp_path / "damaged.mkv"
        damaged.write_bytes(clip.read_bytes()[:300])
        failed = finished(client, send(client, damaged)["id"])
        assert failed["error"]["type"] == "/problems/unreadable"
        assert failed["error"]["detail"].startswith("damaged.mkv: ")
        assert client.post("/v1/videos", content=photo.read_bytes()).status_code == 415
        assert client.post("/v1/images", content=clip.read_bytes()).status_code == 415
        for query in (
            "scale=65",
            "scale=nan",
            "scale=2&width=96",
            "fit=9",
            "encoder=h263",
            "start=x",
            "preset=fast%00",
            "encoder_options=stats=a",
        ):
            assert client.post(f"/v1/videos?{query}", content=clip.read_bytes()).status_code == 422, query


@pytest.mark.skipif(sys.platform == "win32", reason="workers are stopped by signals here")
def test_a_running_video_is_cancelled_and_leaves_nothing(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        clip = make_clip(tmp_path / "long.mkv", size=(320, 240), times=range(400))
        job = send(client, clip, "model=high")
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["state"] == "running")
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["progress"])
        assert client.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
        folder = running.service.files.folder(job["id"])
        assert [path.name for path in folder.iterdir()] == ["source.mkv"]
        assert client.get(f"/v1/jobs/{job['id']}").json()["result"] is None


@pytest.mark.skipif(sys.platform == "win32", reason="workers are stopped by signals here")
def test_a_video_whose_worker_died_goes_on_at_its_segment(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        clip = make_clip(tmp_path / "clip.mkv", size=(32, 24), times=range(520))
        job = send(client, clip, "model=high")
        url = f"/v1/jobs/{job['id']}"
        wait_until(lambda: (client.get(url).json()["progress"] or {"done": 0})["done"] >= 250)
        (worker,) = running.service.workers.all
        os.kill(worker.process.pid, signal.SIGKILL)
        failed = finished(client, job["id"])
        assert (failed["state"], failed["error"]["type"]) == ("failed", "/problems/crashed")
        assert len(list(running.service.files.folder(job["id"]).rglob("*.packets"))) == 1
        client.post(f"{url}/retry").raise_for_status()
        again = finished(client, job["id"])
        assert (again["state"], again["frames"]) == ("done", 520)
        events = events_in(client.get(f"{url}/events?after=1").text)
    states = [data["state"] for _, _, data in events]
    after = [data["progress"]["done"] for _, _, data in events[states.index("failed") :] if data["progress"]]
    assert after[0] > 240  # nothing of the segment is made again
    folder = running.service.files.folder(job["id"])
    assert {path.name for path in folder.iterdir()} == {"source.mkv", "source_x2.mkv"}
