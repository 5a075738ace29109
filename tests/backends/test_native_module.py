"""The compiled module called past its Python half: no call may do worse than raise."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

# What each call below starts from; run in another process, so that a crash is a failure and not the end.
SETUP = """
import numpy as np
from subpixel import _native

def z(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)

def session(channels=1, scale=2, halo=4, zero=False, threads=2, target=""):
    return _native.Session(channels, scale, halo, zero, threads, target)

def conv(s=None, source=0, scale=1, lost=1, weight=(4, 1, 3, 3), bias=None, activation="none", slope=None):
    s = s or session()
    weight = z(*weight) if isinstance(weight, tuple) else weight
    s.conv(source, scale, lost, weight, bias, activation, slope)
    return s

def ready():
    s = conv()
    s.pixel_shuffle(1, 2, "CRD", 2)
    return s

BIG, NEGATIVE = 2**31 - 1, -(2**31)
"""

REFUSED = [
    # making a session
    *(f"session({name}={value})" for name in ("channels", "scale", "threads") for value in ("0", "-1", "NEGATIVE")),
    *(f"session({name}={value})" for name in ("channels", "scale", "halo") for value in ("BIG", "2**31", "1.5")),
    "session(halo=-1)",
    "session(threads=2**40)",
    "session(target='no such')",
    "session(target='scalar\\0')",
    "session(target=None)",
    # convolutions
    "conv(weight=(4, 2, 3, 3))",
    "conv(weight=(4, 0, 3, 3))",
    "conv(weight=(0, 1, 3, 3))",
    "conv(weight=(65537, 1, 1, 1), lost=0)",
    "conv(weight=(4, 1, 3))",
    "conv(weight=(4, 1, 0, 0), lost=0)",
    "conv(weight=(4, 1, 2, 2))",
    "conv(weight=(4, 1, 3, 2))",
    "conv(weight=None)",
    "conv(weight='text')",
    "conv(bias=z(3))",
    "conv(bias=z(5))",
    "conv(bias=z(4, 1))",
    "conv(slope=z(3), activation='prelu')",
    "conv(activation='prelu')",
    "conv(activation='gelu')",
    "conv(activation='')",
    *(f"conv(source={value})" for value in ("1", "-1", "BIG", "NEGATIVE", "2**31", "None")),
    *(f"conv(scale={value})" for value in ("0", "2", "-1", "BIG")),
    *(f"conv(lost={value})" for value in ("0", "2", "-1", "BIG", "NEGATIVE")),
    "conv(weight=(4, 1, 11, 1), lost=5)",
    "conv(weight=(4, 1, 1, 11), lost=5)",
    # joins
    *(f"session().{join}({arguments})" for join in ("add", "concat") for arguments in (
        "[], 0", "[1], 0", "[-1], 0", "[0, 1], 0", "[0, BIG], 0", "[0, 0], -1", "[0, 0], 5", "[0, 0], BIG", "0, 0",
        "[0, None], 0",
    )),
    *(f"conv().{join}({arguments})" for join in ("add", "concat") for arguments in ("[1, 1], 0", "[0, 1], 0")),
    *(f"ready().{join}([0, 2], 2)" for join in ("add", "concat")),
    "conv().add([0, 1], 1)",
    "conv(weight=(40000, 1, 1, 1), lost=0).concat([1, 1], 0)",
    "session().concat([0] * 65537, 0)",
    # interpolation
    *(f"session().resize(0, {factor}, 0, [0, 0], [1.0, 1.0])" for factor in ("0", "-2", "3", "65", "BIG", "NEGATIVE")),
    *(f"session().resize({source}, 2, 0, [0, 0], [1.0, 1.0])" for source in ("1", "-1", "BIG")),
    *(f"session().resize(0, 2, {lost}, [0, 0], [1.0, 1.0])" for lost in ("-1", "9", "BIG", "NEGATIVE")),
    "session().resize(0, 2, 0, [], [])",
    "session().resize(0, 2, 0, [0, 0], [1.0])",
    "session().resize(0, 2, 0, [0, BIG], [1.0, 1.0])",
    "session().resize(0, 2, 0, [NEGATIVE, 0], [1.0, 1.0])",
    "session().resize(0, 2, 0, [0, 2**31], [1.0, 1.0])",
    "session().resize(0, 2, 0, [0, 0], ['a', 'b'])",
    # shuffles
    *(f"conv().pixel_shuffle(1, {factor}, 'CRD', 2)" for factor in ("0", "-1", "3", "65536", "BIG", "NEGATIVE")),
    *(f"conv().pixel_shuffle(1, 2, 'CRD', {lost})" for lost in ("0", "1", "3", "-2", "BIG")),
    *(f"conv().pixel_shuffle({source}, 2, 'CRD', 2)" for source in ("0", "2", "-1", "BIG")),
    "conv().pixel_shuffle(1, 2, 'crd', 2)",
    "conv().pixel_shuffle(1, 2, None, 2)",
    # runs
    "session().run(z(1, 4, 4), z(1, 8, 8))",
    "conv().run(z(1, 4, 4), z(4, 4, 4))",
    "conv().run(z(1, 4, 4), z(4, 8, 8))",
    *(f"ready().run(z(1, 4, 4), z({shape}))" for shape in ("1, 4, 4", "1, 8, 9", "1, 7, 8", "2, 8, 8", "0, 8, 8")),
    *(f"ready().run(z({shape}), z(1, 8, 8))" for shape in ("2, 4, 4", "0, 4, 4", "1, 4, 5", "4, 4", "1, 1, 4, 4")),
    "ready().run(z(1, 4, 4), z(1, 8, 8, dtype=np.float64))",
    "ready().run(z(1, 4, 4), z(1, 8, 16)[:, :, ::2])",
    "ready().run(z(1, 4, 4), np.broadcast_to(z(1, 1, 1), (1, 8, 8)))",
    "ready().run(z(1, 4, 4), None)",
    "ready().run(None, z(1, 8, 8))",
    "ready().run(z(1, 2**30, 0), z(1, 2**31, 0))",
]  # fmt: skip

DONE = [
    "ready().run(z(1, 4, 4), z(1, 8, 8))",
    "ready().run(z(1, 0, 4), z(1, 0, 8))",
    "ready().run(z(1, 4, 0), z(1, 8, 0))",
    "conv(bias=z(4), slope=z(4), activation='prelu')",
    "session(halo=0).resize(0, 2, 0, [-1000, 1000], [1.0, 1.0])",
    "conv(session(halo=1000))",
]

RUN_ALL = """
import sys
for line in sys.stdin.read().split(chr(10)):
    try:
        eval(line)
        outcome = "done"
    except Exception as error:
        outcome = type(error).__name__
    print(outcome, line, sep=chr(9), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes():
    """What became of every call."""
    calls = "\n".join(REFUSED + DONE)
    ran = subprocess.run(
        [sys.executable, "-c", SETUP + RUN_ALL], input=calls, capture_output=True, text=True, check=False, timeout=60
    )
    known = {call: outcome for outcome, call in (line.split("\t") for line in ran.stdout.splitlines())}
    unknown = [call for call in REFUSED + DONE if call not in known]
    assert not unknown, f"{unknown[0]} ended the process with {ran.returncode}: {ran.stderr[-500:]}"
    return known


@pytest.mark.parametrize("call", REFUSED)
def test_what_does_not_hang_together_is_refused(outcomes, call):
    assert outcomes[call] in ("ValueError", "TypeError")


@pytest.mark.parametrize("call", DONE)
def test_what_does_is_done(outcomes, call):
    assert outcomes[call] == "done"


def test_a_refused_layer_leaves_the_session_as_it_was():
    session = native.Session(1, 1, 1, False, 1, "")
    with pytest.raises(ValueError, match="weight does not fit its source"):
        session.conv(0, 1, 0, np.ones((1, 2, 1, 1), np.float32), None, "none", None)
    session.conv(0, 1, 0, np.full((1, 1, 1, 1), 2, np.float32), None, "none", None)
    with pytest.raises(ValueError, match="a layer loses more than the halo"):
        session.conv(1, 1, 2, np.ones((1, 1, 5, 5), np.float32), None, "none", None)
    x, y = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.zeros((1, 2, 3), np.float32)
    session.run(x, y)
    np.testing.assert_array_equal(y, 2 * x)


def test_features_and_targets_go_together():
    features, targets = native.features(), native.targets()
    assert all(isinstance(present, bool) for present in features.values())
    if "avx2" in features:
        assert ("avx2" in targets) == (features["avx2"] and features["fma"])
    assert len(set(targets)) == len(targets)


def test_other_threads_go_on_while_it_runs():
    session = native.Session(1, 1, 4, False, 1, "scalar")
    session.conv(0, 1, 4, np.zeros((64, 1, 9, 9), np.float32), None, "tanh", None)
    session.conv(1, 1, 4, np.zeros((1, 64, 1, 1), np.float32), None, "none", None)
    x = np.zeros((1, 900, 900), np.float32)
    running, done = threading.Event(), threading.Event()

    def work():
        running.set()
        session.run(x, np.empty_like(x))
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    running.wait()
    # If the run kept the interpreter's lock, the loop would stand still from its start to its end.
    turns = 0
    while not done.is_set():
        time.sleep(0.001)
        turns += 1
    worker.join()
    assert turns > 20
