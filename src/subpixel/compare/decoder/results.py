"""Results of a comparison of decoders as plain data, and what is made of them: JSON, CSV and tables."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subpixel.compare.decoder.kinds import BUDGETS, KINDS
from subpixel.compare.intervals import Difference, Estimate
from subpixel.compare.result_texts import markdown_table, save_texts, without_keys

__all__ = ["BudgetResult", "DecoderResults", "KindResult"]

# What differs from run to run, as times do.
_TIMES = ("milliseconds", "training_seconds", "minutes")


@dataclass(frozen=True)
class KindResult:
    """One upsampler under one budget.

    Args:
        kind: its name.
        widths: channels of the network, see :class:`subpixel.compare.decoder.designs.Design`.
        parameters: learned numbers.
        macs: multiply-adds for one image of 64×64.
        iou: the mean over classes and seeds, of the test images.
        boundary_iou: likewise.
        class_iou: the mean over seeds for each class; None for a class that no test image has.
        class_boundary_iou: likewise.
        rank: by IoU: one more than the number of kinds that are better by a difference that exists.
        boundary_rank: likewise by boundary IoU.
        milliseconds: the median time of one inference.
        peak_bytes: the most that features take at one time in that inference.
        training_seconds: the mean time of a training.
        curves: by seed, ``(step, loss, IoU, boundary IoU)`` of the validation images.
    """

    kind: str
    widths: tuple[int, ...]
    parameters: int
    macs: int
    iou: Estimate
    boundary_iou: Estimate
    class_iou: tuple[float | None, ...]
    class_boundary_iou: tuple[float | None, ...]
    rank: int
    boundary_rank: int
    milliseconds: float
    peak_bytes: int
    training_seconds: float
    curves: dict[int, list[tuple[int, float, float, float]]] = field(repr=False)

    @property
    def title(self) -> str:
        """Its name in tables."""
        return KINDS[self.kind].title


@dataclass(frozen=True)
class BudgetResult:
    """All upsamplers under one budget.

    Args:
        budget: its name.
        goal: how many parameters or multiply-adds each network may have, give or take 1 %.
        kinds: the upsamplers, the best IoU first.
        differences: of IoU, between every two of them, the better one first.
        boundary_differences: likewise of boundary IoU.
        groups: kinds without a difference in IoU, best first.
        boundary_groups: likewise in boundary IoU.
    """

    budget: str
    goal: int
    kinds: tuple[KindResult, ...]
    differences: tuple[Difference, ...]
    boundary_differences: tuple[Difference, ...]
    groups: tuple[tuple[str, ...], ...]
    boundary_groups: tuple[tuple[str, ...], ...]

    def __getitem__(self, kind: str) -> KindResult:
        """The result of a kind; KeyError if it was not compared."""
        for one in self.kinds:
            if one.kind == kind:
                return one
        raise KeyError(kind)

    def difference(self, first: str, second: str, *, boundary: bool = False) -> Difference:
        """How much more IoU, or boundary IoU, ``first`` has than ``second``; KeyError if one was not compared."""
        for one in self.boundary_differences if boundary else self.differences:
            if (one.first, one.second) == (first, second):
                return one
            if (one.second, one.first) == (first, second):
                return Difference(first, second, -one.mean, -one.high, -one.low)
        raise KeyError((first, second))


@dataclass(frozen=True)
class DecoderResults:
    """A comparison of decoders.

    Args:
        task: what the networks learned, in a sentence.
        classes: the names of the classes.
        seeds: of the trainings.
        steps: of each training.
        budgets: the results under each budget.
        protocol: what the figures mean, topic by topic.
        pictures: files that were drawn, by name.
        minutes: how long all trainings took, divided by how many ran at one time.
        threads: how many trainings ran at one time.
    """

    task: str
    classes: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    budgets: tuple[BudgetResult, ...]
    protocol: dict[str, str]
    pictures: dict[str, Path]
    minutes: float
    threads: int

    def __getitem__(self, budget: str) -> BudgetResult:
        """The results under a budget; KeyError if it was not compared."""
        for one in self.budgets:
            if one.budget == budget:
                return one
        raise KeyError(budget)

    def to_dict(self, *, times: bool = True) -> dict[str, Any]:
        """Everything, for JSON.

        Args:
            times: include what the clock says. Without it, the same settings give the same values.
        """
        content = {
            "task": self.task,
            "classes": list(self.classes),
            "seeds": list(self.seeds),
            "steps": self.steps,
            "threads": self.threads,
            "minutes": self.minutes,
            "protocol": self.protocol,
            "pictures": {name: path.name for name, path in self.pictures.items()},
            "budgets": [_budget(one) for one in self.budgets],
        }
        if not times:
            del content["threads"]
            content = without_keys(content, _TIMES)
        return content

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """A row for each budget and kind, with a head."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        ratios = [f"{name}_{end}" for name in ("iou", "boundary_iou") for end in ("mean", "low", "high")]
        by_class = [f"{name} {one}" for name in ("iou", "boundary_iou") for one in self.classes]
        costs = ["widths", "parameters", "macs", "milliseconds", "peak_bytes", "training_seconds"]
        writer.writerow(["budget", "kind", "rank", "boundary_rank", *ratios, *by_class, *costs])
        for budget in self.budgets:
            for one in budget.kinds:
                values = [getattr(each, end) for each in (one.iou, one.boundary_iou) for end in ("mean", "low", "high")]
                shares = ["" if share is None else share for share in (*one.class_iou, *one.class_boundary_iou)]
                spent = [" ".join(map(str, one.widths)), *(getattr(one, name) for name in costs[1:])]
                writer.writerow([budget.budget, one.kind, one.rank, one.boundary_rank, *values, *shares, *spent])
        return text.getvalue()

    def to_markdown(self) -> str:
        """A table for each budget, below each what may be called equal, and at the end what the figures mean."""
        return "\n".join(self._markdown()) + "\n"

    def _markdown(self) -> Iterator[str]:
        yield f"{self.task[:1].upper()}{self.task[1:]}; {len(self.seeds)} seeds, {self.steps} steps each."
        for budget in self.budgets:
            yield ""
            yield f"### {BUDGETS[budget.budget].capitalize()}: {budget.goal:,}, give or take 1 %"
            yield ""
            yield from markdown_table(_rows(budget))
            yield ""
            yield from _said("IoU", budget.groups)
            yield from _said("boundary IoU", budget.boundary_groups)
        yield ""
        yield "### How it was measured"
        yield ""
        for topic, text in self.protocol.items():
            yield f"- {topic[0].upper()}{topic[1:]}: {text}."

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``decoder.json``, ``decoder.csv`` and ``decoder.md`` to a folder; returns their paths.

        Raises:
            OSError: the folder cannot be written.
        """
        texts = {"decoder.json": self.to_json(), "decoder.csv": self.to_csv(), "decoder.md": self.to_markdown()}
        return save_texts(folder, texts)


def _budget(one: BudgetResult) -> dict[str, Any]:
    return {
        "budget": one.budget,
        "title": BUDGETS[one.budget],
        "goal": one.goal,
        "kinds": [_kind(each) for each in one.kinds],
        "differences": [_difference(each) for each in one.differences],
        "boundary_differences": [_difference(each) for each in one.boundary_differences],
        "groups": [list(group) for group in one.groups],
        "boundary_groups": [list(group) for group in one.boundary_groups],
    }


def _kind(one: KindResult) -> dict[str, Any]:
    content = {**vars(one), "iou": vars(one.iou), "boundary_iou": vars(one.boundary_iou)}
    about = KINDS[one.kind].about
    curves = {str(seed): [list(point) for point in curve] for seed, curve in one.curves.items()}
    lists = {name: list(content[name]) for name in ("widths", "class_iou", "class_boundary_iou")}
    return {"kind": one.kind, "title": one.title, "about": about, **content, **lists, "curves": curves}


def _difference(one: Difference) -> dict[str, Any]:
    return {**vars(one), "exists": one.exists}


def _rows(budget: BudgetResult) -> list[list[str]]:
    rows = [["upsampler", "rank", "IoU, % (95 %)", "rank", "boundary IoU, % (95 %)", "parameters", "multiply-adds"]]
    rows[0] += ["ms", "memory"]
    for one in budget.kinds:
        measured = [str(one.rank), _interval(one.iou), str(one.boundary_rank), _interval(one.boundary_iou)]
        costs = [f"{one.parameters:,}", f"{one.macs / 1e6:.2f} M", f"{one.milliseconds:.1f}"]
        rows.append([one.title, *measured, *costs, f"{one.peak_bytes / 2**20:.1f} MiB"])
    return rows


def _interval(one: Estimate) -> str:
    return f"{100 * one.mean:.1f} ({100 * one.low:.1f} … {100 * one.high:.1f})"


def _said(what: str, groups: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    equal = [" = ".join(KINDS[kind].title for kind in group) for group in groups if len(group) > 1]
    if equal:
        yield f"No difference in {what}: {'; '.join(equal)}."
    else:
        yield f"Every two upsamplers differ in {what}."


def mean_or_none(values: list[float]) -> float | None:
    """The mean of the values that are numbers; None if none is."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else None
