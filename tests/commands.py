"""The commands of the command line, those inside of groups too."""

from __future__ import annotations

from typing import Any

import typer

from subpixel.cli.app import app

__all__ = ["COMMANDS", "GROUP", "GROUPS", "parse"]

GROUP: Any = typer.main.get_command(app)
# Commands that consist of others.
GROUPS: dict[str, Any] = {name: command for name, command in GROUP.commands.items() if hasattr(command, "commands")}
# By what is typed: "upscale", "cluster images".
COMMANDS: dict[str, Any] = {
    f"{name} {inner}".rstrip(): command
    for name, outer in GROUP.commands.items()
    for inner, command in (outer.commands if name in GROUPS else {"": outer}).items()
}


def parse(words: list[str]) -> Any:
    """The context of a command, parsed as its own command line would, without running it.

    Args:
        words: after ``subpixel``.
    """
    name, *arguments = words
    assert name in GROUP.commands, f"there is no command {name!r}"
    if name in GROUPS and arguments[:1] not in ([], ["--help"]):
        inner, *arguments = arguments
        name = f"{name} {inner}"
        assert name in COMMANDS, f"there is no command {name!r}"
    command = COMMANDS.get(name) or GROUPS[name]
    return command.make_context(name, arguments)
