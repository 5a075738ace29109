"""What is shown on a terminal, and names on one line."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from subpixel.cli.reporting import Reporter, printable
from subpixel.errors import ImageReadError
from subpixel.image.batch.task_policy import Report


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def run(reporter: Reporter) -> None:
    with reporter:
        reporter.report(Report(Path("a [b].png"), Path("a [b]_x2.png"), "skipped", reason="done before"))
        reporter.report(Report(Path("c\n.png"), None, "failed", error=ImageReadError("c\n.png: broken")))
    reporter.end("beside the images")


@pytest.mark.parametrize("verbose", [False, True])
def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, verbose: bool) -> None:
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    run(Reporter(2, verbose=verbose))
    written = err.getvalue()
    assert "2/2" in written
    assert "error: c\\n.png: broken" in written
    assert ("[1/2] a [b].png: done before → a [b]_x2.png" in written) == verbose
    assert out.getvalue().startswith("0 done, 1 skipped, 1 failed of 2  ")


def test_lines_where_standard_output_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    run(Reporter(2))
    first, last = out.getvalue().splitlines()
    assert first == "[1/2] a [b].png: done before → a [b]_x2.png"
    assert last.startswith("0 done")
    assert "a [b].png" not in err.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ä 图 🙂 ‌.png", "ä 图 🙂 ‌.png"),
        ("a\tb\x1b[31m\x7f", "a\\tb\\x1b[31m\\x7f"),
        ("\udcff\ud800\u2028", "\\xff\\ud800\\u2028"),
    ],
)
def test_names_are_shown_on_one_line(text: str, expected: str) -> None:
    assert printable(text) == expected
    printable(text).encode()
