"""``kill -9`` under load: what was answered or accepted is there afterwards, whole, and nothing else is."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.conftest import finished, wait_until
from serve.processes import Server, server
from subpixel.bench import serve as suite
from subpixel.bench.load import Case

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found as Linux tells them")

CLIENTS = 5


@pytest.fixture(scope="module")
def cases() -> Iterator[list[list[Case]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "_KINDS", ((12, 16, ".png", "scale=2"), (90, 120, ".png", "scale=2")))
        yield suite.make_cases(CLIENTS)


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(each) for path in found for each in path.read_text().split()]


def workers(pid: int) -> list[int]:
    return [each for each in children(pid) if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@dataclass
class Clients:
    """Some clients of servers that are killed and come again.

    Args:
        cases: of each client.
        known: the digest of the result of every job that was answered or accepted, by its id.
        deleted: jobs whose deletion was confirmed.
        unsure: jobs that were to be deleted when the server died.
        faults: answers that were not right.
        crashed: answers about a worker that was killed.
    """

    cases: list[list[Case]]
    known: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    crashed: int = 0
    address: str | None = None
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Clients:
        for number, own in enumerate(self.cases):
            self._threads.append(threading.Thread(target=self._run, args=(own, random.Random(number))))
        self._threads.append(threading.Thread(target=self._upload_slowly))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, cases: list[Case], chance: random.Random) -> None:
        while not self._end.wait(0.02):
            address = self.address
            if address is None:
                continue
            try:
                with httpx.Client(base_url=address, timeout=30) as client:
                    while not self._end.is_set():
                        self._ask(client, chance.choice(cases), chance)
            except (httpx.HTTPError, json.JSONDecodeError):
                time.sleep(0.02)  # the server was killed

    def _upload_slowly(self) -> None:
        """An upload is always on its way, which no server sees the end of."""

        def content() -> Iterator[bytes]:
            yield b"BM" + bytes(8192)
            while not self._end.wait(0.1):
                yield bytes(1024)

        while not self._end.wait(0.02):
            with suppress(httpx.HTTPError):
                if self.address is not None:
                    httpx.post(f"{self.address}/v1/images", content=content(), timeout=30)

    def _ask(self, client: httpx.Client, case: Case, chance: random.Random) -> None:
        # Most files are new; some are equal to one before, whose result is there already.
        content = case.content if chance.random() < 0.3 else suite.with_text(case.content, f"{chance.random()}")
        as_job = chance.random() < 0.5
        headers = {"Prefer": "respond-async"} if as_job else {}
        answer = client.post(f"/v1/images?{case.query}", content=content, headers=headers)
        digest = case.digest if content == case.content else ""
        if answer.status_code == 200:
            digest = digest or hashlib.sha256(answer.content).hexdigest()
            if answer.headers["etag"] != f'"{digest}"' or hashlib.sha256(answer.content).hexdigest() != digest:
                self.faults.append(f"wrong bytes for {case.name}")
            job_id = answer.headers["x-subpixel-job"]
        elif answer.status_code == 202:
            job_id = answer.json()["id"]
        elif answer.status_code == 500 and answer.json()["type"] == "/problems/crashed":
            self.crashed += 1
            return
        else:
            self.faults.append(f"{answer.status_code}: {answer.text}")
            return
        self.known[job_id] = digest
        if not as_job and chance.random() < 0.2:
            self.unsure.add(job_id)
            if client.delete(f"/v1/jobs/{job_id}").status_code == 204:
                self.deleted.add(job_id)


def kill(one: Server) -> None:
    """Kill a server; its workers end with it."""
    others = children(one.process.pid)
    assert one.end(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: all(map(has_ended, others)), 20)


def check_jobs(client: httpx.Client, clients: Clients, most_crashed: int) -> None:
    """Every job that was answered or accepted is done, with the right bytes."""
    crashed = 0
    for job_id, digest in clients.known.items():
        if job_id in clients.unsure:
            status = client.get(f"/v1/jobs/{job_id}").status_code
            assert status == 410 or (status == 200 and job_id not in clients.deleted)
            if status == 410:
                continue
        job = finished(client, job_id)
        if job["state"] == "failed" and job["error"]["type"] == "/problems/crashed":
            crashed += 1  # the worker was killed, and nothing else
            assert client.post(f"/v1/jobs/{job_id}/retry").status_code == 202
            job = finished(client, job_id)
        assert job["state"] == "done", job["error"]
        assert job["result"]["digest"] == (digest or job["result"]["digest"])
        result = client.get(f"/v1/jobs/{job_id}/result")
        assert hashlib.sha256(result.content).hexdigest() == job["result"]["digest"]
    assert crashed + clients.crashed <= most_crashed


def check_folder(data: Path) -> None:
    """The folder holds what the database says, and nothing else."""
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = {row[0]: json.loads(row[1]) for row in database.execute("SELECT id, document FROM jobs")}
        states = {row[0] for row in database.execute("SELECT DISTINCT state FROM jobs")}
    assert states <= {"done"}
    assert {path.name for path in (data / "jobs").iterdir()} == set(rows)
    for job_id, row in rows.items():
        files: dict[str, Any] = {row[name]["file"]: row[name] for name in ("source", "result")}
        assert {path.name for path in (data / "jobs" / job_id).iterdir()} == set(files)
        for name, file in files.items():
            content = (data / "jobs" / job_id / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["digest"]
    assert not list((data / "incoming").iterdir())
    assert {path.name for path in data.iterdir()} == {"db.sqlite3", "jobs", "incoming"}


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
def test_kill_9_under_load(tmp_path: Path, cases: list[list[Case]], kills: int) -> None:
    data, chance, killed = tmp_path / "data", random.Random(kills), 0
    with Clients(cases) as clients:
        for _ in range(kills):
            with server(data) as one:
                clients.address = str(one.client.base_url).rstrip("/")
                end = time.monotonic() + chance.uniform(1.0, 4.0)
                while time.monotonic() < end:
                    time.sleep(chance.uniform(0.3, 1.5))
                    for pid in workers(one.process.pid)[:1]:
                        if one.client.get("/readyz").status_code == 200 and chance.random() < 0.5:
                            os.kill(pid, signal.SIGKILL)
                            killed += 1
                clients.address = None
                kill(one)
    assert not clients.faults
    assert len(clients.known) > kills
    with server(data) as last:
        check_jobs(last.client, clients, killed)
        for job_id in {path.name for path in (data / "jobs").iterdir()} - set(clients.known):
            job = finished(last.client, job_id)  # of a client that got no answer
            if job["state"] != "done":
                assert job["error"]["type"] == "/problems/crashed"
                assert last.client.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert last.end(signal.SIGTERM) == 0
    check_folder(data)
