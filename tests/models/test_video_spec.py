"""Networks that read frames of a video: what is declared, what is refused, what a file says of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open

from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.errors import ModelFileError, SpecError, Unsupported
from subpixel.models import ZOO, Model, load, save
from subpixel.models.chain import chain_of, video_chain_of
from subpixel.models.graph import run, run_all
from subpixel.models.onnx_export import to_onnx
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Concat, Conv, Frame, PixelShuffle, Previous, RunningMean, Spec, State, Warp
from subpixel.models.vespcn import vespcn, vespcn_slow

PAIR = Concat("pair", ("now", "next"))
A = Conv("a", "pair", 2, 8, (3, 3), "tanh", stride=2)
FLOW = PixelShuffle("flow", "a", 2)
WARP = Warp("moved", "next", "flow", 4.0)
END = Conv("end", "moved", 1, 4, (3, 3))
UP = PixelShuffle("up", "end", 2)
LAYERS = (PAIR, A, FLOW, WARP, END, UP)
FRAMES = (Frame("now"), Frame("next", 1))


def spec_of(*layers, inputs=FRAMES, border="zero"):
    return Spec(layers, 2, "luma", border, inputs)


def changed(**layers):
    return tuple(layers.get(layer.name, layer) for layer in LAYERS)


def test_properties_of_each_value():
    spec = spec_of(*LAYERS)
    assert [str(spec.values[name].scale) for name in ("now", "a", "flow", "moved", "up")] == ["1", "1/2", "1", "1", "2"]
    assert (spec.multiple, spec.reach, spec.plain, spec.outputs) == (2, (0, 1), False, ("up",))
    # The kernel of 3 at half the size loses 1 of 2, the warp 4 and the sample between, the last kernel 1.
    assert spec.halo == 2 + 5 + 1
    # The strided layer makes a quarter of the samples.
    assert spec.macs_per_pixel == 2 * 8 * 9 // 4 + 4 * 9


def test_nothing_beyond_the_halo_matters():
    spec = spec_of(*LAYERS)
    rng = np.random.default_rng(0)
    weights = {k: rng.standard_normal(s).astype(np.float32) for k, s in spec.weight_shapes.items()}
    side = 2 * (2 * spec.halo // 2 + 2)
    x = {name: rng.random((1, 1, side, side), np.float32) for name in ("now", "next")}
    middle = np.s_[..., side : side + 2, side : side + 2]
    before = run_all(spec, weights, x, NumpyKernels())["up"][middle]
    at = side // 2 + spec.halo + 1
    far = {name: np.where((np.arange(side) >= at)[:, None], value + 1, value) for name, value in x.items()}
    np.testing.assert_array_equal(run_all(spec, weights, far, NumpyKernels())["up"][middle], before)
    assert at < side


@pytest.mark.parametrize(
    ("layers", "fragment"),
    [
        (changed(a=replace(A, stride=0)), "layer 'a': stride=0: an integer from 1 to 8 is needed"),
        (changed(a=replace(A, stride=True)), "layer 'a': stride=True: an integer"),
        (changed(a=replace(A, stride=4)), "layer 'moved': 'flow' is ×1/2 and 'next' is ×1; equal scales are needed"),
        (changed(moved=replace(WARP, flow="a")), "layer 'moved': 'a' has 8 channels; a flow has 2"),
        (
            changed(moved=replace(WARP, flow="far")),
            "layer 'moved' reads 'far'; the name of an input",
        ),
        (changed(moved=replace(WARP, reach=0)), "layer 'moved': reach=0: a number above 0 and up to 256"),
        (changed(moved=replace(WARP, reach=float("nan"))), "layer 'moved': reach=nan: a number above 0"),
        (changed(moved=replace(WARP, reach="4")), "layer 'moved': reach='4': a number above 0"),
        (
            changed(end=replace(END, shared="a")),
            "layer 'end': in_channels=1: it shares the weights of 'a', which has",
        ),
        (changed(end=replace(END, shared="up")), "layer 'end': shared='up': an earlier convolution"),
        (changed(end=replace(END, shared=1)), "layer 'end': shared=1: the name of an earlier convolution"),
        (
            (PAIR, *(Conv(f"c{k}", f"c{k - 1}" if k else "pair", 2, 2, (3, 3), stride=8) for k in range(3))),
            "layer 'c2': ×1/512 is below ×1/64",
        ),
    ],
)
def test_every_error_names_the_layer(layers, fragment):
    with pytest.raises(SpecError) as caught:
        spec_of(*layers)
    assert fragment in str(caught.value)


def test_strides_and_warps_need_zeros():
    with pytest.raises(SpecError, match="layer 'a': strides and warps need border 'zero'"):
        spec_of(*LAYERS, border="replicate")
    with pytest.raises(SpecError, match="layer 'moved': strides and warps need border 'zero'"):
        spec_of(*changed(a=replace(A, out_channels=2, stride=1), flow=replace(FLOW, factor=1)), border="replicate")


@pytest.mark.parametrize(
    ("inputs", "fragment"),
    [
        ((), "the network has 0 inputs; 1 to 64 are needed"),
        ((Frame("now"), "next"), "'next' is not an input"),
        ((Frame("now"), Frame("now", 1)), "input 'now': an earlier input has that name"),
        ((Frame("now", 1), Frame("next", 2)), "no input is the frame that is upscaled"),
        ((Frame("now"), Frame("next", 0)), "input 'next': offset=0: an earlier input is that frame"),
        ((Frame("now"), Frame("next", 17)), "input 'next': offset=17: an integer from -16 to 16"),
        ((Frame("now"), Frame("", 1)), "input name '': a text"),
        ((*FRAMES, Frame("more", 2)), "input 'more': no layer reads it"),
        ((Frame("now"), State("next", 0, "up")), "input 'next': channels=0: an integer"),
        ((Frame("now"), State("next", 1, "gone")), "input 'next': next='gone': the name of a layer is needed"),
        ((Frame("now"), State("next", 1, "up")), "input 'next': next='up' has 1 channels at ×2; 1 at ×1 are needed"),
        (
            (Frame("now"), Previous("next"), Previous("b")),
            "two inputs are the previous result; at most",
        ),
        ((Frame("now"), RunningMean("next", 0)), "input 'next': frames=0: an integer"),
        ((Frame("now"), RunningMean("next", 9999)), "input 'next': frames=9999: an integer"),
        (
            (Frame("now"), RunningMean("next", 8, 5, 5)),
            "input 'next': still=5, changed=5: codes of 0 to 255 are needed",
        ),
        ((Frame("now"), RunningMean("next", 8, -1, 5)), "input 'next': still=-1, changed=5: codes"),
        ((Frame("now"), RunningMean("next", 8, 1, 256)), "input 'next': still=1, changed=256: codes"),
        ((Frame("now"), RunningMean("next", 8, "1", 5)), "input 'next': still='1', changed=5: codes"),
        ((Frame("now"), RunningMean("next", 8, 1, float("nan"))), "input 'next': still=1, changed=nan: codes"),
        ((*FRAMES, Frame("a", 2)), "layer 'a': an earlier layer or input has that name"),
    ],
)
def test_every_error_names_the_input(inputs, fragment):
    with pytest.raises(SpecError) as caught:
        spec_of(*LAYERS, inputs=inputs)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("spec", [vespcn(3), vespcn_slow(4), recurrent(2), spec_of(*LAYERS)])
def test_json_gives_the_same_network_back(spec, tmp_path):
    assert Spec.from_json(spec.to_json()) == spec
    weights = {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()}
    save(Model("video", spec, weights), tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").spec == spec
    with pytest.raises(ModelFileError, match="missing or unexpected weights"):
        Model("video", spec, {**weights, "after_fine1.weight": np.zeros((24, 5, 5, 5), np.float32)})


@pytest.mark.parametrize("entry", [e for e in ZOO.values() if e.trained], ids=lambda e: e.name)
def test_descriptions_in_shipped_files_are_unchanged(entry):
    """Whoever has the older program reads files that this one writes."""
    for scale in entry.scales:
        with safe_open(entry.path(scale), framework="numpy") as file:
            document = json.loads(file.metadata()["subpixel"])["spec"]
        assert json.loads(load(entry.path(scale)).spec.to_json()) == document
        assert set(document) == {"scale", "colour", "border", "layers", *(["inputs"] if entry.video else [])}


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": None},
        {"inputs": {}},
        {"inputs": []},
        {"inputs": [{"kind": "frame", "name": "now"}]},
        {"inputs": [{"kind": "image", "name": "now", "offset": 0}]},
        {"inputs": [{"kind": "state", "name": "now", "channels": 1, "next": []}]},
        {"inputs": [{"kind": "frame", "name": "now", "offset": 0, "stride": 1}]},
        {"inputs": [[]]},
        {"outputs": []},
    ],
)
def test_hostile_text(change):
    document = {**json.loads(spec_of(*LAYERS).to_json()), **change}
    with pytest.raises(SpecError):
        Spec.from_json(json.dumps(document))


def test_what_is_for_images_refuses_videos():
    spec = recurrent(2)
    message = "reads now, before, mean, state, previous: it is for videos, not for single"
    for call in (
        lambda: run(spec, {}, np.zeros((1, 1, 4, 4), np.float32), NumpyKernels()),
        lambda: chain_of(spec, "int8"),
    ):
        with pytest.raises(Unsupported, match=message):
            call()
    pytest.importorskip("onnx")
    with pytest.raises(Unsupported, match=message):
        to_onnx(spec, {})
    strided = Spec((Conv("a", INPUT, 1, 16, (3, 3), stride=2), PixelShuffle("up", "a", 4)), 2, "luma", "zero")
    with pytest.raises(Unsupported, match="networks with strides cannot be exported"):
        to_onnx(strided, {})
    with pytest.raises(Unsupported, match="layer 'a': int8 supports convolutions one after another"):
        chain_of(strided, "int8")


def test_the_recurrent_network_is_a_chain_and_vespcn_none():
    for scale in (2, 3, 4):
        chain = video_chain_of(recurrent(scale), "the engine")
        assert chain.trunk[0].in_channels == 3 + 12 + scale**2
        assert [end.out_channels for end in chain.ends] == [scale**2, 12]
    with pytest.raises(Unsupported, match=r"^layer 'before_coarse': "):
        video_chain_of(vespcn(2), "the engine")
    spec = recurrent(2)
    for name, part in (("kept", {"kernel": (1, 1)}), ("end", {"activation": "relu"})):
        layers = tuple(replace(layer, **part) if layer.name == name else layer for layer in spec.layers)
        with pytest.raises(Unsupported, match=f"^layer '(end|{name})': the engine supports video networks"):
            video_chain_of(replace(spec, layers=layers), "the engine")
