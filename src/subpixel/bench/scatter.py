"""A plot of quality against time."""

from __future__ import annotations

from pathlib import Path

from subpixel.bench.results import Entry, Group

__all__ = ["scatter"]

_COLOURS = {"ours": "#4e79a7", "candidate": "#f28e2b", "peer": "#7f7f7f"}
_MARKS = {"f32": "o", "int8": "s"}


def scatter(group: Group, path: str | Path) -> None:
    """Draw a panel for each test set: milliseconds on a logarithmic axis against dB. Up and left is better.

    Circles are f32, squares are int8; a dotted line joins those of one model. The solid line is the frontier of our
    models, shipped and candidates. Needs matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    sets = list(dict.fromkeys(name for entry in group.entries for name in entry.quality or {}))
    figure = Figure(figsize=(9, 4.2 * max(1, len(sets))), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(max(1, len(sets)), squeeze=False)[:, 0]
    for axes, name in zip(panels, sets, strict=False):
        entries = [entry for entry in group.entries if name in (entry.quality or {})]
        ours = [entry for entry in entries if entry.role in ("ours", "candidate")]
        edge = frontier(ours, name)
        axes.plot([e.time.median for e in edge], [_db(e, name) for e in edge], color="#d0d7de", zorder=0)
        for model in dict.fromkeys(_model(entry) for entry in ours):
            both = [entry for entry in ours if _model(entry) == model]
            times, levels = [e.time.median for e in both], [_db(e, name) for e in both]
            axes.plot(times, levels, color=_COLOURS[both[0].role], linewidth=0.8, linestyle=":", zorder=1)
        for entry in entries:
            axes.plot(
                entry.time.median,
                _db(entry, name),
                marker=_MARKS.get(entry.name.rpartition(" ")[2], "D"),
                color=_COLOURS[entry.role],
                markerfacecolor="white" if entry.role == "candidate" else None,
            )
            # Labels of int8 go below, others above, since both of a model are often close.
            offset = (5, -9) if entry.name.endswith(" int8") else (5, 3)
            at = (entry.time.median, _db(entry, name))
            axes.annotate(entry.name.removeprefix("OpenCV "), at, offset, textcoords="offset points", fontsize=7)
        axes.set(xscale="log", xlabel="ms, less is better", ylabel="PSNR of luma, dB")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.12, y=0.12)
        axes.set_title(f"{name}: {group.title}", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=100)


def frontier(entries: list[Entry], test_set: str) -> list[Entry]:
    """The entries for which no other is both faster and better, the fastest first."""
    result: list[Entry] = []
    for entry in sorted(entries, key=lambda e: (e.time.median, -_db(e, test_set))):
        if not result or _db(entry, test_set) > _db(result[-1], test_set):
            result.append(entry)
    return result


def _db(entry: Entry, test_set: str) -> float:
    return (entry.quality or {})[test_set]


def _model(entry: Entry) -> str:
    """A label without its precision."""
    return entry.name.rpartition(" ")[0]
