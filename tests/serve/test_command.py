"""``subpixel serve`` as a command: what it refuses, what it needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from cli.conftest import run as run  # the fixture

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "token"),
        (("--token", "short"), "at least 8"),
        (("--keep", "soon"), "not a duration"),
        (("--keep", "0s"), "--keep 0: a number above 0"),
        (("--quota", "much"), "not a number of bytes"),
        (("--limit", "0"), "--limit 0"),
        (("--memory", "1M"), "at least 1 GiB"),
        (("--workers", "0"), "--workers"),
        (("--port", "99999"), "--port"),
        (("--host", "no.such.host.invalid", "--token", "long-enough"), "cannot be used"),
    ],
)
def test_what_is_refused(run: Run, tmp_path: Any, options: tuple[str, ...], words: str) -> None:
    done = run("serve", "--data", tmp_path / "data", *options)
    assert done.code == 2, done
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_port_that_is_taken_is_said(run: Run, running: Any, tmp_path: Any) -> None:
    port = running.address.rstrip("/").rsplit(":", 1)[1]
    done = run("serve", "--data", tmp_path / "data", "--port", port)
    assert done.code == 2
    assert "another program listens there" in done.err


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "python_multipart"])
def test_without_the_extra_its_name_is_said(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from subpixel.cli import main; sys.exit(main(['serve']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'subpixel[web]'" in done.stderr
    assert "Traceback" not in done.stderr
