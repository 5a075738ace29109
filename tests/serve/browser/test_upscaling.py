"""An image from the drop to the download, in a browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serve.browser.conftest import pixels_of

pytestmark = pytest.mark.slow


@pytest.fixture
def photo(data_dir: Path, tmp_path: Path) -> Path:
    """A real photograph with a name that needs care."""
    path = tmp_path / "Käfer & Co.jpg"
    Image.open(data_dir / "images/test/BSD100/HR/img_021.png").save(path, quality=80)
    return path


def _upscale(page: Any) -> None:
    """Starts, and waits for the comparison, which opens when a file that was sent alone is done."""
    page.click("#start")
    page.wait_for_selector("#viewer.ready")


def test_a_dropped_photo_comes_back_as_the_command_line_makes_it(open_page: Any, drop: Any, photo: Path) -> None:
    page = open_page(accept_downloads=True)
    drop(page, photo)
    page.wait_for_selector("#expected:has-text('642×960')")
    _upscale(page)
    with page.expect_download() as download:
        page.click("#viewer-download")
    made = photo.parent / "made.png"
    download.value.save_as(made)
    assert download.value.suggested_filename == "Käfer & Co_x2.png"
    subprocess.run(
        [sys.executable, "-m", "subpixel", "upscale", photo, "-o", photo.parent / "wanted.png", "--quiet"], check=True
    )
    assert made.read_bytes() == (photo.parent / "wanted.png").read_bytes()
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer:not([open])", state="attached")
    row = page.inner_text("#jobs .row").replace("\xa0", " ")
    assert "321×480 → 642×960 · PNG" in row
    assert "Model fast-compressed, chosen automatically" in row


def test_the_slider_the_zoom_and_the_views(
    open_page: Any, drop: Any, until: Any, data_dir: Path, tmp_path: Path
) -> None:
    source = sorted((data_dir / "images/test/Set5/LR_x4").iterdir())[0]
    page = open_page(accept_downloads=True)
    drop(page, source)
    page.check("input[name=size][value='4']", force=True)
    _upscale(page)
    with page.expect_download() as download:
        page.click("#viewer-download")
    download.value.save_as(tmp_path / "made.png")
    made = np.asarray(Image.open(tmp_path / "made.png").convert("RGB"))
    small = np.asarray(Image.open(source).convert("RGB"))

    # At 8:1, every pixel of the result is a square of 8x8 equal pixels of the screen, and so is the original of 32x32.
    for _ in range(8):
        page.keyboard.press("+")
    assert page.text_content("#zoom-text") == "8:1"
    assert page.get_attribute("#slider", "aria-valuetext") == "50 % before"
    seen = pixels_of(page)
    height, width = seen.shape[:2]
    left = round(width / 2 - made.shape[1] / 2 * 8)
    top = round(height / 2 - made.shape[0] / 2 * 8)
    large = made.repeat(8, 0).repeat(8, 1)[-top:, -left:][:height, :width]
    larger = small.repeat(32, 0).repeat(32, 1)[-top:, -left:][:height, :width]
    edge = round(width / 2)
    np.testing.assert_array_equal(seen[:, edge:], large[:, edge:])
    np.testing.assert_array_equal(seen[:, :edge], larger[:, :edge])

    # The arrows move the slider, Shift the image; Home shows the result alone.
    page.keyboard.press("ArrowRight")
    assert page.input_value("#slider") == "520"
    page.keyboard.press("Home")
    np.testing.assert_array_equal(pixels_of(page), large)
    page.keyboard.press("Shift+ArrowLeft")
    np.testing.assert_array_equal(pixels_of(page)[:, 80:], large[:, :-80])
    page.keyboard.press("0")
    assert page.get_attribute("#zoom-fit", "aria-pressed") == "true"

    # B shows the one, then the other; the slider ends it.
    page.keyboard.press("b")
    assert page.get_attribute("#viewer", "data-mode") == "alone"
    before = pixels_of(page)
    page.keyboard.press("b")
    assert (pixels_of(page) != before).any()
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#viewer", "data-mode") == "slider"

    # The wheel zooms about the mouse, also over the slider.
    page.mouse.move(*page.evaluate("() => [innerWidth / 2, innerHeight / 2]"))
    zoom = page.text_content("#zoom-text")
    page.mouse.wheel(0, -300)
    until(page, f"document.querySelector('#zoom-text').value !== '{zoom}'")

    # Side by side, both halves show the same place. The difference from the original is that from its plain resize.
    page.keyboard.press("0")
    page.check("input[name=mode][value=side]", force=True)
    assert page.is_hidden("#slider")
    page.check("input[name=mode][value=difference]", force=True)
    page.wait_for_selector("#label-before:has-text('Difference from bicubic')")
    assert 0 < pixels_of(page).mean() < 60


def test_two_results_of_a_photo_are_compared_and_downloaded_together(
    open_page: Any, drop: Any, until: Any, photo: Path, tmp_path: Path
) -> None:
    import zipfile

    page = open_page(accept_downloads=True)
    drop(page, photo)
    _upscale(page)
    page.keyboard.press("Escape")
    page.click("#jobs button:has-text('Other settings')")
    page.check("input[name=model][value=balanced]", force=True)
    _upscale(page)
    labels = page.locator("#compare option").all_inner_texts()
    assert labels == ["Original", "Bicubic", "fast-compressed 2×"]
    page.select_option("#compare", label="fast-compressed 2×")
    page.wait_for_selector("#label-before:has-text('fast-compressed 2×')")
    assert page.text_content("#label-after") == "balanced 2×"
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.click("#download-all")
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 2

    # What is removed can be brought back for a while.
    page.click("#jobs button[aria-label^='Remove'] >> nth=0")
    until(page, "document.querySelectorAll('#jobs .row').length === 1")
    page.click(".toast button")
    until(page, "document.querySelectorAll('#jobs .row').length === 2")


def test_what_is_wrong_is_said_before_and_after(open_page: Any, drop: Any, until: Any, photo: Path) -> None:
    broken = photo.parent / "broken.png"
    broken.write_bytes(b"this is a letter")
    page = open_page()
    page.errors.clear()
    drop(page, broken)
    page.wait_for_selector("#expected.fault:has-text('can be read')")
    page.click("#start")
    page.wait_for_selector("#jobs .fault:has-text('can be read')")
    page.click("#jobs button[aria-label^='Remove']")
    until(page, "document.body.dataset.state === 'empty'")
    drop(page, photo)
    page.check("input[name=size][value=other]", force=True)
    page.wait_for_selector("#expected.fault:has-text('Say how many pixels')")
    page.fill("input[name=value]", "1000")
    page.wait_for_selector("#expected:has-text('1000×1495')")
    page.errors[:] = [each for each in page.errors if "status of 415" not in each]  # The browser logs refusals.
