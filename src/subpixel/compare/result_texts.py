"""What all results of the laboratory share as texts: Markdown tables, data without times, and their files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from subpixel.storage.whole_files import write_whole

__all__ = ["markdown_table", "save_texts", "without_keys"]


def markdown_table(lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown that is legible as text: the first column is aligned left, the others right.

    Args:
        lines: cells of equal number; the first line is the head.

    >>> print(*markdown_table([("", "dB"), ("Set5", "37.19")]), sep="\\n")
    |      |    dB |
    | ---- | ----: |
    | Set5 | 37.19 |
    """
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        pairs = zip(row, widths, strict=True)
        cells = [cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(pairs)]
        yield f"| {' | '.join(cells)} |"
        if not number:
            yield f"| {' | '.join(['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])])} |"


def without_keys(value: Any, keys: Collection[str]) -> Any:
    """JSON data without the entries of these names, at every depth.

    >>> without_keys({"a": [{"b": 1, "c": 2}]}, ("c",))
    {'a': [{'b': 1}]}
    """
    if isinstance(value, dict):
        return {key: without_keys(one, keys) for key, one in value.items() if key not in keys}
    return [without_keys(one, keys) for one in value] if isinstance(value, list) else value


def save_texts(folder: str | Path, texts: Mapping[str, str]) -> list[Path]:
    """Write texts to files of a folder, which is made if it is missing; returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return [write_whole(target / name, text) for name, text in texts.items()]
