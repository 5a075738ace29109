"""The files of the page: an explicit list. No path of a client is looked up on the disk."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

__all__ = ["PAGE_FILES", "page_file"]

_FOLDER = Path(__file__).parents[1] / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
# By name: its media type. Made when the server starts, from the files that belong to the package.
PAGE_FILES: dict[str, str] = {
    path.name: _TYPES[path.suffix] for path in sorted(_FOLDER.iterdir()) if path.is_file() and path.suffix in _TYPES
}


@cache
def page_file(name: str) -> tuple[bytes, str, str] | None:
    """The content of a file of the page, its media type and its ETag; None if there is no such file."""
    if name not in PAGE_FILES:
        return None
    content = (_FOLDER / name).read_bytes()
    return content, PAGE_FILES[name], f'"{hashlib.sha256(content).hexdigest()[:32]}"'
