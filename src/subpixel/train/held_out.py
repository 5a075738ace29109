"""Which images of a folder are held out: every 20th, or those that a list names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from subpixel.errors import InvalidArgument

__all__ = ["split"]

# Of so many images one is held out, to measure progress and to choose the best weights.
_EVERY = 20


def split(folder: Path, paths: Sequence[Path], names: Path | None = None) -> tuple[list[Path], list[Path]]:
    """The images for training, and those held out.

    Args:
        folder: the folder of the images.
        paths: the images, in order.
        names: a text file with one image or pattern a line: paths relative to the folder, with ``*``, ``?`` and
            ``[...]``; ``*`` also stands for ``/``. Empty lines and lines that begin with ``#`` are ignored. None for
            every 20th image.

    Raises:
        InvalidArgument: the list cannot be read or is empty, a line of it fits no image, or no image is left to
            train on.
    """
    if names is None:
        return [path for k, path in enumerate(paths) if k % _EVERY], list(paths[::_EVERY])
    patterns = _patterns(names)
    relative = {path: path.relative_to(folder).as_posix() for path in paths}
    for number, pattern in patterns.items():
        if not any(fnmatchcase(name, pattern) for name in relative.values()):
            raise InvalidArgument(f"{names}: line {number}: no image of {folder} fits {pattern!r}")
    held_out = [path for path in paths if any(fnmatchcase(relative[path], one) for one in patterns.values())]
    chosen = set(held_out)
    trained = [path for path in paths if path not in chosen]
    if not trained:
        raise InvalidArgument(f"{names}: holds out all {len(paths)} images of {folder}; some are needed to train on")
    return trained, held_out


def _patterns(names: Path) -> dict[int, str]:
    """The patterns of a list by the number of their line."""
    try:
        lines = names.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidArgument(f"{names}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidArgument(f"{names}: is no text in UTF-8; a list of images is needed") from None
    stripped = {number: line.strip() for number, line in enumerate(lines, 1)}
    patterns = {number: line for number, line in stripped.items() if line and not line.startswith("#")}
    if not patterns:
        raise InvalidArgument(f"{names}: names no image; one name or pattern a line is needed")
    return patterns
