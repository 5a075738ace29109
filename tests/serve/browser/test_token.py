"""A server with a token, and how a person gets in with a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from serve.browser.conftest import Server

pytestmark = pytest.mark.slow

_TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def guarded(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a token."""
    running = Server(tmp_path_factory.mktemp("server"), "--token", _TOKEN)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def visitor(chromium: Any) -> Iterator[Any]:
    """A page of a browser that has never been here."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


_READY = "#models .card >> nth=2"


def test_the_address_with_the_token_lets_in_and_a_reload_does(visitor: Any, guarded: Server) -> None:
    errors: list[str] = []
    visitor.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    visitor.goto(f"{guarded.address}?token={_TOKEN}")
    visitor.wait_for_selector(_READY, state="attached")
    assert visitor.url == guarded.address, "the token does not stay in the address"
    assert _TOKEN not in visitor.evaluate("() => document.cookie"), "scripts cannot read it"
    visitor.reload()
    visitor.wait_for_selector(_READY, state="attached")
    assert visitor.is_hidden("#refused")
    assert errors == []


@pytest.mark.parametrize("query", ["", "?token=wrong-horse-battery"])
def test_without_the_token_a_page_asks_for_it(visitor: Any, guarded: Server, query: str) -> None:
    answer = visitor.goto(guarded.address + query)
    assert answer.status == 401
    assert "token" in visitor.inner_text("body")
    visitor.fill("input[name=token]", "not-the-one")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector("text=not the token")
    visitor.fill("input[name=token]", _TOKEN)
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector(_READY, state="attached")
    assert visitor.url == guarded.address


def test_a_cookie_that_ends_is_told_and_the_page_goes_on(visitor: Any, guarded: Server, tmp_path: Path) -> None:
    Image.new("RGB", (20, 16), "orange").save(tmp_path / "orange.png")
    visitor.goto(f"{guarded.address}?token={_TOKEN}")
    visitor.wait_for_selector(_READY, state="attached")
    visitor.wait_for_function("() => document.querySelector('#offline').hidden")
    visitor.context.clear_cookies()
    visitor.set_input_files("#choose-files", tmp_path / "orange.png")
    visitor.click("#start")
    visitor.wait_for_selector("#jobs .fault:has-text('The server asks for its token again. Reload this page')")

    # The server is started again: the page is refused, and says so instead of that it is not connected.
    guarded.kill()
    guarded.start()
    visitor.wait_for_selector("#refused:has-text('The server asks for its token again')")
    other = visitor.context.new_page()
    other.goto(f"{guarded.address}?token={_TOKEN}")
    other.wait_for_selector(_READY, state="attached")
    other.close()
    visitor.wait_for_selector("#refused", state="hidden")
    visitor.click("#jobs button[aria-label='Retry: orange.png']")
    visitor.wait_for_selector("#jobs [data-state=done]")
