"""Results as text for a terminal, as Markdown and as a plot."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from subpixel.bench.machine import label
from subpixel.bench.results import Entry, Group, Results

__all__ = ["markdown", "plot", "text"]

_HEAD = ("", "ms", "quartiles", "of its ceiling", "takes × ours")
_COLOURS = {"ours": "#4e79a7", "candidate": "#f28e2b", "peer": "#bab0ac", "ceiling": "#59a14f"}


def text(groups: Iterable[Group]) -> str:
    """Tables in columns, as the command prints them while it measures."""
    return "\n".join(line for group in groups for line in _text(group))


def _text(group: Group) -> Iterator[str]:
    yield f"{group.id.removeprefix('ops/')} {group.title}" if group.id.startswith("ops/") else group.title
    if group.entries:
        table = _table(group)
        widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
        for row in table:
            cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
            yield "  " + "  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip()
    for fact in group.facts:
        yield f"  {fact.name}: {_figure(fact.value)} {fact.unit}"
    for note in group.notes:
        yield f"  {note}"


def markdown(results: Iterable[Results]) -> str:
    """The tables of ``docs/performance.md``: one section for each run. All cases of an operator share a table."""
    return "\n".join(line for one in results for line in _section(one)).rstrip() + "\n"


def _section(results: Results) -> Iterator[str]:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    threads = f"{machine['threads']} thread{'s'[: machine['threads'] > 1]}"
    target = f", target `{machine['target']}`" if "target" in machine else ""
    yield f"## Suite `{results.suite}`, {threads}{target}\n"
    for line in (f"Machine: {label(dict(machine))}", _load(machine), f"Versions: {versions}"):
        yield textwrap.fill(f"- {line}.", 120, subsequent_indent="  ", break_on_hyphens=False)
    yield ""
    for _, members in groupby(results.groups, key=lambda group: group.id):
        groups = list(members)
        if groups[0].id.startswith("ops/"):
            yield from _operator(groups)
        else:
            yield from _group_table(groups[0])


def _load(machine: Mapping[str, Any]) -> str:
    """The load before a run, and what follows from it for the reader."""
    load = machine["load_before"]
    text = f"Load average before the run: {load}"
    if load > machine["processors"]:
        return f"{text}. Other work ran on the machine at that time, so small differences mean nothing"
    # A suite keeps all threads busy, and the average over a minute takes minutes to forget it.
    return f"{text}, from other work or from the suite that ran before" if load >= 0.5 else text


def _group_table(group: Group) -> Iterator[str]:
    yield f"### {group.title}\n"
    if group.entries:
        yield from _markdown_table(_table(group))
    if group.facts:
        yield from _markdown_table(
            [("", ""), *((fact.name, f"{_figure(fact.value)} {fact.unit}") for fact in group.facts)]
        )
    for note in group.notes:
        yield f"{note}\n"


def _operator(groups: Sequence[Group]) -> Iterator[str]:
    """Many cases of one operator: one table for each set of entries, one line for each case."""
    yield f"### {groups[0].id.removeprefix('ops/')}\n"
    for names, members in groupby(groups, key=lambda group: tuple(entry.name for entry in group.entries)):
        rows = []
        for group in members:
            ours = next(entry for entry in group.entries if entry.role == "ours")
            cells = [_cell(group, entry) for entry in group.entries]
            rows.append((group.title, *cells, _ratio(group.of_ceiling(ours))))
        yield from _markdown_table([("ms", *names, "of its ceiling"), *rows])


def _cell(group: Group, entry: Entry) -> str:
    ratio = group.times_ours(entry)
    return _figure(entry.time.median) + (f" ({_ratio(ratio)}×)" if ratio is not None else "")


def _markdown_table(table: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *rows = table
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _table(group: Group) -> list[tuple[str, ...]]:
    """A line for each entry. Where quality is known: also dB by test set, and no lines for ceilings."""
    sets = list(dict.fromkeys(name for entry in group.entries for name in entry.quality or {}))
    entries = [entry for entry in group.entries if entry.role != "ceiling" or not sets]
    rows = [(*_row(group, entry), *(_decibels((entry.quality or {}).get(name)) for name in sets)) for entry in entries]
    return [(*_HEAD, *(f"{name}, dB" for name in sets)), *rows]


def _row(group: Group, entry: Entry) -> tuple[str, ...]:
    time = entry.time
    spread = f"{_figure(time.low)}–{_figure(time.high)}"
    name = entry.name
    if entry.pixels is not None:
        name += f" ({time.median * 1e6 / entry.pixels:.1f} ns a pixel)"
    return (
        name,
        _figure(time.median),
        spread,
        _ratio(group.of_ceiling(entry)),
        _ratio(group.times_ours(entry)),
    )


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def plot(results: Results, path: str | Path) -> None:
    """Draw suite ``engine``: bars of milliseconds for groups with peers, bars of percent for targets.

    Args:
        results: of suite ``engine``.
        path: the image file to write.

    Needs matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = [group for group in results.groups if group.id.startswith(("peers-", "end-to-end", "targets-"))]
    heights = [len(_plot_entries(group)) + 1.5 for group in groups]
    figure = Figure(figsize=(9, 0.3 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(groups), height_ratios=heights, squeeze=False)[:, 0]
    for axes, group in zip(panels, groups, strict=True):
        entries = _plot_entries(group)[::-1]
        if group.id.startswith("targets-"):
            lengths = [100 * (group.of_ceiling(entry) or 0) for entry in entries]
            axes.set(xlim=(0, max(100, 1.1 * max(lengths))), xlabel="% of the ceiling of its precision on its target")
        else:
            lengths = [entry.time.median for entry in entries]
            axes.set(xlabel="ms, less is better")
        bars = axes.barh([entry.name for entry in entries], lengths, color=[_COLOURS[entry.role] for entry in entries])
        axes.bar_label(bars, fmt=_figure, padding=3, fontsize=8)
        axes.margins(x=0.1)
        axes.set_title(group.title, fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=100)


def _plot_entries(group: Group) -> list[Entry]:
    if group.id.startswith("targets-"):
        return [entry for entry in group.entries if entry.role != "ceiling"]
    return list(group.entries)
