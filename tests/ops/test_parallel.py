"""The compiled module's threads: started once, shared by all callers, and there again after a fork."""

import os
import subprocess
import sys

import numpy as np
import pytest

from subpixel.ops.native import native_module

native = native_module()
pytestmark = pytest.mark.skipif(native is None, reason="this installation has no compiled module")

# A call that many threads share, and whether its result is right.
SETUP = """
import os, sys, threading, time
import numpy as np
from subpixel import _native

x = np.arange(8 * 4 * 30 * 20, dtype=np.uint32).reshape(8, 4, 30, 20)
wanted = x.reshape(8, 2, 2, 30, 20).transpose(0, 3, 1, 4, 2).reshape(8, 1, 60, 40)

def right(threads=4):
    y = np.zeros_like(wanted)
    flat = x.reshape(-1).view(np.uint8), y.reshape(-1).view(np.uint8)
    _native.shuffle(*flat, 8, 1, 30, 20, 2, 2, 4, False, True, False, threads, "")
    return bool((y == wanted).all())
"""


def ran(script, timeout=60):
    """What the script printed; it must end well."""
    command = [sys.executable, "-W", "ignore", "-c", SETUP + script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_many_callers_at_once():
    script = """
wrong = []
def work():
    for _ in range(200):
        if not right(5): wrong.append(1)
callers = [threading.Thread(target=work) for _ in range(8)]
for t in callers: t.start()
for t in callers: t.join()
print(len(wrong))
"""
    assert ran(script) == ["0"]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_threads_are_started_once():
    script = """
tasks = lambda: len(os.listdir("/proc/self/task"))
before = tasks()
counts = []
for threads in (1, 2, 4, 4, 2, 4) * 20:
    assert right(threads)
    counts.append(tasks() - before)
print(counts[0], counts[1], max(counts))
"""
    assert ran(script) == ["0", "1", "3"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_threads_of_its_own():
    # Forked while others call, so that the child may inherit a lock that nobody will open.
    script = """
stop = threading.Event()
def work():
    while not stop.is_set(): right()
callers = [threading.Thread(target=work) for _ in range(3)]
for t in callers: t.start()
ended = []
for _ in range(30):
    child = os.fork()
    if child == 0:
        os._exit(0 if right() and right() else 1)
    deadline = time.monotonic() + 20
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done or time.monotonic() > deadline: break
        time.sleep(0.002)
    ended.append(status if done else "stuck")
    if not done:
        os.kill(child, 9)
        break
stop.set()
for t in callers: t.join()
print(set(ended), right())
"""
    assert ran(script) == ["{0}", "True"]


def test_the_process_ends_while_threads_wait():
    script = """
import atexit
atexit.register(lambda: print("last", right()))
print("end", right())
"""
    assert ran(script) == ["end", "True", "last", "True"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it")
@pytest.mark.parametrize("threads", [1, 3])
def test_what_a_thread_throws_reaches_the_caller(threads):
    # Tiles of 25 MB a thread, with less than that to be had.
    script = f"""
import resource
channels = 1 << 17
small = np.ones((1, 1, 8, 1), np.float32)
weight, y = np.ones((channels, 1, 1, 1), np.float32), np.zeros((1, channels, 8, 1), np.float32)
one, nothing = (1, 1), (0, 0)
def call():
    _native.subpixel_conv(small, weight, None, y, 1, one, one, nothing, one, one, nothing, True, False, {threads}, "")
assert right({threads})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (20 << 20), -1))
"""
    script += """
try:
    call()
    print("done")
except MemoryError:
    print("MemoryError")
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
call()
print((y == 1).all(), right())
"""
    assert ran(script) == ["MemoryError", "True", "True"]


def test_signals_reach_the_program_and_not_its_helpers():
    if not hasattr(os, "kill"):
        pytest.skip("this system has no kill")
    script = """
import signal
assert right()
class Rung(Exception): pass
def ring(*_): raise Rung
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.2)
begun = time.monotonic()
try:
    time.sleep(30)
except Rung:
    print(time.monotonic() - begun < 15)
"""
    assert ran(script) == ["True"]


def test_fewer_pieces_than_threads():
    x, y = np.arange(4, dtype=np.uint8), np.zeros(4, np.uint8)
    native.shuffle(x, y, 1, 1, 1, 1, 2, 2, 1, False, True, False, 1000, "")
    assert y.tolist() == [0, 1, 2, 3]
