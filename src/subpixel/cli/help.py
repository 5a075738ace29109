"""Help pages: options in panels, examples at the end, at most 100 columns.

rich draws them. It is imported when a page is shown, so other commands do not wait for it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from subpixel.cli.options import REPORTING
from subpixel.errors import InvalidArgument
from subpixel.storage.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

__all__ = ["HelpCommand", "HelpGroup", "HelpSubgroup", "Panels", "contexts", "panels", "paragraphs", "usage"]

# By the title of a panel: a label and its text in each row.
Panels = dict[str, list[tuple[str, str]]]

_WIDTH = 100
# Addresses in bytes that a command's libraries take: 110 MB for images, 200 for videos.
_TO_START = 160 << 20
# The metavars of options that take a path, and what a path stands for.
_PATHS = {"PATH": "a file or a folder", "FILE": "a file", "FOLDER": "a folder"}


class HelpCommand(TyperCommand):
    """A command whose help page is drawn here, and which refuses empty paths and a limit that its libraries exceed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "" in args or any(word.endswith("=") for word in args):
            _check_paths(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        require_memory(_TO_START, "subpixel", help_text="")
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_page(self, ctx))


class HelpGroup(TyperGroup):
    """The commands together. A file in place of a command is upscaled; an unknown command suggests the closest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # typer puts those that consist of others first.
        self.commands = dict(sorted(self.commands.items(), key=lambda each: isinstance(each[1], TyperGroup)))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_page(self, ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from subpixel.cli.suggestions import command_for, unknown_command

            command = command_for(name)
            if command is None:
                raise unknown_command(name, self.commands)
            args = [command, *args]
        return super().resolve_command(ctx, args)


class HelpSubgroup(TyperGroup):
    """Commands under the name of another; an unknown one suggests the closest."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_page(self, ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from subpixel.cli.suggestions import unknown_command

            raise unknown_command(args[0], self.commands, ctx.command_path)
        return super().resolve_command(ctx, args)


def _check_paths(command: Any, ctx: Any, args: list[str]) -> None:
    """Raise InvalidArgument if a path is empty. ``Path("")`` is the current folder, so the words themselves are read.

    Variables of a shell script that are not set are the usual cause.
    """
    values = command.make_parser(ctx).parse_args(args=list(args))[0]
    for param in command.get_params(ctx):
        value = values.get(param.name)
        if "" not in (value if isinstance(value, (list, tuple)) else [value]):
            continue
        if param.param_type_name == "argument":
            raise InvalidArgument(f"{param.metavar.strip('[].')} is empty; name a file.")
        kind = _PATHS.get(param.metavar)
        if kind is not None:
            raise InvalidArgument(f"{max(param.opts, key=len)} is empty; name {kind}.")


def paragraphs(text: str) -> list[str]:
    r"""A docstring's paragraphs, each on one line.

    >>> paragraphs("Upscale\n    images.\n\n    More.")
    ['Upscale images.', 'More.']
    """
    return [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n") if part.strip()]


def _page(command: Any, ctx: Any) -> str:
    """The help page of a command, or of all commands, as wide as the terminal but at most 100 columns."""
    from rich.console import Console, Group
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def panel(title: str, rows: list[tuple[str, str]], label_width: int) -> RenderableType:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(style="bold cyan", width=label_width, no_wrap=True)
        table.add_column(ratio=1)
        for label, text in rows:
            table.add_row(Text(label), Text(text))
        return Panel(table, title=title, title_align="left", border_style="dim")

    console = Console(highlight=False)
    rows_of = panels(command, ctx)
    label_width = max(len(label) for rows in rows_of.values() for label, _ in rows)
    texts = [Text(f"Usage: {usage(command, ctx)}", style="bold"), *map(Text, paragraphs(command.help or ""))]
    parts: list[RenderableType] = [Padding(text, (0, 1, 1, 1)) for text in texts]
    parts += [panel(title, rows, label_width) for title, rows in rows_of.items()]
    if command.epilog:
        parts += [Text(" Examples:"), Text(command.epilog)]
    with console.capture() as capture:
        console.print(Group(*parts), width=min(console.width, _WIDTH))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def panels(command: Any, ctx: Any) -> Panels:
    """The rows of each panel: commands, arguments, then options in the order in which the command lists them."""
    groups = getattr(command, "commands", {})
    rows_of: Panels = {}
    for name, one in groups.items():
        rows_of.setdefault(one.rich_help_panel, []).append((name, paragraphs(one.help or "")[0]))
    for param in sorted(command.get_params(ctx), key=lambda one: one.param_type_name):  # "argument", "option"
        title = getattr(param, "rich_help_panel", None)
        if title is None:
            title = "Arguments" if param.param_type_name == "argument" else "Options" if groups else REPORTING
        rows_of.setdefault(title, []).append((_label(param), _text(param)))
    return rows_of


def contexts(group: Any, ctx: Any) -> Iterator[tuple[Any, Any]]:
    """The commands of a group, and those of groups inside of it, each with a context to ask it in."""
    for name, command in group.commands.items():
        inner = command.make_context(name, [], parent=ctx, resilient_parsing=True)
        if hasattr(command, "commands"):
            yield from contexts(command, inner)
        else:
            yield command, inner


def usage(command: Any, ctx: Any) -> str:
    """What to type: the command, its arguments and its options."""
    if hasattr(command, "commands"):
        return f"{ctx.command_path} COMMAND [OPTIONS]"
    arguments = [_label(param) for param in command.get_params(ctx) if param.param_type_name == "argument"]
    return " ".join([ctx.command_path, *arguments, "[OPTIONS]"])


def _label(param: Any) -> str:
    """An argument's name, or an option's names and what follows them."""
    metavar = param.metavar or param.name.upper()
    if param.param_type_name == "argument":
        return str(metavar)
    names = ", ".join(sorted([*param.opts, *param.secondary_opts], key=len))
    return names if param.is_flag else f"{names} {metavar}"


def _text(param: Any) -> str:
    """An option's help, with its default if that is a value."""
    text: str = param.help or ""
    if param.param_type_name == "argument":
        return text
    if param.required:
        return f"{text} Required."
    value = param.default
    if not param.show_default or isinstance(value, bool) or value in (None, ""):
        return text
    return f"{text} Default: {f'{value:g}' if isinstance(value, float) else value}."
