"""The table of ``subpixel models``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Any

from subpixel.cli.table import align_rows, column_widths

__all__ = ["ModelRow", "model_table"]

_WIDTH = 80
# The usual order of the test sets; others follow.
_SETS = ("Set5", "Set14", "BSD100")


@dataclass(frozen=True)
class ModelRow:
    """A model and one of its factors.

    Args:
        document: what ``--json`` prints of it.
        purpose: what people take it for.
        precision: the one that ``auto`` takes.
        psnr: of luma in dB in that precision, by test set or clip.
        video: whether the model is only for videos.
    """

    document: dict[str, Any]
    purpose: str
    precision: str
    psnr: dict[str, float]
    video: bool


def model_table(rows: Sequence[ModelRow], threads: int) -> str:
    """Models for images and models for videos as tables of at most 80 columns, and below what the figures are.

    Args:
        rows: each model's rows stand together.
        threads: of the measured times.
    """
    timed = any("time" in row.document for row in rows)
    lines: list[str] = []
    for title, video in (("Models for images", False), ("Models for videos (they use several frames)", True)):
        some = [row for row in rows if row.video is video]
        if some:
            lines += [title, "", *_table(some, timed), ""]
    notes = ["(auto) marks the default. PSNR is of luma in dB, in the precision shown, which auto takes."]
    if timed:
        count = f"{threads} thread{'s'[: threads > 1]}"
        notes.append(
            f"ms/Mpx: milliseconds for a megapixel of the result on this machine, with {count}; RGB bytes for images, "
            "luma for videos."
        )
    notes += _terms(rows)
    return "\n".join([*lines, *(line for note in notes for line in textwrap.wrap(note, _WIDTH))])


def _table(rows: Sequence[ModelRow], timed: bool) -> Iterator[str]:
    names = dict.fromkeys(name for row in rows for name in row.psnr)
    sets = sorted(names, key=lambda name: _SETS.index(name) if name in _SETS else len(_SETS))
    heads = [name.removesuffix(".mkv") for name in sets]
    head = ("Model", "Scale", "Params", "Precision", *heads, *(["ms/Mpx"] if timed else []))
    cells = [head, *(_cells(row, sets, timed) for row in rows)]
    # The purpose takes the columns that are left, on as many lines as it needs. Beside times there is no space for it.
    width = max(10, _WIDTH - sum(one + 2 for one in column_widths(cells)))
    if timed:
        return align_rows([head, *_without_repeats(cells[1:])])
    table = [(head[0], "Purpose", *head[1:])]
    for _, group in groupby(zip(rows, cells[1:], strict=True), key=lambda pair: pair[0].document["name"]):
        pairs = list(group)
        texts = textwrap.wrap(pairs[0][0].purpose, width)
        for number, (pair, text) in enumerate(zip_longest(pairs, texts)):
            one = ("",) * len(head) if pair is None else pair[1]
            table.append((one[0] if number == 0 else "", text or "", *one[1:]))
    return align_rows(table, left=2)


def _without_repeats(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The rows, with each name only where it first stands."""
    before = ""
    for name, *others in rows:
        yield ("" if name == before else name, *others)
        before = name


def _cells(row: ModelRow, sets: Sequence[str], timed: bool) -> tuple[str, ...]:
    document = row.document
    name = f"{document['name']} (auto)" if document["auto"] else document["name"]
    psnr = [f"{row.psnr[one]:.2f}" if one in row.psnr else "" for one in sets]
    time = [_milliseconds(document["time"]["ms_per_megapixel"])] if timed else []
    return (name, f"×{document['scale']}", f"{document['parameters']:,}", row.precision, *psnr, *time)


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _terms(rows: Sequence[ModelRow]) -> list[str]:
    """The terms of the weights, each with the models that have them; scales are named where they differ."""
    scales: dict[str, list[int]] = {}
    terms: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        name, scale = row.document["name"], row.document["scale"]
        scales.setdefault(name, []).append(scale)
        terms.setdefault(row.document["licence"], {}).setdefault(name, []).append(scale)
    if len(terms) == 1:
        return [f"Weights: {text}." for text in terms]
    notes = []
    for text, models in terms.items():
        names = [
            name if some == scales[name] else f"{name} {' '.join(f'×{scale}' for scale in some)}"
            for name, some in models.items()
        ]
        notes.append(f"Weights of {', '.join(names)}: {text}.")
    return notes
