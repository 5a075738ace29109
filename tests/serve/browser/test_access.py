"""The page by keyboard alone, with large text, with another reader than eyes, and where the network breaks off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serve.browser.conftest import pixels_of

pytestmark = pytest.mark.slow


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small image of noise."""
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(11).integers(0, 256, (60, 80, 3), np.uint8)).save(path)
    return path


_FOCUSED = "() => [document.activeElement.id || document.activeElement.getAttribute('data-chooses')]"


def _tab_to(page: Any, wanted: str, key: str = "Tab") -> None:
    passed = []
    for _ in range(40):
        page.keyboard.press(key)
        (focused,) = page.evaluate(_FOCUSED)
        passed.append(focused)
        if focused == wanted:
            return
    raise AssertionError(f"{wanted} is not reached; these were: {passed}")


def test_from_the_file_to_the_download_by_keyboard_alone(open_page: Any, image: Path) -> None:
    page = open_page(accept_downloads=True)
    page.on("filechooser", lambda chooser: chooser.set_files(image))
    _tab_to(page, "choose-files")
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid", "the focus is seen"
    page.keyboard.press("Enter")
    page.wait_for_selector("#expected:has-text('160×120')")
    assert page.evaluate(_FOCUSED) == ["start"]
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer.ready")
    assert page.evaluate(_FOCUSED) == ["slider"]
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#slider", "aria-valuetext") == "52 % before"
    _tab_to(page, "viewer-download", "Shift+Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "noise_x2.png"
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer:not([open])", state="attached")


def test_text_twice_as_large_fits(open_page: Any, drop: Any, image: Path) -> None:
    page = open_page(viewport={"width": 1280, "height": 800})
    page.evaluate("() => { document.documentElement.style.fontSize = '200%'; }")

    def check(step: str) -> None:
        wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], step
        cut = page.evaluate(
            """() => [...document.querySelectorAll("button, .segments span, legend, summary, .field, .viewer output")]
              .filter((each) => each.checkVisibility() && each.clientWidth > 1)
              .filter((each) => each.scrollWidth > each.clientWidth + 1)
              .map((each) => each.outerHTML.slice(0, 90))"""
        )
        assert cut == [], step
        out = page.evaluate(
            """() => [...document.querySelectorAll("button, a[href], select, .segments label")]
              .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1)
              .map((each) => each.outerHTML.slice(0, 90))"""
        )
        assert out == [], step

    check("empty")
    drop(page, image)
    page.wait_for_selector("#expected:has-text('160×120')")
    page.evaluate("() => { for (const each of document.querySelectorAll('form details')) each.open = true; }")
    check("picked")
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    check("viewer")
    page.keyboard.press("Escape")
    check("made")


def test_what_is_read_aloud_is_said_once(open_page: Any, drop: Any, image: Path) -> None:
    page = open_page()
    page.evaluate(
        """() => {
          window.said = [];
          new MutationObserver(() => window.said.push(document.querySelector("#live").textContent))
            .observe(document.querySelector("#live"), { childList: true, characterData: true, subtree: true });
        }"""
    )
    drop(page, image)
    page.wait_for_selector("#expected:has-text('160×120')")
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    said = page.evaluate("() => window.said")
    assert said[0] == "1 file added."
    assert said[-1] == "noise.png is done, 160×120."
    assert len(said) <= 3, said
    # Nothing else that changes by itself is read: progress and estimates are not live.
    live = page.evaluate(
        "() => [...document.querySelectorAll('[role=status], [role=alert], [aria-live]')].map((e) => e.id)"
    )
    assert set(live) == {"offline", "refused", "live", "stage-message"}


def test_the_network_breaks_off_and_comes_back(open_page: Any, drop: Any, image: Path) -> None:
    page = open_page()
    page.context.set_offline(True)
    drop(page, image)
    page.click("#start")
    page.wait_for_selector("#jobs .detail:has-text('the connection broke; it is sent again as soon as it is back')")
    page.context.set_offline(False)
    page.wait_for_selector("#jobs [data-state=done]")
    page.errors[:] = [each for each in page.errors if "ERR_" not in each]  # The browser logs lost connections.


def test_both_sides_move_together(open_page: Any, drop: Any, image: Path) -> None:
    page = open_page()
    drop(page, image)
    page.click("#more-models summary")
    page.check("input[name=model][value=bicubic]", force=True)
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    page.select_option("#compare", label="Bicubic")
    page.wait_for_selector("#label-before:has-text('Bicubic')")
    page.check("input[name=mode][value=side]", force=True)
    for _ in range(8):
        page.keyboard.press("+")
    seen = [pixels_of(page)]
    page.focus("#canvas")
    page.keyboard.press("ArrowLeft")
    page.mouse.move(900, 400)
    page.mouse.down()
    page.mouse.move(860, 370, steps=3)
    page.mouse.up()
    seen.append(pixels_of(page))
    assert (seen[0] != seen[1]).any()
    for pixels in seen:
        half = (pixels.shape[1] - 2) // 2
        # The model was the plain resize, so both halves are equal but for roundings.
        assert np.abs(pixels[:, :half].astype(int) - pixels[:, -half:]).max() <= 3

    # Each half has its label, also where one is above the other.
    left, right = (page.locator(name).bounding_box() for name in ("#label-before", "#label-after"))
    assert left["x"] < 640 < right["x"]
    assert left["y"] == right["y"]
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function("() => document.querySelector('#canvas').width === 500")
    left, right = (page.locator(name).bounding_box() for name in ("#label-before", "#label-after"))
    assert left["x"] == right["x"]
    assert left["y"] + 200 < right["y"]
