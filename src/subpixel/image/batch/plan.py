"""Planning a batch: which images are upscaled to which files, decided before any work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.errors import ImageReadError, InvalidArgument, SubpixelError
from subpixel.image.files.provenance import read_provenance
from subpixel.image.files.reading import ImageHeader, open_header
from subpixel.image.output_name import sheet_path
from subpixel.storage.inputs import Input
from subpixel.storage.result_paths import RealPaths, select_inputs

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
    unreachable: tuple[tuple[Path, SubpixelError], ...]
    earlier_results: tuple[Path, ...]


def plan_batch(inputs: Iterable[Input], output_path: Callable[[Path, Path, ImageHeader | None], Path]) -> BatchPlan:
    """Decide where every result goes.

    An image that is the result of another input is left out, see :func:`subpixel.storage.result_paths.select_inputs`.

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
    selection = select_inputs(images, destinations, lambda path: read_provenance(path) is not None)
    tasks = tuple(Task(images[each].path, destinations[each], pixels[each], headers[each]) for each in selection.chosen)
    unreachable = tuple((item.path, item.error) for item in items if item.error)
    return BatchPlan(tasks, unreachable, selection.earlier_results)


def check_comparisons(plan: BatchPlan, compare: Path) -> None:
    """Check that each comparison has a path of its own, see :class:`subpixel.image.job.Job`.

    Raises:
        InvalidArgument: there are several images and no folder, or a comparison would replace another file.
    """
    count = len(plan.tasks) + len(plan.unreachable)
    if count > 1 and not os.path.isdir(compare):
        raise InvalidArgument(f"compare='{compare}': for {count} images this must be an existing folder")
    real = RealPaths()
    paths = {real(path): path for task in plan.tasks for path in (task.source, task.destination)}
    for task in plan.tasks:
        comparison = sheet_path(task.destination, compare)
        other = paths.setdefault(real(comparison), task.destination)
        if count > 1 and other is not task.destination:
            raise InvalidArgument(
                f"{comparison}: the comparison of {task.destination} would replace {other} or its comparison; choose "
                f"another folder or other names"
            )


def _open_header(path: Path) -> ImageHeader | None:
    if not os.path.isfile(path):
        return None
    try:
        return open_header(path)
    except ImageReadError:
        return None  # the job says why
