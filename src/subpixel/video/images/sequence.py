"""Still images that are the frames of one video: which files they are, and in which order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from subpixel.errors import VideoReadError
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.suffixes import IMAGES
from subpixel.video.images.folder_kind import folder_kind
from subpixel.video.images.number_pattern import NumberPattern

__all__ = ["ImageSequence", "find_sequence", "natural_order", "result_name"]

# Names that a message lists.
_LISTED = 5
_DIGITS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class ImageSequence:
    """The images of a sequence.

    Args:
        source: the pattern or the folder that was named.
        paths: the images in order.
        numbers: of the images: those in the names of a pattern's files, and 1, 2 … of a folder's.
        notes: what was left out or is missing, one sentence each.
        compression: libavcodec's name of a lossy format if the images are of one; None if that says nothing about what
            they lost, or if it is not known yet.
    """

    source: Path
    paths: tuple[Path, ...]
    numbers: tuple[int, ...]
    notes: tuple[str, ...] = ()
    compression: str | None = None


def find_sequence(path: str | os.PathLike[str]) -> ImageSequence | None:
    """The images that a path names as one video; None if it is not a pattern and not a folder of images.

    Args:
        path: a pattern such as ``frames/%04d.png``, see :class:`subpixel.video.images.number_pattern.NumberPattern`; or
            a folder that holds still images and no video, see :func:`subpixel.video.images.folder_kind.folder_kind`.

    Raises:
        VideoReadError: no file has a name of the pattern, or numbers are missing between the first and the last; or the
            folder cannot be listed, holds neither images nor videos, or two images of one name.
        InvalidArgument: a pattern that is not written right.
    """
    path = Path(path)
    try:
        if file_kind(path) == "folder":
            return _in_folder(path)
        pattern = NumberPattern.of(path)
        return None if pattern is None else _by_pattern(path, pattern)
    except VideoReadError:
        raise
    except OSError as error:
        raise VideoReadError(f"{path}: {os_error_text(error)}") from None


def natural_order(name: str) -> tuple[object, ...]:
    """The key by which names are sorted as people count: ``frame2`` before ``frame10``.

    >>> sorted(["frame10.png", "Frame2.png", "frame1.png"], key=natural_order)
    ['frame1.png', 'Frame2.png', 'frame10.png']
    """
    parts = _DIGITS.split(name.casefold())
    return (*((int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)), (-2, name))


def result_name(path: Path) -> Path:
    """What the default name of a sequence's video is made from, as if it were one file.

    >>> result_name(Path("film/frames/shot_%04d.png")).as_posix(), result_name(Path("film/frames")).as_posix()
    ('film/frames/shot.images', 'film/frames.images')
    """
    pattern = NumberPattern.of(path)
    if pattern is not None:
        name = pattern.before.rstrip(" ._-") or "frames"
        return pattern.folder / f"{name}.images"
    folder = Path(os.path.abspath(path)) if path.name in ("", "..") else path
    return folder.with_name(f"{folder.name}.images")


def _in_folder(folder: Path) -> ImageSequence | None:
    kind = folder_kind(folder)
    if kind == "videos":
        raise VideoReadError(f"{folder}: this folder holds videos; name one of them")
    if kind == "neither":
        raise VideoReadError(f"{folder}: this folder holds neither images nor videos")
    names: list[str] = []
    others: list[str] = []
    for entry in os.scandir(folder):
        if not entry.name.startswith("."):
            is_image = Path(entry.name).suffix.lower() in IMAGES and not entry.is_dir()
            (names if is_image else others).append(entry.name)
    names.sort(key=natural_order)
    _check_stems(folder, names)
    notes = [f"the folder is taken as one video of {len(names)} images, in the order of their names"]
    if others:
        what = "what is not an image is" if len(others) > 1 else "one thing that is not an image is"
        notes.append(f"{what} left out: {_listed(sorted(others, key=natural_order))}")
    notes += _gap_notes(names)
    return ImageSequence(folder, tuple(folder / name for name in names), tuple(range(1, len(names) + 1)), tuple(notes))


def _check_stems(folder: Path, names: Sequence[str]) -> None:
    for first, second in pairwise(names):
        if Path(first).stem == Path(second).stem:
            raise VideoReadError(
                f"{folder}: {first} and {second} have one name, and only one of them can be the frame; remove the other"
            )


def _gap_notes(names: Sequence[str]) -> Iterator[str]:
    """A sentence about numbers that are missing among names, and one about names of several kinds."""
    found = [_DIGITS.split(Path(name).stem) for name in names]
    kinds = {(*parts[:-2], parts[-1]) if len(parts) > 1 else tuple(parts) for parts in found}
    if len(kinds) > 1:
        if any(len(parts) > 1 for parts in found):
            yield "the names of the images differ in more than one number, so it is not known whether any is missing"
        return
    if len(found[0]) < 2:
        return
    numbers = [int(parts[-2]) for parts in found]
    steps = {b - a for a, b in pairwise(numbers)}
    if len(steps) > 1:
        missing = sorted({*range(numbers[0], numbers[-1])} - {*numbers}) if numbers[-1] < 10_000_000 else []
        count = numbers[-1] - numbers[0] + 1 - len(numbers)
        listed = f" ({_ranges(missing)})" if missing else ""
        what = f"{count} numbers are" if count > 1 else "1 number is"
        yield f"{what} missing between the first image and the last{listed}; the frames follow one another"


def _by_pattern(path: Path, pattern: NumberPattern) -> ImageSequence:
    found = pattern.existing()
    if not found:
        there = "there is no folder" if not pattern.folder.is_dir() else "no image has such a name in"
        raise VideoReadError(f"{path}: {there} {pattern.folder}")
    numbers = tuple(found)
    missing = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    if missing:
        count = sum(b - a + 1 for a, b in missing)
        ranges = [str(a) if a == b else f"{a} to {b}" for a, b in missing]
        raise VideoReadError(
            f"{path}: {'image' if count == 1 else 'images'} {_listed(ranges)} of {numbers[0]} to {numbers[-1]} "
            f"{'is' if count == 1 else 'are'} missing; add what is missing, or name the folder to take the images that "
            "are there"
        )
    return ImageSequence(path, tuple(found.values()), numbers)


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers in increasing order in few words: ``4, 7 to 9``."""
    texts = []
    for _, run in groupby(enumerate(numbers), lambda item: item[1] - item[0]):
        values = [number for _, number in run]
        texts.append(str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}")
    return _listed(texts)


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:_LISTED], *([f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else [])])
