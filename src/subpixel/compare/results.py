"""Results of a comparison as plain data, and what is made of them without further packages: JSON, CSV and a table."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.result_texts import markdown_table, save_texts

__all__ = ["COLUMNS", "Column", "MethodResult", "Part", "Results"]

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """A rectangle of an image, in its pixels."""

    left: int
    top: int
    width: int
    height: int

    def of(self, image: NDArray[Any], scale: int = 1) -> NDArray[Any]:
        """The pixels of the rectangle; with ``scale``, of an image that is so much larger."""
        top, left = self.top * scale, self.left * scale
        return image[top : top + self.height * scale, left : left + self.width * scale]


@dataclass(frozen=True)
class MethodResult:
    """What was measured of one method. Figures that do not exist are None; ``reason`` says why if there are none.

    Args:
        name: of the method.
        title: its name in tables.
        family: its group.
        about: its convention.
        sees_truth: whether it read the reference, so that its figures are no measure of upscaling.
        milliseconds: the median time of one call.
        milliseconds_range: the quartiles.
        prepare_seconds: time for training or loading, which is not part of a call.
        macs: multiply-adds for each pixel of the result.
        parameters: how many learned numbers it has.
        psnr_y: dB.
        ssim_y: at most 1.
        psnr_rgb: dB.
        round_trip: PSNR of luma in dB between the small image and the result made small again.
        checkerboard: root mean square of what repeats with the stride, in luma codes of 0 … 255.
        details: what else is known, such as the losses of training.
        image: the result, ``(H, W, 3)`` u8.
        reason: why it could not run, or nothing.
    """

    name: str
    title: str
    family: str
    about: str
    sees_truth: bool = False
    milliseconds: float | None = None
    milliseconds_range: tuple[float, float] | None = None
    prepare_seconds: float | None = None
    macs: float | None = None
    parameters: int | None = None
    psnr_y: float | None = None
    ssim_y: float | None = None
    psnr_rgb: float | None = None
    round_trip: float | None = None
    checkerboard: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    image: U8 | None = field(default=None, repr=False, compare=False)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All but the image, for JSON: PSNR of equal images is ``"infinite"``."""
        values = {key: value for key, value in vars(self).items() if key != "image"}
        return {key: _plain(value) for key, value in values.items()}


@dataclass(frozen=True)
class Column:
    """A column of the tables: its key, its title, a sentence about it, and how a value is written."""

    key: str
    title: str
    about: str
    write: Callable[[Any], str]
    larger_is_better: bool | None = None


def _decibels(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2f}"


COLUMNS = (
    Column("psnr_y", "PSNR Y (dB)", "Against the reference.", _decibels, True),
    Column("ssim_y", "SSIM Y", "Against the reference.", lambda value: f"{value:.4f}", True),
    Column("psnr_rgb", "PSNR RGB (dB)", "Against the reference, of R, G and B together.", _decibels, True),
    Column("round_trip", "Round trip (dB)", "The result made small again, beside the small image.", _decibels, True),
    Column(
        "checkerboard",
        "Checkerboard",
        "Root mean square of what repeats with the stride, in codes of luma.",
        lambda value: f"{value:.3f}",
        False,
    ),
    Column("milliseconds", "Time (ms)", "Median of one call.", lambda value: f"{value:.2f}", False),
    Column("macs", "Multiply-adds", "For each pixel of the result.", lambda value: f"{value:,.0f}", False),
    Column("parameters", "Parameters", "Learned numbers.", lambda value: f"{value:,}", False),
)


@dataclass(frozen=True)
class Results:
    """A comparison of methods on one image.

    Args:
        name: of the image.
        scale: the factor.
        small: ``(H, W, 3)`` u8, what was upscaled.
        truth: ``(scale*H, scale*W, 3)`` u8, the reference; None if there is none.
        part: which part of the reference (without one, of the image) was used.
        whole: width and height of that image.
        detail: the place of the result, in its pixels, where the methods differ most.
        methods: what was measured, in the order of the list.
        protocol: what the figures mean, topic by topic.
        truth_checkerboard: the checkerboard energy of the reference itself.
        threads: how many threads the methods had.
        seed: of everything random.
    """

    name: str
    scale: int
    small: U8 = field(repr=False, compare=False)
    truth: U8 | None = field(repr=False, compare=False)
    part: Part
    whole: tuple[int, int]
    detail: Part
    methods: tuple[MethodResult, ...]
    protocol: dict[str, str]
    truth_checkerboard: float | None
    threads: int
    seed: int

    def __getitem__(self, name: str) -> MethodResult:
        """The result of the method of this name; KeyError if it was not compared."""
        for method in self.methods:
            if method.name == name:
                return method
        raise KeyError(name)

    @property
    def measured(self) -> tuple[MethodResult, ...]:
        """The methods that ran."""
        return tuple(method for method in self.methods if method.image is not None)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pixels, for JSON."""
        return {
            "name": self.name,
            "scale": self.scale,
            "reference": self.truth is not None,
            "part": vars(self.part),
            "whole": list(self.whole),
            "detail": vars(self.detail),
            "threads": self.threads,
            "seed": self.seed,
            "truth_checkerboard": self.truth_checkerboard,
            "protocol": self.protocol,
            "methods": [method.to_dict() for method in self.methods],
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """A row for each method, with a head."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        keys = [column.key for column in COLUMNS]
        writer.writerow(["method", "family", "sees_reference", *keys, "prepare_seconds", "reason"])
        for method in self.methods:
            values = method.to_dict()
            cells = ["" if values[key] is None else values[key] for key in keys]
            seconds = "" if method.prepare_seconds is None else method.prepare_seconds
            writer.writerow([method.name, method.family, int(method.sees_truth), *cells, seconds, method.reason])
        return text.getvalue()

    def to_markdown(self) -> str:
        """A table for a terminal, the best PSNR first, and a line for each method that did not run."""
        return "\n".join(self._markdown()) + "\n"

    def _markdown(self) -> Iterator[str]:
        columns = [one for one in COLUMNS if any(getattr(method, one.key) is not None for method in self.measured)]
        rows = [["method", *(column.title for column in columns)]]
        for method in sorted(self.measured, key=_rank):
            cells = [getattr(method, column.key) for column in columns]
            written = ["" if cell is None else column.write(cell) for cell, column in zip(cells, columns, strict=True)]
            rows.append([method.title + " *" * method.sees_truth, *written])
        yield from markdown_table(rows)
        if any(method.sees_truth for method in self.measured):
            yield ""
            yield "\\* reads the reference; its figures say what is put back, not how well it upscales."
        for method in self.methods:
            if method.reason:
                yield ""
                yield f"{method.title} did not run: {method.reason}."

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``results.json``, ``results.csv`` and ``results.md`` to a folder; returns their paths."""
        texts = {"results.json": self.to_json(), "results.csv": self.to_csv(), "results.md": self.to_markdown()}
        return save_texts(folder, texts)

    def to_html(self, folder: str | Path) -> Path:
        """Write a report of one HTML file, its charts and its data to a folder; returns the path of the HTML file.

        Raises:
            MissingExtra: jinja2 or matplotlib is not installed.
        """
        from subpixel.compare.report import write_report  # here, since it needs this module

        self.save(folder)
        return write_report(folder, self)


def _rank(method: MethodResult) -> tuple[bool, float, str]:
    return method.sees_truth, -(method.psnr_y if method.psnr_y is not None else -math.inf), method.title


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "infinite" if value > 0 else "negative infinite" if value < 0 else "not a number"
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value
