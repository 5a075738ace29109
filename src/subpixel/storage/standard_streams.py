"""``-``, ``/dev/stdout`` and pipes in place of files."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from subpixel.errors import InvalidArgument
from subpixel.storage.file_kinds import descriptor_in, file_kind
from subpixel.storage.pipes import PipeReader, PipeWriter

__all__ = [
    "STREAM",
    "check_output",
    "is_input_stream",
    "is_output_stream",
    "is_standard_output",
    "open_input",
    "open_output",
    "stream_name",
]

# What users write for standard input or output. A file of this name is ``./-``.
STREAM = "-"


def is_input_stream(name: str | os.PathLike[str]) -> bool:
    """Whether an input is the text ``-`` or a pipe, which is read once, from its beginning.

    >>> from pathlib import Path
    >>> is_input_stream("-"), is_input_stream("./-"), is_input_stream(Path("-"))
    (True, False, False)
    """
    return name == STREAM or file_kind(name) == "pipe"


def is_output_stream(name: str | None) -> bool:
    """Whether an output is ``-``, an existing pipe, or a path that stands for standard output."""
    return name is not None and (is_standard_output(name) or file_kind(name) == "pipe")


def is_standard_output(name: str) -> bool:
    """Whether an output is standard output: ``-``, ``/dev/stdout`` or ``/dev/fd/1``, whatever that leads to."""
    return name == STREAM or descriptor_in(name) == 1


def stream_name(name: str, standard: str) -> str:
    """What messages call a stream.

    Args:
        name: as the user wrote it.
        standard: what ``-`` is called.

    >>> stream_name("-", "standard input"), stream_name("/dev/fd/63", "standard input")
    ('standard input', '/dev/fd/63')
    """
    return standard if name == STREAM else name


def open_input(name: str) -> PipeReader:
    """Open a stream to read from.

    Args:
        name: ``-`` or the path of a pipe.

    Raises:
        InvalidArgument: standard input is closed or a terminal.
        OSError: the pipe cannot be opened.
    """
    if name == STREAM:
        if sys.__stdin__ is None:
            raise InvalidArgument("-: standard input is closed")
        if sys.stdin.isatty():
            raise InvalidArgument("-: standard input is a terminal; redirect it, or name a file")
        return PipeReader(_descriptor(sys.stdin, 0))
    return PipeReader(name)


def check_output(name: str) -> None:
    """Check an output stream before any work.

    Raises:
        InvalidArgument: it is standard output, and that is closed or a terminal.
    """
    if not is_standard_output(name):
        return
    if sys.__stdout__ is None:
        raise InvalidArgument("-: standard output is closed")
    if sys.stdout.isatty():
        raise InvalidArgument("-: standard output is a terminal; redirect it, or choose an output file with -o")


def open_output(name: str) -> PipeWriter:
    """Open a stream to write to; a FIFO as soon as it has a reader.

    Args:
        name: ``-``, a path that stands for standard output, or the path of a pipe.

    Raises:
        InvalidArgument: see :func:`check_output`.
        OSError: the pipe cannot be opened.
    """
    check_output(name)
    if is_standard_output(name):
        sys.stdout.flush()
        return PipeWriter(_descriptor(sys.stdout, 1))
    return PipeWriter(os.fspath(name))


def _descriptor(stream: TextIO, default: int) -> int:
    """The descriptor of a stream. One that an application put in its place may have none."""
    try:
        return stream.fileno()
    except OSError:
        return default
