"""What a batch is to do: which image goes where, decided before any work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyvips

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image.batch.inputs import Found
from subpixel.image.comparison.sheet import sheet_of
from subpixel.image.files.provenance import provenance_of
from subpixel.image.files.vips_paths import for_libvips

__all__ = ["Plan", "Task", "check_sheets", "plan"]


@dataclass(frozen=True)
class Task:
    """An image, where its result goes, and how many pixels its header claims (0: it cannot be read)."""

    source: Path
    destination: Path
    pixels: int


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        tasks: in the order of the inputs.
        unreachable: what was named or met and cannot be looked at, and why.
        left_out: results of earlier runs among the inputs.
    """

    tasks: tuple[Task, ...]
    unreachable: tuple[tuple[Path, ImageReadError], ...]
    left_out: tuple[Path, ...]


def plan(found: Iterable[Found], planned: Callable[[Path, Path, pyvips.Image | None], Path]) -> Plan:
    """Decide where every result goes.

    An image is left out if it is the result of another one of the inputs: by its provenance, or, if it was not named
    but met within a folder, because a result of that very name is to be written.

    Args:
        found: the inputs.
        planned: the destination of an image, given its path, the folder it lies in below the one that was named,
            and its header, None if it cannot be read.

    Raises:
        InvalidArgument: two results would have one name, or a result would be written over an image.
    """
    items = list(found)
    images = [item for item in items if item.error is None]
    headers = [_header(item.path) for item in images]
    places = [planned(item.path, item.below, header) for item, header in zip(images, headers, strict=True)]
    real = _Folders()
    absolute = [real(item.path) for item in images]
    results = {real(place): item for place, item in zip(places, images, strict=True)}
    stems: dict[str, set[str]] = {}
    for path in absolute:
        stems.setdefault(os.path.dirname(path), set()).add(Path(path).stem)
    tasks: dict[str, Task] = {}
    left_out = []
    for item, header, place, path in zip(images, headers, places, absolute, strict=True):
        target = real(place)
        author = results.get(path)
        if author is item:
            author = None  # it would be written over itself, which the job refuses
        if (author is not None and not item.named) or _is_result(path, stems):
            left_out.append(item.path)
            continue
        if author is not None:
            raise InvalidArgument(
                f"{item.path}: is one of the images, and the result of {author.path} would be written over it; "
                f"another output folder is needed"
            )
        if target in tasks:
            raise InvalidArgument(
                f"{tasks[target].source} and {item.path} would both be written to {place}; give them different names, "
                f"or upscale them into different folders"
            )
        tasks[target] = Task(item.path, place, 0 if header is None else header.width * header.height)
    return Plan(tuple(tasks.values()), tuple((item.path, item.error) for item in items if item.error), tuple(left_out))


def check_sheets(todo: Plan, compare: Path) -> None:
    """Whether each comparison has a place of its own, see :class:`subpixel.image.job.Job`.

    Raises:
        InvalidArgument: several images and no folder, or a comparison where something else is, or goes.
    """
    many = len(todo.tasks) + len(todo.unreachable)
    if many > 1 and not os.path.isdir(compare):
        raise InvalidArgument(f"{compare}: with {many} images --compare needs a folder that exists")
    real = _Folders()
    taken = {real(path): path for task in todo.tasks for path in (task.source, task.destination)}
    for task in todo.tasks:
        sheet = sheet_of(task.destination, compare)
        other = taken.setdefault(real(sheet), task.destination)
        if many > 1 and other is not task.destination:
            raise InvalidArgument(
                f"{sheet}: the comparison of {task.destination} would be written there, and there is {other}, or what "
                f"belongs to it; another folder or other names are needed"
            )


class _Folders(dict[str, str]):
    """Paths whose folders are spelled in one way, whatever links lead there; each folder is looked up once."""

    def __call__(self, path: Path) -> str:
        return os.path.join(self[os.path.dirname(path)], path.name)

    def __missing__(self, folder: str) -> str:
        self[folder] = os.path.realpath(folder)
        return self[folder]


def _header(path: Path) -> pyvips.Image | None:
    if not os.path.isfile(path):
        return None
    try:
        with for_libvips(path) as name:
            return pyvips.Image.new_from_file(name, access="sequential")
    except (pyvips.Error, OSError):
        return None


def _is_result(path: str, stems: dict[str, set[str]]) -> bool:
    """Whether it is called as results of another image beside it are, and says that it is one of ours."""
    stem = Path(path).stem
    others = stems[os.path.dirname(path)]
    begins = (stem[:end] for end, letter in enumerate(stem) if letter == "_")
    return any(begin in others for begin in begins) and provenance_of(path) is not None
