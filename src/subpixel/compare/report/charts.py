"""The charts of a comparison: quality against cost, the checkerboard, the losses of what was trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subpixel.compare.methods import FAMILIES
from subpixel.compare.report.canvas import DARK, LIGHT, Theme, new_figure, save_figure
from subpixel.compare.report.labels import place_labels
from subpixel.compare.results import MethodResult, Results

__all__ = ["CHARTS", "Chart", "write_charts"]

# Colours of Okabe and Ito, which people with colour blindness tell apart, and a marker for each family besides.
_FAMILY_STYLE = dict(
    zip(
        FAMILIES,
        (
            ("#56b4e9", "o"),
            ("#e69f00", "s"),
            ("#999999", "X"),
            ("#cc79a7", "v"),
            ("#d55e00", "^"),
            ("#0072b2", "D"),
            ("#009e73", "P"),
        ),
        strict=True,
    )
)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")


@dataclass(frozen=True)
class Chart:
    """A chart of a comparison.

    Args:
        name: of its file, ``chart-NAME.png``.
        title: above it.
        about: what it shows, in one or two sentences.
        draw: draws it on a new figure; None if there is nothing to show.
    """

    name: str
    title: str
    about: str
    draw: Callable[[Results, Theme], Any]


def write_charts(folder: Path, results: Results) -> list[tuple[Chart, Path, bytes]]:
    """Write every chart that has something to show as ``folder/chart-NAME.png``.

    Returns:
        Each chart, its file, and the bytes of a PNG for dark pages.

    Raises:
        MissingExtra: matplotlib is not installed.
        OSError: a file cannot be written.
    """
    written = []
    for chart in CHARTS:
        light, dark = (chart.draw(results, theme) for theme in (LIGHT, DARK))
        if light is not None and dark is not None:
            path = folder / f"chart-{chart.name}.png"
            for figure in (light, dark):
                figure.title(f"{chart.title}: {_shortened(results.name)}, ×{results.scale}")
            save_figure(light, path)
            written.append((chart, path, save_figure(dark)))
    return written


def _shortened(name: str) -> str:
    return name if len(name) <= 48 else f"{name[:30]} … {name[-15:]}"


def _scatter(results: Results, theme: Theme, cost: str, label: str) -> Any:
    shown = [
        one
        for one in results.measured
        if not one.sees_truth
        and one.psnr_y is not None
        and math.isfinite(one.psnr_y)
        and getattr(one, cost) is not None
    ]
    if not shown:
        return None
    figure = new_figure(theme, 7.2, 5.4)
    axes = figure.subplots()
    for family, (colour, marker) in _FAMILY_STYLE.items():
        members = [one for one in shown if one.family == family]
        if members:
            axes.scatter(
                [getattr(one, cost) for one in members],
                [one.psnr_y for one in members],
                color=colour,
                marker=marker,
                edgecolors=theme.ink,
                linewidths=0.5,
                s=44,
                label=family,
                zorder=3,
            )
    if any(getattr(one, cost) == 0 for one in shown):
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(left=-0.35)
    else:
        axes.set_xscale("log")
    axes.margins(x=0.12, y=0.1)
    axes.set(xlabel=label, ylabel="PSNR of Y, dB")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    labels = [(getattr(one, cost), one.psnr_y or 0.0, one.name) for one in sorted(shown, key=_by_quality)]
    place_labels(figure, axes, labels, fontsize=7.5, color=theme.ink)
    return figure


def _by_quality(method: MethodResult) -> float:
    assert method.psnr_y is not None
    return -method.psnr_y


def _against_time(results: Results, theme: Theme) -> Any:
    return _scatter(results, theme, "milliseconds", "median time of a call, ms (logarithmic)")


def _against_macs(results: Results, theme: Theme) -> Any:
    return _scatter(results, theme, "macs", "multiply-adds for each pixel of the result (logarithmic from 1)")


def _checkerboard(results: Results, theme: Theme) -> Any:
    shown = [one for one in results.measured if one.checkerboard is not None]
    if not shown:
        return None
    shown.sort(key=lambda one: (one.checkerboard, one.title), reverse=True)
    figure = new_figure(theme, 7.2, 1.3 + 0.24 * len(shown))
    axes = figure.subplots()
    values = [float(one.checkerboard or 0) for one in shown]
    titles = [one.title + " *" * one.sees_truth for one in shown]
    colours = [_FAMILY_STYLE[one.family][0] for one in shown]
    bars = axes.barh(titles, values, color=colours, edgecolor=theme.ink, linewidth=0.4)
    behind = {"facecolor": theme.paper, "edgecolor": "none", "pad": 2.0}
    axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=4, fontsize=8, color=theme.ink, bbox=behind)
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlim(0, max(values) * 2.5 or 1)
    axes.tick_params(axis="y", labelsize=8.5)
    axes.margins(y=0.01)
    axes.set_xlabel("codes of luma, logarithmic from 0.1")
    if results.truth_checkerboard is not None:
        line = axes.axvline(results.truth_checkerboard, color=theme.ink, linestyle="--", linewidth=1.2, zorder=0.9)
        line.set_label(f"the reference: {results.truth_checkerboard:.3f}")
        figure.legend(loc="outside lower right", frameon=False, fontsize=9)
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    return figure


def _losses(results: Results, theme: Theme) -> Any:
    shown = [one for one in results.measured if one.details.get("losses")]
    if not shown:
        return None
    figure = new_figure(theme, 7.2, 4.4)
    axes = figure.subplots()
    for number, one in enumerate(shown):
        style = _DASHES[number % len(_DASHES)]
        axes.plot(one.details["losses"], label=one.title, linestyle=style, color=_COLOURS[number % 5], linewidth=1.8)
    axes.set(xlabel="step", ylabel="mean squared error, values of 0 … 1", yscale="log")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


CHARTS = (
    Chart(
        "psnr-time",
        "Quality against time",
        "Up and to the left is better. Methods that read the reference are left out.",
        _against_time,
    ),
    Chart(
        "psnr-multiply-adds",
        "Quality against multiply-adds",
        "The same quality against work that does not depend on the machine.",
        _against_macs,
    ),
    Chart(
        "checkerboard",
        "Checkerboard energy",
        "Root mean square of what repeats with the stride. The reference has some of its own; what lies far above it "
        "is an artefact.",
        _checkerboard,
    ),
    Chart(
        "loss",
        "Losses of what was trained here",
        "Each layer learns to put back the small image from a smaller one.",
        _losses,
    ),
)
