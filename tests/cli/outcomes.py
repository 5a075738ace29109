"""What a run of the command line comes to."""

from __future__ import annotations

from typing import Any


def assert_one_error(done: Any, code: int) -> None:
    assert done.code == code
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.err
    assert done.out == ""
