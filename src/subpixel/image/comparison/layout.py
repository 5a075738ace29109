"""The layout of a comparison sheet: one overview, and a panel for each image."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["CAPTION", "GAP", "MARGIN", "Box", "Layout", "plan_layout"]

MARGIN, GAP = 32, 24  # around the sheet, and between its parts
CAPTION = 58  # height of the two lines of text below each part

_CONTENT = 1200  # width of a sheet whose overview stands above the panels, without its margins
_TALLEST = 900  # height of such an overview
_CELL = 640  # side of the largest square part if all parts have one size
_ROW = 1800  # width up to which parts of one size are in one row
_NARROWEST = 280  # of a caption
_LOWEST = 240  # of a panel, if the image is so high
_PANEL = 420  # height of a panel below an overview

_LANDSCAPE = 1.2  # width by height from which the overview stands above the panels
_SMALL = 900  # width up to which the overview is one of three or more panels' own size

# Of a detail: single pixels are visible, and enough of them to see what the detail shows. Larger if the image is so
# narrow that there is space.
_MAGNIFICATION, _LARGEST_MAGNIFICATION = 3, 16


@dataclass(frozen=True)
class Box:
    """A rectangle of the sheet, in its pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Layout:
    """A sheet.

    Args:
        width: of the sheet.
        height: of the sheet.
        overview: where the whole image lies; None where the panels show all of it.
        panels: where the detail of each image lies.
        captions: below the overview, where there is one, and below each panel; ``CAPTION`` high.
        detail: ``(width, height)`` of the detail, in pixels of the images.
        zoom: sheet pixels for each pixel of a detail.
    """

    width: int
    height: int
    overview: Box | None
    panels: tuple[Box, ...]
    captions: tuple[Box, ...]
    detail: tuple[int, int]
    zoom: int


def plan_layout(width: int, height: int, count: int) -> Layout:
    """The layout for ``count`` images of one size.

    An image of up to about 300 pixels is shown whole in each panel, magnified. Otherwise there is an overview: above
    the panels for a large landscape, else beside them and of their size. It is never magnified.
    """
    room = (_CONTENT - (count - 1) * GAP) // count
    zoom = min(room // width, room // height, _LARGEST_MAGNIFICATION)
    if zoom >= 2:
        return _panels_alone(width, height, count, zoom)
    if width >= _LANDSCAPE * height and width > (_SMALL if count > 2 else _CELL):
        return _overview_above(width, height, count)
    return _one_size(width, height, count)


def _panels_alone(width: int, height: int, count: int, zoom: int) -> Layout:
    size = width * zoom, height * zoom
    column = max(size[0], _NARROWEST)
    panels = tuple(Box(MARGIN + n * (column + GAP), MARGIN, *size) for n in range(count))
    total = count * column + (count - 1) * GAP
    return Layout(
        total + 2 * MARGIN,
        size[1] + CAPTION + 2 * MARGIN,
        None,
        panels,
        tuple(_below(panel, column) for panel in panels),
        (width, height),
        zoom,
    )


def _overview_above(width: int, height: int, count: int) -> Layout:
    whole = _shrunk(width, height, _CONTENT, _TALLEST)
    total = max(whole[0], count * _NARROWEST + (count - 1) * GAP)
    column = (total - (count - 1) * GAP) // count
    detail, zoom = _detail(width, height, column, min(column, _PANEL))
    top = MARGIN + whole[1] + CAPTION + GAP
    # A panel may be a few pixels narrower than its column. The outer panels end with the overview.
    spread = (total - detail[0] * zoom) / (count - 1)
    panels = tuple(Box(MARGIN + round(n * spread), top, detail[0] * zoom, detail[1] * zoom) for n in range(count))
    overview = Box(MARGIN, MARGIN, *whole)
    return Layout(
        total + 2 * MARGIN,
        top + panels[0].height + CAPTION + MARGIN,
        overview,
        panels,
        (_below(overview, total), *(_below(panel, panel.width) for panel in panels)),
        detail,
        zoom,
    )


def _one_size(width: int, height: int, count: int) -> Layout:
    cells = count + 1
    columns = cells if cells <= 3 else -(-cells // 2)
    if columns < cells and cells * (max(_shrunk(width, height, _CELL, _CELL)[0], _NARROWEST) + GAP) - GAP <= _ROW:
        columns = cells
    whole = _shrunk(width, height, min(_CELL, (_ROW + GAP) // columns - GAP), _CELL)
    detail, zoom = _detail(
        width, height, max(whole[0], _NARROWEST), max(whole[1], min(_LOWEST, height * _LARGEST_MAGNIFICATION))
    )
    panel = detail[0] * zoom, detail[1] * zoom
    first, column = max(whole[0], panel[0], _NARROWEST), max(panel[0], _NARROWEST)
    rows = -(-cells // columns)
    # The overview comes first. The first images, which are compared, share the last row.
    order = [*range((rows - 1) * columns, cells), *range(1, (rows - 1) * columns)] if rows > 1 else [*range(1, cells)]
    lefts = [MARGIN, *(MARGIN + first + GAP + n * (column + GAP) for n in range(columns - 1))]
    tops = [MARGIN, MARGIN + max(whole[1], panel[1]) + CAPTION + GAP]
    overview = Box(MARGIN, MARGIN, *whole)
    panels = tuple(Box(lefts[n % columns], tops[n // columns], *panel) for n in order)
    captions = [_below(overview, first), *(_below(box, column) for box in panels)]
    # A panel has an integer height and may end a little above the overview. The captions of a row are on one line.
    if abs(whole[1] - panel[1]) < _MAGNIFICATION:
        line = tops[0] + max(whole[1], panel[1])
        captions = [replace(box, top=line) if box.top <= line else box for box in captions]
    return Layout(
        first + (columns - 1) * (GAP + column) + 2 * MARGIN,
        max(box.top for box in captions) + CAPTION + MARGIN,
        overview,
        panels,
        tuple(captions),
        detail,
        zoom,
    )


def _below(box: Box, width: int) -> Box:
    """The caption of a part of the sheet."""
    return Box(box.left, box.top + box.height, width, CAPTION)


def _shrunk(width: int, height: int, widest: int, tallest: int) -> tuple[int, int]:
    ratio = max(1, width / widest, height / tallest)
    return max(1, round(width / ratio)), max(1, round(height / ratio))


def _detail(width: int, height: int, widest: int, tallest: int) -> tuple[tuple[int, int], int]:
    """Of a panel so large: ``(width, height)`` of its detail, and the magnification."""
    size = min(width, widest // _MAGNIFICATION), min(height, tallest // _MAGNIFICATION)
    return size, min(widest // size[0], tallest // size[1], _LARGEST_MAGNIFICATION)
