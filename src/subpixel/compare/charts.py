"""Charts of the trainings: a figure without a window, and its PNG written whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from subpixel.storage.whole_files import write_whole

__all__ = ["new_chart", "save_chart"]


def new_chart(size: tuple[float, float]) -> Any:
    """An empty figure of matplotlib, of ``size`` in inches: width, height."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_chart(figure: Any, path: Path, dpi: int) -> None:
    """Write a figure as PNG with ``dpi`` pixels per inch.

    Raises:
        OSError: the file cannot be written.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=dpi)
    write_whole(path, content.getvalue())
