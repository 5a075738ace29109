"""Networks for videos: every backend that runs one gives what the oracle gives, and the others say why not."""

import numpy as np
import pytest

from helpers import UNCOMPILED
from oracle import video
from subpixel.backends import BACKENDS
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models.chain import row_of
from subpixel.models.integer import quantise
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Add, Concat, Conv, Frame, PixelShuffle, Previous, Resize, Spec, State, Warp
from subpixel.models.vespcn import vespcn, vespcn_slow
from subpixel.ops.native import native_module

SMALL = Spec(
    (
        Concat("pair", ("now", "next")),
        Conv("a", "pair", 2, 6, (3, 3), "relu", stride=2),
        Conv("b", "a", 6, 8, (3, 3), "tanh"),
        PixelShuffle("flow", "b", 2),
        Warp("moved", "next", "flow", 2.5),
        Concat("all", ("now", "moved")),
        Conv("c", "all", 2, 4, (3, 3), "relu"),
        Conv("d", "c", 4, 4, (3, 3)),
        PixelShuffle("sum", "d", 2),
    ),
    2,
    "luma",
    "zero",
    (Frame("now"), Frame("next", 1)),
)
SPECS = {
    "small": SMALL,
    "vespcn": vespcn(3, layers=3, width=5),
    "slow": vespcn_slow(2, layers=4, width=6, pair=3),
    "recurrent x2": recurrent(2, width=6, middle=2, state=5),
    "recurrent x4": recurrent(4),
    "recurrent rgb, zero": Spec(
        (
            Concat("joined", ("previous", "state", "now", "second")),
            Conv("a", "joined", 12 + 3 + 3 + 2, 9, (3, 5), "prelu"),
            Conv("end", "a", 9, 12, (3, 1), bias=False),
            Conv("kept", "a", 9, 3, (3, 1), "relu"),
            Conv("more", "a", 9, 2, (3, 1)),
            PixelShuffle("up", "end", 2),
        ),
        2,
        "rgb",
        "zero",
        (Previous("previous"), State("state", 3, "kept"), Frame("now"), State("second", 2, "more")),
    ),
}
CHAINS = [name for name in SPECS if name.startswith("recurrent")]


def weights_for(spec):
    rng = np.random.default_rng(len(spec.layers))
    return {
        k: (rng.standard_normal(s) / max(4, np.prod(s[1:])) ** 0.5).astype(np.float32)
        for k, s in spec.weight_shapes.items()
    }


def inputs_for(spec, height, width):
    rng = np.random.default_rng(height * 1000 + width)
    return {one.name: rng.random((spec.values[one.name].channels, height, width), np.float32) for one in spec.inputs}


def made_by(backend, spec, inputs, precision="f32", threads=2):
    return BACKENDS[backend].prepare_video(spec, weights_for(spec), precision, threads)(inputs)


@pytest.mark.parametrize("name", ["small", "recurrent x2", "recurrent rgb, zero"])
def test_the_reference_is_what_samples_say(name):
    spec = SPECS[name]
    for size in ((5, 6), (1, 3)):
        inputs = inputs_for(spec, *size)
        result, expected = made_by("reference", spec, inputs), video.run(spec, weights_for(spec), inputs)
        assert list(result) == list(spec.outputs)
        for output in spec.outputs:
            np.testing.assert_allclose(result[output], expected[output], rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", SPECS)
def test_torch_agrees_with_the_reference(name):
    spec = SPECS[name]
    for size in [(1, 1), (7, 5), (16, 33), (37, 61)]:
        inputs = inputs_for(spec, *size)
        result, expected = (made_by(backend, spec, inputs) for backend in ("torch", "reference"))
        assert set(result) == set(expected)
        for output in spec.outputs:
            assert result[output].dtype == np.float32
            assert result[output].shape == expected[output].shape
            # Places of a warp as a grid of f32 are right to some 1e-5 of a sample, and neighbours differ by up to 1.
            np.testing.assert_allclose(result[output], expected[output], rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", SPECS)
def test_the_engine_agrees_with_the_reference(name):
    if BACKENDS["native"].unavailable():
        pytest.skip("this installation has no compiled module")
    spec = SPECS[name]
    for size in [(1, 1), (7, 5), (40, 161)]:
        inputs = inputs_for(spec, *size)
        result, expected = (made_by(backend, spec, inputs) for backend in ("native", "reference"))
        assert list(result) == list(expected)
        for output in spec.outputs:
            # A place of a warp is an f32, so differences of flows count as often as there are samples.
            most = 2e-5 if name in CHAINS else 1e-4
            np.testing.assert_allclose(result[output], expected[output], rtol=0, atol=most)
        again = made_by("native", spec, inputs, threads=1)
        assert all(np.array_equal(result[output], again[output]) for output in spec.outputs)


@pytest.mark.parametrize("name", ["small", "vespcn", "slow"])
def test_the_engine_says_what_it_does_not_run(name):
    if BACKENDS["native"].unavailable():
        pytest.skip("this installation has no compiled module")
    text = r"^layer '\w+': backend 'native' with precision='bf16' supports video networks .*; precision='f32' runs this"
    with pytest.raises(Unsupported, match=text):
        BACKENDS["native"].prepare_video(SPECS[name], weights_for(SPECS[name]), "bf16", 1)


def test_bf16_is_near():
    spec = SPECS["recurrent x4"]
    inputs = inputs_for(spec, 20, 30)
    expected = made_by("reference", spec, inputs)
    for backend in ("reference", "torch", *(["native"] if not BACKENDS["native"].unavailable() else [])):
        result = made_by(backend, spec, inputs, "bf16")
        for output in spec.outputs:
            np.testing.assert_allclose(result[output], expected[output], rtol=0, atol=0.02)
            assert not np.array_equal(result[output], expected[output])


def small_detail(spec):
    """Weights of which the result differs from the frame by less than 1, as int8 takes it to do."""
    weights = weights_for(spec)
    return {**weights, "end.weight": weights["end.weight"] * np.float32(0.3)}


def integers_for(spec):
    chain, _ = row_of(spec, weights_for(spec), "int8")
    return quantise(spec, small_detail(spec), dict.fromkeys(chain.results, (-4.0, 4.0)))


@pytest.mark.parametrize("name", ["recurrent x2", "recurrent x4"])
def test_whole_numbers_are_near_and_the_same_on_every_target(name, monkeypatch):
    spec = SPECS[name]
    inputs, weights = inputs_for(spec, 23, 37), small_detail(spec)
    expected = BACKENDS["reference"].prepare_video(spec, weights, "f32", 1)(inputs)
    result = BACKENDS["reference"].prepare_video(spec, weights, "int8", 1, integers_for(spec))(inputs)
    for output in spec.outputs:
        assert np.abs(result[output] - expected[output]).max() < 0.03
    if BACKENDS["native"].unavailable():
        pytest.skip("this installation has no compiled module")
    for target in native_module().targets():
        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        for threads in (1, 3):
            session = BACKENDS["native"].prepare_video(spec, weights, "int8", threads, integers_for(spec))
            ours = session(inputs)
            assert all(ours[output].tobytes() == result[output].tobytes() for output in spec.outputs), target


def test_what_is_no_chain_has_no_whole_numbers():
    for backend in ("reference", "native"):
        with pytest.raises(Unsupported, match=r"^layer '\w+': .* supports video networks that join their inputs"):
            BACKENDS[backend].prepare_video(SPECS["vespcn"], weights_for(SPECS["vespcn"]), "int8", 1, {"layers": {}})
    unlimited = SPECS["recurrent rgb, zero"]
    with pytest.raises(Unsupported, match="layer 'kept': int8 needs activation 'clip' for a state"):
        BACKENDS["reference"].prepare_video(unlimited, weights_for(unlimited), "int8", 1, {"layers": {}})


@pytest.mark.parametrize("backend", ["reference", "torch", "native"])
def test_what_is_given_is_checked(backend):
    if BACKENDS[backend].unavailable():
        pytest.skip(f"backend {backend} cannot run here")
    spec = SPECS["recurrent x2"]
    session = BACKENDS[backend].prepare_video(spec, weights_for(spec), "f32", 1)
    good = inputs_for(spec, 4, 5)
    wrong = {
        "state": (good["state"][:4], r"input 'state' of dtype float32 and shape \(4, 4, 5\): f32 of shape \(5, 4, 5\)"),
        "before": (good["before"].astype(np.float64), "input 'before' of dtype float64"),
        "previous": (good["previous"][:, :3], r"input 'previous' .* \(4, 4, 5\) is needed"),
    }
    for name, (value, message) in wrong.items():
        with pytest.raises(InvalidArgument, match=message):
            session({**good, name: value})
    with pytest.raises(InvalidArgument, match="now, before, mean, state, previous are needed"):
        session({name: good[name] for name in ("now", "before", "state")})
    with pytest.raises(InvalidArgument, match=r"f32 of shape \(1, H, W\) is needed"):
        session({name: value[:, :0] for name, value in good.items()})
    reason = (
        "precision='int8': backend 'torch' runs networks for videos in f32 or bf16"
        if backend == "torch"
        else "has no int8 parameters"
    )
    with pytest.raises(Unsupported, match=reason):
        BACKENDS[backend].prepare_video(spec, weights_for(spec), "int8", 1)
    with pytest.raises(Unsupported, match="reads now, before, mean, state, previous: it is for videos, not for single"):
        BACKENDS[backend].prepare(spec, weights_for(spec), "f32", 1)


def test_a_plain_network_with_shared_weights_runs_everywhere():
    spec = Spec(
        (
            Conv("a", INPUT, 1, 4, (3, 3), "relu"),
            Conv("b", "a", 4, 4, (3, 3), "relu"),
            Conv("c", "b", 4, 4, (3, 3), "relu", shared="b"),
            Conv("d", "c", 4, 4, (1, 1)),
            PixelShuffle("up", "d", 2),
            Resize("base", INPUT, 2),
            Add("sum", ("base", "up")),
        ),
        2,
    )
    x = np.random.default_rng(0).random((1, 9, 11), np.float32)
    results = [
        backend.prepare(spec, weights_for(spec), "f32", 1)(x)
        for backend in map(BACKENDS.__getitem__, UNCOMPILED)
        if not backend.unavailable()
    ]
    own = {**weights_for(spec), **{f"c.{part}": weights_for(spec)[f"b.{part}"] for part in ("weight", "bias")}}
    layers = tuple(Conv("c", "b", 4, 4, (3, 3), "relu") if layer.name == "c" else layer for layer in spec.layers)
    expected = BACKENDS["reference"].prepare(Spec(layers, 2), own, "f32", 1)(x)
    for result in results:
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)
