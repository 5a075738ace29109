"""``-`` in place of a file: an image from standard input, a result to standard output."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.storage.temporary import temporary_folder

__all__ = ["STREAM", "StandardStreams"]

STREAM = "-"


class StandardStreams:
    """Files in place of standard input and output, in a temporary folder that is removed at the end.

    They are processed like all other files, so the bytes are the same. Most formats cannot be read or written in order.

    Args:
        inputs: paths, or ``-``.
        output: a path, None, or ``-``; for input from ``-``, None means ``-``.

    Attributes:
        inputs: paths, of a temporary file in place of ``-``.
        output: a path or None, of a temporary folder in place of ``-``.
        reads: whether the image comes from standard input.
        writes: whether the result goes to standard output.
        names: what messages call the temporary paths.

    Raises:
        InvalidArgument: more than one image, a terminal as output, or a folder for an image without a name.
        ImageReadError: nothing comes from standard input.
    """

    def __init__(self, inputs: Sequence[str], output: str | None) -> None:
        self.inputs, self.output = list(inputs), output
        self.reads = STREAM in inputs
        self.writes = output == STREAM or (self.reads and output is None)
        self.names: dict[str, str] = {}
        self._stack = ExitStack()
        if (self.reads or self.writes) and (len(inputs) > 1 or os.path.isdir(inputs[0])):
            raise InvalidArgument("-: only one image can be read from standard input or written to standard output")
        if self.reads and output is not None and (os.path.isdir(output) or output.endswith(("/", os.sep))):
            raise InvalidArgument(f"{output}: an image from standard input has no name, so the output must be a file")
        if self.writes and sys.stdout.isatty():
            raise InvalidArgument("-: standard output is a terminal; redirect it, or choose an output file with -o")

    def __enter__(self) -> Self:
        if not (self.reads or self.writes):
            return self
        folder = self._stack.enter_context(temporary_folder())
        if self.reads:
            source = folder / "image"
            self.names[str(source)] = "standard input"
            with open(source, "wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            if source.stat().st_size == 0:
                self._stack.close()
                raise ImageReadError("standard input: there is no data")
            self.inputs = [str(source)]
        if self.writes:
            self.output = os.path.join(folder, "result", "")
            self.names[self.output] = "standard output: "
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def deliver(self, result: Path) -> None:
        """Write a result to standard output, if it goes there."""
        if self.writes:
            with open(result, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
