"""A short video in a browser: its preview, all of it, and both in step."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

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
    assert page.text_content("#label-before") == "Original"

    # After it has been played and paused, the square stands at the same place in both: it moves 3 pixels in a frame.
    page.keyboard.press(" ")
    until(page, "Number(document.querySelector('#place').value) > 0.4")
    page.keyboard.press(" ")
    until(page, "document.querySelector('#play').getAttribute('aria-label') === 'Play'")
    page.click("input[name=mode][value=side]", force=True)
    until(page, f"({_SQUARES})().every((each, _, all) => each > 10 && Math.abs(each - all[0]) <= 2)")


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
