"""Which worker does which piece: retries after lost workers, and stragglers that run twice. It knows nothing of Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from subpixel.errors import ClusterError
from subpixel.storage.interrupts import interrupt_requested

__all__ = ["ATTEMPTS", "Event", "Lost", "Piece", "Pool", "Scheduler", "given_up"]

P = TypeVar("P", bound=Hashable)

# A piece is given up when so many workers ended while they worked on it: it is likely what ends them.
ATTEMPTS = 3
# A piece runs on a second worker if it takes so many times as long as its cost lets expect.
_SLOW = 2.0
# Seconds between two looks for stragglers and interrupts.
_TICK = 0.25


class Lost(str):
    """In place of an answer: how a worker was lost."""

    __slots__ = ()


@dataclass(frozen=True)
class Event:
    """What happened at a worker.

    Args:
        worker: its number.
        answer: of the piece that it worked on; :class:`Lost` if the worker is gone; None if it is ready.
    """

    worker: int
    answer: Any = None


class Pool(Protocol):
    """Workers, each of which works on one piece at a time. Lost ones are replaced, under other numbers."""

    def send(self, worker: int, task: Any) -> None:
        """Let a ready worker begin a task."""

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happens within a time; nothing, if nothing does.

        Raises:
            ClusterError: no worker is left, and none will come.
        """


@dataclass(frozen=True)
class Piece(Generic[P]):
    """A part of a job that one worker does.

    Args:
        key: names the piece.
        cost: its expected work, in any unit.
        load: makes what is sent to the worker; called again for each attempt.
    """

    key: P
    cost: float
    load: Callable[[], Any] = field(compare=False)


@dataclass
class _Attempt(Generic[P]):
    piece: Piece[P]
    start: float


class Scheduler(Generic[P]):
    """Lets the workers of a pool work on pieces until all are done.

    A piece whose worker is lost goes to another one, :data:`ATTEMPTS` times at most. When no piece is left to begin,
    ready workers begin those again that take much longer than expected; the first answer counts.

    Args:
        pool: the workers.
        stop: asked often; if it returns True, KeyboardInterrupt is raised.
        now: the time in seconds.
    """

    def __init__(
        self, pool: Pool, stop: Callable[[], bool] = interrupt_requested, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._pool, self._stop, self._now = pool, stop, now
        self._waiting: list[Piece[P]] = []
        self._running: dict[int, _Attempt[P]] = {}
        self._ready: list[int] = []
        self._losses: dict[P, int] = {}
        self._unfinished: set[P] = set()
        self._pace: list[float] = []  # seconds for each unit of cost, of finished pieces

    def add(self, piece: Piece[P], *, first: bool = False) -> None:
        """Add a piece; with ``first``, before those that wait."""
        self._waiting.insert(0 if first else len(self._waiting), piece)
        self._unfinished.add(piece.key)

    def drop(self, unwanted: Callable[[P], bool]) -> None:
        """Forget pieces: those that wait do not begin, and answers of those that run do not count."""
        self._waiting = [piece for piece in self._waiting if not unwanted(piece.key)]
        self._unfinished = {key for key in self._unfinished if not unwanted(key)}

    def answers(self) -> Generator[tuple[P, Any], None, None]:
        """Each piece's key with its answer, or with a :class:`Lost` if it was given up, as they finish.

        Pieces may be added and dropped meanwhile.

        Raises:
            ClusterError: no worker is left.
        """
        self._pace.clear()  # the pieces of another kind cost something else
        while self._unfinished:
            if self._stop():
                raise KeyboardInterrupt
            self._begin()
            for event in self._pool.wait(_TICK):
                yield from self._handle(event)

    def _begin(self) -> None:
        while self._ready:
            piece = self._waiting.pop(0) if self._waiting else self._straggler()
            if piece is None:
                return
            worker = self._ready.pop(0)
            self._running[worker] = _Attempt(piece, self._now())
            self._pool.send(worker, piece.load())

    def _straggler(self) -> Piece[P] | None:
        """The unfinished piece that runs on one worker and is late by most; None if none is late."""
        keys = [attempt.piece.key for attempt in self._running.values()]
        if not self._pace:
            return None
        usual = sorted(self._pace)[len(self._pace) // 2]
        late = {
            attempt.piece: (self._now() - attempt.start) / max(usual * attempt.piece.cost, 1e-9)
            for attempt in self._running.values()
            if keys.count(attempt.piece.key) == 1 and attempt.piece.key in self._unfinished
        }
        worst = max(late, key=late.__getitem__, default=None)
        return worst if worst is not None and late[worst] > _SLOW else None

    def _handle(self, event: Event) -> Generator[tuple[P, Any], None, None]:
        attempt = self._running.pop(event.worker, None)
        lost = isinstance(event.answer, Lost)
        if lost:
            self._ready = [worker for worker in self._ready if worker != event.worker]
        else:
            self._ready.append(event.worker)
        if attempt is None or attempt.piece.key not in self._unfinished:
            return
        piece = attempt.piece
        if not lost:
            self._pace.append((self._now() - attempt.start) / max(piece.cost, 1e-9))
        else:
            self._losses[piece.key] = self._losses.get(piece.key, 0) + 1
            elsewhere = any(other.piece.key == piece.key for other in self._running.values())
            if self._losses[piece.key] < ATTEMPTS:
                if not elsewhere:
                    self._waiting.insert(0, piece)
                return
            if elsewhere:
                return
        self._unfinished.discard(piece.key)
        yield piece.key, event.answer


def given_up(what: object, lost: Lost) -> ClusterError:
    """The error for a piece that was given up."""
    return ClusterError(f"{what}: given up, since {ATTEMPTS} workers ended while they worked on it; the last: {lost}")
