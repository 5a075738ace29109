"""The form: built from what the server offers, and what it sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from subpixel.serve.options import IMAGE_OPTIONS, VIDEO_OPTIONS

pytestmark = pytest.mark.slow

_OPTIONS = """
async (kind) => {
  const { Settings } = await import("/page/settings.js");
  const settings = new Settings(document.querySelector("#settings"));
  const { getOptions, listModels } = await import("/page/api.js");
  settings.offer(await getOptions(), await listModels());
  return settings.options(kind);
}
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A small image."""
    path = tmp_path / "green.png"
    Image.new("RGB", (20, 16), "green").save(path)
    return path


def test_every_option_of_the_server_is_in_the_form(open_page: Any) -> None:
    page = open_page()
    names = set(page.evaluate("() => [...document.querySelector('#settings').elements].map((each) => each.name)"))
    page.select_option("#measure", "width", force=True)
    measures = set(page.locator("#measure option").evaluate_all("all => all.map((each) => each.value)"))
    for kind, table in (("image", IMAGE_OPTIONS), ("video", VIDEO_OPTIONS)):
        missing = {name for name in table if not {name, f"{kind}-{name}"} & names and name not in measures}
        assert missing == set()
        models = page.locator("input[name=model]").evaluate_all("all => all.map((each) => each.value)")
        assert set(table["model"].choices) <= set(models)
    assert page.evaluate(_OPTIONS, "image") == {"scale": "2"}
    assert page.evaluate(_OPTIONS, "video") == {"scale": "2", "preview": "5"}


def test_what_the_server_adds_appears_and_is_sent(open_page: Any, drop: Any, image: Path) -> None:
    def add(route: Any) -> None:
        offer = route.fetch().json()
        for option in offer["image"]:
            if option["name"] == "format":
                option["choices"].append("jxl")
            if option["name"] == "model":
                option["choices"].append("clearest")
        plain = {"default": None, "choices": [], "min": None, "max": None}
        offer["image"] += [
            {
                **plain,
                "name": "film_grain",
                "kind": "number",
                "about": "Grain to add",
                "min": 0,
                "max": 1,
                "default": 0,
            },
            {**plain, "name": "gravity", "kind": "text", "about": "Which part stays", "choices": ["north", "south"]},
            {**plain, "name": "upside_down", "kind": "switch", "about": "Turned by half", "default": False},
        ]
        route.fulfill(json=offer)

    page = open_page()
    page.context.route("**/v1/options", add)
    page.reload()
    page.wait_for_selector("input[name=model][value=clearest]", state="attached")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data) if request.url.endswith("/images") else None)
    drop(page, image)
    page.click("#more-models summary")
    page.check("input[name=model][value=clearest]")
    page.check("#format-fields label:has-text('JXL') input", force=True)
    page.click("#fine-group summary")
    page.fill("input[name=film_grain]", "40")
    page.select_option("select[name=gravity]", "south")
    page.check("text=Upside down")
    page.click("#start")
    page.wait_for_selector("#jobs .fault")
    for part in ('"model"\r\n\r\nclearest', '"format"\r\n\r\njxl', '"film_grain"\r\n\r\n0.4', '"gravity"\r\n\r\nsouth'):
        assert part in sent[0]
    assert '"upside_down"\r\n\r\ntrue' in sent[0]
    page.errors[:] = [each for each in page.errors if "status of 4" not in each]  # This server has none of it.


def test_every_choice_is_sent_by_its_name(open_page: Any, drop: Any, image: Path) -> None:
    page = open_page()
    drop(page, image)
    page.check("input[name=size][value=other]", force=True)
    page.select_option("#measure", "fit")
    page.fill("input[name=fitWidth]", "90")
    page.fill("input[name=fitHeight]", "80")
    page.check("input[name=format][value=jpg]", force=True)
    page.fill("input[name=quality]", "81")
    page.click("#fine-group summary")
    page.fill("input[name=strength]", "60")
    page.select_option("select[name=precision]", "f32")
    page.check("input[name=ensemble]")
    page.check("input[name=compare]")
    page.fill("input[name=background]", "white")
    page.wait_for_selector("#expected:has-text('90×72')")
    with page.expect_response("**/v1/images") as answer:
        page.click("#start")
    job = json.loads(answer.value.text())
    wanted = {"fit": [90, 80], "format": "jpg", "quality": 81, "strength": 0.6, "precision": "f32"}
    assert job["options"] == {**wanted, "ensemble": True, "compare": True, "background": "white"}
    page.wait_for_selector("#viewer.ready")
    page.keyboard.press("Escape")
    assert "comparison" in page.inner_text("#jobs .also") or "compare" in page.inner_text("#jobs .also")
