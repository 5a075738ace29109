"""Many clients of a server at once, each of which checks every answer that it gets."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

__all__ = ["Case", "Load", "run_load"]

# Seconds for one answer, and for a job to end.
_PATIENCE = 120.0
# Every third request of a client asks for a job, follows it and fetches its result.
_JOB_EVERY = 3
# Seconds between two looks at a job.
_LOOK_PAUSE = 0.1


@dataclass(frozen=True)
class Case:
    """A request and its right answer.

    Args:
        name: of the kind, such as the size of the image.
        content: of the file.
        query: the options.
        digest: SHA-256 of the result, in hexadecimal.
    """

    name: str
    content: bytes
    query: str
    digest: str


@dataclass
class Load:
    """What clients saw.

    Args:
        right: how many answers had the right bytes.
        refused: how often the queue was full; the client waited as long as it was told, and sent the request again.
        faults: every other answer, in a few words each: lost, mixed up, or of a wrong form.
        times: milliseconds of the answered requests, by the name of the case.
        jobs: milliseconds from a request for a job to its whole result, by the name of the case.
        seconds: from the first request to the last answer.
    """

    right: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    jobs: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0


class _Refused(Exception):
    """The queue is full."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _Fault(Exception):
    """An answer is not the right one."""


def run_load(address: tuple[str, int], cases: Sequence[Sequence[Case]], seconds: float, seed: int = 0) -> Load:
    """Let clients send requests, each of them one after the other.

    A client deletes every job whose result it has seen. So nothing is answered from what was made before, as long as
    no two clients have the same case.

    Args:
        address: host and port of the server.
        cases: of each client; there are as many clients as these.
        seconds: no request begins after this time. Each client sends one at least.
        seed: of the order of the cases.
    """
    load, lock = Load(), threading.Lock()
    started = time.monotonic()
    end = started + seconds
    clients = [
        threading.Thread(target=_Client(address, own, load, lock, random.Random(seed + number)).run, args=(number, end))
        for number, own in enumerate(cases)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    load.seconds = time.monotonic() - started
    return load


class _Client:
    def __init__(
        self, address: tuple[str, int], cases: Sequence[Case], load: Load, lock: threading.Lock, chance: random.Random
    ) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=_PATIENCE)
        self._cases, self._load, self._lock, self._chance = cases, load, lock, chance

    def run(self, first: int, end: float) -> None:
        """Send requests until a time, and at least one; ``first`` counts up to the next that asks for a job."""
        for number in count(first):
            self._until_accepted(self._chance.choice(self._cases), number % _JOB_EVERY == 0)
            if time.monotonic() >= end:
                break
        self._connection.close()

    def _until_accepted(self, case: Case, as_job: bool) -> None:
        while True:
            began = time.perf_counter()
            try:
                job_id = self._job(case) if as_job else self._image(case)
            except _Refused as refused:
                with self._lock:
                    self._load.refused += 1
                time.sleep(refused.seconds)
                continue
            except (_Fault, OSError, http.client.HTTPException, ValueError) as error:
                self._fail(case, error)
                return
            took = (time.perf_counter() - began) * 1e3
            with self._lock:
                self._load.right += 1
                times = self._load.jobs if as_job else self._load.times
                times.setdefault(case.name, []).append(took)
            self._delete(case, job_id)
            return

    def _fail(self, case: Case, error: Exception) -> None:
        self._connection.close()  # the next request opens it again
        text = str(error) if isinstance(error, _Fault) else f"{type(error).__name__}: {error}"
        with self._lock:
            self._load.faults[f"{case.name}: {text}"] += 1

    def _ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> tuple[Any, bytes]:
        self._connection.request(method, path, content or None, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status == 429:
            seconds = answer.getheader("Retry-After", "")
            if not seconds.isdigit():
                raise _Fault(f"status 429 with Retry-After: {seconds!r}")
            raise _Refused(float(seconds))
        return answer, body

    def _image(self, case: Case) -> str:
        answer, body = self._ask("POST", f"/v1/images?{case.query}", case.content)
        if answer.status != 200:
            raise _Fault(f"status {answer.status}: {body[:200].decode(errors='replace')}")
        self._check(case, answer, body)
        return str(answer.getheader("X-Subpixel-Job", ""))

    def _job(self, case: Case) -> str:
        answer, body = self._ask("POST", f"/v1/images?{case.query}", case.content, Prefer="respond-async")
        if answer.status != 202:
            raise _Fault(f"status {answer.status} instead of a job: {body[:200].decode(errors='replace')}")
        job, end = json.loads(body), time.monotonic() + _PATIENCE
        while job["state"] in ("queued", "running") and time.monotonic() < end:
            time.sleep(_LOOK_PAUSE)
            answer, body = self._ask("GET", f"/v1/jobs/{job['id']}")
            if answer.status != 200:
                raise _Fault(f"status {answer.status} of a job: {body[:200].decode(errors='replace')}")
            job = json.loads(body)
        if job["state"] != "done":
            raise _Fault(f"a job is {job['state']}: {job['error']}")
        if job["result"]["digest"] != case.digest:
            raise _Fault("the job of another request, or a wrong result")
        answer, body = self._ask("GET", f"/v1/jobs/{job['id']}/result")
        self._check(case, answer, body)
        return str(job["id"])

    @staticmethod
    def _check(case: Case, answer: Any, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()
        if digest != case.digest:
            raise _Fault("the answer to another request, or a wrong one")
        if answer.getheader("ETag") != f'"{digest}"':
            raise _Fault(f"ETag {answer.getheader('ETag')} is not the digest")

    def _delete(self, case: Case, job_id: str) -> None:
        try:
            answer, _ = self._ask("DELETE", f"/v1/jobs/{job_id}")
            if answer.status != 204:
                raise _Fault(f"status {answer.status} to DELETE")
        except (_Fault, OSError, http.client.HTTPException) as error:
            self._fail(case, error)
