"""The compiled module called past its Python half: no call may do worse than raise."""

import subprocess
import sys

import numpy as np
import pytest

from helpers import leaves_the_lock

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")

# What each call below starts from; run in another process, so that a crash is a failure and not the end.
SETUP = """
import numpy as np
from subpixel import _native

def z(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)

def session(channels=1, scale=1, zero=False, threads=2, target=""):
    s = _native.Session(zero, threads, target)
    s.input(channels, scale)
    return s

def conv(s=None, source=0, weight=(4, 1, 3, 3), bias=None, activation="none", slope=None, stride=1):
    s = s or session()
    weight = z(*weight) if isinstance(weight, tuple) else weight
    s.conv(source, weight, bias, activation, slope, stride)
    return s

def ready():
    s = conv()
    s.pixel_shuffle(1, 2, "CRD")
    s.output(2)
    return s

def moved(flow=2, reach=1.5):
    s = session(zero=True)
    s.input(flow, 1)
    s.warp(0, 1, reach)
    s.output(2)
    return s

def far(s=None, count=520):
    s = s or session()
    for k in range(count):  # 2047 samples each
        s.conv(k, z(1, 1, 4095, 1), None, "none", None, 1)
    s.output(count)
    return s

def run(s, x, y):
    s.run([x], [y])

BIG, NEGATIVE = 2**31 - 1, -(2**31)
"""

REFUSED = [
    # making a session
    *(f"session({name}={value})" for name in ("channels", "scale", "threads") for value in ("0", "-1", "NEGATIVE")),
    *(f"session({name}={value})" for name in ("channels", "scale") for value in ("BIG", "2**31", "1.5")),
    "session(threads=2**40)",
    "session(target='no such')",
    "session(target='scalar\\0')",
    "session(target=None)",
    "conv().input(1, 1)",
    # convolutions
    "conv(weight=(4, 2, 3, 3))",
    "conv(weight=(4, 0, 3, 3))",
    "conv(weight=(0, 1, 3, 3))",
    "conv(weight=(65537, 1, 1, 1))",
    "conv(weight=(4, 1, 3))",
    "conv(weight=(4, 1, 0, 0))",
    "conv(weight=(4, 1, 2, 2))",
    "conv(weight=(4, 1, 3, 2))",
    "conv(weight=(1, 1, 4097, 1))",
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
    *(f"conv(session(scale=6), stride={value})" for value in ("0", "4", "7", "-1", "BIG", "NEGATIVE", "2.5")),
    "conv(stride=2)",
    "far()",
    # joins
    *(f"session().{join}({arguments})" for join in ("add", "concat") for arguments in (
        "[]", "[1]", "[-1]", "[0, 1]", "[0, BIG]", "0", "[0, None]",
    )),
    *(f"ready().{join}([0, 2])" for join in ("add", "concat")),
    "conv().add([0, 1])",
    "conv(weight=(40000, 1, 1, 1)).concat([1, 1])",
    "session().concat([0] * 65537)",
    # interpolation
    *(f"session().resize(0, {factor}, [0, 0], [1.0, 1.0])" for factor in ("0", "-2", "3", "65", "BIG", "NEGATIVE")),
    *(f"session().resize({source}, 2, [0, 0], [1.0, 1.0])" for source in ("1", "-1", "BIG")),
    "session(scale=64 * 64).resize(0, 2, [0, 0], [1.0, 1.0])",
    "session().resize(0, 2, [], [])",
    "session().resize(0, 2, [0, 0], [1.0])",
    "session().resize(0, 2, [0, BIG], [1.0, 1.0])",
    "session().resize(0, 2, [NEGATIVE, 0], [1.0, 1.0])",
    "session().resize(0, 2, [0, 2**31], [1.0, 1.0])",
    "session().resize(0, 2, [0, 0], ['a', 'b'])",
    # shuffles
    *(f"conv().pixel_shuffle(1, {factor}, 'CRD')" for factor in ("0", "-1", "3", "65536", "BIG", "NEGATIVE")),
    *(f"conv().pixel_shuffle({source}, 2, 'CRD')" for source in ("0", "2", "-1", "BIG")),
    "conv().pixel_shuffle(1, 2, 'crd')",
    "conv().pixel_shuffle(1, 2, None)",
    # warps
    "moved(flow=1)",
    "moved(flow=3)",
    *(f"moved(reach={value})" for value in ("0", "-1", "float('nan')", "float('inf')", "BIG", "None")),
    *(f"conv(session(channels=2), weight=(2, 2, 1, 1)).warp({arguments}, 1.0)" for arguments in (
        "1, 0", "0, 2", "-1, 0", "0, BIG", "None, 0",
    )),
    "ready().warp(0, 2, 1.0)",
    # outputs
    *(f"conv().output({value})" for value in ("0", "2", "-1", "BIG", "NEGATIVE", "None")),
    # runs
    "run(session(), z(1, 4, 4), z(1, 4, 4))",
    "run(conv(), z(1, 4, 4), z(4, 4, 4))",
    *(f"run(ready(), z(1, 4, 4), z({shape}))" for shape in ("1, 4, 4", "1, 8, 9", "1, 7, 8", "2, 8, 8", "0, 8, 8")),
    *(f"run(ready(), z({shape}), z(1, 8, 8))" for shape in ("2, 4, 4", "0, 4, 4", "1, 4, 5", "4, 4", "1, 1, 4, 4")),
    "run(ready(), z(1, 4, 4), z(1, 8, 8, dtype=np.float64))",
    "run(ready(), z(1, 4, 4), z(1, 8, 16)[:, :, ::2])",
    "run(ready(), z(1, 4, 4), np.broadcast_to(z(1, 1, 1), (1, 8, 8)))",
    "run(ready(), z(1, 4, 4), None)",
    "run(ready(), None, z(1, 8, 8))",
    "run(ready(), z(1, 2**30, 0), z(1, 2**31, 0))",
    "ready().run([], [z(1, 8, 8)])",
    "ready().run([z(1, 4, 4)], [])",
    "ready().run([z(1, 4, 4)] * 2, [z(1, 8, 8)] * 2)",
    "ready().run(z(1, 4, 4), z(1, 8, 8))",
    "moved().run([z(1, 4, 4), z(2, 4, 5)], [z(1, 4, 4)])",
    "moved().run([z(1, 4, 4), z(1, 4, 4)], [z(1, 4, 4)])",
    "moved().run([z(1, 2**24 + 1, 1), z(2, 2**24 + 1, 1)], [z(1, 2**24 + 1, 1)])",
]  # fmt: skip

DONE = [
    "run(ready(), z(1, 4, 4), z(1, 8, 8))",
    "run(ready(), z(1, 0, 4), z(1, 0, 8))",
    "run(ready(), z(1, 4, 0), z(1, 8, 0))",
    "conv(bias=z(4), slope=z(4), activation='prelu')",
    "session().resize(0, 2, [-1000, 1000], [1.0, 1.0])",
    "conv(session(scale=6), stride=3)",
    "moved().run([z(1, 4, 4), z(2, 4, 4) + 1e30], [z(1, 4, 4)])",
    "moved().run((z(1, 4, 4), z(2, 4, 4) + np.float32('nan')), (z(1, 4, 4),))",
    "moved().run([z(1, 0, 4), z(2, 0, 4)], [z(1, 0, 4)])",
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
    session = native.Session(False, 1, "")
    session.input(1, 1)
    with pytest.raises(ValueError, match="weight does not fit its source"):
        session.conv(0, np.ones((1, 2, 1, 1), np.float32), None, "none", None, 1)
    session.conv(0, np.full((1, 1, 1, 1), 2, np.float32), None, "none", None, 1)
    session.output(1)
    for k in range(1, 520):
        session.conv(k, np.ones((1, 1, 4095, 1), np.float32), None, "none", None, 1)
    with pytest.raises(ValueError, match="a layer reaches too far"):
        session.output(520)
    x, y = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.zeros((1, 2, 3), np.float32)
    session.run([x], [y])
    np.testing.assert_array_equal(y, 2 * x)


def test_features_and_targets_go_together():
    features, targets = native.features(), native.targets()
    assert all(isinstance(present, bool) for present in features.values())
    if "avx2" in features:
        assert ("avx2" in targets) == (features["avx2"] and features["fma"])
    assert len(set(targets)) == len(targets)


def test_other_threads_go_on_while_it_runs():
    session = native.Session(False, 1, "scalar")
    session.input(1, 1)
    session.conv(0, np.zeros((64, 1, 9, 9), np.float32), None, "tanh", None, 1)
    session.conv(1, np.zeros((1, 64, 1, 1), np.float32), None, "none", None, 1)
    session.output(2)
    x = np.zeros((1, 900, 900), np.float32)
    assert leaves_the_lock(lambda: session.run([x], [np.empty_like(x)]))
