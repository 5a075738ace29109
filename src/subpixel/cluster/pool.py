"""Workers as actors of Ray. This is the only module that imports Ray, and only when a pool is made."""

from __future__ import annotations

import math
import os
import secrets
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from subpixel.cluster.scheduler import Event, Lost
from subpixel.cluster.worker import Worker
from subpixel.errors import ClusterError, InvalidArgument, MissingExtra
from subpixel.storage.interrupts import SIGNALS, shielded

__all__ = ["Cluster", "RayPool", "Shipped", "ship"]

# Bytes of a piece of a file in Ray's object store.
_CHUNK = 16 << 20
# Bytes of the object store of a cluster that is started here; what does not fit goes to the disk.
_STORE = 512 << 20
# Seconds for the first worker to be ready, and for the others to be replaced when none is left.
_PATIENCE = 120.0
# Seconds for the workers to remove their files at the end. One that still works on a piece has no time for that.
_PATIENCE_TO_END = 2.0
# So many workers may be lost in a row, before one becomes ready, until the job is given up.
_MOST_LOST = 8


@dataclass(frozen=True)
class Cluster:
    """Where the workers come from, and how many there are.

    Args:
        address: of a running Ray cluster, as ``host:6379`` or ``auto``; None to start one on this machine for the time
            of the job.
        workers: how many; None for as many as the cores allow.
        cores: of each worker: it runs so many threads, and Ray reserves so many processors for it.

    Raises:
        InvalidArgument: a number below 1.
    """

    address: str | None = None
    workers: int | None = None
    cores: int = 1

    def __post_init__(self) -> None:
        for name, value in (("workers", self.workers), ("cores", self.cores)):
            if value is not None and value < 1:
                raise InvalidArgument(f"{name}={value}: a number of at least 1 is needed")


@dataclass(frozen=True)
class Shipped:
    """A file in the object store. A worker iterates over its bytes, a part at a time."""

    parts: tuple[Any, ...]

    def __iter__(self) -> Iterator[Any]:
        import ray

        for part in self.parts:
            yield ray.get(part)


def ship(path: str | os.PathLike[str]) -> Shipped:
    """Put a file into the object store, part by part; the pool must be open."""
    import numpy as np
    import ray

    parts = []
    with open(path, "rb") as file:
        while data := file.read(_CHUNK):
            parts.append(ray.put(np.frombuffer(data, np.uint8)))
    return Shipped(tuple(parts))


class RayPool:
    """A context of workers, see :class:`subpixel.cluster.scheduler.Pool`. Leaving it ends them at once.

    Args:
        cluster: where they run.
        rules: of the job, see :mod:`subpixel.cluster.rules`.
        note: called with a sentence for each worker that is refused or lost.

    Raises:
        MissingExtra: Ray is not installed.
        ClusterError: it cannot be started or joined, or it has too few cores.
    """

    def __init__(self, cluster: Cluster, rules: dict[str, Any], note: Callable[[str], None]) -> None:
        self._cluster, self._rules, self._note = cluster, rules, note
        self._make: tuple[Any, ...] = ()
        self._actors: dict[int, Any] = {}
        self._pending: dict[Any, tuple[int, str]] = {}  # what is waited for: the worker, and what it does
        self._hosts: dict[int, str] = {}
        self._next = self._wanted = self._lost = 0
        self._refused: dict[str, None] = {}
        self._since = 0.0

    def __enter__(self) -> Self:
        if "ray" not in sys.modules:
            _set_environment(self._cluster)
        try:
            import ray
        except ImportError:
            ray = None
        if not hasattr(ray, "init"):  # also if a folder of this name is in the current one
            raise MissingExtra("subpixel cluster needs ray: pip install 'subpixel[cluster]'")
        self._ray = ray
        with shielded(), _own_signals(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._start()
            except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
                with suppress(Exception):
                    ray.shutdown()
                place = "started on this machine" if self._cluster.address is None else "joined"
                where = "" if self._cluster.address is None else f"address={self._cluster.address!r}: "
                text = " ".join(str(error).split())
                raise ClusterError(f"{where}Ray cannot be {place}: {text[:300]}") from None
        try:
            self._wanted = self._count()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with shielded(), _own_signals():
            ends = [actor.end.remote() for actor in self._actors.values()]
            with suppress(Exception):
                self._ray.wait(ends, num_returns=len(ends), timeout=_PATIENCE_TO_END)
            for actor in self._actors.values():
                with suppress(Exception):
                    self._ray.kill(actor)
            self._ray.shutdown()

    @property
    def count(self) -> int:
        """How many workers there are to be."""
        return self._wanted

    def open(self, make: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
        """Start the workers. Each calls ``make`` with ``arguments``; what it returns is called with each task."""
        put = self._ray.put((make, arguments))  # once, for all workers
        self._make = (put,)
        self._since = time.monotonic()
        for _ in range(self._wanted):
            self._add()

    def send(self, worker: int, task: Any) -> None:
        self._pending[self._actors[worker].work.remote(task)] = worker, "work"

    def wait(self, seconds: float) -> Sequence[Event]:
        if not self._pending and not self._actors:
            raise self._nobody()
        if self._since and time.monotonic() - self._since > _PATIENCE and not self._busy():
            raise self._nobody()
        refs = list(self._pending)
        if not refs:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        return [event for ref in ready for event in self._receive(ref)]

    def _busy(self) -> bool:
        return bool(self._hosts)

    def _receive(self, ref: Any) -> Iterator[Event]:
        worker, kind = self._pending.pop(ref)
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            cause = " ".join(str(error.cause if error.cause is not None else error).split())
            if kind == "work":
                self._drop(worker)
                raise ClusterError(f"a worker failed: {type(error.cause).__name__}: {cause[:300]}") from error
            self._refuse(worker, f"a worker cannot start: {cause[-200:]}")
            return
        except self._ray.exceptions.RayError as error:
            if "No module named 'subpixel" in str(error):
                self._refuse(worker, "a worker is refused, since subpixel is not installed on its machine")
            else:
                yield from self._lose(worker, error)
            return
        if kind == "greet":
            host, pid, why = answer
            if why is not None:
                self._refuse(worker, why)
                return
            self._hosts[worker] = f"{host} (process {pid})"
            self._pending[self._actors[worker].begin.remote(self._make[0])] = worker, "begin"
        elif kind == "begin" and answer is not None:
            self._refuse(worker, answer)
        else:
            if kind == "begin":
                self._lost, self._since = 0, 0.0
            yield Event(worker, None if kind == "begin" else answer)

    def _lose(self, worker: int, error: Exception) -> Iterator[Event]:
        name = self._hosts.get(worker, "a worker")
        self._drop(worker)
        self._lost += 1
        if self._lost > _MOST_LOST:
            raise ClusterError(f"{name} was lost, the {self._lost}th in a row: {_first_line(error)}")
        self._note(f"{name} was lost; another takes its place")
        self._add()
        if not self._hosts:
            self._since = time.monotonic()
        yield Event(worker, Lost(f"{name} ended"))

    def _refuse(self, worker: int, why: str) -> None:
        self._drop(worker)
        if why not in self._refused:
            self._refused[why] = None
            self._note(why)

    def _drop(self, worker: int) -> None:
        self._hosts.pop(worker, None)
        actor = self._actors.pop(worker, None)
        self._pending = {ref: each for ref, each in self._pending.items() if each[0] != worker}
        if actor is not None:
            with suppress(Exception):
                self._ray.kill(actor)

    def _add(self) -> None:
        number = self._next
        self._next += 1
        make = self._ray.remote(_Actor).options(
            num_cpus=self._cluster.cores, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD"
        )
        self._actors[number] = make.remote()
        self._pending[self._actors[number].greet.remote(self._rules)] = number, "greet"

    def _nobody(self) -> ClusterError:
        if self._refused:
            return ClusterError(f"no worker can do this job: {'; '.join(self._refused)}")
        return ClusterError(f"no worker became ready within {_PATIENCE:.0f} s; `ray status` shows what the cluster has")

    def _start(self) -> None:
        cluster = self._cluster
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
        if cluster.address is not None:
            self._ray.init(address=cluster.address, **quiet)
            return
        count = (cluster.workers or max(1, _cores() // cluster.cores)) * cluster.cores
        self._ray.init(
            address="local",  # by itself it would join one that runs here
            num_cpus=count,
            include_dashboard=False,
            object_store_memory=_STORE,
            _node_ip_address="127.0.0.1",
            **quiet,
        )

    def _count(self) -> int:
        cores = self._cluster.cores
        nodes = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        most: int = sum(math.floor(node / cores) for node in nodes)
        if not most:
            each = ", ".join(f"{node:g}" for node in nodes) or "none"
            raise ClusterError(f"cores={cores}: no machine of the cluster has so many processors; they have {each}")
        wanted = self._cluster.workers
        if wanted is not None and wanted > most:
            self._note(f"the cluster has processors for {most} of {wanted} workers of {cores}")
        return most if wanted is None else min(wanted, most)


class _Actor:
    """A worker in a process of Ray."""

    def __init__(self) -> None:
        self._worker = Worker()

    def greet(self, rules: dict[str, Any]) -> tuple[str, int, str | None]:
        """See :meth:`Worker.greet`."""
        return self._worker.greet(rules)

    def begin(self, work: tuple[Any, Any]) -> str | None:
        """See :meth:`Worker.begin`."""
        return self._worker.begin(*work)

    def work(self, task: Any) -> Any:
        """See :meth:`Worker.work`."""
        return self._worker.work(task)

    def end(self) -> None:
        """See :meth:`Worker.end`."""
        self._worker.end()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handlers of signals: Ray sets its own."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def _set_environment(cluster: Cluster) -> None:
    """Set what Ray reads when it is imported: it reports to nobody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_worker_niceness", "0")  # as nice as the command itself; by itself Ray makes it 15
    if cluster.address is None and "RAY_AUTH_MODE" not in os.environ:
        # Whoever reaches the ports of a cluster can run programs in it; without the token, nobody can.
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)


def _cores() -> int:
    from subpixel.backends import available_threads

    return available_threads()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
