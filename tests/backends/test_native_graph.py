"""Networks of any graph on the compiled engine: random graphs with several inputs, strides and warps."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subpixel.backends import BACKENDS
from subpixel.backends.native_graph import parts_of
from subpixel.models.edsr import edsr
from subpixel.models.spec import (
    INPUT,
    Add,
    Concat,
    Conv,
    ConvTranspose,
    Frame,
    PixelShuffle,
    Previous,
    Resize,
    Spec,
    State,
    Warp,
)
from subpixel.models.vespcn import vespcn
from subpixel.models.zoo import ARCHITECTURES

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")


@dataclass
class Graph:
    """A network that grows: its layers, and the channels and twice the scale of each value."""

    layers: list = field(default_factory=list)
    values: dict = field(default_factory=dict)

    def add(self, kind, channels, twice, *arguments, **named):
        name = f"v{len(self.layers)}"
        self.layers.append(kind(name, *arguments, **named))
        self.values[name] = (channels, twice)
        return name


KERNELS = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))
ACTIVATIONS = st.sampled_from(["none", "relu", "prelu", "tanh", "clip"])


def grow(draw, graph, zero):
    """One more layer, of any kind that fits a value so far."""
    source = draw(st.sampled_from(list(graph.values)))
    channels, twice = graph.values[source]
    kinds = ["conv", "concat", "add"]
    kinds += ["resize"] * (twice <= 2) + ["shuffle"] * (channels % 4 == 0 and twice <= 2)
    kinds += ["transpose"] * (twice <= 2) + ["stride", "stride", "warp", "warp"] * zero
    kind = draw(st.sampled_from(kinds))
    alike = [name for name, value in graph.values.items() if value == (channels, twice)]
    if kind == "stride" and twice % 2 == 0:
        out = draw(st.sampled_from([1, 3, 8]))
        return graph.add(Conv, out, twice // 2, source, channels, out, draw(KERNELS), draw(ACTIVATIONS), stride=2)
    if kind == "concat":
        other = draw(st.sampled_from([name for name, value in graph.values.items() if value[1] == twice]))
        return graph.add(Concat, channels + graph.values[other][0], twice, (source, other))
    if kind == "add":
        return graph.add(Add, channels, twice, (source, draw(st.sampled_from(alike))))
    if kind == "resize":
        return graph.add(Resize, channels, twice * 2, source, 2, draw(st.sampled_from(["nearest", "linear", "cubic"])))
    if kind == "shuffle":
        return graph.add(PixelShuffle, channels // 4, twice * 2, source, 2, draw(st.sampled_from(["CRD", "DCR"])))
    if kind == "transpose":
        return graph.add(ConvTranspose, 2, twice * 2, source, channels, 2, (4, 3), 2, (1, 0))
    if kind == "warp":
        flow = graph.add(Conv, 2, twice, source, channels, 2, draw(KERNELS), "tanh")
        moved = draw(st.sampled_from([name for name, value in graph.values.items() if value[1] == twice]))
        reach = draw(st.sampled_from([0.5, 3.0, 40.0]))
        return graph.add(Warp, graph.values[moved][0], twice, moved, flow, reach)
    out = draw(st.integers(1, 9))
    return graph.add(Conv, out, twice, source, channels, out, draw(KERNELS), draw(ACTIVATIONS))


@st.composite
def specs(draw):
    """Networks ×2 with one to three inputs, whose values are ×1/2 to ×4, and sometimes a state."""
    zero = draw(st.booleans())
    graph, state = Graph(), draw(st.booleans())
    inputs = [Frame("now"), *([Frame("next", 1)] if draw(st.booleans()) else []), *([Previous("before")] * state)]
    for one in inputs:
        graph.values[one.name] = (4 if isinstance(one, Previous) else 1, 2)
    if state:
        inputs.append(State("kept", 3, "keep"))
        graph.values["kept"] = (3, 2)
    for _ in range(draw(st.integers(1, 7))):
        grow(draw, graph, zero)
    # Every value is read: all that are left are brought to ×2 and one channel, and added.
    ends = []
    for name, (channels, twice) in list(graph.values.items()):
        source = name
        if twice == 8:
            if not zero:
                graph.layers[:] = [layer for layer in graph.layers if layer.name != name]
                continue
            source, twice = graph.add(Conv, 1, 4, name, channels, 1, (3, 3), stride=2), 4
            channels = 1
        factor = 4 // twice
        end = graph.add(Conv, factor**2, twice, source, channels, factor**2, (1, 1))
        ends.append(graph.add(PixelShuffle, 1, 4, end, factor))
    layers = [*graph.layers]
    if state:
        layers.append(Conv("keep", "kept", 3, 3, (3, 3), "clip"))
    layers.append(Add("sum", (*ends, ends[0])))
    return Spec(tuple(layers), 2, "luma", "zero" if zero else "replicate", tuple(inputs))


def weights_for(spec, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: (rng.standard_normal(shape) / max(4, np.prod(shape[1:])) ** 0.5).astype(np.float32)
        for name, shape in spec.weight_shapes.items()
    }


def inputs_for(spec, height, width, seed=0):
    rng = np.random.default_rng(seed)
    return {one.name: rng.random((spec.values[one.name].channels, height, width), np.float32) for one in spec.inputs}


def run(backend, spec, inputs, threads=1):
    return BACKENDS[backend].prepare_video(spec, weights_for(spec), "f32", threads)(inputs)


def assert_agrees(result, expected, most=1e-4):
    assert list(result) == list(expected)
    for name, value in expected.items():
        assert result[name].dtype == np.float32
        np.testing.assert_allclose(result[name], value, rtol=0, atol=most)


@settings(max_examples=80, deadline=None)
@given(spec=specs(), height=st.integers(1, 21), width=st.integers(1, 30), target=st.sampled_from(native.targets()))
def test_any_graph_agrees_with_the_reference(spec, height, width, target):
    inputs = inputs_for(spec, height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBPIXEL_TARGET", target)
        results = [run("native", spec, inputs, threads) for threads in (1, 2, 5)]
    # The sum of up to some twenty values of a size of about one.
    assert_agrees(results[0], run("reference", spec, inputs))
    for result in results[1:]:
        assert all(np.array_equal(result[name], value) for name, value in results[0].items())


PAIR = (Frame("now"), Frame("next", 1))


def test_strides_of_every_size_and_odd_images():
    for stride in range(1, 9):
        layers = (
            Conv("down", INPUT, 1, 5, (5, 3), "relu", stride=stride),
            Conv("more", "down", 5, stride * stride, (3, 1)),
            PixelShuffle("up", "more", stride),
        )
        spec = Spec(layers, 1, "luma", "zero")
        sessions = [BACKENDS[name].prepare(spec, weights_for(spec), "f32", 2) for name in ("native", "reference")]
        for height, width in [(1, 1), (9, 8), (31, 150)]:
            x = inputs_for(spec, height, width)[INPUT]
            mine, its = (session(x) for session in sessions)
            assert mine.shape == x.shape
            np.testing.assert_allclose(mine, its, rtol=0, atol=1e-5)


def test_a_warp_reads_beyond_any_tile_and_repeats_the_edge():
    """Whole displacements move samples, exactly; the flow is clipped to the reach."""
    layers = (
        Conv("flow", "next", 1, 2, (1, 1)),
        Warp("moved", "now", "flow", 64.0),
        PixelShuffle("same", "moved", 1),
    )
    spec = Spec(layers, 1, "luma", "zero", PAIR)
    weights = {"flow.weight": np.full((2, 1, 1, 1), 1, np.float32), "flow.bias": np.zeros(2, np.float32)}
    now = np.random.default_rng(0).random((1, 90, 300), np.float32)
    for threads in (1, 4):
        session = BACKENDS["native"].prepare_video(spec, weights, "f32", threads)
        for flow in (-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5):
            steps = int(64 * np.clip(flow, -1, 1))
            rows, columns = (np.clip(np.arange(side) + steps, 0, side - 1) for side in (90, 300))
            result = session({"now": now, "next": np.full((1, 90, 300), flow, np.float32)})["same"]
            np.testing.assert_array_equal(result[0], now[0][np.ix_(rows, columns)])


def test_a_flow_that_is_no_number_gives_what_the_reference_gives():
    layers = (Conv("flow", "next", 1, 2, (1, 1)), Warp("moved", "now", "flow", 5.0), PixelShuffle("same", "moved", 1))
    spec = Spec(layers, 1, "luma", "zero", PAIR)
    inputs = inputs_for(spec, 20, 40)
    inputs["next"][0, 3:5, 7:20] = np.nan
    inputs["next"][0, 9, 7:20] = np.inf
    with np.errstate(invalid="ignore"):
        expected = run("reference", spec, inputs)["same"]
    np.testing.assert_allclose(run("native", spec, inputs)["same"], expected, rtol=0, atol=1e-5)


def test_only_what_a_warp_needs_is_kept_whole():
    parts = parts_of(vespcn(3))
    assert [part.results for part in parts] == [
        ("before_coarse", "after_coarse"),
        ("before_flow", "after_flow"),
        ("sum",),
    ]
    assert [part.sources for part in parts] == [
        ("now", "before", "after"),
        ("before", "before_coarse", "now", "after", "after_coarse"),
        ("before", "before_flow", "after", "after_flow", "now"),
    ]
    assert sum(len(part.layers) for part in parts) == len(vespcn(3).layers)
    assert len(parts_of(edsr(2, features=8, blocks=2))) == 1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_vespcn_on_every_target(scale, monkeypatch):
    spec = vespcn(scale)
    inputs = inputs_for(spec, 37, 61)
    expected = run("reference", spec, inputs)
    for target in native.targets():
        monkeypatch.setenv("SUBPIXEL_TARGET", target)
        results = [run("native", spec, inputs, threads) for threads in (1, 3)]
        assert_agrees(results[0], expected)
        np.testing.assert_array_equal(results[0]["sum"], results[1]["sum"])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_is_compiled(name):
    spec = ARCHITECTURES[name](2)
    # Zeros, for some have forty million parameters; what layers compute is compared above.
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    backend = BACKENDS["native"]
    if spec.plain:
        x = inputs_for(spec, 5, 6)[INPUT]
        assert backend.prepare(spec, weights, "f32", 1)(x).shape == (spec.channels, 10, 12)
    else:
        result = backend.prepare_video(spec, weights, "f32", 1)(inputs_for(spec, 5, 6))
        assert result[spec.layers[-1].name].shape == (1, 10, 12)


def test_inputs_are_left_alone_and_need_not_be_contiguous():
    spec = vespcn(2, layers=2, width=4)
    wide = inputs_for(spec, 22, 42)
    inputs = {name: x[:, ::-1, ::2] for name, x in wide.items()}
    before = {name: x.copy() for name, x in inputs.items()}
    session = BACKENDS["native"].prepare_video(spec, weights_for(spec), "f32", 2)
    result = session(inputs)
    assert_agrees(result, session(before), 0)
    assert all(np.array_equal(inputs[name], before[name]) for name in inputs)
