"""Events: each change once and in order, whoever comes and goes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.conftest import client_of, different, events_in, finished, read_events, stop_worker, wait_until
from video.clips import make_clip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are stopped by signals here")
ASYNC = {"Prefer": "respond-async"}


def test_events_tell_a_jobs_life_and_nothing_is_missed(client: httpx.Client, tmp_path: Path) -> None:
    headers = {**ASYNC, "X-Subpixel-Client": "listener"}
    job = client.post("/v1/images", content=different(tmp_path, 50), headers=headers).json()
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = stream.read().decode()  # it ends with the job
    found = events_in(text)
    assert found[-1][2]["state"] == "done"
    numbers = [number for number, _, _ in found]
    assert numbers == sorted(set(numbers))
    assert client.get(f"/v1/jobs/{job['id']}/events?after={numbers[-1]}").text == "retry: 2000\n\n"
    # Who comes back gets what came after the last event that was seen.
    other = client.post("/v1/images?scale=3", content=different(tmp_path, 51), headers=headers).json()
    finished(client, other["id"])
    client.delete(f"/v1/jobs/{job['id']}").raise_for_status()
    for resume in ({"headers": {"Last-Event-ID": str(numbers[-1])}}, {"params": {"after": numbers[-1]}}):
        params = {"client": "listener", **resume.get("params", {})}
        with client.stream("GET", "/v1/events", params=params, headers=resume.get("headers")) as stream:
            missed = read_events(stream, lambda event, _: event == "deleted")
        assert [data["state"] for _, _, data in missed[:2]] == ["queued", "running"]
        assert {data["id"] for _, _, data in missed[:-1]} == {other["id"]}
        assert (missed[-2][2]["state"], missed[-1][2]) == ("done", {"id": job["id"]})


def test_who_comes_back_again_and_again_sees_each_event_once(serve: Any, tmp_path: Path) -> None:
    running = serve()
    clip = make_clip(tmp_path / "clip.mkv", size=(64, 48), times=range(300))
    with client_of(running) as client:
        job = client.post("/v1/videos?model=high", content=clip.read_bytes()).json()
        seen: list[Any] = []
        last: dict[str, str] = {"Last-Event-ID": "1"}
        while not seen or seen[-1][2]["state"] != "done":
            with client.stream("GET", "/v1/events", headers=last) as stream:
                seen += read_events(stream, lambda *_: True)  # one event, and away
            last = {"Last-Event-ID": str(seen[-1][0])}
        everything = events_in(client.get(f"/v1/jobs/{job['id']}/events?after=1").text)
    assert seen == everything
    states = [data["state"] for _, _, data in seen]
    assert (states[0], states[-1]) == ("queued", "done")
    assert len(seen) > 4  # there is progress too
    steps = [data["progress"]["done"] for _, _, data in seen if data["progress"]]
    assert steps == sorted(steps)


def test_a_retry_is_told_to_who_saw_the_failure(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        pid = stop_worker(running)
        job = client.post("/v1/images", content=different(tmp_path, 1), headers=ASYNC).json()
        os.kill(pid, signal.SIGKILL)
        first = events_in(client.get(f"/v1/jobs/{job['id']}/events?after=1").text)
        client.post(f"/v1/jobs/{job['id']}/retry").raise_for_status()
        second = events_in(client.get(f"/v1/jobs/{job['id']}/events?after={first[-1][0]}").text)
    assert [data["state"] for _, _, data in first] == ["queued", "running", "failed"]
    assert [data["state"] for _, _, data in second if data["progress"] is None][:2] == ["queued", "running"]
    assert second[-1][2]["state"] == "done"


def test_an_unknown_number_begins_with_how_things_are(client: httpx.Client, tmp_path: Path) -> None:
    headers = {"X-Subpixel-Client": "new"}
    job = client.post("/v1/images", content=different(tmp_path, 70), headers=headers).headers["x-subpixel-job"]
    for after in ("", "x", "9" * 16):
        with client.stream("GET", f"/v1/events?client=new&after={after}") as stream:
            (found,) = read_events(stream, lambda *_: True)
        assert (found[2]["id"], found[2]["state"]) == (job, "done")


def test_events_of_no_job_are_refused(client: httpx.Client) -> None:
    answer = client.get(f"/v1/jobs/{'0' * 32}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_events_of_one_client_only(client: httpx.Client, tmp_path: Path) -> None:
    with client.stream("GET", "/v1/events?client=mine") as stream:
        for owner, number in (("yours", 60), ("mine", 61)):
            headers = {**ASYNC, "X-Subpixel-Client": owner}
            client.post("/v1/images", content=different(tmp_path, number), headers=headers)
        mine = client.get("/v1/jobs?client=mine").json()["jobs"][0]["id"]
        seen = read_events(stream, lambda _, data: data["state"] == "done")
    assert {data["id"] for _, _, data in seen} == {mine}


def test_listeners_that_go_are_forgotten(serve: Any) -> None:
    running = serve()
    with client_of(running) as client:
        for _ in range(5):
            with client.stream("GET", "/v1/events") as stream:
                assert next(stream.iter_text()).startswith("retry: ")
        wait_until(lambda: running.service.events.count == 0, 20)
