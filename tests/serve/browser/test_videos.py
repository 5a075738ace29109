"""A short video in a browser: its preview, all of it, and both in step."""

from __future__ import annotations

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from serve.browser.conftest import pixels_of

pytestmark = pytest.mark.slow


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of a square that moves, in a format that the browser shows."""
    path = tmp_path / "square.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=12)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"crf": "20", "cpu-used": "8"}
        for number in range(24):
            pixels = np.full((64, 96, 3), 40, np.uint8)
            pixels[20:40, 3 * number : 3 * number + 20] = 220
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = number, Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_video_its_preview_first(open_page: Any, drop: Any, until: Any, video: Path) -> None:
    page = open_page()
    drop(page, video)
    page.wait_for_selector("#expected:has-text('192×128')")
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    assert page.text_content("#label-before") == "Bicubic"
    assert page.is_visible("#playback")
    page.keyboard.press("Escape")
    page.wait_for_selector("#jobs .detail:has-text('All of it would take')")
    page.click("#jobs button:has-text('Upscale all')")
    page.wait_for_selector("#jobs [data-state=done] >> nth=1")
    page.click("#jobs .leading >> nth=0")
    page.wait_for_selector("#viewer.ready")
    page.wait_for_selector("#label-before:has-text('Original')")

    # After it has been played and paused, the square stands at the same place in both: it moves 3 pixels in a frame.
    page.keyboard.press(" ")
    until(page, "Number(document.querySelector('#place').value) > 0.4")
    page.keyboard.press(" ")
    until(page, "document.querySelector('#play').getAttribute('aria-label') === 'Play'")
    page.click("input[name=mode][value=side]", force=True)
    end = time.monotonic() + 20
    while min(begins := page.evaluate(_SQUARES)) <= 10 or abs(begins[0] - begins[1]) > 2:
        assert time.monotonic() < end, (begins, page.text_content("#time"))
        page.wait_for_timeout(50)


# Where the square begins in the halves of the side-by-side view, in pixels of the source.
_SQUARES = """
() => {
  const canvas = document.querySelector("#canvas");
  const half = Math.floor((canvas.width - 2) / 2);
  const context = canvas.getContext("2d");
  const scale = Number.parseInt(document.querySelector("#zoom-text").value, 10) * 2;
  const begin = (x) => {
    const row = context.getImageData(x, Math.round(canvas.height / 2), half, 1).data;
    let first = 0;
    while (first < half && row[first * 4] < 130) first += 1;
    return (first - (half - 96 * scale) / 2) / scale;
  };
  return [begin(0), begin(canvas.width - half)];
}
"""


@pytest.fixture
def old_video(tmp_path: Path) -> Path:
    """A video that browsers do not play: it becomes brighter, by 60 every second of its three."""
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"qscale": "2"}
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 60 + 60 * (number // 10), np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_an_original_that_the_browser_cannot_play_is_shown_while_paused(
    open_page: Any, drop: Any, until: Any, old_video: Path
) -> None:
    page = open_page()
    drop(page, old_video)
    page.uncheck("input[name=preview]")
    page.check("input[name=container][value=webm]", force=True)
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    page.wait_for_selector("#label-before:has-text('Original')")
    assert "cannot play the original" in page.inner_text("#stage-message")

    def brightness() -> list[int]:
        seen = pixels_of(page)
        height, width = seen.shape[:2]
        return [int(seen[height // 2, x].mean()) for x in (width // 2 - 80, width // 2 + 80)]

    for place in ("2.5", "1.5"):
        page.fill("#place", place)
        wanted = 60 + 60 * int(float(place))
        end = time.monotonic() + 30
        while any(abs(each - wanted) > 8 for each in brightness()):
            assert time.monotonic() < end, (place, brightness())
            page.wait_for_timeout(30)
    page.keyboard.press(" ")
    page.wait_for_selector("#label-before", state="hidden")
    page.keyboard.press(" ")
    page.wait_for_selector("#label-before")


def test_a_video_is_cancelled_and_goes_on_after_the_server_was_killed(
    open_page: Any, drop: Any, server: Any, tmp_path: Path
) -> None:
    path = tmp_path / "long.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 192, "yuv420p"
        pixels = np.random.default_rng(5).integers(0, 256, (192, 256, 3), np.uint8)
        for number in range(250):
            frame = av.VideoFrame.from_ndarray(np.roll(pixels, number, 1))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    page = open_page()
    drop(page, path)
    page.uncheck("input[name=preview]")
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=running] .detail:has-text('Upscaling, ')")
    page.click("#jobs button[aria-label='Cancel: long.mp4']")
    page.wait_for_selector("#jobs [data-state=cancelled]")
    page.click("#jobs button[aria-label='Retry: long.mp4']")
    page.wait_for_selector("#jobs [data-state=running]")
    server.kill()
    page.wait_for_selector("#offline:not([hidden])")
    server.start()
    page.wait_for_selector("#jobs [data-state=done]", timeout=90_000)
    assert "256×192 → 512×384" in page.inner_text("#jobs .row")
    page.errors[:] = [each for each in page.errors if "ERR_" not in each]  # The browser logs lost connections.
