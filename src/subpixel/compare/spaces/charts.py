"""The charts of LR space against HR space. They need matplotlib, from the extra ``compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from subpixel.compare.charts import new_chart, save_chart
from subpixel.compare.spaces.designs import FAMILIES
from subpixel.compare.spaces.results import NetworkResult, Pairing
from subpixel.errors import MissingExtra

__all__ = ["check_matplotlib", "draw_costs", "draw_differences", "draw_learning"]

# Okabe and Ito's colours, which colour-blind people can tell apart; with a marker each, in the order of the families.
_COLOURS = dict(zip(FAMILIES, ("#0072B2", "#D55E00", "#E69F00", "#009E73"), strict=True))
_MARKERS = dict(zip(FAMILIES, ("o", "s", "D", "^"), strict=True))
_DPI = 100


def check_matplotlib() -> None:
    """Raise MissingExtra if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("the charts of networks need matplotlib: pip install 'subpixel[compare]'") from None


def draw_costs(networks: Sequence[NetworkResult], bicubic: float, scale: int, path: Path) -> None:
    """PSNR against multiply-adds, parameters and measured time, a curve for each family.

    The bars are the intervals of the gain over bicubic: the images' own differences, which are the same for all
    networks, are left out of them.
    """
    size = list(networks[0].milliseconds)[-1]
    panels = [
        ("multiply-adds for each pixel of the result", [one.macs for one in networks]),
        ("parameters", [float(one.parameters) for one in networks]),
        (f"milliseconds in the engine for {size.replace('x', '×')}", [one.milliseconds[size] for one in networks]),
    ]
    figure = new_chart((12, 4.6))
    for axes, (label, costs) in zip(figure.subplots(1, 3, sharey=True), panels, strict=True):
        for family in FAMILIES:
            points = [(cost, one) for cost, one in zip(costs, networks, strict=True) if one.family == family]
            means = np.array([one.gain.mean for _, one in points])
            ends = [means - [one.gain.low for _, one in points], [one.gain.high for _, one in points] - means]
            axes.errorbar(
                [cost for cost, _ in points],
                bicubic + means,
                yerr=ends,
                color=_COLOURS[family],
                marker=_MARKERS[family],
                label=FAMILIES[family].title,
                capsize=3,
                lw=1.5,
            )
        axes.set(xscale="log", xlabel=label)
        _plain_ticks(axes, costs)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("PSNR of luma, dB")
    figure.suptitle(f"×{scale}: bars are intervals of 95 % of the gain over bicubic ({bicubic:.2f} dB)", fontsize=12)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save_chart(figure, path, _DPI)


def _plain_ticks(axes: Any, costs: Sequence[float]) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, written as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(min(costs) / 1.25, max(costs) * 1.25)


def draw_differences(pairings: Sequence[Pairing], scale: int, path: Path) -> None:
    """PSNR of the LR network less that of each network in HR space, with intervals."""
    figure = new_chart((9, 0.45 * len(pairings) + 1.4))
    axes = figure.subplots()
    for place, one in enumerate(pairings):
        value, family = one.difference, one.difference.second
        axes.errorbar(
            value.mean,
            -place,
            xerr=[[value.mean - value.low], [value.high - value.mean]],
            color=_COLOURS[family],
            marker=_MARKERS[family],
            capsize=3,
            lw=1.5,
        )
    axes.axvline(0, color="black", lw=0.8)
    names = [f"{FAMILIES[one.difference.second].title}, {one.budget}" for one in pairings]
    axes.set_yticks([-place for place in range(len(pairings))], names)
    title = f"×{scale}: PSNR of LR space less that of HR space"
    axes.set(xlabel="dB, with intervals of 95 %; right of 0, LR space is better", title=title)
    axes.set_ylim(-len(pairings) + 0.4, 0.6)
    axes.grid(alpha=0.3)
    save_chart(figure, path, _DPI)


def draw_learning(networks: Sequence[NetworkResult], scale: int, path: Path) -> None:
    """PSNR of some held-out images against steps, the mean over the seeds; a panel for each budget."""
    budgets = list(dict.fromkeys(one.budget for one in networks))
    figure = new_chart((12, 4.4))
    for axes, budget in zip(figure.subplots(1, len(budgets), sharey=True, squeeze=False)[0], budgets, strict=True):
        for one in networks:
            if one.budget == budget:
                points = np.asarray(list(one.curves.values()), np.float64)
                style = {"color": _COLOURS[one.family], "marker": _MARKERS[one.family], "ms": 5, "lw": 1.5}
                axes.plot(points[0, :, 0], points[:, :, 2].mean(0), label=FAMILIES[one.family].title, **style)
        axes.set(xlabel="steps", title=f"×{scale}, {budget}")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("PSNR of luma, dB")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save_chart(figure, path, _DPI)
