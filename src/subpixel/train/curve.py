"""The curve of a run: a CSV file with a line per measurement, and a plot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["COLUMNS", "write_curve"]

COLUMNS = ("step", "minutes", "loss", "learning_rate", "validation_psnr_y")


def write_curve(rows: Sequence[Sequence[float]], base: Path, title: str) -> None:
    """Write ``base.csv``, and ``base.png`` with validation PSNR against time.

    Args:
        rows: one row per measurement, in the order of :data:`COLUMNS`.
        base: a path without suffix.
        title: the title of the plot.
    """
    with open(base.with_suffix(".csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([row[1] for row in rows], [row[4] for row in rows], marker=".")
    axes.set(xlabel="minutes", ylabel="validation PSNR, luma, dB", title=title)
    axes.grid(alpha=0.3)
    loss = axes.twinx()
    loss.plot([row[1] for row in rows], [row[2] for row in rows], color="tab:orange", alpha=0.6)
    loss.set(ylabel="training loss", yscale="log")
    figure.savefig(base.with_suffix(".png"), dpi=100)
