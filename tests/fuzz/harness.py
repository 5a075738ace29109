"""A harness: a function of bytes that states what may come of them, and the files that it starts from."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

__all__ = ["REGRESSIONS", "Harness", "contents_of", "reader_of", "regressions_of", "scratch"]

# Files that once led to something else than a result or an error, in a folder for each harness.
REGRESSIONS = Path(__file__).with_name("regressions")


@dataclass(frozen=True)
class Harness:
    """A harness.

    Args:
        name: of it.
        check: takes any bytes. It returns, or raises a SubpixelError; whatever else it raises is a finding. Errors
            that a function documents are caught inside.
        corpus: makes right files by name, of some kilobytes each.
    """

    name: str
    check: Callable[[bytes], object]
    corpus: Callable[[], Mapping[str, bytes]]


def regressions_of(harness: Harness) -> dict[str, bytes]:
    """The files that once were findings, by name."""
    folder = REGRESSIONS / harness.name
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}


@lru_cache(1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    # In memory where there is such a folder: thousands of files are written each second.
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(prefix="fuzz", dir=memory if os.access(memory, os.W_OK) else None)


def scratch(content: bytes, suffix: str = "") -> Path:
    """A file of this content. The next call replaces it."""
    path = Path(_folder().name, f"file{suffix}")
    path.write_bytes(content)
    return path


@contextmanager
def reader_of(content: bytes, suffix: str = "") -> Iterator[io.BufferedReader]:
    """A file of this content, open as the package opens images."""
    from subpixel.image.files.open_file import OpenFile

    with OpenFile(scratch(content, suffix)) as file, file.reader() as reader:
        yield reader


def contents_of(file: BinaryIO, places: list[tuple[int, int]]) -> list[bytes]:
    """The bytes at offsets, each with its length."""
    found = []
    for at, length in places:
        file.seek(at)
        found.append(file.read(length))
    return found
