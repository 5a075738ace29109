"""``-`` instead of a file: an image from standard input, a result to standard output."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from subpixel.errors import ImageReadError, InvalidArgument

__all__ = ["STREAM", "Streams"]

STREAM = "-"


class Streams:
    """Stands for standard input and output with files of a folder of its own, which is gone at the end.

    The files go the way of all others, so the bytes are the same; both ends can be read and written only once and in
    order, which few formats are content with.

    Args:
        inputs: paths, or ``-``.
        output: a path, None, or ``-``; with input from ``-``, None means ``-``.

    Raises:
        InvalidArgument: more than one image, a terminal, or a folder for an image that has no name.
    """

    def __init__(self, inputs: Sequence[str], output: str | None) -> None:
        self.inputs, self.output = list(inputs), output
        self.reads = STREAM in inputs
        self.writes = output == STREAM or (self.reads and output is None)
        self.names: dict[str, str] = {}
        self._stack = ExitStack()
        if (self.reads or self.writes) and (len(inputs) > 1 or os.path.isdir(inputs[0])):
            raise InvalidArgument("-: one image is read from standard input or written to standard output, no more")
        if self.reads and output is not None and (os.path.isdir(output) or output.endswith(("/", os.sep))):
            raise InvalidArgument(f"{output}: an image from standard input has no name; the name of a file is needed")
        if self.writes and sys.stdout.isatty():
            raise InvalidArgument("-: standard output is a terminal, where an image is of no use; -o FILE writes one")

    def __enter__(self) -> Self:
        if not (self.reads or self.writes):
            return self
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="subpixel-")))
        if self.reads:
            source = folder / "image"
            self.names[str(source)] = "standard input"
            with open(source, "wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            if source.stat().st_size == 0:
                self._stack.close()
                raise ImageReadError("standard input: it is empty")
            self.inputs = [str(source)]
        if self.writes:
            self.output = os.path.join(folder, "result", "")
            self.names[self.output] = "standard output: "
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def deliver(self, result: Path) -> None:
        """Write a result to standard output, if that is where it goes."""
        if self.writes:
            with open(result, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
