"""Sheets of every method at one place: the pixels, and the errors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.report.canvas import LIGHT, new_figure, save_figure
from subpixel.compare.report.image_files import ERROR_LIMIT, error_map
from subpixel.compare.results import Results
from subpixel.metrics.protocol import luma_255
from subpixel.ops import resize

__all__ = ["write_sheets"]

_COLUMNS = 6
_PANEL = 1.75  # inches


def write_sheets(folder: Path, results: Results) -> list[Path]:
    """Write ``crops.png``, and ``errors.png`` if there is a reference: the same detail of every method.

    Raises:
        MissingExtra: matplotlib is not installed.
        OSError: a file cannot be written.
    """
    part = results.detail
    place = f"{part.width}×{part.height} pixels at ({part.left}, {part.top})"
    shown: list[tuple[str, NDArray[np.uint8]]] = []
    errors: list[tuple[str, NDArray[np.uint8]]] = []
    if results.truth is not None:
        shown.append(("Reference", part.of(results.truth)))
    enlarged = resize(results.small, scale=results.scale, mode="nearest", layout="HWC")
    shown.append(("Small image", part.of(enlarged)))
    for method in results.measured:
        assert method.image is not None
        title = _in_lines(method.title + " *" * method.sees_truth)
        figure = "" if method.psnr_y is None or math.isinf(method.psnr_y) else f"\n{method.psnr_y:.2f} dB"
        shown.append((title + figure, part.of(method.image)))
        if results.truth is not None:
            mean = np.abs(luma_255(part.of(method.image)) - luma_255(part.of(results.truth))).mean()
            errors.append((f"{title}\nmean {mean:.2f}", part.of(error_map(method.image, results.truth))))
    star = " * reads the reference." if any(method.sees_truth for method in results.measured) else ""
    title = f"{results.name}, ×{results.scale}: {place}.{star}"
    paths = [_sheet(folder / "crops.png", title, shown)]
    if errors:
        scale = f"|difference| of luma: black 0, red {ERROR_LIMIT // 3}, yellow {ERROR_LIMIT * 2 // 3}"
        title = f"{results.name}, ×{results.scale}: {place}.{star}\n{scale}, white {ERROR_LIMIT} and more"
        paths.append(_sheet(folder / "errors.png", title, errors))
    return paths


def _sheet(path: Path, title: str, panels: list[tuple[str, NDArray[np.uint8]]]) -> Path:
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(LIGHT, _PANEL * max(columns, 4), (_PANEL + 0.55) * rows + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, (label, image) in zip(grid.flat, panels, strict=False):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(label, fontsize=8, parse_math=False)
    figure.title(title)
    save_figure(figure, path)
    return path


def _in_lines(title: str) -> str:
    """A title of at most about 24 letters a line.

    >>> _in_lines("Transposed convolution, bilinear")
    'Transposed convolution,\\nbilinear'
    """
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + len(word) > 23:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
