"""Makes the image of docs/page.md: the page itself in Chromium, with the photograph of the README.

python docs/make_page.py [FILE]      # needs the extras browser, demo and web, and Chromium
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from skimage.data import astronaut

from subpixel.serve.server import serving
from subpixel.serve.settings import Settings

SIZE = {"width": 1120, "height": 700}


def main(destination: Path) -> None:
    """Drop the photograph, made three times smaller, upscale it, and take an image of the comparison."""
    small = Image.fromarray(astronaut()[0:336, 48:432]).resize((128, 112), Image.Resampling.BICUBIC)
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is needed"
    with tempfile.TemporaryDirectory() as folder, serving(Settings(Path(folder) / "data", port=0)) as running:
        photo = Path(folder) / "astronaut.png"
        small.save(photo)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.goto(running.address)
            page.wait_for_selector("#models .card >> nth=2", state="attached")
            page.set_input_files("#choose-files", photo)
            page.check("input[name=size][value='3']", force=True)
            page.click("#start")
            page.wait_for_selector("#viewer.ready", timeout=120_000)
            page.select_option("#compare", label="Bicubic")
            page.wait_for_selector("#label-before:has-text('Bicubic')")
            for _ in range(2):
                page.keyboard.press("+")
            page.click("#canvas", position={"x": 40, "y": 300})
            page.wait_for_timeout(500)
            image = Image.open(io.BytesIO(page.screenshot()))
            browser.close()
    image.convert("RGB").save(destination, quality=82, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images" / "page.webp")
