"""The images of a batch on workers: pieces by cost, and results moved into place by the driver alone."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from subpixel.cluster.image_work import ImageAnswer, ImageWork, sent
from subpixel.cluster.pool import Cluster, RayPool
from subpixel.cluster.rules import job_rules, precisions_of
from subpixel.cluster.scheduler import Lost, Piece, Scheduler, given_up
from subpixel.errors import ImageReadError, ImageWriteError
from subpixel.image.batch.plan import Task
from subpixel.image.batch.task_policy import Report, TaskPolicy
from subpixel.models.files import Model
from subpixel.storage.interrupts import on_sudden_end, shielded
from subpixel.storage.locks import claim, scratch_file
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import Upscaler

__all__ = ["ClusterImages", "pieces_of", "work_of"]

# Images and bytes of one piece at most: enough that a piece takes seconds and its way to the worker does not matter.
_MOST_IMAGES, _MOST_BYTES = 32, 64 << 20
# Pieces for each worker, if there are enough images: the last ones are small, so that all workers end together.
_PIECES = 8
# Decoding and encoding a sample of the result takes about as long as so many multiply-adds in int8.
_FILE_WORK = 10_000
_FOLDER = ".subpixel-cluster"


@dataclass
class ClusterImages:
    """Runs tasks of a :class:`subpixel.image.batch.run.Batch` on a cluster, as its ``elsewhere``. A context.

    Workers write beside the results, in a hidden folder of the output folder, or send the bytes. The driver holds the
    claim of each result while it is made, and moves it to its name, so a result is complete, and written once.

    Args:
        cluster: the workers.
        folder: of the results.
        upscaler: of the batch.
        make_upscaler: makes the same upscaler with another number of ``threads``; can be pickled.
        policy: of the batch.
        note: called with sentences about workers.
        ship: send the sources and the results; else workers see all files under the same paths.
    """

    cluster: Cluster
    folder: Path
    upscaler: Upscaler
    make_upscaler: Callable[..., Upscaler]
    policy: TaskPolicy
    note: Callable[[str], None]
    ship: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: tuple[RayPool, Scheduler[int]] | None = None
    _count: int = 0

    def __enter__(self) -> ClusterImages:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Report | None]]:
        """Run tasks; each comes with its report, or with None if another process is upscaling it."""
        if not tasks:
            return
        pool, scheduler = self._open(tasks)
        work = work_of(self.upscaler)
        groups = pieces_of(tasks, pool.count, work)
        with ExitStack() as stack:
            held: dict[int, _Group] = {}
            for number, some in enumerate(groups, self._count):
                held[number] = _Group(some, self, stack)
                scheduler.add(Piece(number, sum(map(work, some)), held[number].load))
            self._count += len(groups)
            for number, answer in scheduler.answers():
                group = held.pop(number)
                if isinstance(answer, Lost) and len(group.sent) > 1:  # one of its images may be the reason
                    for task in group.sent:
                        held[self._count] = _Group([task], self, stack)
                        scheduler.add(Piece(self._count, work(task), held[self._count].load))
                        self._count += 1
                    group.sent = []
                yield from group.finish(answer)

    def _open(self, tasks: Sequence[Task]) -> tuple[RayPool, Scheduler[int]]:
        """The workers, started at the first use."""
        if self._running is None:
            stack = self._stack
            staging = None if self.ship else stack.enter_context(_staging(self.folder.absolute()))
            token = None if staging is None else staging / "token"
            if token is not None:
                token.write_text(secrets.token_hex(16), "ascii")
            folders = sorted({task.source.absolute().parent for task in tasks})
            rules = job_rules(precisions_of(self.upscaler), token, folders, self.upscaler.model)
            pool = stack.enter_context(RayPool(self.cluster, rules, self.note))
            pool.open(ImageWork, (self.make_upscaler, self.cluster.cores, self.policy, staging))
            self._running = pool, Scheduler(pool)
        return self._running


class _Group:
    """A piece: its images, and the claims of those that workers have."""

    def __init__(self, tasks: Sequence[Task], images: ClusterImages, stack: ExitStack) -> None:
        self._images, self._tasks = images, tasks
        self._claims = stack.enter_context(ExitStack())
        self._settled: list[tuple[Task, Report | None]] | None = None
        self.sent: list[Task] = []

    def load(self) -> object:
        """What a worker gets. Results are claimed before the first one does; images that need no work stay here."""
        if self._settled is None:
            self._settled = []
            for task in self._tasks:
                claimed = self._images.policy.attempt(task, partial(self._claim, task))
                if claimed is True:
                    self.sent.append(task)
                else:
                    self._settled.append((task, claimed if isinstance(claimed, Report) else None))
        return tuple(each for task in self.sent if (each := self._read(task)) is not None)

    def _claim(self, task: Task) -> bool | Report | None:
        claimed, report = self._images.policy.claim(task, self._images.upscaler, self._claims)
        return report if report is not None else claimed

    def _read(self, task: Task) -> object:
        try:
            return sent(task, ship=self._images.ship)
        except OSError as error:
            failure = ImageReadError(f"{task.source}: {os_error_text(error)}")
            assert self._settled is not None
            self._settled.append((task, Report(task.source, task.destination, "failed", error=failure)))
            self.sent = [each for each in self.sent if each is not task]
            return None

    def finish(self, answer: list[ImageAnswer] | Lost) -> Iterator[tuple[Task, Report | None]]:
        """The reports, once the results are in place."""
        with self._claims:
            yield from self._settled or ()
            if isinstance(answer, Lost):
                for task in self.sent:
                    error = ImageWriteError(str(given_up(task.source, answer)))
                    yield task, Report(task.source, task.destination, "failed", error=error)
                return
            answers = {each.report.destination: each for each in answer}
            for task in self.sent:
                each = answers[task.destination]
                yield task, self._images.policy.attempt(task, partial(self._place, task, each))

    def _place(self, task: Task, answer: ImageAnswer) -> Report:
        """Move a result to its name, or write it there."""
        report, destination = answer.report, task.destination
        if report.status != "done":
            return report
        self._images.policy.job(task, self._images.upscaler).check(destination)
        with shielded():
            if answer.staged is not None:
                answer.staged.replace(destination)
            elif answer.data is not None:
                with scratch_file(destination, destination.suffix) as path:
                    with open(path, "r+b") as file:
                        file.write(answer.data.data)
                        file.flush()
                        os.fsync(file.fileno())
                    path.replace(destination)
        return report


def work_of(upscaler: Upscaler) -> Callable[[Task], float]:
    """The expected work with an image, in multiply-adds in int8: those of the network, and what its file costs."""
    scale = upscaler.target.scale or 2
    model = upscaler.networks(upscaler.plan(64, 64).factors)[0].model if upscaler.plan(64, 64).factors else None
    macs = model.spec.macs_per_pixel if isinstance(model, Model) else 0
    if upscaler.precision != "int8":
        macs *= 4
    each = macs * (8 if upscaler.ensemble else 1) + _FILE_WORK * scale**2
    return lambda task: each * max(task.pixels, 1)


def pieces_of(tasks: Sequence[Task], workers: int, work: Callable[[Task], float]) -> list[list[Task]]:
    """Tasks in pieces of about equal work, those with the most work first.

    A piece has no more than a share of all work, unless it is one image; so small images are together, and a large one
    is alone.
    """
    total = sum(map(work, tasks))
    most = total / max(1, workers * _PIECES)
    pieces: list[list[Task]] = []
    room, count, size = 0.0, 0, 0
    for task in sorted(tasks, key=lambda task: -work(task)):
        need, data = work(task), _size(task)
        if not pieces or need > room or count == _MOST_IMAGES or size + data > _MOST_BYTES:
            pieces.append([])
            room, count, size = most, 0, 0
        pieces[-1].append(task)
        room, count, size = room - need, count + 1, size + data
    return pieces


def _size(task: Task) -> int:
    try:
        return os.stat(task.source).st_size
    except OSError:
        return 0


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for results on their way, and whatever an ended run left there. One run at a time has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with claim(folder / _FOLDER) as ours:
            if not ours:
                raise ImageWriteError(f"{folder}: another subpixel cluster is writing into this folder")
            place = folder / _FOLDER
            shutil.rmtree(place, ignore_errors=True)
            run = place / secrets.token_hex(8)  # workers that a killed driver left behind do not find this one
            remove = partial(shutil.rmtree, place, ignore_errors=True)
            with on_sudden_end(remove):
                try:
                    run.mkdir(parents=True)
                    yield run
                finally:
                    remove()
    except OSError as error:
        if isinstance(error, ImageWriteError):
            raise
        raise ImageWriteError(f"{folder}: {os_error_text(error)}") from None
