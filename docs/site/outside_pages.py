"""Pages that lie outside of docs/: the README, the pages beside it, and the examples. And links from and to them."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["ROOT", "pages", "with_links_of_the_site"]

ROOT = Path(__file__).resolve().parents[2]
# Their paths in the repository, and on the site.
BESIDE = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "ATTRIBUTION.md": "project/attribution.md",
}
EXAMPLES = "examples.md"
_PLACES = {there: here for here, there in BESIDE.items()}
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def pages() -> Mapping[str, str]:
    """The text of each page by its path on the site."""
    found = {there: (ROOT / here).read_text(encoding="utf-8") for here, there in BESIDE.items()}
    found["index.md"] = f"---\nhide: [navigation]\n---\n{found['index.md']}"
    return {**found, EXAMPLES: _examples()}


def _examples() -> str:
    parts = ["# Examples", "One short script for each task, in the folder `examples` of the repository."]
    for path in sorted((ROOT / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        about = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
        code = text.split('"""\n', 2)[-1].strip() if text.startswith('"""') else text.strip()
        parts += [f"## {path.name}", about, f"```python\n{code}\n```"]
    return "\n\n".join(parts) + "\n"


def with_links_of_the_site(markdown: str, path: str) -> str:
    """The text of a page with its links as they are on the site.

    Args:
        markdown: its text, with the links that work in the repository.
        path: its path on the site.
    """
    lines, inside = [], False
    for line in markdown.split("\n"):
        fence = line.strip().startswith("```")
        inside = inside != fence
        lines.append(line if inside or fence else _LINK.sub(lambda found: _moved(found, path), line))
    return "\n".join(lines)


def _moved(found: re.Match[str], path: str) -> str:
    target, _, fragment = found[2].partition("#")
    if not target or ":" in target:
        return found[0]
    source = _PLACES.get(path, f"docs/{path}")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if place.startswith("examples"):
        there, fragment = EXAMPLES, Path(place).name.replace(".", "") if place.endswith(".py") else ""
    else:
        there = BESIDE.get(place, place.removeprefix("docs/"))
    moved = posixpath.relpath(there, posixpath.dirname(path) or ".")
    return f"{found[1]}{moved}{'#' if fragment else ''}{fragment}{found[3]}"
