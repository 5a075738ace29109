"""The parts of a report that come as Markdown and pictures: the decoder, and LR space against HR space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

__all__ = ["MarkdownResults", "blocks_of"]


class MarkdownResults(Protocol):
    """Results that say themselves how they are shown."""

    @property
    def pictures(self) -> Mapping[str, Path]:
        """PNG files that were made of them, by name."""
        ...

    def to_markdown(self) -> str:
        """Headings, paragraphs, lists and tables."""
        ...


def blocks_of(markdown: str) -> list[dict[str, Any]]:
    """Headings, paragraphs, lists and tables of a text, as data for the template.

    >>> [block["kind"] for block in blocks_of("# A\\n\\ntext\\n\\n| a | b |\\n| - | -: |\\n| 1 | 2 |\\n\\n- one")]
    ['heading', 'text', 'table', 'list']
    """
    blocks = list(_blocks(markdown))
    for number, block in enumerate((one for one in blocks if one["kind"] == "table"), 1):
        block["number"] = number
    return blocks


def _blocks(markdown: str) -> Iterator[dict[str, Any]]:
    for chunk in re.split(r"\n\s*\n", markdown.strip()):
        lines = chunk.splitlines()
        if not lines:
            continue
        if len(lines) >= 2 and all(line.startswith("|") for line in lines):
            head, rule, *rows = map(_cells, lines)
            yield {"kind": "table", "head": head, "right": [cell.endswith(":") for cell in rule], "rows": rows}
        elif lines[0].startswith("#"):
            yield {"kind": "heading", "text": _plain(lines[0].lstrip("# "))}
            if len(lines) > 1:
                yield from _blocks("\n".join(lines[1:]))
        elif all(line.startswith(("- ", "* ")) for line in lines):
            yield {"kind": "list", "entries": [_plain(line[2:]) for line in lines]}
        else:
            yield {"kind": "text", "text": _plain(" ".join(lines))}


def _cells(line: str) -> list[str]:
    return [_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip()[1:].removesuffix("|"))]


def _plain(text: str) -> str:
    """Without the marks of Markdown: a page has its own."""
    return re.sub(r"\\([*|_`])", r"\1", re.sub(r"(\*\*|`)(.+?)\1", r"\2", text))
