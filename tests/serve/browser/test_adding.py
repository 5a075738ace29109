"""Other ways in than the drop, and what waits when the queue is full; and fingers on the comparison."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serve.browser.conftest import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in whose queue there is room for one job."""
    running = Server(tmp_path_factory.mktemp("server"), "--queue", "1")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Small images, each another."""
    folder = tmp_path / "holiday" / "beach"
    folder.mkdir(parents=True)
    random = np.random.default_rng(3)
    paths = [folder / f"image {number}.png" for number in range(6)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (24, 32, 3), np.uint8)).save(path)
    return paths


def test_a_folder_gives_what_is_useful(open_page: Any, images: list[Path]) -> None:
    beach = images[0].parent
    (beach / "notes.txt").write_text("sunny")
    (beach / ".hidden").write_text("")
    page = open_page()
    page.set_input_files("#choose-folder", beach.parent)
    page.wait_for_selector("#picked-count:has-text('6 images')")
    assert page.inner_text(".toast") == "1 file that is no image or video left out: notes.txt"


def test_hundreds_of_files_are_not_sent_at_once(open_page: Any, tmp_path: Path, until: Any) -> None:
    for number in range(300):
        Image.new("RGB", (8, 8), (number % 256, number // 2, 0)).save(tmp_path / f"{number}.png")
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.set_input_files("#choose-folder", tmp_path)
    page.wait_for_selector("#picked-count:has-text('300 images')")
    page.wait_for_selector("#expected:has-text('for 24 of 300 files')")
    until(page, "document.querySelector('#live').textContent.includes('for 24 of 300 files')")
    assert len(asked) == 24, "only some are sent to be estimated"
    loaded = "[...document.querySelectorAll('#picked img')].filter((each) => each.complete && each.naturalWidth).length"
    assert 0 < page.evaluate(loaded) < 200, "images out of sight are not loaded"
    asked.clear()
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=done]")
    assert page.locator("#jobs .row").count() == 300
    assert len(asked) < 100, "they are sent two at a time"
    page.errors[:] = [each for each in page.errors if "status of 429" not in each]  # The browser logs refusals.


def test_what_cannot_be_sent_is_told_without_sending_it(open_page: Any, drop: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    drop(page, tmp_path / "empty.png")
    page.wait_for_selector("#expected.fault:has-text('This file is empty. Save or copy it again')")
    page.click("#start")
    page.wait_for_selector("#jobs .fault:has-text('This file is empty')")
    page.evaluate("async () => (await import('/page/limits.js')).setLimits({ image_bytes: 1000, video_bytes: 1000 })")
    (tmp_path / "large.png").write_bytes(bytes(2000))
    drop(page, tmp_path / "large.png")
    page.wait_for_selector("#expected.fault:has-text('this server takes images of up to 1.0')")
    assert asked == []


_PASTE = """
([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}
"""


def test_paste(open_page: Any, images: list[Path]) -> None:
    page = open_page()
    page.evaluate(_PASTE, ["image.png", b64encode(images[0].read_bytes()).decode()])
    page.wait_for_selector("#expected:has-text('64×48')")
    assert page.inner_text("#start") == "Upscale"


def test_a_full_queue_is_waited_for(open_page: Any, drop: Any, images: list[Path]) -> None:
    page = open_page()
    drop(page, *images)
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=done] >> nth=5", timeout=120_000)
    assert page.locator("#jobs .row").count() == 6
    page.errors[:] = [each for each in page.errors if "status of 429" not in each]  # The browser logs refusals.


def test_two_fingers_zoom_and_one_moves(open_page: Any, drop: Any, until: Any, images: list[Path]) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    drop(page, images[0])
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    zoom = "Number.parseFloat(document.querySelector('#zoom-text').value)"
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *points: tuple[int, int]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    assert page.text_content("#zoom-text") == "5:1"
    fingers("touchStart", (60, 300), (100, 300))
    for step in range(1, 9):
        fingers("touchMove", (60 - 4 * step, 300), (100 + 4 * step, 300))
    fingers("touchEnd")
    until(page, f"{zoom} === 8")

    # At 8:1 it is wider than the pane in no direction but this one: a finger moves it, not the slider.
    before = page.input_value("#slider")
    fingers("touchStart", (40, 300))
    for step in range(1, 9):
        fingers("touchMove", (40 + 10 * step, 300))
    fingers("touchEnd")
    assert page.input_value("#slider") == before
