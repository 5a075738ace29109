"""The list of suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from subpixel.bench import ceilings
from subpixel.bench.engine import engine
from subpixel.bench.files import files
from subpixel.bench.images import beside_superres, frames, images, real_time
from subpixel.bench.machine import describe, only_threads
from subpixel.bench.operators import operators
from subpixel.bench.plan import Plan
from subpixel.bench.quality import quality
from subpixel.bench.results import Group, Results
from subpixel.bench.video import videos
from subpixel.errors import InvalidArgument

__all__ = ["SUITES", "measure"]


def _engine(plan: Plan) -> Iterator[Group]:
    yield from engine(plan)
    yield beside_superres(plan)
    yield real_time(plan)


def _video(plan: Plan) -> Iterator[Group]:
    yield frames(plan)
    yield from videos(plan)


SUITES: dict[str, Callable[[Plan], Iterator[Group]]] = {
    "engine": _engine,
    "ops": operators,
    "images": images,
    "files": files,
    "video": _video,
    "quality": quality,
}


def measure(suite: str, plan: Plan, say: Callable[[Group], None] | None = None) -> Results:
    """Run a suite on this machine.

    Args:
        suite: a name of :data:`SUITES`.
        plan: how much, and on how many threads.
        say: called with each group when it is measured.

    Raises:
        InvalidArgument: no such suite, or more threads than there are.
        BackendUnavailable: there is no compiled module to measure.
    """
    if suite not in SUITES:
        raise InvalidArgument(f"suite={suite!r}: one of {', '.join(SUITES)} is needed")
    ceilings.targets()  # refuses at once where there is nothing to measure
    groups = []
    with only_threads(plan.threads):
        machine = describe(plan.threads)
        for group in SUITES[suite](plan):
            groups.append(group)
            if say is not None:
                say(group)
    return Results(suite, plan.command(suite), machine, tuple(groups))
