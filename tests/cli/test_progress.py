"""The bar of a video: its rate, the time left, and the share of each stage."""

from __future__ import annotations

import io
import sys

import pytest

from subpixel.cli.progress import pace_bar, pace_text
from subpixel.video import Pace

BUSY = {"decode": 0.031, "upscale": 0.992, "encode": 0.4}


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def terminal_for(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 120 columns as standard error."""
    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return err


@pytest.mark.parametrize(
    ("pace", "text"),
    [
        (Pace(9, 100, 3.0, 3.0, 30.3, BUSY), "3 frames/s, 0:00:30 left; decode 3 %, network 99 %, encode 40 %"),
        (Pace(9, None, 3.0, 3.0, None, BUSY), "9 frames, 3 frames/s; decode 3 %, network 99 %, encode 40 %"),
        (Pace(1, 100, 0.0, None, None, {"decode": 0.0}), "decode 0 %"),
        (Pace(100, 100, 9.0, 3.0, 0.0, BUSY), "writing and checking the file"),
    ],
)
def test_what_the_bar_says(pace: Pace, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_for(monkeypatch)
    assert pace_text(pace) == text
    with pace_bar("folder/a [b].mkv", "[2/5] ") as show:
        assert terminal.getvalue() == ""
        show(pace)
    written = terminal.getvalue()
    assert text in written
    assert "[2/5] a [b].mkv" in written


def test_there_is_no_bar_where_nobody_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_for(monkeypatch)
    with pace_bar("a.mkv", enabled=False) as show:
        show(Pace(9, 100, 3.0, 3.0, 30.0, BUSY))
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    with pace_bar("a.mkv") as show:
        show(Pace(9, 100, 3.0, 3.0, 30.0, BUSY))
    assert (terminal.getvalue(), err.getvalue()) == ("", "")
