"""What is meant by an unknown command or option: a file to upscale, or an error that suggests the closest one."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from subpixel.errors import SubpixelError, unknown
from subpixel.storage.suffixes import IMAGES, VIDEOS

__all__ = ["command_for", "unknown_command", "unknown_option"]


def unknown_command(name: str, commands: Iterable[str], program: str = "subpixel") -> SubpixelError:
    """The error for a name that is no command of a program.

    >>> print(unknown_command("upscal", ["upscale", "video"]))
    Unknown command 'upscal'. Did you mean 'upscale'? See `subpixel --help`.
    """
    return unknown("command", name, commands, hint=f"See `{program} --help`.")


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
