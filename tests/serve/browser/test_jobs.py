"""Work that is cancelled, tried again, looked at after a reload, or outlives the server, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An image that is worked on for some seconds with the model that `_begin` chooses."""
    path = tmp_path / "large.png"
    pixels = np.random.default_rng(7).integers(0, 256, (120, 160, 3), np.uint8)
    Image.fromarray(pixels).resize((800, 600), Image.Resampling.BICUBIC).save(path)
    return path


def _begin(page: Any, drop: Any, path: Path) -> None:
    drop(page, path)
    page.check("input[name=model][value=high]", force=True)
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=running]")


def test_cancel_and_retry(open_page: Any, drop: Any, large: Path) -> None:
    page = open_page()
    _begin(page, drop, large)
    page.click("#jobs button[aria-label='Cancel: large.png']")
    page.wait_for_selector("#jobs [data-state=cancelled]")
    assert "Cancelled" in page.inner_text("#jobs .row")
    page.click("#jobs button[aria-label='Retry: large.png']")
    page.wait_for_selector("#jobs [data-state=done]")
    assert "800×600 → 1600×1200" in page.inner_text("#jobs .row")


def test_a_reload_in_the_middle_loses_nothing(open_page: Any, drop: Any, large: Path) -> None:
    page = open_page()
    drop(page, large)
    page.check("input[name=model][value=high]", force=True)
    page.check("input[name=size][value='3']", force=True)
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=running]")
    page.reload()
    page.wait_for_selector("#jobs [data-state=running], #jobs [data-state=done]")
    page.wait_for_selector("#jobs [data-state=done]")
    # The settings are remembered too; another browser knows nothing of it.
    assert page.is_checked("input[name=size][value='3']")
    assert open_page().get_attribute("body", "data-state") == "empty"


def test_the_comparison_is_there_after_a_reload(open_page: Any, drop: Any, large: Path) -> None:
    page = open_page()
    drop(page, large)
    page.click("#start")
    page.wait_for_selector("#viewer.ready")
    page.reload()
    page.wait_for_selector("#viewer[open].ready")
    page.go_back()
    page.wait_for_selector("#viewer:not([open])", state="attached")


def test_a_killed_server_goes_on_and_so_does_the_page(open_page: Any, drop: Any, server: Any, large: Path) -> None:
    page = open_page()
    drop(page, large)
    page.check("input[name=size][value='4']", force=True)
    page.check("input[name=model][value=high]", force=True)
    page.click("#start")
    page.wait_for_selector("#jobs [data-state=running]")
    server.kill()
    page.wait_for_selector("#offline:not([hidden])")
    server.start()
    page.wait_for_selector("#offline[hidden]", state="attached")
    page.wait_for_selector("#jobs [data-state=done]")
    assert "800×600 → 3200×2400" in page.inner_text("#jobs .row")
    page.errors[:] = [each for each in page.errors if "ERR_" not in each]  # The browser logs lost connections.


_LATE = """
async () => {
  const { Jobs } = await import("/page/jobs.js");
  const jobs = new Jobs();
  const states = [];
  jobs.onChange.push((job) => states.push(job.state));
  const asked = performance.now();
  jobs.answer({ id: "a", state: "queued" }, asked);
  await new Promise((done) => setTimeout(done, 5));
  jobs.hear({ id: "a", state: "running" });
  jobs.hear({ id: "b", state: "done" });
  jobs.answer({ id: "a", state: "queued" }, asked);
  jobs.answer({ id: "b", state: "queued" }, asked);
  await new Promise((done) => setTimeout(done, 5));
  jobs.answer({ id: "a", state: "cancelled" }, performance.now());
  jobs.remove("a");
  jobs.hear({ id: "a", state: "running" });
  return states;
}
"""


def test_an_answer_that_comes_late_does_not_undo_an_event(open_page: Any) -> None:
    assert open_page().evaluate(_LATE) == ["queued", "running", "done", "cancelled"]
