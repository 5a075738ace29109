"""A page for each command, made from its own help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
    inner = {one.command_path.removeprefix("subpixel "): (command, one) for command, one in contexts(group, context)}
    found = {"index": _page(group, context, inner)}
    found |= {name.replace(" ", "-"): _page(command, one) for name, (command, one) in inner.items()}
    return {f"{FOLDER}/{name}.md": "\n\n".join(parts) + "\n" for name, parts in found.items()}


def _page(command: Any, context: Any, others: Iterable[str] = ()) -> Iterator[str]:
    """The parts of a page; names of other commands lead to theirs."""
    yield f"# {context.command_path}"
    yield f"```\n{usage(command, context)}\n```"
    yield from map(_text, paragraphs(command.help or ""))
    yield from _tables(panels(command, context), others)
    if command.epilog:
        yield "## Examples"
        lines = (line.removeprefix("  ") for line in command.epilog.splitlines())
        yield "```sh\n" + "\n".join(lines) + "\n```"


def _tables(found: Panels, others: Iterable[str]) -> Iterator[str]:
    for title, rows in found.items():
        yield f"## {title}"
        lines = ["| | |", "| --- | --- |"]
        for label, text in rows:
            pages = [name for name in others if name == label or name.startswith(f"{label} ")]
            links = ", ".join(f"[`{name}`]({name.replace(' ', '-')}.md)" for name in pages)
            lines.append(f"| {links or _code(label)} | {_text(text)} |")
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
