"""Labels of a crowded chart cover neither each other nor its points, and none is lost."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.compare.report.canvas import LIGHT, new_figure
from subpixel.compare.report.labels import place_labels

pytest.importorskip("matplotlib")


def test_labels_do_not_overlap() -> None:
    rng = np.random.default_rng(0)
    points = [(float(x), float(y), f"label-{k}") for k, (x, y) in enumerate(rng.normal(0, 1, (24, 2)))]
    points += [(0.0, 0.0, f"same-{k}") for k in range(4)]
    from matplotlib.text import Text

    figure = new_figure(LIGHT, 7, 5)
    axes = figure.subplots()
    axes.scatter([x for x, _, _ in points], [y for _, y, _ in points])
    axes.margins(0.15)
    place_labels(figure, axes, points, fontsize=7)
    assert [text.get_text() for text in axes.texts] == [text for _, _, text in points]
    figure.canvas.draw()
    boxes = []
    for text in axes.texts:
        boxes.append(Text.get_window_extent(text))  # without the line to its point
    frame = axes.get_window_extent()
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        for other in boxes[:number]:
            assert box.x1 <= other.x0 or other.x1 <= box.x0 or box.y1 <= other.y0 or other.y1 <= box.y0
    centres = axes.transData.transform([(x, y) for x, y, _ in points])
    for box in boxes:
        assert not any(box.contains(*centre) for centre in centres)
