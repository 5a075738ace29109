"""Figures of matplotlib for light and for dark pages, without its global state."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subpixel.errors import MissingExtra
from subpixel.storage.whole_files import write_whole

__all__ = ["DARK", "LIGHT", "Theme", "new_figure", "save_figure"]

_DPI = 144


@dataclass(frozen=True)
class Theme:
    """The colours of a page: its paper, and what is written on it."""

    paper: str
    ink: str


LIGHT = Theme("#ffffff", "#1c1f23")
DARK = Theme("#1b1e23", "#e6e6e6")


def new_figure(theme: Theme, width: float, height: float) -> Any:
    """An empty figure of so many inches whose axes will have the colours of a theme.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("charts need matplotlib: pip install 'subpixel[compare]'") from None
    figure = Figure(figsize=(width, height), layout="constrained", facecolor=theme.paper)
    FigureCanvasAgg(figure)
    figure.set_dpi(_DPI)
    return _Themed(figure, theme)


class _Themed:
    """A figure that gives its axes, its legends and its texts the colours of a theme."""

    def __init__(self, figure: Any, theme: Theme) -> None:
        self._figure, self._theme = figure, theme

    def __getattr__(self, name: str) -> Any:
        return getattr(self._figure, name)

    def subplots(self, *args: Any, **options: Any) -> Any:
        """As matplotlib's, with one axes or an array of them."""
        made = self._figure.subplots(*args, **options)
        for axes in made.flat if hasattr(made, "flat") else [made]:
            axes.set_facecolor(self._theme.paper)
            axes.tick_params(colors=self._theme.ink, which="both")
            for part in (axes.xaxis.label, axes.yaxis.label, axes.title):
                part.set_color(self._theme.ink)
            for spine in axes.spines.values():
                spine.set_color(self._theme.ink)
        return made

    def title(self, text: str) -> None:
        """The title above all axes; the text is no formula, whatever it holds."""
        self._figure.suptitle(text, fontsize=11, color=self._theme.ink, parse_math=False)

    def legend(self, **options: Any) -> Any:
        """As matplotlib's."""
        return self._figure.legend(labelcolor=self._theme.ink, **options)


def save_figure(figure: Any, path: Path | None = None) -> bytes:
    """The figure as PNG, also written to a file.

    Raises:
        OSError: the file cannot be written.
    """
    content = io.BytesIO()
    # Without the version of matplotlib, which would make equal figures differ.
    figure.savefig(content, format="png", dpi=_DPI, facecolor=figure.get_facecolor(), metadata={"Software": None})
    if path is not None:
        write_whole(path, content.getvalue())
    return content.getvalue()
