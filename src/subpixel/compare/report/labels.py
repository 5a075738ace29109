"""Labels beside the points of a chart that cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["place_labels"]

# Where a label may lie: how it is aligned, and its offset from the point in typographic points. The nearest come first;
# those further away get a line to their point.
_NEAR = (
    ("left", "center", 7, 0),
    ("right", "center", -7, 0),
    ("center", "bottom", 0, 6),
    ("center", "top", 0, -6),
    ("left", "bottom", 6, 4),
    ("left", "top", 6, -4),
    ("right", "bottom", -6, 4),
    ("right", "top", -6, -4),
)
_FAR = tuple(
    (side, "center", x, y)
    for distance in (14, 22, 30, 40, 50, 62, 76, 90)
    for side, x in (("left", 14), ("right", -14), ("left", 40), ("right", -40))
    for y in (distance, -distance)
)


def place_labels(figure: Any, axes: Any, points: Sequence[tuple[float, float, str]], **style: Any) -> None:
    """Write the text of each point where it overlaps nothing that was drawn before.

    Args:
        figure: of matplotlib; its canvas can measure texts.
        axes: with the points, and with its final limits.
        points: ``(x, y, text)`` in the units of the axes.
        style: of the texts, such as ``fontsize`` and ``color``.
    """
    figure.canvas.draw()  # fixes where everything is
    renderer = figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    taken: list[tuple[float, float, float, float]] = []
    for x, y, _ in points:
        across, down = axes.transData.transform((x, y))
        taken.append((across - 5, down - 5, across + 5, down + 5))
    for x, y, text in points:
        for number, (horizontal, vertical, right, up) in enumerate((*_NEAR, *_FAR)):
            line = {"arrowstyle": "-", "lw": 0.6, "color": style.get("color", "black"), "alpha": 0.5}
            label = axes.annotate(
                text,
                (x, y),
                xytext=(right, up),
                textcoords="offset points",
                ha=horizontal,
                va=vertical,
                arrowprops=line | {"shrinkA": 0, "shrinkB": 3} if number >= len(_NEAR) else None,
                **style,
            )
            # Of a text with a line, the extent of the text alone.
            box = _extent(label, renderer)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                break
            label.remove()


def _extent(label: Any, renderer: Any) -> tuple[float, float, float, float]:
    from matplotlib.text import Text

    label.update_positions(renderer)
    box = Text.get_window_extent(label, renderer)
    return box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
