"""What is meant by words that are wrong: a file to upscale, or an error that suggests what would be right."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from subpixel.errors import InvalidArgument, SubpixelError, unknown
from subpixel.storage.suffixes import IMAGES, VIDEOS

__all__ = ["check_last_input", "command_for", "unknown_command", "unknown_option"]


def unknown_command(name: str, commands: Iterable[str]) -> SubpixelError:
    """The error for a name that is no command.

    >>> print(unknown_command("upscal", ["upscale", "video"]))
    Unknown command 'upscal'. Did you mean 'upscale'? See `subpixel --help`.
    """
    return unknown("command", name, commands, hint="See `subpixel --help`.")


def command_for(name: str) -> str | None:
    """The command that upscales a file, folder or pattern in place of a command; None if the name is none of these.

    >>> command_for("photo.jpg"), command_for("video.MKV"), command_for("upscal")
    ('upscale', 'video', None)
    """
    suffix = Path(name).suffix.lower()
    if suffix in VIDEOS:
        return "video"
    known = suffix in IMAGES or Path(name).exists() or glob.has_magic(name)
    return "upscale" if known else None


def unknown_option(error: Any) -> SubpixelError:
    """The error for an option that a command does not have, from the error of the parser."""
    command, ctx = error.ctx.command, error.ctx
    options = [name for param in command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
    names = [name for name in options if name.startswith("-")]
    return unknown("option", error.option_name, names, hint=f"See `{ctx.command_path} --help`.")


def check_last_input(command: str, inputs: Sequence[str], output: str | None, suffixes: Collection[str]) -> None:
    """Check that the last of several inputs is not the name of the result.

    Args:
        command: its name.
        inputs: of the command.
        output: of the command; None if none is named.
        suffixes: of its files, in lower case.

    Raises:
        InvalidArgument: the last input does not exist and looks like the name of a result.
    """
    *others, last = inputs
    if output is not None or not others or os.path.lexists(last) or glob.has_magic(last):
        return
    if Path(last).suffix.lower() in suffixes or last.endswith(("/", os.sep)):
        words = " ".join([*map(shlex.quote, others[:3]), *["…"] * (len(others) > 3)])
        raise InvalidArgument(
            f"{last}: no such file or directory. To write there, use -o: "
            f"`subpixel {command} {words} -o {shlex.quote(last)}`"
        )
