"""How the page fits: widths, touch targets, contrast and names for screen readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

_AXE = Path(__file__).parents[1] / "page" / "node_modules" / "axe-core" / "axe.min.js"

# Buttons, links and labelled inputs that are shown and smaller than a finger needs.
_SMALL = """
() => [...document.querySelectorAll("button, a[href], select, summary, .segments label, .card")]
  .filter((each) => each.checkVisibility() && !each.closest(".notes"))
  .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.5 || box.width < 40))
  .map(([text, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${text}`)
"""


def _check(page: Any, step: str) -> None:
    wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], f"{step}: the page is wider than the window"
    assert page.evaluate(_SMALL) == [], step
    if _AXE.exists():
        page.evaluate(_AXE.read_text())
        found = page.evaluate("async () => (await axe.run()).violations")
        bad = [each for each in found if each["impact"] != "minor"]
        assert not bad, f"{step}: {json.dumps(bad, indent=1)[:3000]}"


@pytest.mark.parametrize(
    ("size", "scheme"),
    [((360, 740), "light"), ((360, 740), "dark"), ((1400, 900), "light"), ((3840, 2160), "dark")],
    ids=["phone-light", "phone-dark", "desktop-light", "4k-dark"],
)
def test_it_fits(open_page: Any, drop: Any, data_dir: Path, tmp_path: Path, size: tuple[int, int], scheme: str) -> None:
    page = open_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, has_touch=size[0] < 400, is_mobile=False
    )
    page.emulate_media(reduced_motion="reduce", color_scheme=scheme)

    def step(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png")
        _check(page, name)

    step("empty")
    images = sorted((data_dir / "images/test/BSD100/LR_x2").iterdir())
    drop(page, images[0], images[1])
    page.wait_for_selector("#picked .detail:has-text('becomes') >> nth=1")
    page.evaluate("() => { for (const each of document.querySelectorAll('details')) each.open = true; }")
    step("picked")
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=done] >> nth=1")
    step("made")
    page.click("#jobs .leading >> nth=0")
    page.wait_for_selector("#viewer.ready")
    step("viewer")
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")
    step("help")
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.querySelector('#viewer').open"), "Escape closes the help alone"
