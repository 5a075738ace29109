"""Jobs: lists, events, cancelling, crashes of workers, removal."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from helpers import random_image, save_image
from serve.conftest import client_of, different, finished, raw_answer, stop_worker, wait_until
from subpixel.serve.jobs import workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are stopped by signals here")
ASYNC = {"Prefer": "respond-async"}


def test_a_client_sees_its_own_jobs_the_newest_first(client: httpx.Client, tmp_path: Path) -> None:
    ids = []
    for number in range(3):
        headers = {**ASYNC, "X-Subpixel-Client": "lister"}
        ids.append(client.post("/v1/images", content=different(tmp_path, number), headers=headers).json()["id"])
        finished(client, ids[-1])
    listed = client.get("/v1/jobs?client=lister").json()["jobs"]
    assert [job["id"] for job in listed] == ids[::-1]
    first = client.get("/v1/jobs?client=lister&limit=1").json()["jobs"]
    assert [job["id"] for job in first] == ids[2:]
    older = client.get("/v1/jobs", params={"client": "lister", "before": first[0]["created"]}).json()["jobs"]
    assert ids[1] in [job["id"] for job in older]
    assert client.get("/v1/jobs?client=nobody").json() == {"jobs": []}
    for query, sentence in (
        ("limit=0", "limit: a number of at least 1 is needed"),
        ("limit=501", "limit: a number of at most 500 is needed"),
        ("before=yesterday", "before: a time such as 2026-01-31T12:00:00Z is needed"),
        ("client=" + "A" * 65, "client: up to 64 letters, digits, - and _ are needed"),
    ):
        answer = client.get(f"/v1/jobs?{query}")
        assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


def test_jobs_wait_are_cancelled_retried_and_deleted(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        pid = stop_worker(running)
        first, second, third = (
            client.post("/v1/images", content=different(tmp_path, each), headers=ASYNC).json() for each in range(3)
        )
        assert (first["state"], second["state"], third["position"]) == ("running", "queued", 2)
        conflict = client.post(f"/v1/jobs/{second['id']}/retry")
        assert conflict.status_code == 409
        assert client.get(f"/v1/jobs/{second['id']}/result").status_code == 409
        assert client.post(f"/v1/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
        assert client.get(f"/v1/jobs/{third['id']}").json()["position"] == 1
        # A running job is cancelled although its worker does not react.
        assert client.post(f"/v1/jobs/{first['id']}/cancel").json()["state"] == "cancelled"
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert finished(client, third["id"])["state"] == "done"
        assert client.post(f"/v1/jobs/{third['id']}/cancel").status_code == 409
        again = client.post(f"/v1/jobs/{first['id']}/retry")
        assert again.status_code == 202
        assert finished(client, first["id"])["state"] == "done"
        assert client.delete(f"/v1/jobs/{first['id']}").status_code == 204
        assert client.get(f"/v1/jobs/{first['id']}").status_code == 410
        assert client.get(f"/v1/jobs/{'0' * 32}").status_code == 404
        folders = {path.name for path in (tmp_path / "data" / "jobs").iterdir()}
        assert folders == {second["id"], third["id"]}


def end_at_once(pipe: Any, limits: Any) -> None:
    """What a worker does whose interpreter or libraries cannot be loaded."""
    raise SystemExit(3)


def test_a_worker_that_does_not_start_is_told(
    serve: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workers, "work", end_at_once)
    running = serve()
    wait_until(lambda: running.service.workers.restarts >= 2)
    said = capfd.readouterr().err
    assert "error: a worker did not start: its process crashed (exit code 3); it is tried again" in said
    with client_of(running) as client:
        assert client.get("/readyz").status_code == 503
        monkeypatch.undo()
        wait_until(lambda: client.get("/readyz").status_code == 200)


def test_a_worker_that_is_about_to_end_gets_no_job(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        stop_worker(running)
        (worker,) = running.service.workers.all
        job = client.post("/v1/images", content=different(tmp_path, 1), headers=ASYNC).json()
        assert worker.task == job["id"]
        worker.kill()
        worker.rest()  # as if the end of its work had been reported just before
        assert not worker.is_idle
        other = client.post("/v1/images", content=different(tmp_path, 2), headers=ASYNC).json()
        assert finished(client, other["id"])["state"] == "done"


def test_who_waits_for_a_job_that_is_cancelled_is_told(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client, client_of(running) as other:
        stop_worker(running)

        def cancel() -> None:
            wait_until(running.service.workers.busy)
            other.post(f"/v1/jobs/{other.get('/v1/jobs').json()['jobs'][0]['id']}/cancel")

        thread = threading.Thread(target=cancel)
        thread.start()
        assert client.post("/v1/images", content=different(tmp_path, 1)).status_code == 409
        thread.join()


def test_a_worker_that_dies_costs_one_job(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        pid = stop_worker(running)
        first, second = (
            client.post("/v1/images", content=different(tmp_path, each), headers=ASYNC).json() for each in range(2)
        )
        os.kill(pid, signal.SIGSEGV)
        os.kill(pid, signal.SIGCONT)
        failed = finished(client, first["id"])
        assert failed["state"] == "failed"
        assert failed["error"]["type"] == "/problems/crashed"
        assert "its process crashed" in failed["error"]["detail"]
        assert finished(client, second["id"])["state"] == "done"
        assert "subpixel_worker_crashes_total 1" in client.get("/metrics").text


def test_a_waiting_request_learns_that_the_worker_died(serve: Any, tmp_path: Path) -> None:
    running = serve()
    with client_of(running) as client:
        pid = stop_worker(running)

        def kill() -> None:
            wait_until(running.service.workers.busy)
            os.kill(pid, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        answer = client.post("/v1/images", content=different(tmp_path, 1))
        thread.join()
        assert answer.status_code == 500
        assert answer.json()["type"] == "/problems/crashed"


def test_a_full_queue_is_said_before_the_body_is_read(serve: Any, tmp_path: Path) -> None:
    running = serve(queue=2)
    with client_of(running) as client:
        stop_worker(running)
        for each in range(3):
            assert client.post("/v1/images", content=different(tmp_path, each), headers=ASYNC).status_code == 202
        head = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        answer = raw_answer(running, head)  # and none of the body
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: " in answer.lower()
        assert b"/problems/queue-full" in answer
        assert "subpixel_jobs_rejected_total 1" in client.get("/metrics").text
        assert client.post("/v1/estimates", content=different(tmp_path, 9)).status_code == 200  # it takes no place


def test_a_request_is_answered_with_a_job_if_it_waits_long(serve: Any, tmp_path: Path) -> None:
    running = serve(wait=0.3)
    with client_of(running) as client:
        stop_worker(running)
        answer = client.post("/v1/images", content=different(tmp_path, 1))
        assert (answer.status_code, answer.json()["state"]) == (202, "running")


def test_what_nobody_looks_at_goes(serve: Any, tmp_path: Path) -> None:
    running = serve(keep=1.0)
    with client_of(running) as client:
        made = client.post("/v1/images", content=different(tmp_path, 1))
        url = f"/v1/jobs/{made.headers['x-subpixel-job']}"
        wait_until(lambda: not list((tmp_path / "data" / "jobs").iterdir()), 20)
        assert client.get(f"{url}/result").status_code == 410
        assert client.get("/v1/jobs").json() == {"jobs": []}


def test_a_full_quota_is_said(serve: Any, tmp_path: Path) -> None:
    running = serve(quota=1000)
    with client_of(running) as client:
        answer = client.post(
            "/v1/images", content=save_image(tmp_path / "a.png", random_image((64, 64, 3), np.uint8)).read_bytes()
        )
        assert answer.status_code == 503
        assert "retry-after" in answer.headers


def test_files_with_several_names_are_counted_once(serve: Any, tmp_path: Path) -> None:
    running = serve()
    files = running.service.files
    with client_of(running) as client:
        content = different(tmp_path, 1)
        made = client.post("/v1/images", content=content)
        first, size = made.headers["x-subpixel-job"], len(made.content) + len(content)
        assert files.used == files.measure() == size
        source = {"job": first, "model": "fast"}
        again = client.post("/v1/images", json={"job": first})
        assert again.headers["x-subpixel-cached"] == "true"
        assert files.used == files.measure() == size
        other = client.post("/v1/images", json=source)
        assert files.used == files.measure() == size + len(other.content)
        client.delete(f"/v1/jobs/{first}")
        assert files.used == files.measure() == size + len(other.content)
        for job in client.get("/v1/jobs").json()["jobs"]:
            client.delete(f"/v1/jobs/{job['id']}")
        assert files.used == files.measure() == 0


def test_a_clock_that_is_set_removes_nothing(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = serve(keep=8.0)  # it is looked for old jobs every two seconds
    with client_of(running) as client:
        job = client.post("/v1/images", content=different(tmp_path, 1)).headers["x-subpixel-job"]
        clock = time.time
        monkeypatch.setattr("time.time", lambda: clock() + 1e6)
        time.sleep(5)
        assert client.get(f"/v1/jobs/{job}").json()["state"] == "done"


def test_no_two_jobs_are_made_at_the_same_time(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = serve()
    with client_of(running) as client:
        stop_worker(running)
        monkeypatch.setattr("time.time", lambda: 1.9e9)
        ids = [
            client.post("/v1/images", content=different(tmp_path, each), headers=ASYNC).json()["id"]
            for each in range(5)
        ]
        found: list[str] = []
        before: dict[str, str] = {}
        for _ in range(5):
            (job,) = client.get("/v1/jobs", params={"limit": "1", **before}).json()["jobs"]
            found, before = [job["id"], *found], {"before": job["created"]}
        assert found == ids


def test_an_image_that_takes_too_long_is_given_up(serve: Any, tmp_path: Path) -> None:
    running = serve(image_seconds=0.5)
    with client_of(running) as client:
        stop_worker(running)
        answer = client.post("/v1/images", content=different(tmp_path, 1))
        assert answer.status_code == 413
        assert "longer than the limit" in answer.json()["detail"]
