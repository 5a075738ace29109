"""The look of the figures: a title, a sentence, and rows of panels, laid out in pixels so that no texts meet.

A picture keeps its own pixels: each is shown as a square of whole pixels of the sheet, without interpolation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import MissingExtra
from subpixel.storage.interrupts import on_sudden_end

__all__ = [
    "COLOURS",
    "FAINT",
    "INK",
    "PAPER",
    "QUIET",
    "Panel",
    "Section",
    "Sheet",
    "chart",
    "drawing",
    "enlarge",
    "fitted",
    "needs_matplotlib",
    "picture",
    "save",
    "written",
]

U8 = NDArray[np.uint8]

# Neutral, so that no colour of a picture looks different beside it.
PAPER, INK, QUIET, FAINT = "#f4f4f4", "#1c1c1c", "#5a5a5a", "#c4c4c4"
# Told apart with any kind of colour vision: Okabe and Ito, 2008.
COLOURS = {
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "vermilion": "#d55e00",
    "purple": "#cc79a7",
    "sky": "#56b4e9",
    "black": "#000000",
}

# In pixels of the sheet.
WIDTH, _MARGIN, _GAP = 1440, 36, 22
_CONTENT = WIDTH - 2 * _MARGIN
_DPI = 100
_LINE = 1.4  # of the size of the type
_TITLE, _ABOUT, _HEADING, _CAPTION, _NOTE = 28, 17, 20, 16, 15


@dataclass(frozen=True)
class Panel:
    """A part of a sheet: pixels as they are, or something that is plotted.

    Args:
        title: above it.
        note: below it.
        size: ``(width, height)`` in pixels of the sheet.
        pixels: ``(height, width, 3)`` u8, or None if it is plotted.
        plot: called with axes; None for pixels.
        inset: room for ticks and labels at the left, the bottom, the right and the top of the axes. None for bare axes,
            whose coordinates are pixels from the top left.
    """

    title: str
    note: str
    size: tuple[int, int]
    pixels: U8 | None = None
    plot: Callable[[Any], None] | None = None
    inset: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Section:
    """A row of panels, with a heading and a text above if there are any.

    Args:
        panels: from left to right.
        heading: one line.
        text: as many lines as it needs.
        columns: at how many columns the row is set; the default is the number of its panels.
    """

    panels: Sequence[Panel]
    heading: str = ""
    text: str = ""
    columns: int = 0


@dataclass(frozen=True)
class Sheet:
    """A figure: the title, one sentence about it, and its sections from the top."""

    title: str
    about: str
    sections: Sequence[Section]


def enlarge(image: U8, box: tuple[int, int]) -> tuple[U8, int]:
    """The image with each pixel as a square, as large as it fits in ``(width, height)``, and the side of the squares.

    >>> import numpy as np
    >>> large, side = enlarge(np.zeros((3, 4, 3), np.uint8), (9, 9))
    >>> large.shape, side
    ((6, 8, 3), 2)
    """
    side = _magnification(image, box)
    return image.repeat(side, axis=0).repeat(side, axis=1), side


def fitted(image: U8, box: tuple[int, int]) -> tuple[int, int]:
    """``(width, height)`` of the enlarged image: the box in which its half is shown as large."""
    side = _magnification(image, box)
    return image.shape[1] * side, image.shape[0] * side


def picture(
    image: U8, title: str, note: str = "", *, box: tuple[int, int], mark: tuple[int, int, int, int] | None = None
) -> Panel:
    """A panel of an image, its size after the title.

    Args:
        image: ``(H, W, 3)`` u8.
        title: what it is.
        note: what is to be seen or was measured.
        box: ``(width, height)`` that it has to fit in.
        mark: ``(left, top, width, height)`` of a part to outline, in pixels of the image.
    """
    large, side = enlarge(image, box)
    if mark is not None:
        left, top, width, height = (side * one for one in mark)
        for inset, gray in ((0, 0), (1, 255), (2, 0)):  # visible on light and on dark
            y, x = slice(top + inset, top + height - inset), slice(left + inset, left + width - inset)
            large[y.start, x] = large[y.stop - 1, x] = gray
            large[y, x.start] = large[y, x.stop - 1] = gray
    height, width = image.shape[:2]
    return Panel(f"{title}, {width}×{height}", note, (large.shape[1], large.shape[0]), large)


def chart(
    plot: Callable[[Any], None],
    title: str,
    note: str = "",
    *,
    size: tuple[int, int],
    inset: tuple[int, int, int, int] = (64, 48, 10, 6),
) -> Panel:
    """A panel of axes with ticks and labels, which ``plot`` fills."""
    return Panel(title, note, size, plot=plot, inset=inset)


def drawing(plot: Callable[[Any], None], title: str = "", note: str = "", *, size: tuple[int, int]) -> Panel:
    """A panel of bare axes whose coordinates are pixels from the top left."""
    return Panel(title, note, size, plot=plot)


def written(value: float) -> str:
    """A measured number of at least 0, with two digits or one decimal.

    >>> written(0.0), written(3.051e-7), written(0.00071), written(137.04)
    ('0', '3.1·10⁻⁷', '0.00071', '137.0')
    """
    if not value:
        return "0"
    if value >= 1:
        return f"{value:.1f}"
    if value >= 1e-4:
        return np.format_float_positional(value, precision=2, fractional=False, trim="-")
    digits, power = f"{value:.1e}".split("e-")
    return f"{digits}·10⁻" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in power.lstrip("0"))


def needs_matplotlib() -> None:
    """Check that figures can be drawn.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("figures need matplotlib: pip install 'subpixel[compare]'") from None


def save(sheet: Sheet, path: Path) -> None:
    """Write a sheet as PNG: beside ``path`` first, then renamed. It needs matplotlib."""
    import matplotlib

    scratch = path.with_name(f".{path.name}.new")
    with matplotlib.rc_context(), on_sudden_end(scratch.unlink), ExitStack() as stack:
        matplotlib.rcdefaults()  # the same look whatever the settings of the user
        figure = _Setter(sheet).figure
        stack.callback(scratch.unlink, missing_ok=True)
        figure.savefig(
            scratch,
            format="png",
            metadata={"Title": sheet.title, "Description": sheet.about, "Software": None},
        )
        os.replace(scratch, path)


def _magnification(image: U8, box: tuple[int, int]) -> int:
    return max(1, min(int(room // side) for room, side in zip(box, image.shape[1::-1], strict=True)))


class _Setter:
    """Sets a sheet: measures texts, then places everything from the top."""

    def __init__(self, sheet: Sheet) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._renderer = FigureCanvasAgg(Figure(dpi=_DPI)).get_renderer()  # type: ignore[no-untyped-call]
        self._widths: dict[tuple[str, float, str], float] = {}
        # What is drawn when the height is known.
        self._later: list[Callable[[], None]] = []
        self._y = float(_MARGIN)
        self._text(sheet.title, _TITLE, weight="bold")
        self._text(sheet.about, _ABOUT, QUIET)
        for section in sheet.sections:
            self._section(section)
        self._height = round(self._y) + _MARGIN
        self.figure = Figure(figsize=(WIDTH / _DPI, self._height / _DPI), dpi=_DPI, facecolor=PAPER)
        FigureCanvasAgg(self.figure)
        for draw in self._later:
            draw()

    def _section(self, section: Section) -> None:
        self._y += _GAP
        if section.heading:
            self._text(section.heading, _HEADING, weight="bold")
        if section.text:
            self._text(section.text, _NOTE, INK)
        if section.heading or section.text:
            self._y += _GAP / 2
        count = max(section.columns, len(section.panels))
        room = (_CONTENT - _GAP * (count - 1)) / count
        spare = _CONTENT - _GAP * (count - 1) - sum(panel.size[0] for panel in section.panels)
        x, top = float(_MARGIN), self._y
        placed = []
        for panel in section.panels:
            # Equal columns if the panels fit in them.
            equal = all(one.size[0] <= room + _GAP / 2 for one in section.panels)
            width = room if equal else panel.size[0] + max(0.0, spare) / len(section.panels)
            placed.append((x, width))
            x += width + _GAP
        bottom = top
        for panel, (x, width) in zip(section.panels, placed, strict=True):
            self._y = top
            if panel.title:
                self._text(panel.title, _CAPTION, x=x, width=width, weight="bold")
            bottom = max(bottom, self._y)
        top = bottom + 4
        bottom = top
        for panel, (x, width) in zip(section.panels, placed, strict=True):
            self._later.append(lambda panel=panel, x=x, top=top: self._panel(panel, x, top))  # type: ignore[misc]
            self._y = top + panel.size[1]
            if panel.note:
                self._y += 6
                self._text(panel.note, _NOTE, QUIET, x=x, width=width)
            bottom = max(bottom, self._y)
        self._y = bottom

    def _text(
        self, text: str, size: int, colour: str = INK, *, x: float = _MARGIN, width: float = _CONTENT, weight: str = ""
    ) -> None:
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size * 72 / _DPI, weight=weight or "normal")
        for line in self._wrapped(text, font, width):
            baseline = self._y + size * 1.05

            def draw(line: str = line, baseline: float = baseline) -> None:
                y = 1 - baseline / self._height
                self.figure.text(x / WIDTH, y, line, fontproperties=font, color=colour, va="baseline", parse_math=False)

            self._later.append(draw)
            self._y += size * _LINE

    def _wrapped(self, text: str, font: Any, width: float) -> list[str]:
        lines: list[str] = []
        used = 0.0
        space = self._width("n n", font) - self._width("nn", font)
        for word in text.split(" "):
            length = self._width(word, font)
            if lines and used + space + length <= width:
                lines[-1] += f" {word}"
                used += space + length
            else:
                lines.append(word)
                used = length
        return lines

    def _width(self, word: str, font: Any) -> float:
        """The width of a word; measuring takes long, and words return."""
        key = (word, font.get_size(), font.get_weight())
        if key not in self._widths:
            self._widths[key] = self._renderer.get_text_width_height_descent(word, font, ismath=False)[0]
        return self._widths[key]

    def _panel(self, panel: Panel, x: float, top: float) -> None:
        width, height = panel.size
        left, bottom = round(x), self._height - round(top) - height
        if panel.pixels is not None:
            self.figure.figimage(panel.pixels, left, bottom, origin="upper")
            return
        assert panel.plot is not None
        inset = panel.inset or (0, 0, 0, 0)
        box = (left + inset[0], bottom + inset[1], width - inset[0] - inset[2], height - inset[1] - inset[3])
        axes = self.figure.add_axes((box[0] / WIDTH, box[1] / self._height, box[2] / WIDTH, box[3] / self._height))
        small = 13 * 72 / _DPI
        if panel.inset:
            axes.set_facecolor("white")
            axes.tick_params(labelsize=small, colors=INK)
            axes.xaxis.label.set_fontsize(small)
            axes.yaxis.label.set_fontsize(small)
            for side in axes.spines.values():
                side.set_color(FAINT)
            axes.spines[["top", "right"]].set_visible(False)
        else:
            axes.set_axis_off()
            axes.set(xlim=(0, width), ylim=(height, 0))
        panel.plot(axes)
