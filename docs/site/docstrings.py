"""Docstrings as mkdocstrings wants them: sessions of Python as blocks of code, roles as links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([^`]+)`")


class Docstrings(griffe.Extension):
    """Rewrites every docstring of the package once it is read."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        for thing in _all(pkg):
            if thing.docstring is not None:
                text = _ROLE.sub(partial(_link, thing), thing.docstring.value)
                thing.docstring.value = _with_blocks(text)


def _all(thing: Any) -> Iterator[Any]:
    yield thing
    for member in thing.members.values():
        if not member.is_alias:
            yield from _all(member)


def _link(thing: Any, found: re.Match[str]) -> str:
    """A name as code, which leads to its entry if there is one."""
    name = found[2]
    shown = name.rsplit(".", 1)[-1] if found[1] else name
    try:
        place = name if name.startswith("subpixel.") else thing.resolve(name)
    except griffe.NameResolutionError:
        return f"`{shown}`"
    return f'<autoref identifier="{place}" optional>`{shown}`</autoref>'


def _with_blocks(text: str) -> str:
    """The text with a fence around each session.

    >>> _with_blocks("One.\\n\\n>>> 1\\n1")
    'One.\\n\\n```pycon\\n>>> 1\\n1\\n```'
    """
    paragraphs = re.split(r"\n\n+", text)
    return "\n\n".join(f"```pycon\n{each}\n```" if each.startswith(">>> ") else each for each in paragraphs)
