"""Tables of text in aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["align_rows", "column_widths"]


def column_widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of each column: that of its longest cell."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def align_rows(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """The rows as lines, with two spaces between columns.

    Args:
        rows: cells of equal number.
        left: how many of the first columns are aligned left; the others are aligned right.

    >>> print(*align_rows([("", "dB"), ("Set5", "37.19")]), sep="|")
             dB|Set5  37.19
    """
    widths = column_widths(rows)
    for row in rows:
        cells = [
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
