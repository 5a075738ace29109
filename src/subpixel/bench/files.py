"""The suite ``files``: many image files, each read, upscaled and written; and OpenCV in a loop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from subpixel.bench.machine import version_of
from subpixel.bench.options import BenchOptions, measure_group
from subpixel.bench.peers import ImagePeer, superres
from subpixel.bench.results import Fact, Group
from subpixel.errors import SubpixelError
from subpixel.image import ImageData, Job, read, write
from subpixel.image.batch.plan import Task
from subpixel.image.batch.run import Batch
from subpixel.image.batch.task_policy import TaskPolicy
from subpixel.image.synthetic import photograph
from subpixel.upscaler import Upscaler

__all__ = ["files"]

_SIDE, _SCALE, _MODEL = 512, 2, "fast"

# Files of a call, without and with ``options.full``.
_FILES = {False: 25, True: 1000}
# Different images among them. They and their results stay in memory for the measurements without files.
_IMAGES = 32

# Formats that are read and written.
_KINDS = ((".png", ".png"), (".jpg", ".png"), (".jpg", ".jpg"))

_OURS, _BATCH = "Job, one file at a time", "Batch, several files at a time"
_ENGINE, _CODING = "engine alone", "reading and writing alone"


def files(options: BenchOptions) -> Iterator[Group]:
    """The groups of the suite, one for each pair of formats."""
    upscaler = Upscaler(_SCALE, model=_MODEL, backend="native", threads=options.threads)
    notes = [
        "A call processes all files. They are in the system's cache, so no call waits for the disk.",
        f"{_IMAGES} different generated images, as hard to compress for PNG and JPEG as photographs.",
    ]
    peers = _peers(options, notes)
    with tempfile.TemporaryDirectory() as folder:
        sources = _sources(Path(folder), _FILES[options.full])
        for read_as, write_as in _KINDS:
            if options.only not in f"{read_as[1:]}-{write_as[1:]}":
                continue
            yield _group(options, upscaler, peers, sources[read_as], write_as, notes)


def _sources(folder: Path, number: int) -> dict[str, list[Path]]:
    """The files to read, by their suffix."""
    images = [photograph(_SIDE, _SIDE, seed) for seed in range(min(number, _IMAGES))]
    result: dict[str, list[Path]] = {}
    for suffix in dict.fromkeys(read_as for read_as, _ in _KINDS):
        result[suffix] = [folder / f"{n:04}{suffix}" for n in range(number)]
        for path, pixels in zip(result[suffix], cycle(images), strict=False):
            write(ImageData(pixels), path)
    return result


def _group(
    options: BenchOptions,
    upscaler: Upscaler,
    peers: list[ImagePeer],
    sources: list[Path],
    suffix: str,
    notes: list[str],
) -> Group:
    folder = sources[0].parent / "results"
    folder.mkdir(exist_ok=True)
    results = [folder / f"{path.stem}{suffix}" for path in sources]
    pixels = [read(path).pixels for path in sources[:_IMAGES]]
    upscaled = [ImageData(upscaler(each)) for each in pixels]
    jobs = [
        Job(path, upscaler, destination=result, overwrite=True) for path, result in zip(sources, results, strict=True)
    ]

    def run() -> None:
        for job in jobs:
            job.run()

    def engine() -> None:
        for each in islice(cycle(pixels), len(sources)):
            upscaler(each)

    def coding() -> None:
        for path, result, image in zip(sources, results, cycle(upscaled), strict=False):
            read(path)
            write(image, result, overwrite=True)

    def batch() -> None:
        _batch(upscaler, sources, results)

    calls: dict[str, Callable[[], Any]] = {_OURS: run, _BATCH: batch, _ENGINE: engine, _CODING: coding}
    entries: list[tuple[str, str, str | None]] = [(_OURS, "ours", _ENGINE), (_BATCH, "ours", _ENGINE)]
    entries += [(_ENGINE, "ceiling", None), (_CODING, "ceiling", None)]
    for peer in peers:
        calls[peer.name] = lambda peer=peer: _opencv(peer, sources, results)  # type: ignore[misc]
        entries.append((peer.name, "peer", None))
    names = [{".png": "PNG", ".jpg": "JPEG"}[each] for each in (sources[0].suffix, suffix)]
    title = f"{len(sources)} files of {_SIDE}×{_SIDE} ×{_SCALE} by {_MODEL}, {names[0]} to {names[1]}"
    group = measure_group(options, f"many-{names[0]}-{names[1]}".lower(), title, calls, entries, notes)
    return replace(group, facts=(*_facts(group, len(sources)), *_sizes(run, peers, sources, results)))


def _batch(upscaler: Upscaler, sources: list[Path], results: list[Path]) -> None:
    """The same as ``subpixel upscale FOLDER``, with the start of its processes and the digests of its sources."""
    for result in results:
        result.unlink(missing_ok=True)  # else the batch would skip it as done
    tasks = [Task(source, result, _SIDE**2) for source, result in zip(sources, results, strict=True)]
    make = partial(Upscaler, _SCALE, model=_MODEL, backend="native")
    for report in Batch(tasks, upscaler, make, TaskPolicy()).run():
        if report.error is not None:
            raise report.error


def _facts(group: Group, number: int) -> Iterator[Fact]:
    for entry in group.entries:
        if entry.name != _CODING:
            yield Fact(entry.name, 1000 * number / entry.time.median, "files a second")
    job, engine, coding = (group.entry(name).time.median for name in (_OURS, _ENGINE, _CODING))
    yield Fact("share of Job's time outside the engine", 100 * (job - engine) / job, "%")
    yield Fact("reading and writing alone, relative to the engine", coding / engine, "×")


def _sizes(run: Callable[[], None], peers: list[ImagePeer], sources: list[Path], results: list[Path]) -> Iterator[Fact]:
    """The sizes of the written files: less compression takes less time."""
    run()
    yield Fact("written by Job", _kilobytes(results), "kB a file")
    for peer in peers[:1]:
        _opencv(peer, sources, results)
        yield Fact("written by OpenCV", _kilobytes(results), "kB a file")


def _kilobytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / len(paths) / 1000


def _peers(options: BenchOptions, notes: list[str]) -> list[ImagePeer]:
    if options.superres is None:
        notes.append("OpenCV dnn_superres: not measured, its model files were not given")
        return []
    peers = superres(options.superres, _SCALE, options.threads)
    if not peers:
        notes.append(f"OpenCV dnn_superres: not measured, OpenCV {version_of('opencv')} here has no such module")
    else:
        notes.append("OpenCV: imread, upsample and imwrite of each file, with the defaults of imwrite.")
    return peers


def _opencv(peer: ImagePeer, sources: list[Path], results: list[Path]) -> None:
    import cv2

    for source, result in zip(sources, results, strict=True):
        pixels = cv2.imread(str(source))
        if pixels is None or not cv2.imwrite(str(result), peer.run(pixels)):  # type: ignore[arg-type]
            raise SubpixelError(f"{source}: OpenCV cannot read it or write its result")
