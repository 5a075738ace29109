"""Finding the inputs of a command: files, folders with everything below them, patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import SubpixelError
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.os_errors import os_error_text

__all__ = ["Input", "Sought", "find_files"]


@dataclass(frozen=True)
class Sought:
    """The files that a command takes.

    Args:
        noun: what one of them is, as ``"an image"``.
        suffixes: by which files in folders are taken, in lower case.
        error: the class of errors about a path that cannot be read.
        other_suffixes: of files in folders that another command takes.
        hint: which command that is, for a folder with only such files.
    """

    noun: str
    suffixes: frozenset[str]
    error: type[SubpixelError]
    other_suffixes: frozenset[str] = frozenset()
    hint: str = ""


@dataclass(frozen=True)
class Input:
    """A file that was found.

    Args:
        path: of the file.
        subfolder: its folder relative to the folder that was named; empty for a file that was named itself.
        named: whether the file was named itself.
        error: why the path, or a whole folder, cannot be read.
    """

    path: Path
    subfolder: Path = Path()
    named: bool = False
    error: SubpixelError | None = None


def find_files(
    inputs: Iterable[str], sought: Sought, excluded: Path | None = None, others: list[Path] | None = None
) -> list[Input]:
    """The files that paths, folders and patterns name, each once, in an order that depends on their names alone.

    In a folder, hidden files and folders are ignored, and files without a suffix that is sought. Links are followed.
    Pipes and devices are errors: reading one may never end. A folder that several paths lead to is visited once, so
    loops end.

    Args:
        inputs: paths, or patterns (``*``, ``?``, ``[…]``, ``**`` for any depth) where no such path exists.
        sought: which files are taken.
        excluded: a folder inside the others that is not visited: the one for the results.
        others: receives the files in folders that another command takes.

    >>> from subpixel.errors import ImageReadError
    >>> find_files(["no such folder/*.jpg"], Sought("an image", frozenset({".jpg"}), ImageReadError))[0].error
    ImageReadError('no such folder/*.jpg: no file matches')
    """
    found: dict[str, Input] = {}
    search = _Search(sought, excluded, [] if others is None else others)
    for each in inputs:
        for item in search.expand(each):
            found.setdefault(os.path.abspath(item.path), item)
    return list(found.values())


@dataclass(frozen=True)
class _Search:
    """What is sought, where not, and where the others go; see :func:`find_files`."""

    sought: Sought
    excluded: Path | None
    others: list[Path]

    def expand(self, text: str) -> Iterator[Input]:
        if not text:
            yield Input(Path(), named=True, error=self._error(f"an empty name is not {self.sought.noun}"))
            return
        if os.path.lexists(text) or not glob.has_magic(text):
            yield from self._visit(Path(text))
            return
        matches = sorted(glob.glob(text, recursive=True), key=os.fsencode)
        if not matches:
            yield Input(Path(text), named=True, error=self._error(f"{text}: no file matches"))
        for match in matches:
            # ``**`` matches every folder and also every file in it; the files are enough.
            if not (os.path.isdir(match) and "**" in text):
                yield from self._visit(Path(match))

    def _visit(self, path: Path) -> Iterator[Input]:
        kind = file_kind(path)
        if kind in ("pipe", "device"):
            yield Input(path, named=True, error=self._not_a_file(path))
            return
        if kind != "folder":
            missing = None if os.path.lexists(path) else self._error(f"{path}: no such file or directory")
            yield Input(path, named=True, error=missing)
            return
        visited = set()
        if self.excluded is not None and os.path.isdir(self.excluded) and not os.path.samefile(self.excluded, path):
            visited.add(_identity(self.excluded))
        empty, before = True, len(self.others)
        for item in self._visit_folder(path, Path(), visited):
            empty = False
            yield item
        if empty:
            hint = f"; {self.sought.hint}" if len(self.others) > before else ""
            text = f"{path}: no file in this folder has the suffix of {self.sought.noun}{hint}"
            yield Input(path, error=self._error(text))

    def _visit_folder(self, folder: Path, subfolder: Path, visited: set[tuple[int, int]]) -> Iterator[Input]:
        try:
            identity = _identity(folder)
            if identity in visited:
                return
            visited.add(identity)
            names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=os.fsencode)
        except OSError as error:
            yield Input(folder, subfolder, error=self._error(f"{folder}: {os_error_text(error)}"))
            return
        folders = [name for name in names if os.path.isdir(folder / name)]  # unlike DirEntry.is_dir, raises nothing
        for name in names:
            suffix = os.path.splitext(name)[1].lower()
            if suffix not in self.sought.suffixes:
                if suffix in self.sought.other_suffixes:
                    self.others.append(folder / name)
                continue
            kind = file_kind(folder / name)
            if kind in ("file", "missing"):  # a broken link is an error to report
                yield Input(folder / name, subfolder)
            elif kind != "folder":
                yield Input(folder / name, subfolder, error=self._not_a_file(folder / name))
        # Links come last, so that files of a folder with a link beside it are found under the folder's own name.
        for name in sorted(folders, key=lambda name: os.path.islink(folder / name)):
            yield from self._visit_folder(folder / name, subfolder / name, visited)

    def _not_a_file(self, path: Path) -> SubpixelError:
        if file_kind(path) == "device":
            return self._error(f"{path}: this is a device, not {self.sought.noun}")
        return self._error(f"{path}: this is a pipe; a pipe is read only if it is the one input")

    def _error(self, text: str) -> SubpixelError:
        return self.sought.error(text)


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino
