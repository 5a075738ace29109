"""Images that are too large to be loaded whole, and animations: what is looked at is exact."""

from __future__ import annotations

import io
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serve.browser.conftest import pixels_of

pytestmark = pytest.mark.slow
_SIZE = (7200, 4800)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tall and thin stripes, blocks and a ramp: every place looks different."""
    path = tmp_path_factory.mktemp("large") / "large.png"
    height, width = _SIZE[1] // 3, _SIZE[0] // 3
    down, across = np.mgrid[:height, :width]
    pixels = np.stack([across * 255 // width, down * 255 // height, (across // 5 * 37 + down // 7 * 91) % 256], 2)
    Image.fromarray(pixels.astype(np.uint8)).save(path, compress_level=1)
    return path


def _preview(server: Any, page: Any, **query: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    job = page.evaluate("() => location.hash.slice(1)")
    text = "&".join(f"{name}={value}" for name, value in query.items())
    with urllib.request.urlopen(f"{server.address}v1/jobs/{job}/preview?{text}") as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB"))


def test_a_large_image_is_exact_where_it_is_looked_at(
    open_page: Any, drop: Any, until: Any, server: Any, large: Path
) -> None:
    page = open_page(viewport={"width": 1100, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "region=" in request.url else None)
    drop(page, large)
    page.check("input[name=size][value='3']", force=True)
    page.click("#more-models summary")
    page.check("input[name=model][value=bicubic]", force=True)
    page.click("#start")
    page.wait_for_selector("#viewer.ready.sharp")
    assert asked == [], "the whole image fits into its overview"

    # At 1:1, both sides of the slider have the very pixels, across the edges of the parts that are loaded.
    page.select_option("#compare", label="Bicubic")
    page.wait_for_selector("#label-before:has-text('Bicubic')")
    page.keyboard.press("1")
    page.wait_for_selector("#viewer.sharp")
    seen = pixels_of(page)
    height, width = seen.shape[:2]
    box = (round(_SIZE[0] / 2 - width / 2), round(_SIZE[1] / 2 - height / 2), width, height)
    region = ",".join(map(str, box))
    edge = round(width / 2)
    result = _preview(server, page, of="result", region=region)
    bicubic = _preview(server, page, of="bicubic", region=region)
    np.testing.assert_array_equal(seen[:, edge:], result[:, edge:])
    np.testing.assert_array_equal(seen[:, :edge], bicubic[:, :edge])
    assert all(part in " ".join(asked) for part in ("of=result", "of=bicubic"))

    # Moved, and at 8:1: still the very pixels. What is on both sides does not differ, as the model was bicubic.
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("#viewer.sharp")
    moved = f"{box[0] + 80},{box[1]},{width},{height}"
    np.testing.assert_array_equal(pixels_of(page), _preview(server, page, of="result", region=moved))
    for _ in range(5):
        page.keyboard.press("+")
    assert page.text_content("#zoom-text") == "8:1"
    page.wait_for_selector("#viewer.sharp")
    seen = pixels_of(page)
    eighth = _preview(server, page, of="result", region=f"{box[0] + 80},{box[1]},{width},{height}")
    left, top = (width // 2 * 8 - width // 2) // 8 + 1, (height // 2 * 8 - height // 2) // 8 + 1
    row, column = top * 8 - (height // 2 * 8 - height // 2), left * 8 - (width // 2 * 8 - width // 2)
    count = (height - row) // 8, (width - column) // 8
    wanted = eighth[top : top + count[0], left : left + count[1]].repeat(8, 0).repeat(8, 1)
    np.testing.assert_array_equal(seen[row : row + wanted.shape[0], column : column + wanted.shape[1]], wanted)
    page.check("input[name=mode][value=difference]", force=True)
    page.wait_for_selector("#viewer.sharp")
    assert pixels_of(page).max() <= 12, "the model and the plain resize differ by roundings alone"

    # Between fit and 1:1 the parts are reduced by the server, and are as sharp as the screen.
    page.check("input[name=mode][value=side]", force=True)
    asked.clear()
    page.keyboard.press("0")
    page.keyboard.press("+")
    until(page, "document.querySelector('#zoom-text').value === '1:1'")
    page.mouse.move(275, 400)
    page.mouse.wheel(0, 480)
    until(page, "document.querySelector('#zoom-text').value === '30\\xa0%'")
    pixels_of(page)
    page.wait_for_selector("#viewer.sharp")
    assert any("max=" in url for url in asked)
    halves = pixels_of(page)
    half = (width - 2) // 2
    assert np.abs(halves[:, :half].astype(int) - halves[:, width - half :]).mean() < 3, "both show the same place"


def test_an_animation_is_shown_frame_by_frame(open_page: Any, drop: Any, until: Any, tmp_path: Path) -> None:
    path = tmp_path / "waving.gif"
    frames = [Image.new("RGB", (40, 30), color) for color in ("#c00000", "#00c000", "#0000c0")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    page = open_page()
    drop(page, path)
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    assert page.text_content("#time") == "Frame 1 of 3"

    def main_colours() -> list[int]:
        seen = pixels_of(page)
        height, width = seen.shape[:2]
        return [int(seen[height // 2, x].argmax()) for x in (width // 2 - 60, width // 2 + 60)]

    assert main_colours() == [0, 0]
    page.keyboard.press(".")
    until(page, "document.querySelector('#time').value === 'Frame 2 of 3'")
    for _ in range(100):
        if main_colours() == [1, 1]:
            break
        page.wait_for_timeout(30)
    assert main_colours() == [1, 1], "the original and the result are in step"
    page.fill("#place", "3")
    until(page, "document.querySelector('#time').value === 'Frame 3 of 3'")
    for _ in range(100):
        if main_colours() == [2, 2]:
            break
        page.wait_for_timeout(30)
    assert main_colours() == [2, 2]
    page.keyboard.press(" ")
    until(page, "document.querySelector('#time').value === 'Frame 2 of 3'")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Play"

    # After a click on a view, keys mean the image; who came by Tab uses the control that has the focus.
    page.locator("input[name=mode][value=side]").locator("xpath=..").click()
    page.keyboard.press("ArrowRight")
    assert page.is_checked("input[name=mode][value=side]")
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.keyboard.press(" ")
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer", state="hidden")
    page.locator("#jobs button", has_text="Compare").first.click()
    page.wait_for_selector("#viewer.ready")
    assert page.evaluate("document.activeElement.id") == "canvas"
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.keyboard.press("Tab")
    page.focus("input[name=mode][value=side]")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("input[name=mode][value=difference]")
