"""The suites of ``subpixel bench``, and the measurement of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from subpixel.bench import ceilings
from subpixel.bench.engine import engine, peer_comparison
from subpixel.bench.files import files
from subpixel.bench.flat import flat
from subpixel.bench.images import frames, image_files, images, real_time, superres_comparison
from subpixel.bench.machine import describe, limit_threads
from subpixel.bench.networks import espcn_x3
from subpixel.bench.operators import operators
from subpixel.bench.options import BenchOptions
from subpixel.bench.quality import quality
from subpixel.bench.results import Group, Results
from subpixel.bench.serve import serve
from subpixel.bench.video import videos
from subpixel.errors import InvalidArgument

__all__ = ["SUITES", "measure"]


def _engine(options: BenchOptions) -> Iterator[Group]:
    yield from engine(options)
    yield superres_comparison(options)
    yield real_time(options)


def _video(options: BenchOptions) -> Iterator[Group]:
    yield frames(options)
    yield from videos(options)


# The parts of the overview, in its order: what each measures, and its groups.
_OVERVIEW: tuple[tuple[str, Callable[[BenchOptions], Iterator[Group]]], ...] = (
    ("a network to 1920×1080", lambda options: iter([real_time(options)])),
    ("a network beside its peers", lambda options: iter([peer_comparison(options, espcn_x3(), "peers-0")])),
    ("frames of video", lambda options: iter([frames(options)])),
    ("an image from file to file", image_files),
    ("a video from file to file", lambda options: islice(videos(options), 1)),
)
# The rounds and seconds of each of its groups: all of it takes less than two minutes on two processors.
_ROUNDS, _SECONDS = 5, 4.0


def _overview(options: BenchOptions) -> Iterator[Group]:
    short = replace(options, rounds=min(options.rounds, _ROUNDS), seconds=min(options.seconds, _SECONDS))
    for number, (title, part) in enumerate(_OVERVIEW, 1):
        options.progress(f"[{number}/{len(_OVERVIEW)}] {title}")
        yield from part(short)


SUITES: dict[str, Callable[[BenchOptions], Iterator[Group]]] = {
    "overview": _overview,
    "engine": _engine,
    "ops": operators,
    "images": images,
    "files": files,
    "video": _video,
    "flat": flat,
    "quality": quality,
    "serve": serve,
}


# The suites that measure only the selected cases.
_WITH_CASES = ("ops", "files")


def measure(suite: str, options: BenchOptions, say: Callable[[Group], None] | None = None) -> Results:
    """Run a suite on this machine.

    Args:
        suite: a name of :data:`SUITES`.
        options: how much to measure, and on how many threads.
        say: called with each group after its measurement.

    Raises:
        InvalidArgument: there is no such suite, no case that is selected, or this process may not use so many threads.
        BackendUnavailable: there is no compiled module to measure.
    """
    if suite not in SUITES:
        raise InvalidArgument(f"suite={suite!r}: one of {', '.join(SUITES)} is needed")
    if options.only and suite not in _WITH_CASES:
        raise InvalidArgument(
            f"only={options.only!r}: suite {suite} has no named cases; {' and '.join(_WITH_CASES)} do"
        )
    ceilings.targets()  # raises at once if there is nothing to measure
    groups = []
    with limit_threads(options.threads):
        machine = describe(options.threads)
        for group in SUITES[suite](options):
            groups.append(group)
            if say is not None:
                say(group)
    if not groups:
        raise InvalidArgument(f"only={options.only!r}: suite {suite} has no case with this text in its name")
    return Results(suite, options.command(suite), machine, tuple(groups))
