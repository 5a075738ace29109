"""``-`` or a pipe in place of a file: an image from standard input, a result to standard output."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument
from subpixel.image.files.limits import LIMIT, pipe_bytes
from subpixel.image.files.open_file import check_head
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.pipes import TooLong, spool
from subpixel.storage.standard_streams import (
    STREAM,
    check_output,
    is_input_stream,
    is_output_stream,
    is_standard_output,
    open_input,
    open_output,
    stream_name,
)
from subpixel.storage.temporary import temporary_folder

__all__ = ["StandardStreams"]


class StandardStreams:
    """Files in place of standard input and output or of pipes, in a temporary folder that is removed at the end.

    They are processed like all other files, so the bytes are the same. Most formats cannot be read or written in order.

    Args:
        inputs: paths, or ``-``. A pipe is read if it is the only input.
        output: a path, None, or ``-``; for input from ``-`` or a pipe, None means ``-``. ``/dev/stdout`` is ``-`` too.
        limit: largest image in megapixels; a pipe may give four bytes for each pixel.

    Attributes:
        inputs: paths, of a temporary file in place of a pipe.
        output: a path or None, of a temporary folder in place of a pipe.
        reads: whether the image comes from a pipe.
        writes: whether the result goes to standard output or to a pipe.
        to_stdout: whether it goes to standard output.
        names: what messages call the temporary paths.

    Raises:
        InvalidArgument: more than one image, a terminal as input or output, or a folder for an image without a name.
        ImageReadError: nothing comes from the pipe, or more than is accepted.
    """

    def __init__(self, inputs: Sequence[str], output: str | None, limit: float = LIMIT) -> None:
        self.inputs, self.output, self._limit = list(inputs), output, limit
        self.reads = STREAM in inputs or (len(inputs) == 1 and is_input_stream(inputs[0]))
        self.writes = is_output_stream(output) or (self.reads and output is None)
        self._sink = output if output is not None and self.writes else STREAM
        self.to_stdout = self.writes and is_standard_output(self._sink)
        self._input = STREAM if STREAM in inputs else inputs[0]
        self.names: dict[str, str] = {}
        self._stack = ExitStack()
        if (self.reads or self.writes) and (len(inputs) > 1 or os.path.isdir(self._input)):
            raise InvalidArgument("-: only one image can be read from standard input or written to standard output")
        if self.reads and output is not None and (os.path.isdir(output) or output.endswith(("/", os.sep))):
            source = stream_name(self._input, "standard input")
            raise InvalidArgument(f"{output}: an image from {source} has no name, so the output must be a file")
        if self.writes:
            check_output(self._sink)

    def __enter__(self) -> Self:
        if not (self.reads or self.writes):
            return self
        folder = self._stack.enter_context(temporary_folder())
        if self.reads:
            path = folder / "image"
            self.names[str(path)] = stream_name(self._input, "standard input")
            try:
                self._receive(path)
            except BaseException:
                self._stack.close()
                raise
            self.inputs = [str(path)]
        if self.writes:
            self.output = os.path.join(folder, "result", "")
            self.names[self.output] = f"{stream_name(self._sink, 'standard output')}: "
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _receive(self, path: Path) -> None:
        """Copy the input into a file."""
        name = stream_name(self._input, "standard input")
        try:
            with open_input(self._input) as reader, open(path, "wb") as file:
                size = spool(reader, file, pipe_bytes(self._limit), check_head)
        except TooLong as error:
            more = f"limit={2 * self._limit:g} accepts twice as much"
            raise ImageReadError(f"{name}: {os_error_text(error)}; {more}") from None
        except OSError as error:
            raise ImageReadError(f"{name}: {os_error_text(error)}") from None
        if not size:
            raise ImageReadError(f"{name}: there is no data")

    def deliver(self, result: Path) -> None:
        """Write a result to standard output or the pipe, if it goes there.

        Raises:
            BrokenPipeError: the other end was closed.
            ImageWriteError: it cannot be written for another reason.
        """
        if not self.writes:
            return
        name = stream_name(self._sink, "standard output")
        try:
            with open(result, "rb") as file, open_output(self._sink) as pipe:
                shutil.copyfileobj(file, pipe, 1 << 20)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ImageWriteError(f"{name}: cannot be written: {os_error_text(error)}") from None
