"""What the page shows of a comparison: its table, its tiles, its facts, as data for the template."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.methods import FAMILIES
from subpixel.compare.report.data_uris import image_uri
from subpixel.compare.results import COLUMNS, Column, MethodResult, Results

__all__ = ["comparison_context"]


def comparison_context(results: Results) -> dict[str, Any]:
    """The data of the template's sections about the methods."""
    columns = [one for one in COLUMNS if any(getattr(method, one.key) is not None for method in results.measured)]
    return {
        "reference": results.truth is not None,
        "summary": list(_summary(results)),
        "facts": list(_facts(results)),
        "columns": [_text_column("Method", "ascending"), _text_column("Family", "ascending"), *map(_head, columns)],
        "rows": _rows(results, columns),
        "missing": [method for method in results.methods if method.reason],
        "all": results.methods,
        "any_sees_truth": any(method.sees_truth for method in results.measured),
        **_tiles(results),
    }


def _text_column(title: str, first: str) -> dict[str, Any]:
    return {"title": title, "about": "", "text": True, "first": first, "sorted": "none"}


def _head(column: Column) -> dict[str, Any]:
    first = "descending" if column.larger_is_better else "ascending"
    # The rows come in this order.
    now = "descending" if column.key == "psnr_y" else "none"
    return {"title": column.title, "about": column.about, "text": False, "first": first, "sorted": now}


def _rows(results: Results, columns: list[Column]) -> list[dict[str, Any]]:
    best = {column.key: _best(results, column) for column in columns}
    rows = []
    for method in sorted(results.measured, key=_rank):
        cells = []
        for column in columns:
            value = getattr(method, column.key)
            shown = value is not None
            cells.append(
                {
                    "value": _sortable(value) if shown else "",
                    "text": column.write(value) if shown else "",
                    "best": shown and not method.sees_truth and value == best[column.key],
                }
            )
        rows.append(
            {
                "name": method.name,
                "title": method.title,
                "about": method.about,
                "family": method.family,
                "sees_truth": method.sees_truth,
                "cells": cells,
            }
        )
    return rows


def _rank(method: MethodResult) -> tuple[float, str]:
    """The best PSNR first, as the head of that column says."""
    return -(method.psnr_y if method.psnr_y is not None else -math.inf), method.title


def _sortable(value: float) -> str:
    """A number as JavaScript reads it."""
    return "Infinity" if value == math.inf else repr(float(value))


def _best(results: Results, column: Column) -> float | None:
    if column.larger_is_better is None or column.key in ("macs", "parameters"):
        return None  # several have none at all
    values = [getattr(one, column.key) for one in results.measured if not one.sees_truth]
    values = [value for value in values if value is not None]
    return (max if column.larger_is_better else min)(values, default=None)


def _summary(results: Results) -> Iterator[str]:
    fair = [one for one in results.measured if not one.sees_truth]
    with_quality = [one for one in fair if one.psnr_y is not None]
    if with_quality:
        best = max(with_quality, key=lambda one: one.psnr_y or 0)
        text = f"Closest to the reference: {best.title}, {_decibels(best.psnr_y)}"
        plain = [one for one in with_quality if one.family == "interpolation" and one is not best]
        if plain and best.family != "interpolation":
            other = max(plain, key=lambda one: one.psnr_y or 0)
            text += f"; of the interpolations: {other.title}, {_decibels(other.psnr_y)}"
        yield f"{text}."
    timed = [one for one in fair if one.milliseconds is not None]
    if timed:
        fastest = min(timed, key=lambda one: one.milliseconds or 0)
        slowest = max(timed, key=lambda one: one.milliseconds or 0)
        yield (
            f"Fastest: {fastest.title}, {fastest.milliseconds:.2f} ms; slowest: {slowest.title}, "
            f"{slowest.milliseconds:.1f} ms."
        )
    checked = [one for one in fair if one.checkerboard is not None]
    if checked:
        worst = max(checked, key=lambda one: one.checkerboard or 0)
        own = "" if results.truth_checkerboard is None else f"; the reference has {results.truth_checkerboard:.3f}"
        yield f"Strongest checkerboard: {worst.title}, {worst.checkerboard:.3f} codes of luma{own}."
    missing = sum(bool(method.reason) for method in results.methods)
    yield f"{len(results.measured)} methods ran{f', {missing} could not' if missing else ''}."


def _decibels(value: float | None) -> str:
    assert value is not None
    return "equal to it" if math.isinf(value) else f"{value:.2f} dB PSNR of Y"


def _facts(results: Results) -> Iterator[tuple[str, str]]:
    part, (width, height) = results.part, results.whole
    used = "the whole image"
    if (part.width, part.height) != (width, height):
        used = f"{part.width}×{part.height} of it, at ({part.left}, {part.top}), where it has most detail"
    yield "image", f"{results.name}, {width}×{height}; {used}"
    rows, columns = results.small.shape[:2]
    kind = "made small and upscaled again" if results.truth is not None else "upscaled; there is no reference"
    yield "scale", f"×{results.scale}: {columns}×{rows} to {columns * results.scale}×{rows * results.scale}, {kind}"
    yield from results.protocol.items()
    yield "threads", str(results.threads)
    yield "seed", str(results.seed)


def _tiles(results: Results) -> dict[str, Any]:
    """The images once each, and which of them every tile shows."""
    addresses: list[str] = []
    numbers: dict[bytes, int] = {}

    def number(image: NDArray[np.uint8]) -> int:
        key = image.tobytes() + repr(image.shape).encode()
        if key not in numbers:
            numbers[key] = len(addresses)
            addresses.append(image_uri(image))
        return numbers[key]

    tiles: list[dict[str, Any]] = []
    if results.truth is not None:
        tiles.append({"title": "Reference", "note": "", "image": number(results.truth), "truth": True, "given": True})
    note = f"each pixel ×{results.scale}"
    tiles.append({"title": "Small image", "note": note, "image": number(results.small), "small": True, "given": True})
    first = len(tiles)
    for family in FAMILIES:
        for method in results.measured:
            if method.family == family:
                assert method.image is not None
                title = method.title + " *" * method.sees_truth
                tiles.append({"title": title, "note": _note(method), "image": number(method.image), "given": False})
    shown = results.truth if results.truth is not None else results.methods and _overview(results)
    height, width = (side * results.scale for side in results.small.shape[:2])
    data = {
        "images": addresses,
        "tiles": [{key: tile.get(key, False) for key in ("image", "truth", "small")} for tile in tiles],
        "overview": number(shown) if isinstance(shown, np.ndarray) else tiles[first - 1]["image"],
        "scale": results.scale,
        "width": width,
        "height": height,
        "detail": vars(results.detail),
    }
    return {"tiles": tiles, "data": data}


def _overview(results: Results) -> NDArray[np.uint8] | None:
    """The image on which the place is chosen, if there is no reference: bicubic, or the first result."""
    images = {method.name: method.image for method in results.measured}
    return images.get("bicubic", next(iter(images.values()), None))


def _note(method: MethodResult) -> str:
    if method.psnr_y is not None:
        return "equal to the reference" if math.isinf(method.psnr_y) else f"{method.psnr_y:.2f} dB"
    return "" if method.milliseconds is None else f"{method.milliseconds:.2f} ms"
