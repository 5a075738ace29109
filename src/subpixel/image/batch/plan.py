"""Planning a batch: which images are upscaled to which files, decided before any work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image.batch.inputs import Input
from subpixel.image.files.provenance import read_provenance
from subpixel.image.files.reading import ImageHeader, open_header
from subpixel.image.output_name import sheet_path

__all__ = ["BatchPlan", "Task", "check_comparisons", "plan_batch"]

# Up to this many images stay open from the plan to the work, so that each is opened once. With more, descriptors would
# run out and headers would fill the memory.
_OPEN_FILES = 16


@dataclass(frozen=True)
class Task:
    """One image of a batch. It can be pickled, without the open file.

    Args:
        source: the image.
        destination: the file for its result.
        pixels: of a frame, by the header; 0 if the image cannot be read.
        header: the source, if it is still open.
    """

    source: Path
    destination: Path
    pixels: int
    header: ImageHeader | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "header": None}


@dataclass(frozen=True)
class BatchPlan:
    """What a batch does.

    Args:
        tasks: in the order of the inputs.
        unreachable: paths that cannot be read, and why.
        earlier_results: inputs that are left out because they are results of other inputs.
    """

    tasks: tuple[Task, ...]
    unreachable: tuple[tuple[Path, ImageReadError], ...]
    earlier_results: tuple[Path, ...]


def plan_batch(inputs: Iterable[Input], output_path: Callable[[Path, Path, ImageHeader | None], Path]) -> BatchPlan:
    """Decide where every result goes.

    An image is left out if it is the result of another input: by its provenance; or by its name, if it was found in a
    folder and the result of another input will have this path.

    Args:
        inputs: the images.
        output_path: the destination of an image, given its path, its folder relative to the one that was named, and its
            header, None if it cannot be read.

    Raises:
        InvalidArgument: two results would have one path, or a result would replace an input.
    """
    items = list(inputs)
    images = [item for item in items if item.error is None]
    stay_open = len(images) <= _OPEN_FILES
    headers: list[ImageHeader | None] = []
    pixels: list[int] = []
    destinations: list[Path] = []
    for item in images:
        header = _open_header(item.path)
        destinations.append(output_path(item.path, item.subfolder, header))
        pixels.append(0 if header is None else header.pixels)
        if header is not None and not stay_open:
            header.file.close()
            header = None
        headers.append(header)
    real = _RealPaths()
    sources = [real(item.path) for item in images]
    results = {real(destination): item for destination, item in zip(destinations, images, strict=True)}
    stems: dict[str, set[str]] = {}
    for path in sources:
        stems.setdefault(os.path.dirname(path), set()).add(Path(path).stem)
    tasks: dict[str, Task] = {}
    earlier_results = []
    collisions: dict[str, list[Path]] = {}
    for item, path, destination, size, header in zip(images, sources, destinations, pixels, headers, strict=True):
        origin = results.get(path)
        if origin is item:
            origin = None  # the image would be written over itself, which the job refuses
        if (origin is not None and not item.named) or _is_result(path, stems):
            earlier_results.append(item.path)
            continue
        if origin is not None:
            raise InvalidArgument(
                f"{item.path}: the result of {origin.path} would replace this input; choose another output folder"
            )
        target = real(destination)
        if target in tasks:
            collisions.setdefault(target, [tasks[target].source]).append(item.path)
            continue
        tasks[target] = Task(item.path, destination, size, header)
    if collisions:
        raise InvalidArgument(_collision_text({tasks[each].destination: paths for each, paths in collisions.items()}))
    unreachable = tuple((item.path, item.error) for item in items if item.error)
    return BatchPlan(tuple(tasks.values()), unreachable, tuple(earlier_results))


def _collision_text(collisions: dict[Path, list[Path]]) -> str:
    """The error for results that would have one path, all of them at once: their sources by destination."""
    texts = []
    for destination, sources in collisions.items():
        both = "both" if len(sources) == 2 else "all"
        texts.append(f"{', '.join(map(str, sources[:-1]))} and {sources[-1]} would {both} be written to {destination}")
    return f"{'; '.join(texts)}; rename one, or choose different output folders"


def check_comparisons(plan: BatchPlan, compare: Path) -> None:
    """Check that each comparison has a path of its own, see :class:`subpixel.image.job.Job`.

    Raises:
        InvalidArgument: there are several images and no folder, or a comparison would replace another file.
    """
    count = len(plan.tasks) + len(plan.unreachable)
    if count > 1 and not os.path.isdir(compare):
        raise InvalidArgument(f"compare='{compare}': for {count} images this must be an existing folder")
    real = _RealPaths()
    paths = {real(path): path for task in plan.tasks for path in (task.source, task.destination)}
    for task in plan.tasks:
        comparison = sheet_path(task.destination, compare)
        other = paths.setdefault(real(comparison), task.destination)
        if count > 1 and other is not task.destination:
            raise InvalidArgument(
                f"{comparison}: the comparison of {task.destination} would replace {other} or its comparison; choose "
                f"another folder or other names"
            )


class _RealPaths(dict[str, str]):
    """Paths with their folders' links resolved; each folder is looked up once."""

    def __call__(self, path: Path) -> str:
        return os.path.join(self[os.path.dirname(path)], path.name)

    def __missing__(self, folder: str) -> str:
        self[folder] = os.path.realpath(folder)
        return self[folder]


def _open_header(path: Path) -> ImageHeader | None:
    if not os.path.isfile(path):
        return None
    try:
        return open_header(path)
    except ImageReadError:
        return None  # the job says why


def _is_result(path: str, stems: dict[str, set[str]]) -> bool:
    """Whether the file is named like a result of another image beside it, and its provenance says that it is one."""
    stem = Path(path).stem
    others = stems[os.path.dirname(path)]
    begins = (stem[:end] for end, letter in enumerate(stem) if letter == "_")
    return any(begin in others for begin in begins) and read_provenance(path) is not None
