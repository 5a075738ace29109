"""Labels beside the points of a chart that cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["place_labels"]

_Place = tuple[str, str, float, float]
# Where a label may lie: how it is aligned, and its offset from the point in typographic points. The nearest come first;
# those further away get a line to their point.
_NEAR: tuple[_Place, ...] = (
    ("left", "center", 7, 0),
    ("right", "center", -7, 0),
    ("center", "bottom", 0, 6),
    ("center", "top", 0, -6),
    ("left", "bottom", 6, 4),
    ("left", "top", 6, -4),
    ("right", "bottom", -6, 4),
    ("right", "top", -6, -4),
)
_FAR: tuple[_Place, ...] = tuple(
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
        for place, far in [(place, False) for place in _NEAR] + [(place, True) for place in _FAR]:
            label = _write(axes, (x, y), text, place, far=far, **style)
            box = _extent(label, renderer)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                break
            label.remove()
        else:  # an overlap is better than a point without a name
            _write(axes, (x, y), text, _NEAR[0], far=False, **style)


def _write(axes: Any, point: tuple[float, float], text: str, place: _Place, *, far: bool, **style: Any) -> Any:
    horizontal, vertical, right, up = place
    line = {
        "arrowstyle": "-",
        "lw": 0.6,
        "color": style.get("color", "black"),
        "alpha": 0.5,
        "shrinkA": 0,
        "shrinkB": 3,
    }
    return axes.annotate(
        text,
        point,
        xytext=(right, up),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        arrowprops=line if far else None,
        **style,
    )


def _extent(label: Any, renderer: Any) -> tuple[float, float, float, float]:
    from matplotlib.text import Text

    label.update_positions(renderer)
    box = Text.get_window_extent(label, renderer)
    return box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
