"""Servers that end in the middle of their work, and start again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest

from serve.conftest import events_in, finished, read_events, wait_until
from serve.processes import server
from video.clips import make_clip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are signals of Unix")


def is_running(client: httpx.Client, job_id: str, done: int) -> bool:
    progress = client.get(f"/v1/jobs/{job_id}").json()["progress"]
    return progress is not None and progress["done"] >= done


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_after_kill_9_finished_jobs_stay_and_others_go_on(tmp_path: Path, photo: Path) -> None:
    data = tmp_path / "data"
    clip = make_clip(tmp_path / "clip.mkv", size=(32, 24), times=range(520))
    with server(data) as first:
        made = first.client.post("/v1/images?scale=3", content=photo.read_bytes())
        assert made.status_code == 200
        video = first.client.post("/v1/videos?model=high", content=clip.read_bytes()).json()["id"]
        waiting = first.client.post(
            "/v1/images", content=photo.read_bytes(), headers={"Prefer": "respond-async"}
        ).json()
        wait_until(lambda: is_running(first.client, video, 250), 150)
        first.end(signal.SIGKILL)
    (data / "jobs" / ("f" * 32)).mkdir()  # as a crash before the database knew the job leaves it
    (data / "incoming" / "half").write_bytes(b"half")
    with server(data) as second:
        url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
        assert second.client.get(f"{url}/result").content == made.content
        assert second.client.get(url).json()["result"]["digest"] in made.headers["etag"]
        assert finished(second.client, waiting["id"])["state"] == "done"
        job = finished(second.client, video, 150)
        assert job["state"] == "done", job["error"]
        assert job["attempts"] == 2
        assert len(list((data / "jobs").iterdir())) == 3
        assert not list((data / "incoming").iterdir())
        assert {path.name for path in (data / "jobs" / video).iterdir()} == {"source.mkv", "source_x2.mkv"}
        assert frames_in(data / "jobs" / video / "source_x2.mkv") == 520
        # The answer to the same request is what was made before the crash.
        again = second.client.post("/v1/images?scale=3", content=photo.read_bytes())
        assert again.headers["x-subpixel-cached"] == "true"
        assert again.content == made.content


def test_sigterm_ends_a_server_in_good_order(tmp_path: Path) -> None:
    data = tmp_path / "data"
    clip = make_clip(tmp_path / "clip.mp4", size=(32, 24), times=range(520))
    with server(data) as first:
        video = first.client.post("/v1/videos?model=high", content=clip.read_bytes()).json()["id"]
        wait_until(lambda: is_running(first.client, video, 1), 150)
        with first.client.stream("GET", f"/v1/jobs/{video}/events") as events:
            began = time.monotonic()
            first.process.send_signal(signal.SIGTERM)
            for _ in events.iter_bytes():  # it ends: nobody has to wait for listeners
                pass
        assert first.process.wait(30) == 0
        assert time.monotonic() - began < 30
    with server(data) as second:
        job = finished(second.client, video, 150)
        assert (job["state"], job["attempts"]) == ("done", 1)
        assert frames_in(data / "jobs" / video / "source_x2.mp4") == 520


def test_events_across_kill_9_are_seen_once_and_in_order(tmp_path: Path) -> None:
    data = tmp_path / "data"
    clip = make_clip(tmp_path / "clip.mkv", size=(32, 24), times=range(520))
    with server(data) as first:
        video = first.client.post("/v1/videos?model=high", content=clip.read_bytes()).json()["id"]
        with first.client.stream("GET", "/v1/events?after=1") as stream:
            seen = read_events(stream, lambda _, job: (job["progress"] or {"done": 0})["done"] >= 250)
            first.end(signal.SIGKILL)
    with server(data) as second:
        with second.client.stream("GET", f"/v1/events?after={seen[-1][0]}") as stream:
            seen += read_events(stream, lambda _, job: job["state"] == "done")
        everything = events_in(second.client.get(f"/v1/jobs/{video}/events?after=1").text)
    assert seen == everything
    states = [job["state"] for _, _, job in seen]
    assert [each for each, before in zip(states, ["", *states], strict=False) if each != before] == [
        *("queued", "running", "queued", "running", "done")
    ]


def test_a_database_of_the_first_version_gets_events(tmp_path: Path, photo: Path) -> None:
    data = tmp_path / "data"
    with server(data) as first:
        made = first.client.post("/v1/images", content=photo.read_bytes())
        first.end(signal.SIGTERM)
    with sqlite3.connect(data / "db.sqlite3") as database:
        database.execute("DROP TABLE events")
        database.execute("PRAGMA user_version = 1")
    database.close()
    with server(data) as second:
        with second.client.stream("GET", "/v1/events") as stream:
            (event,) = read_events(stream, lambda *_: True)
        job_id = made.headers["x-subpixel-job"]
        assert (event[2]["id"], event[2]["state"]) == (job_id, "done")
        assert second.client.get(f"/v1/jobs/{job_id}/result").content == made.content


def test_what_did_not_reach_the_disk_is_made_again(tmp_path: Path, photo: Path) -> None:
    data = tmp_path / "data"
    with server(data) as first:
        made = first.client.post("/v1/images", content=photo.read_bytes())
        lost = first.client.post("/v1/images?scale=3", content=photo.read_bytes())
        first.end(signal.SIGKILL)
    job_id, lost_id = made.headers["x-subpixel-job"], lost.headers["x-subpixel-job"]
    (data / "jobs" / job_id / "source_x2.png").write_bytes(b"")  # as a power failure leaves it
    (data / "jobs" / lost_id / "source.png").write_bytes(b"")
    with server(data) as second:
        assert finished(second.client, job_id)["state"] == "done"
        assert second.client.get(f"/v1/jobs/{job_id}/result").content == made.content
        failed = finished(second.client, lost_id)
        assert (failed["state"], failed["error"]["type"], failed["result"]) == ("failed", "/problems/gone", None)


def test_a_folder_that_is_no_database_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "db.sqlite3").write_bytes(b"not a database" * 1000)
    command = [sys.executable, "-m", "subpixel", "serve", "--port", "0", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "cannot be used as a database" in done.stderr
    assert "Traceback" not in done.stderr
