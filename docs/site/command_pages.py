"""A page for each command, made from its own help."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from subpixel.cli.app import app
from subpixel.cli.help import Panels, contexts, panels, paragraphs, usage

__all__ = ["pages"]

FOLDER = "reference/commands"


def pages() -> Mapping[str, str]:
    """The text of each page by its path on the site."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("subpixel", [], resilient_parsing=True)
    found = {f"{FOLDER}/index.md": "\n\n".join(_page(group, context)) + "\n"}
    for command, inner in contexts(group, context):
        name = inner.command_path.removeprefix("subpixel ").replace(" ", "-")
        found[f"{FOLDER}/{name}.md"] = "\n\n".join(_page(command, inner)) + "\n"
    return found


def _page(command: Any, context: Any) -> Iterator[str]:
    yield f"# {context.command_path}"
    yield f"```\n{usage(command, context)}\n```"
    yield from map(_text, paragraphs(command.help or ""))
    yield from _tables(panels(command, context))
    if command.epilog:
        yield "## Examples"
        lines = (line.removeprefix("  ") for line in command.epilog.splitlines())
        yield "```sh\n" + "\n".join(lines) + "\n```"


def _tables(found: Panels) -> Iterator[str]:
    for title, rows in found.items():
        yield f"## {title}"
        lines = ["| | |", "| --- | --- |"]
        lines += [f"| {_code(label)} | {_text(text)} |" for label, text in rows]
        yield "\n".join(lines)


def _code(label: str) -> str:
    return ", ".join(f"`{each}`" for each in label.split(", "))


def _text(text: str) -> str:
    """Plain text as Markdown; only backticks mean here what they mean there.

    >>> _text("a*b of `c_d` <e>")
    'a\\\\*b of `c_d` &lt;e>'
    """
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*_\\[\]|])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)
