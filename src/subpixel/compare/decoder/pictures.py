"""The charts of a comparison of decoders. They need matplotlib, from the extra ``compare``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.charts import new_chart, save_chart
from subpixel.compare.decoder.datasets import Examples
from subpixel.compare.decoder.kinds import BUDGETS, KINDS
from subpixel.compare.decoder.results import BudgetResult, KindResult
from subpixel.errors import MissingExtra

__all__ = ["check_matplotlib", "draw_learning", "draw_masks", "draw_ranking"]

U8 = NDArray[np.uint8]

# Okabe and Ito's colours, which colour-blind people can tell apart; with a marker each, in the order of the kinds.
_COLOURS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_CLASSES = ((38, 38, 38), (230, 159, 0), (86, 180, 233), (240, 228, 66), (213, 94, 0), (0, 158, 115), (204, 121, 167))
_DPI = 110


def check_matplotlib() -> None:
    """Raise MissingExtra if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("the charts of the decoders need matplotlib: pip install 'subpixel[compare]'") from None


def draw_ranking(budgets: Sequence[BudgetResult], path: Path) -> None:
    """IoU and boundary IoU of every kind with their intervals, a row of axes for each budget."""
    figure = new_chart((10, 0.9 + 2.5 * len(budgets)))
    all_axes = figure.subplots(len(budgets), 2, squeeze=False)
    for row, budget in zip(all_axes, budgets, strict=True):
        for axes, boundary in zip(row, (False, True), strict=True):
            _draw_intervals(axes, budget, boundary)
    figure.suptitle("Mean over the classes with intervals of 95 %; the rank in brackets")
    save_chart(figure, path, _DPI)


def _draw_intervals(axes: Any, budget: BudgetResult, boundary: bool) -> None:
    kinds = sorted(budget.kinds, key=lambda one: (one.boundary_iou if boundary else one.iou).mean)
    for place, one in enumerate(kinds):
        value = one.boundary_iou if boundary else one.iou
        error = [[100 * (value.mean - value.low)], [100 * (value.high - value.mean)]]
        axes.errorbar(
            100 * value.mean, place, xerr=error, color=_colour(one.kind), marker=_marker(one.kind), capsize=3, lw=1.5
        )
    ranks = [one.boundary_rank if boundary else one.rank for one in kinds]
    axes.set_yticks(range(len(kinds)), [f"{one.title} ({rank})" for one, rank in zip(kinds, ranks, strict=True)])
    what = "boundary IoU" if boundary else "IoU"
    axes.set(xlabel=f"{what}, %", title=f"{what[0].upper()}{what[1:]}, {BUDGETS[budget.budget]}")
    axes.set_ylim(-0.6, len(kinds) - 0.4)
    axes.grid(alpha=0.3)


def draw_learning(budgets: Sequence[BudgetResult], path: Path) -> None:
    """IoU of the validation images against steps, the mean over the seeds."""
    figure = new_chart((10, 4.9))
    all_axes = figure.subplots(1, len(budgets), squeeze=False, sharey=True)[0]
    for axes, budget in zip(all_axes, budgets, strict=True):
        for kind in KINDS:
            known = [one for one in budget.kinds if one.kind == kind]
            if known:
                steps, values = _mean_curve(known[0])
                axes.plot(
                    steps, 100 * values, color=_colour(kind), marker=_marker(kind), ms=5, label=known[0].title, lw=1.5
                )
        title = BUDGETS[budget.budget]
        axes.set(xlabel="steps", title=f"{title[0].upper()}{title[1:]}")
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("validation IoU, %")
    lines, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    save_chart(figure, path, _DPI)


def _mean_curve(one: KindResult) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = np.asarray(list(one.curves.values()), np.float64)
    return points[0, :, 0], points[:, :, 2].mean(0)


def draw_masks(
    examples: Examples, found: Mapping[str, U8], classes: Sequence[str], budget: str, seed: int, path: Path
) -> None:
    """The first test images with their masks, true and found, a column for each kind.

    Args:
        examples: the test images.
        found: by kind, ``(N, H, W)``.
        classes: their names, for the legend.
        budget: for the title.
        seed: of the trainings, for the title.
        path: the PNG to write.
    """
    count = len(next(iter(found.values())))
    columns = [("Image", examples.images[:count]), ("Mask", _painted(examples.masks[:count]))]
    columns += [(KINDS[kind].title.replace(" ", "\n", 1), _painted(masks)) for kind, masks in found.items()]
    figure = new_chart((1.25 * len(columns) + 0.2, 1.25 * count + 1.3))
    all_axes = figure.subplots(count, len(columns), squeeze=False)
    for place, (title, images) in enumerate(columns):
        all_axes[0, place].set_title(title, fontsize=9)
        for axes, image in zip(all_axes[:, place], images, strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.axis("off")
    figure.suptitle(f"The first test images of seed {seed}, {BUDGETS[budget]}", fontsize=11)
    from matplotlib.patches import Patch

    named = [Patch(color="#{:02x}{:02x}{:02x}".format(*_class_colour(k)), label=name) for k, name in enumerate(classes)]
    figure.legend(handles=named, loc="outside lower center", ncols=min(8, len(named)), fontsize=9, frameon=False)
    save_chart(figure, path, _DPI)


def _painted(masks: U8) -> U8:
    palette = np.asarray([_class_colour(k) for k in range(256)], np.uint8)
    result: U8 = palette[masks]
    return result


def _class_colour(number: int) -> tuple[int, int, int]:
    if number < len(_CLASSES):
        return _CLASSES[number]
    rng = np.random.default_rng(number)
    red, green, blue = (int(value) for value in rng.integers(60, 256, 3))
    return red, green, blue


def _colour(kind: str) -> str:
    return _COLOURS[list(KINDS).index(kind)]


def _marker(kind: str) -> str:
    return _MARKERS[list(KINDS).index(kind)]
