"""The page in Chromium, at the width of a phone and of a desktop: what the mouse, keys and buttons do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compare.report.made import HOSTILE, results_of
from subpixel.compare.report import write_report

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

# A browser without a screen draws no frames by itself.
FRAMES = "<script>window.requestAnimationFrame = (draw) => setTimeout(draw, 16);</script>"
# Runs inside the page, when the crops are there, and sends what it found to the page around it.
PROBE = """
<script>
const wait = (time) => new Promise((done) => setTimeout(done, time));
const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const crop = (at) => {
  const canvas = document.querySelectorAll("#tiles canvas")[at];
  return [...canvas.getContext("2d").getImageData(0, 0, 8, 8).data].join();
};
const place = () => {
  const { left, top } = document.getElementById("stage").dataset;
  return [Number(left), Number(top)];
};
const titles = () => [...document.querySelectorAll("#table tbody th")].map((one) => one.dataset.value);
(async () => {
  const found = {};
  try {
    while (document.getElementById("tiles").dataset.ready === undefined) await wait(20);
    await frame();
    const stage = document.getElementById("stage");
    const key = (name, more) =>
      stage.dispatchEvent(new KeyboardEvent("keydown", { key: name, cancelable: true, bubbles: true, ...more }));
    found.width = innerWidth;
    found.overflow = document.documentElement.scrollWidth - innerWidth;
    found.home = place();
    key("Home");
    await frame();
    const before = crop(2);
    found.prevented = !key("ArrowLeft");
    await frame();
    found.left = place();
    found.moved = crop(2) !== before;
    key("ArrowDown", { shiftKey: true });
    await wait(400);
    found.down = place();
    found.said = document.getElementById("place").textContent;
    const canvas = document.querySelector("#tiles canvas");
    found.magnification = canvas.getBoundingClientRect().width / canvas.width;

    const area = stage.querySelector("img").getBoundingClientRect();
    const at = { clientX: area.left + 2, clientY: area.top + 2, bubbles: true, pointerType: "mouse" };
    stage.dispatchEvent(new PointerEvent("pointermove", at));
    found.corner = place();
    stage.dispatchEvent(new PointerEvent("pointerdown", at));
    stage.dispatchEvent(new PointerEvent("pointermove", { ...at, clientX: area.right, clientY: area.bottom }));
    found.held = place();

    await frame();
    const errors = document.querySelector("input[value=errors]");
    const pixels = [crop(0), crop(2), crop(found.shuffle = [...document.querySelectorAll("#tiles figcaption b")]
      .findIndex((one) => one.textContent.startsWith("Pixel shuffle")))];
    errors.checked = true;
    errors.dispatchEvent(new Event("change", { bubbles: true }));
    await frame();
    found.reference_stays = crop(0) === pixels[0];
    found.error_differs = crop(2) !== pixels[1];
    found.no_error = crop(found.shuffle).split(",").every((one, at) => Number(one) === (at % 4 === 3 ? 255 : 0));

    const heads = [...document.querySelectorAll("#table thead th")];
    const head = (text) => heads.find((one) => one.textContent.startsWith(text));
    found.start = [head("PSNR Y").getAttribute("aria-sort"), titles()];
    head("Time").querySelector("button").click();
    const column = heads.indexOf(head("Time"));
    found.times = [head("Time").getAttribute("aria-sort"), head("PSNR Y").getAttribute("aria-sort"),
      [...document.querySelectorAll("#table tbody tr")].map((one) => Number(one.cells[column].dataset.value))];
    head("Time").querySelector("button").click();
    found.again = head("Time").getAttribute("aria-sort");
    head("Method").querySelector("button").click();
    found.names = titles();
  } catch (error) {
    found.error = String(error.stack);
  }
  parent.postMessage(JSON.stringify(found), "*");
})();
</script>
"""
AROUND = """<!doctype html><meta charset="utf-8"><title>waiting</title>
<iframe src="probed.html" style="border:0;width:%dpx;height:844px"></iframe>
<pre id="found"></pre>
<script>onmessage = (event) => { document.getElementById("found").textContent = event.data; };</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("page")
    page = write_report(target, results_of(HOSTILE)).read_text(encoding="utf-8")
    page = page.replace("<title>", f"{FRAMES}<title>", 1).replace("</body>", f"{PROBE}</body>")
    (target / "probed.html").write_text(page, encoding="utf-8")
    return target


@pytest.fixture(scope="module", params=[390, 1280])
def found(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    around = folder / f"around-{request.param}.html"
    around.write_text(AROUND % request.param, encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--allow-file-access-from-files"]
    command += ["--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom", around.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    printed = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert printed is not None, done.stderr
    assert printed[1], done.stderr
    result: dict[str, Any] = json.loads(printed[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    result["asked"] = request.param
    result["console"] = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return result


def test_no_error_in_the_console(found: dict[str, Any]) -> None:
    assert "error" not in found
    assert found["console"] == []


def test_the_page_is_as_wide_as_the_screen(found: dict[str, Any]) -> None:
    assert found["width"] == found["asked"]
    assert found["overflow"] <= 0


def test_keys_move_the_crops(found: dict[str, Any]) -> None:
    left, top = found["home"]
    assert found["prevented"]
    assert found["moved"]
    assert found["left"] == [left - 8, top]
    assert found["down"] == [left - 8, top + 1]
    assert found["said"].endswith(f"pixels at x {left - 8}, y {top + 1}")
    assert found["magnification"] == 3


def test_the_mouse_moves_and_holds_the_place(found: dict[str, Any]) -> None:
    assert found["corner"] == [0, 0]
    assert found["held"] == [0, 0]


def test_errors_are_computed_from_the_pixels(found: dict[str, Any]) -> None:
    assert found["reference_stays"]
    assert found["error_differs"]
    assert found["no_error"]  # pixel shuffle gives the reference back


def test_the_table_is_sorted_by_its_heads(found: dict[str, Any]) -> None:
    direction, titles = found["start"]
    assert direction == "descending"
    assert titles[0].startswith("Pixel shuffle")
    first, other, times = found["times"]
    assert (first, other) == ("ascending", "none")
    assert times == sorted(times)
    assert found["again"] == "descending"
    assert found["names"] == sorted(titles, key=str.lower)
