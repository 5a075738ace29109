"""Errors for an unknown command or option: each suggests the closest one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from subpixel.errors import InvalidArgument, SubpixelError, unknown

__all__ = ["unknown_command", "unknown_option"]

# Suffixes by which a file in place of a command is taken for a video. A list here, since only importing the video
# package would tell, and that takes long.
_VIDEOS = {".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".nut", ".ts", ".webm", ".y4m"}


def unknown_command(name: str, commands: Iterable[str]) -> SubpixelError:
    """The error for a name that is no command; a file's name leads to the command for its kind.

    >>> print(unknown_command("upscal", ["upscale", "video"]))
    Unknown command 'upscal'. Did you mean 'upscale'? See `subpixel --help`.
    >>> print(unknown_command("photo.jpg", ["upscale", "video"]))
    Unknown command 'photo.jpg'. To upscale this file, run `subpixel upscale photo.jpg`.
    """
    path = Path(name)
    if path.suffix or path.exists():
        command = "video" if path.suffix.lower() in _VIDEOS else "upscale"
        kind = "folder" if path.is_dir() else "file"
        run = f"subpixel {command} {shlex.quote(name)}"
        return InvalidArgument(f"Unknown command {name!r}. To upscale this {kind}, run `{run}`.")
    return unknown("command", name, commands, hint="See `subpixel --help`.")


def unknown_option(error: Any) -> SubpixelError:
    """The error for an option that a command does not have, from the error of the parser."""
    command, ctx = error.ctx.command, error.ctx
    options = [name for param in command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
    names = [name for name in options if name.startswith("-")]
    return unknown("option", error.option_name, names, hint=f"See `{ctx.command_path} --help`.")
