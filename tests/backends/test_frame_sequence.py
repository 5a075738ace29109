"""Frames one after another: which a network sees, what it keeps, and going on in the middle."""

import numpy as np
import pytest

from subpixel.backends import BACKENDS
from subpixel.backends.frame_sequence import FrameSequence
from subpixel.errors import InvalidArgument
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import Concat, Conv, Frame, PixelShuffle, Spec
from subpixel.models.vespcn import vespcn
from subpixel.ops.running_mean import running_mean

# Two frames before and one after.
WIDE = Spec(
    (
        Concat("all", ("first", "second", "now", "next")),
        Conv("a", "all", 4, 4, (1, 1), bias=False),
        PixelShuffle("up", "a", 2),
    ),
    2,
    "luma",
    "replicate",
    (Frame("first", -2), Frame("second", -1), Frame("now"), Frame("next", 1)),
)


def frames_of(count, size=(6, 7)):
    return [np.random.default_rng(k).random((1, *size), np.float32) for k in range(count)]


def recording_sequence(spec):
    """A sequence that notes by their first samples which frames the network sees."""
    seen = []

    def session(inputs):
        seen.append([float(inputs[name][0, 0, 0]) for name in ("first", "second", "now", "next")])
        return {"up": np.zeros((1, *(2 * n for n in inputs["now"].shape[1:])), np.float32)}

    return FrameSequence(session, spec), seen


def test_beyond_the_ends_of_a_scene_its_first_and_last_frame_go_on():
    sequence, seen = recording_sequence(WIDE)
    assert sequence.latency == 1
    frames = [np.full((1, 2, 3), k, np.float32) for k in range(7)]
    result = [sequence.push(frame, begins_scene=k in (0, 4)) for k, frame in enumerate(frames)]
    assert [m is None for m in result] == [True] + [False] * 6
    assert len(sequence.flush()) == 1
    assert seen == [
        [0, 0, 0, 1],
        [0, 0, 1, 2],
        [0, 1, 2, 3],
        [1, 2, 3, 3],
        [4, 4, 4, 5],
        [4, 4, 5, 6],
        [4, 5, 6, 6],
    ]
    # Flushed, it begins anew.
    assert sequence.push(frames[5]) is None
    assert len(sequence.flush()) == 1
    assert seen[-1] == [5, 5, 5, 5]
    assert sequence.flush() == []


def test_a_frame_of_another_size_begins_a_scene():
    sequence, seen = recording_sequence(WIDE)
    sequence.push(np.full((1, 2, 3), 1, np.float32))
    result = sequence.push(np.full((1, 4, 3), 2, np.float32))
    assert result.shape == (1, 4, 6)
    assert sequence.flush()[0].shape == (1, 8, 6)
    assert seen == [[1, 1, 1, 1], [2, 2, 2, 2]]


def prepared(spec, seed=0):
    rng = np.random.default_rng(seed)
    weights = {
        k: (rng.standard_normal(s) / max(4, np.prod(s[1:])) ** 0.5).astype(np.float32)
        for k, s in spec.weight_shapes.items()
    }
    return BACKENDS["reference"].prepare_video(spec, weights, "f32", 1)


def run_through(sequence, frames, begins=()):
    result = [sequence.push(frame, begins_scene=k in begins) for k, frame in enumerate(frames)]
    return [m for m in result if m is not None] + sequence.flush()


def test_states_pass_from_frame_to_frame_but_not_across_a_cut():
    spec = recurrent(2, width=5, middle=1, state=3)
    session, frames = prepared(spec), frames_of(4)
    whole = run_through(FrameSequence(session, spec), frames, begins=(2,))
    # By hand: nothing at first, then what came out.
    state, previous = np.zeros((3, 6, 7), np.float32), np.repeat(frames[0], 4, axis=0)
    mean = None
    for k in (0, 1):
        mean = running_mean(frames[k], mean, frames=64, still=3.5, changed=6.5)
        inputs = {"now": frames[k], "before": frames[0], "mean": mean[:1], "state": state, "previous": previous}
        result = session(inputs)
        np.testing.assert_array_equal(whole[k], result["sum"])
        state = result["kept"]
        previous = np.clip(result["sum"], 0, 1).reshape(6, 2, 7, 2).transpose(1, 3, 0, 2).reshape(4, 6, 7)
    assert state.any()
    # The second scene is what it would be alone, and is not what it would be without the cut.
    alone = run_through(FrameSequence(session, spec), frames[2:])
    assert all(map(np.array_equal, whole[2:], alone))
    assert not np.array_equal(run_through(FrameSequence(session, spec), frames)[2], alone[0])


@pytest.mark.parametrize(
    "make", [lambda: recurrent(2, width=5, middle=1, state=3), lambda: vespcn(2, layers=2), lambda: WIDE]
)
@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_a_video_resumed_from_its_state_has_equal_bytes(make, at, tmp_path):
    spec = make()
    session, frames, begins = prepared(spec), frames_of(5), (3,)
    expected = run_through(FrameSequence(session, spec), frames, begins)
    first = FrameSequence(session, spec)
    result = [first.push(frame, begins_scene=k in begins) for k, frame in enumerate(frames[:at])]
    np.savez(tmp_path / "state.npz", **first.state())
    second = FrameSequence(session, spec)
    second.restore(dict(np.load(tmp_path / "state.npz")))
    result += [second.push(frame, begins_scene=k + at in begins) for k, frame in enumerate(frames[at:])]
    result = [m for m in result if m is not None] + second.flush()
    assert len(result) == len(frames)
    assert all(map(np.array_equal, result, expected))


def test_a_state_of_something_else_is_refused():
    spec = recurrent(2, width=5, middle=1, state=3)
    sequence = FrameSequence(prepared(spec), spec)
    run_through(sequence, frames_of(1))
    sequence.push(frames_of(1)[0])
    good = sequence.state()
    other = FrameSequence(prepared(WIDE), WIDE)
    other.push(frames_of(1)[0])
    wrong = [
        {},
        other.state(),
        {**good, "kept state": good["kept state"][:2]},
        {**good, "kept more": good["kept state"]},
        {**good, "kept mean": good["kept mean"][:1]},
    ]
    wrong += [{**good, "numbers": np.array([5, 0, 0])}, {**good, "scenes": np.array([0, 0, 0, 0])}]
    for state in wrong:
        with pytest.raises(InvalidArgument, match="state is not one that FrameSequence"):
            FrameSequence(prepared(spec), spec).restore(state)
    FrameSequence(prepared(spec), spec).restore(good)
