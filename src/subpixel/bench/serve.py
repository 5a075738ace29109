"""The suite ``serve``: 50 clients of a server at once, and what the server adds to the work on one image."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from subpixel.bench.load import Case, Load, run_load
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.results import Entry, Fact, Group
from subpixel.bench.timing import Timing
from subpixel.errors import SubpixelError
from subpixel.image import ImageData, Job, write
from subpixel.image.job_options import job_options
from subpixel.image.synthetic import photograph
from subpixel.upscaler import Upscaler

__all__ = ["make_cases", "serve", "with_text"]

_CLIENTS = 50
_MODEL = "fast"
# Height, width, suffix and options of the images of each client.
_KINDS = (
    (48, 64, ".png", "scale=2"),
    (120, 160, ".png", "scale=3"),
    (240, 320, ".jpg", "scale=2"),
    (360, 480, ".png", "scale=2"),
)
_WORKERS = (1, 2)
# Jobs that may wait where the queue shall be full, and seconds of that part at most.
_SHORT_QUEUE, _SHORT_SECONDS = 10, 15.0
# Seconds between two looks at the memory. The first part of a run is left out: caches fill.
_MEMORY_PAUSE, _WARM_UP = 0.25, 0.25
_SIDE = 512


def serve(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite."""
    cases = make_cases(_CLIENTS)
    for workers in _WORKERS:
        yield _load(options, cases, workers)
    yield _full_queue(options, cases)
    yield _overhead(options)


def make_cases(clients: int) -> list[list[Case]]:
    """For each client an image of each kind, and the digest of what this process makes of it."""
    found: list[list[Case]] = []
    with tempfile.TemporaryDirectory() as folder:
        for client in range(clients):
            found.append([_case(Path(folder), client, *kind) for kind in _KINDS])
    return found


def _case(folder: Path, client: int, height: int, width: int, suffix: str, query: str) -> Case:
    source, result = folder / f"source{suffix}", folder / "result.png"
    write(ImageData(photograph(height, width, client)), source, overwrite=True)
    scale = int(re.findall(r"scale=(\d)", query)[0])
    # The format of a result is that of its source, unless another one is asked for.
    Job(source, Upscaler(scale, model=_MODEL), destination=result, overwrite=True, **job_options(_MODEL)).run()
    digest = hashlib.sha256(result.read_bytes()).hexdigest()
    name = f"{width}×{height} {suffix[1:].upper()} ×{scale}"
    return Case(name, source.read_bytes(), f"{query}&model={_MODEL}&format=png", digest)


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[str]
    address: tuple[str, int]

    def memory(self) -> dict[str, float]:
        """Resident MiB of the server and of its workers together."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task").glob("*/children")
        pids = {pid for each in children for pid in each.read_text(encoding="ascii").split()}
        return {"server": _resident(str(own)), "workers": sum(_resident(pid) for pid in pids)}


def _resident(pid: str) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):  # it has just ended
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _server(workers: int, *more: str) -> Iterator[_Server]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-P", "-m", "subpixel", "serve", "--port", "0", "--data", folder]
        command += ["--workers", str(workers), *more]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                found = re.search(r"http://([\w.]+):(\d+)", line)
                if found is None:
                    raise SubpixelError(f"serve: the server did not start: {line.strip()}")
                yield _Server(process, (found[1], int(found[2])))
                process.terminate()
                process.wait(60)
            finally:
                process.kill()


class _Memory:
    """Looks at the memory of a server while a block runs."""

    def __init__(self, server: _Server) -> None:
        self._server, self._end = server, threading.Event()
        self.seen: list[dict[str, float]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(_MEMORY_PAUSE):
            if Path("/proc/self/statm").exists():  # only Linux has it
                self.seen.append(self._server.memory())

    def facts(self) -> Iterator[Fact]:
        """The memory at the beginning and the end, each a fifth of what was seen after the warm-up."""
        seen = self.seen[round(len(self.seen) * _WARM_UP) :]
        part = max(1, len(seen) // 5)
        if not seen:
            return
        for name in seen[0]:
            first, last = (statistics.median(each[name] for each in some) for some in (seen[:part], seen[-part:]))
            yield Fact(f"memory, {name}, after warming up", first, "MiB")
            yield Fact(f"memory, {name}, at the end", last, "MiB")
            yield Fact(f"memory, {name}, change", 100 * (last / first - 1) if first else 0.0, "%")


def _load(options: BenchOptions, cases: Sequence[Sequence[Case]], workers: int) -> Group:
    with _server(workers) as server:
        run_load(server.address, cases[:workers], 0)  # the workers load their networks
        with _Memory(server) as memory:
            load = run_load(server.address, cases, options.seconds)
        _check(load)
        if load.refused:
            raise SubpixelError(f"serve: a queue with room for all clients was full {load.refused} times")
        facts = (*_facts(load), *memory.facts())
    notes = ("Clients and server share the processors. Each answer had the digest of what Python makes of the file.",)
    title = f"{len(cases)} clients for {options.seconds:g} s, {workers} worker{'s'[: workers > 1]}"
    return Group(f"load-{workers}", title, _entries(load), facts, notes)


def _full_queue(options: BenchOptions, cases: Sequence[Sequence[Case]]) -> Group:
    seconds = min(_SHORT_SECONDS, options.seconds)
    with _server(1, "--queue", str(_SHORT_QUEUE)) as server:
        load = run_load(server.address, cases, seconds)
    _check(load)
    facts = (*_facts(load), Fact("answered with status 429", load.refused, "times"))
    title = f"{len(cases)} clients for {seconds:g} s, 1 worker and a queue of {_SHORT_QUEUE}"
    return Group("load-full", title, facts=facts, notes=("Times begin again after each refusal.",))


def _check(load: Load) -> None:
    """All answers must be right: figures of a server that loses some mean nothing."""
    if load.faults:
        number = load.faults.total()
        text, _ = load.faults.most_common(1)[0]
        raise SubpixelError(f"serve: {number} of {number + load.right} requests had no right answer, such as {text}")


def _entries(load: Load) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for times, what in ((load.times, "the image at once"), (load.jobs, "as a job")):
        found += [Entry(f"{name}, {what}", "ours", _timing(times[name])) for name in sorted(times, key=_by_size)]
    return tuple(found)


def _by_size(name: str) -> int:
    return int(name.split("×")[0])


def _timing(times: Sequence[float]) -> Timing:
    low, median, high = _percentiles(times, 25, 50, 75)
    return Timing(median, low, high, len(times))


def _percentiles(times: Sequence[float], *wanted: int) -> list[float]:
    if len(times) == 1:
        return [times[0]] * len(wanted)
    found = statistics.quantiles(times, n=100, method="inclusive")
    return [found[each - 1] for each in wanted]


def _facts(load: Load) -> Iterator[Fact]:
    yield Fact("right", load.right, "answers")
    yield Fact("lost, mixed up or wrong", load.faults.total(), "answers")
    yield Fact("throughput", load.right / load.seconds, "answers a second")
    for times, what in ((load.times, "at once"), (load.jobs, "as a job")):
        every = [each for some in times.values() for each in some]
        if every:
            for percent, value in zip((50, 95, 99), _percentiles(every, 50, 95, 99), strict=True):
                yield Fact(f"p{percent}, {what}", value, "ms")


def _overhead(options: BenchOptions) -> Group:
    """``POST /v1/images`` beside the same work in this process, which is its ceiling."""
    ours, python = "POST /v1/images", "Job.run() in Python"
    numbers = count()
    with tempfile.TemporaryDirectory() as text, _server(1, "--threads", str(options.threads)) as server:
        folder = Path(text)
        write(ImageData(photograph(_SIDE, _SIDE)), folder / "image.png")
        image, source = (folder / "image.png").read_bytes(), folder / "source.png"
        upscaler = Upscaler(2, model=_MODEL, threads=options.threads)
        job = Job(source, upscaler, destination=folder / "result.png", overwrite=True, **job_options(_MODEL))
        connection = http.client.HTTPConnection(*server.address, timeout=60)
        made: list[bytes] = []

        def post() -> None:
            connection.request("POST", f"/v1/images?scale=2&model={_MODEL}", with_text(image, f"{next(numbers)}"))
            answer = connection.getresponse()
            made[:] = [answer.read()]
            if answer.status != 200:
                raise SubpixelError(f"serve: status {answer.status}: {made[0][:200].decode(errors='replace')}")

        def run() -> None:
            source.write_bytes(with_text(image, f"{next(numbers)}"))
            job.run()
            (folder / "result.png").read_bytes()

        post()
        title = f"a PNG of {_SIDE}×{_SIDE} ×2 by fast"
        group = measure_group(
            options,
            "overhead",
            title,
            {ours: post, python: run},
            [(ours, "ours", python), (python, "ceiling", None)],
            ["No two of the files are equal, so no answer is one that was made before."],
        )
        connection.close()
    difference = group.entry(ours).time.median - group.entry(python).time.median
    return replace(group, facts=(Fact("added by the server, at the median", difference, "ms"),))


def with_text(png: bytes, text: str) -> bytes:
    """The same image with a comment, so that the file is another one."""
    data = b"tEXtComment\0" + text.encode("ascii")
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return png[:-12] + chunk + png[-12:]
