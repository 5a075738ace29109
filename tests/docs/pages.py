"""The pages of the documentation, and what their tests read in them."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["BY_HAND", "GENERATED", "PAGES", "ROOT", "blocks", "prose", "text_of"]

ROOT = Path(__file__).resolve().parents[2]
# A study writes the one in laboratory/ beside its data.
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "docs" / "laboratory" / "decoder.md"})
# Scripts of docs/ write most of these pages, and their own tests watch over them.
GENERATED = ("models.md", "performance.md")
BY_HAND = [page for page in PAGES if page.name not in GENERATED]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """``(first line, code)`` of each fenced block of a language; lines are counted from 1."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", text, re.M | re.S)
    return [(text.count("\n", 0, match.start(2)) + 1, match.group(2)) for match in found]


def prose(text: str) -> list[tuple[int, str]]:
    """The lines outside of fenced blocks, counted from 1."""
    lines, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("```"):
            inside = not inside
        elif not inside:
            lines.append((number, line))
    return lines
