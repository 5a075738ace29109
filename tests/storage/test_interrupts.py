"""Signals: one exception, blocks that postpone it, exceptions that were swallowed, and the end at the third signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from subpixel.storage.interrupts import handled_signals, interrupt_requested, shielded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_raises_and_the_second_does_not(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with handled_signals():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert interrupt_requested()
        signal.raise_signal(number)
    assert not interrupt_requested()
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("handled", [False, True])
def test_a_shielded_block_ends_first(handled: bool) -> None:
    steps = []

    def work() -> None:
        with shielded():
            signal.raise_signal(signal.SIGINT)
            steps.append(interrupt_requested())
            with shielded():
                steps.append("inside")
            steps.append("end")

    if handled:
        with handled_signals(), pytest.raises(KeyboardInterrupt):
            work()
    else:
        with pytest.raises(KeyboardInterrupt):
            work()
    assert steps == [True, "inside", "end"]
    assert not interrupt_requested()


def test_an_exception_that_a_destructor_swallows_comes_again() -> None:
    class Swallows:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def work() -> None:
        thing = Swallows()
        del thing
        time.sleep(30)

    with handled_signals(), pytest.raises(KeyboardInterrupt):
        work()


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from subpixel.storage.interrupts import handled_signals, on_sudden_end, shielded

with handled_signals(final=True), on_sudden_end(Path(sys.argv[1]).unlink), shielded():
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
    time.sleep(60)
"""


def test_the_third_signal_ends_the_process_and_removes_its_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")
    assert not path.exists()


DELAYED = """
import os, signal, time
from subpixel.storage.interrupts import delayed_end, handled_signals, shielded

with handled_signals(final=True), shielded():
    with delayed_end():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        print("whole", flush=True)
    time.sleep(60)
"""


def test_the_third_signal_waits_for_what_must_not_be_half_done() -> None:
    done = subprocess.run([sys.executable, "-c", DELAYED], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (130, "whole\n", "error: interrupted\n")


NOHUP = """
import signal
from subpixel.storage.interrupts import handled_signals

signal.signal(signal.SIGHUP, signal.SIG_IGN)
with handled_signals():
    signal.raise_signal(signal.SIGHUP)
print("on")
"""


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    done = subprocess.run([sys.executable, "-c", NOHUP], capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (0, "on\n", "")
