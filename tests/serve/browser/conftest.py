"""A server in a process of its own, and a browser that looks at it: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Server:
    """``subpixel serve`` with a folder of its own. It can be killed and started again at the same address."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._options = ["--data", str(folder), "--workers", "1", *options]
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.address = ""

    def start(self) -> None:
        command = [sys.executable, "-m", "subpixel", "serve", "--port", str(self._port), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://[0-9.]+:([0-9]+)/", line)
        assert found, line + self._process.stdout.read()
        self.address, self._port = found[0], int(found[1])

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        os.kill(self._process.pid, how)
        assert self._process.stdout is not None
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._process = None


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("browsers are tested in one process, as .ci/run does: several would wait for each other")
    pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    pytest.importorskip("fastapi", reason="needs the extra: pip install 'subpixel[web]'")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Any]:
    """A browser without windows. Not for the whole session: meanwhile, no other test could run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium_path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests. Each browser that has never been there has a list of its own."""
    running = Server(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def open_page(chromium: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Opens the page in a browser that has never been here. Errors on its console fail the test at the end."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_(**look: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **look})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.errors = errors
        page.goto(server.address)
        page.wait_for_selector("#models .card >> nth=2", state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


_DROP = """
async ([files]) => {
  const transfer = new DataTransfer();
  for (const { name, type, text } of files) {
    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}
"""


@pytest.fixture
def drop() -> Callable[..., None]:
    """Drops files on the page, as a hand would."""
    from mimetypes import guess_type

    def drop_(page: Any, *paths: Path) -> None:
        files = [
            {"name": path.name, "type": guess_type(path.name)[0] or "", "text": b64encode(path.read_bytes()).decode()}
            for path in paths
        ]
        page.evaluate(_DROP, [files])

    return drop_


@pytest.fixture
def until() -> Callable[[Any, str], None]:
    """Waits until an expression holds. Playwright's own way evaluates text in the page, which its policy forbids."""

    def until_(page: Any, expression: str) -> None:
        end = time.monotonic() + 30
        while not page.evaluate(expression):
            assert time.monotonic() < end, f"this never held: {expression}"
            page.wait_for_timeout(50)

    return until_


_CANVAS = """
() => {
  const canvas = document.querySelector("#canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (let i = 0; i < data.length; i += 32768) text += String.fromCharCode(...data.subarray(i, i + 32768));
  return [canvas.width, canvas.height, btoa(text)];
}
"""


def pixels_of(page: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels of the comparison, as it is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    width, height, text = page.evaluate(_CANVAS)
    return np.frombuffer(b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]
