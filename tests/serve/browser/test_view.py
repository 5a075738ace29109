"""The arithmetic of zoom and pan, asked in the browser: it needs no screen."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

_VIEW = """
async (steps) => {
  const { View } = await import("/page/view.js");
  const [width, height, paneWidth, paneHeight, ...calls] = steps;
  const view = new View({ width, height }, { width: paneWidth, height: paneHeight });
  for (const [name, ...values] of calls) view[name](...values);
  const { zoom, rect, exact, movable, fitted } = view;
  return { zoom, rect: [rect.x, rect.y, rect.width, rect.height], exact, movable, fitted };
}
"""


def test_zoom_and_pan(open_page: Any) -> None:
    page = open_page()

    def view(*steps: Any) -> dict[str, Any]:
        found: dict[str, Any] = page.evaluate(_VIEW, list(steps))
        return found

    # A large image fits; a small one gets the largest integer factor that fits, 8 at most.
    assert view(4000, 2000, 1000, 800)["rect"] == [0, 150, 1000, 500]
    assert view(300, 200, 1000, 800) == {
        "zoom": 3,
        "rect": [50, 100, 900, 600],
        "exact": True,
        "movable": False,
        "fitted": True,
    }
    assert view(10, 10, 1000, 800)["zoom"] == 8

    # Steps: fit, then integers; neither beyond 8:1 nor below fit.
    assert view(4000, 2000, 1000, 800, ["step", 1])["zoom"] == 1
    assert view(4000, 2000, 1000, 800, *[["step", 1]] * 3)["zoom"] == 3
    assert view(4000, 2000, 1000, 800, *[["step", 1]] * 20)["zoom"] == 8
    assert view(4000, 2000, 1000, 800, *[["step", 1]] * 20, *[["step", -1]] * 20)["fitted"]
    assert view(300, 200, 1000, 800, ["step", -1])["zoom"] == 2
    assert view(300, 200, 1000, 800, *[["step", -1]] * 9)["zoom"] == 1

    # Pixel (1000, 500) of the image lies under the pointer, at (250, 275) of the pane, and stays there.
    found = view(4000, 2000, 1000, 800, ["zoomTo", 4, 250, 275])
    assert found["rect"] == [250 - 4 * 1000, 275 - 4 * 500, 16000, 8000]

    # The image cannot be moved out of sight, and smaller than the pane it stays in the middle.
    assert view(4000, 2000, 1000, 800, ["zoomTo", 1], ["pan", 1e6, 1e6])["rect"][:2] == [0, 0]
    assert view(4000, 2000, 1000, 800, ["zoomTo", 1], ["pan", -1e6, -1e6])["rect"][:2] == [1000 - 4000, 800 - 2000]
    assert view(300, 200, 1000, 800, ["pan", 40, 40])["rect"][:2] == [50, 100]

    # A view that showed all still does in a window of another size; between integers, pixels are smoothed below 2:1.
    assert view(4000, 2000, 1000, 800, ["resize", {"width": 500, "height": 800}])["rect"] == [0, 275, 500, 250]
    assert [view(900, 900, 300, 300, ["zoomTo", zoom])["exact"] for zoom in (0.5, 1, 1.5, 2, 2.5)] == [
        False,
        True,
        False,
        True,
        True,
    ]
