"""int8: the NumPy twin against hand-made numbers, every instruction set against the twin, byte by byte."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from subpixel.backends import BACKENDS, choose_backend
from subpixel.backends.integer import _activate, run_integer, to_halves
from subpixel.backends.native import _form_of
from subpixel.errors import BackendUnavailable, ModelFileError, Unsupported
from subpixel.models import espcn, find
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.integer import (
    INPUT_STEP,
    IntegerConv,
    IntegerNetwork,
    fake_quantise,
    integer_network,
    quantise,
    sum_units,
    with_integers,
)
from subpixel.models.spec import INPUT, Add, Concat, Conv, PixelShuffle, Resize, Spec

native = pytest.importorskip("subpixel._native", reason="this installation has no compiled module")


def chain(width, depth, scale, activation="relu", *, ends=5, base=True, colour="luma", border="replicate", order="CRD"):
    """The shape of this project's own networks, in all its varieties."""
    c = 1 if colour == "luma" else 3
    layers = [Conv("c0", INPUT, c, width, (ends, ends), activation)]
    layers += [Conv(f"c{k}", f"c{k - 1}", width, width, (3, 3), activation) for k in range(1, depth)]
    layers += [Conv("end", layers[-1].name, width, c * scale**2, (ends, ends)), PixelShuffle("up", "end", scale, order)]
    if base:
        layers += [Resize("base", INPUT, scale, "nearest"), Add("sum", ("up", "base"))]
    return Spec(tuple(layers), scale, colour, border)


def residual(border="replicate", activation="relu"):
    """Blocks with skips over one and over three convolutions, and a long one over all."""
    layers = (
        Conv("c0", INPUT, 1, 10, (3, 3), "prelu"),
        Conv("c1", "c0", 10, 10, (3, 3), "relu"),
        Conv("c2", "c1", 10, 10, (5, 3)),
        Add("s2", ("c2", "c0")),
        Conv("c3", "s2", 10, 10, (1, 1), activation),
        Add("s3", ("s2", "c3")),
        Conv("c4", "s3", 10, 10, (3, 3), "prelu"),
        Add("s4", ("c0", "c4")),
        Conv("end", "s4", 10, 4, (3, 3)),
        PixelShuffle("up", "end", 2),
        Resize("base", INPUT, 2, "nearest"),
        Add("sum", ("base", "up")),
    )
    return Spec(layers, 2, "luma", border)


SPECS = {
    **{f"espcn x{s}": espcn(s) for s in (2, 3, 4, 8)},
    "espcn rgb": espcn(3, colour="rgb"),
    "small": chain(16, 6, 2),
    "prelu, zero": chain(20, 3, 3, "prelu", border="zero"),
    "tanh, rgb, zero, DCR": chain(12, 2, 3, "tanh", ends=3, colour="rgb", border="zero", order="DCR"),
    "odd channels, no base": chain(7, 2, 4, ends=7, base=False),
    "clip, 1x1": chain(9, 2, 2, "clip", ends=1, colour="rgb"),
    "skips": residual(),
    "skips, zero": residual("zero", "none"),
    "fsrcnn": fsrcnn(3, features=10, shrunk=6, mappings=2),
    "fsrcnn, zero": fsrcnn(2, features=10, shrunk=6, mappings=2, border="zero"),
    "nine": chain(4, 1, 1, ends=9),
    "tall and wide": Spec(
        (Conv("a", INPUT, 1, 5, (7, 1), "relu"), Conv("b", "a", 5, 4, (1, 5)), PixelShuffle("u", "b", 2)), 2
    ),
}
FEW = ["espcn x3", "small", "skips", "prelu, zero", "tanh, rgb, zero, DCR"]


def weights_for(spec):
    rng = np.random.default_rng(len(spec.layers))
    shapes = spec.weight_shapes
    return {k: (rng.standard_normal(s) / max(4, np.prod(s[1:])) ** 0.5).astype(np.float32) for k, s in shapes.items()}


def prepared(spec):
    weights = weights_for(spec)
    return weights, quantise(spec, weights, {layer.name: (-2.0, 2.0) for layer in spec.layers})


def session_of(backend, spec, threads=2):
    weights, quantisation = prepared(spec)
    return BACKENDS[backend].prepare(spec, weights, "int8", threads, quantisation)


def planes_for(spec, height, width, dtype):
    x = np.random.default_rng(height * 1000 + width).random((spec.channels, height, width), np.float32)
    return (x * 255).astype(np.uint8) if dtype == np.uint8 else x


@pytest.fixture(params=native.targets())
def target(request, monkeypatch):
    monkeypatch.setenv("SUBPIXEL_TARGET", request.param)
    return request.param


def conv_of(weight, bias=0, shift=0, multiplier=32767, activation="none", zero=0, slope=None):
    weight = np.array(weight, np.int8).reshape(-1, 1, 1, 1)
    of = np.ones(len(weight))
    return IntegerConv(
        weight=weight,
        bias=(of * bias).astype(np.int32),
        shift=(of * shift).astype(np.int32),
        multiplier=(of * multiplier).astype(np.int16),
        slope=None if slope is None else (of * slope).astype(np.int16),
        activation=activation,
        zero=zero,
    )


def test_the_arithmetic_by_hand():
    # 20 halves * 3 + 4 = 64; >> 2 = 16; (16 * 16384 + 16384) >> 15 = 8; + 3. Then 11 * 16 = 176, z as it is: 11 bytes.
    first = conv_of([3], bias=4, shift=2, multiplier=16384, zero=3)
    last = conv_of([16])
    network = IntegerNetwork((first, last), 1, 1, "CRD", True, False)
    assert run_integer(network, np.full((1, 1, 1), 10, np.uint8)).tolist() == [[[10 + 11]]]
    result = run_integer(network, np.full((1, 1, 1), 10 / 255, np.float32))
    assert result[0, 0, 0] == pytest.approx(21 / 255, abs=1e-7)
    # Half a byte more: 21 * 3 + 5 = 68, 17 and (17 * 16384 + 16384) >> 15 = 9.
    finer = IntegerNetwork((replace(first, bias=first.bias + 1), last), 1, 1, "CRD", True, False)
    result = [run_integer(finer, np.full((1, 1, 1), x / 255, np.float32))[0, 0, 0] - x / 255 for x in (10, 10.5)]
    assert result == pytest.approx([11 / 255, 12 / 255], abs=1e-7)


@pytest.mark.parametrize(
    ("activation", "zero", "sum_", "byte"),
    [
        ("relu", 0, -5, 0),
        ("relu", 0, 300, 255),
        ("prelu", 100, -40, 80),
        ("prelu", 100, 40, 140),
        ("tanh", 128, 0, 128),
        ("tanh", 128, 4096, 128 + 126),
        ("tanh", 128, -32768, 128 - 126),
        ("clip", 0, 256, 255),
    ],
)
def test_activations_by_hand(activation, zero, sum_, byte):
    # The sum is the bias; the second layer hands the byte on: b * 16 / 16, with a multiplier of nearly 1.
    first = conv_of([0], bias=sum_, activation=activation, zero=zero, slope=16384)
    network = IntegerNetwork((first, conv_of([16])), 1, 1, "CRD", False, False)
    assert run_integer(network, np.zeros((1, 1, 1), np.uint8))[0, 0, 0] == byte


def test_tanh_is_close():
    z = np.arange(-9000, 9001)  # counts 2.5 / 4096
    result = _activate(conv_of([0], activation="tanh"), z)
    error = np.abs(result - 127 * np.tanh(z * (2.5 / 4096)))
    assert error[np.abs(z) <= 4096].max() < 0.9  # rounding alone has 0.5
    assert error.max() < 1.3


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_every_target_gives_the_bytes_of_numpy(target, name, dtype):
    spec = SPECS[name]
    fast, slow = session_of("native", spec), session_of("reference", spec)
    for height, width in ((1, 1), (1, 2), (2, 1), (7, 40), (33, 17), (11, 97)):
        x = planes_for(spec, height, width, dtype)
        result = fast(x)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, slow(x), f"{name} {height}x{width}")


@pytest.mark.parametrize("name", ["espcn x3", "skips"])
def test_every_odd_size(target, name):
    spec = SPECS[name]
    fast, slow = session_of("native", spec), session_of("reference", spec)
    for side in range(1, 41, 2):
        for x in (planes_for(spec, side, 41 - side, np.uint8), planes_for(spec, 3, side, np.uint8)):
            np.testing.assert_array_equal(fast(x), slow(x))


@pytest.mark.parametrize("name", FEW)
def test_threads_strips_and_bands_change_no_byte(target, name):
    spec = SPECS[name]
    x = planes_for(spec, 61, 700, np.uint8)
    whole = session_of("native", spec, 1)(x)
    for threads in (2, 5):
        np.testing.assert_array_equal(session_of("native", spec, threads)(x), whole)
    # A part of an image, beyond the reach of its border, is the same as in the whole.
    halo, s = spec.halo, spec.scale
    part = session_of("native", spec, 2)(x[:, 13:48, 401:677])
    inner = part[:, halo * s : -halo * s, halo * s : -halo * s]
    wanted = whole[:, (13 + halo) * s : (48 - halo) * s, (401 + halo) * s : (677 - halo) * s]
    np.testing.assert_array_equal(inner, wanted)


@pytest.mark.parametrize("name", FEW)
def test_both_forms_of_a_convolution_give_the_same_bytes(target, name, monkeypatch):
    spec = SPECS[name]
    x = planes_for(spec, 19, 133, np.uint8)
    expected = session_of("reference", spec)(x)
    for form in ("direct", "winograd", ""):
        monkeypatch.setenv("SUBPIXEL_INT8_FORM", form)
        np.testing.assert_array_equal(session_of("native", spec)(x), expected, form)


def test_a_process_keeps_the_form_it_chose(target):
    for channels in (4, 16, 40):
        chosen = {_form_of(native, channels, "") for _ in range(5)}
        assert len(chosen) == 1
        assert chosen <= {"direct", _form_of(native, channels, "winograd")}
        assert _form_of(native, channels, "direct") == "direct"
    assert _form_of(native, 16, "winograd") == ("winograd" if target in ("avx2", "avx512") else "direct")


def test_a_form_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setenv("SUBPIXEL_INT8_FORM", "fast")
    with pytest.raises(BackendUnavailable, match="SUBPIXEL_INT8_FORM: 'fast' is no form; direct or winograd is needed"):
        session_of("native", SPECS["small"])
    with pytest.raises(ValueError, match="form must be direct, winograd or empty"):
        native.IntegerSession(1, 2, True, False, False, 1, "", "fast")


def test_a_wide_image_is_cut_into_strips(target):
    spec = chain(64, 3, 2)
    x = planes_for(spec, 5, 2300, np.uint8)
    np.testing.assert_array_equal(session_of("native", spec)(x), session_of("reference", spec)(x))


def test_floats_that_are_no_samples(target):
    spec = SPECS["small"]
    x = planes_for(spec, 9, 30, np.float32)
    x[0, 4, :8] = [np.nan, np.inf, -np.inf, -3, 7, 1e-42, -0.0, 1 + 1e-7]
    np.testing.assert_array_equal(session_of("native", spec)(x), session_of("reference", spec)(x))


def test_halves_of_floats():
    x = np.array([0, 0.24 / 255, 0.25 / 255, 1.5 / 255, 1, 2, -1, np.nan, np.inf], np.float32)
    assert to_halves(x).tolist() == [0, 0, 1, 3, 510, 510, 0, 0, 510]


def test_nothing_in_nothing_out():
    for backend in ("native", "reference"):
        result = session_of(backend, SPECS["small"])(np.zeros((1, 0, 5), np.uint8))
        assert result.shape == (1, 0, 10)
        assert result.dtype == np.uint8


@pytest.mark.parametrize("scale", [3, 4])
def test_whole_numbers_are_close_to_the_network(scale):
    model = find("espcn", scale)
    quantisation = quantise(model.spec, model.weights, {})
    x = np.random.default_rng(0).random((1, 40, 40), np.float32)
    x = np.clip(np.cumsum(x - 0.5, axis=2) / 8 + 0.5, 0, 1).astype(np.float32)
    plain, whole = (
        BACKENDS["native"].prepare(model.spec, model.weights, precision, 1, quantisation)(x)
        for precision in ("f32", "int8")
    )
    assert np.sqrt(((plain - whole) ** 2).mean()) < 0.02


def test_a_kernels_sum_survives_rounding():
    spec = SPECS["small"]
    weights, quantisation = prepared(spec)
    network = integer_network(spec, weights, quantisation)
    step, checked = 1 / 510, 0
    for conv, result in zip([la for la in spec.layers if isinstance(la, Conv)], network.convs, strict=True):
        entry = quantisation["layers"][conv.name]
        unit = entry["scale"] * np.array(entry["multiplier"]) * 2.0 ** -(15.0 + np.array(entry["shift"]))
        exact = weights[f"{conv.name}.weight"].astype(np.float64) * (step / unit)[:, None, None, None]
        lost = exact.sum(axis=(2, 3)) - result.weight.sum(axis=(2, 3))
        clipped = (np.abs(result.weight) == 127).any(axis=(2, 3))
        assert clipped.any(axis=1).all()  # the largest weight of a channel is 127
        assert (np.abs(lost)[~clipped] <= 0.5 + 1e-9).all()
        checked += int((~clipped).sum())
        step = entry["scale"]
    assert checked > 20


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec((Conv("a", INPUT, 1, 1, (3, 3)), Resize("r", "a", 2)), 2), "layer 'r'"),
        (
            Spec((Conv("a", INPUT, 1, 2, (3, 3)), Concat("j", ("a", "a")), PixelShuffle("u", "j", 2)), 2),
            "layer 'j'",
        ),
        (Spec((Conv("a", INPUT, 1, 4, (3, 3), "tanh"), PixelShuffle("u", "a", 2)), 2), "no activation before"),
        (Spec((Conv("a", INPUT, 1, 1, (3, 3)),), 1), "end in a pixel shuffle"),
        (
            Spec(
                (
                    Conv("a", INPUT, 1, 4, (3, 3)),
                    Conv("b", "a", 4, 4, (3, 3)),
                    Add("s", ("a", "b")),
                    PixelShuffle("u", "s", 2),
                ),
                2,
            ),
            "layer 's': int8 needs a convolution between",
        ),
        (
            Spec(
                (
                    Conv("a", INPUT, 1, 4, (3, 3)),
                    Conv("b", "a", 4, 4, (3, 3), "tanh"),
                    Add("s", ("a", "b")),
                    Conv("c", "s", 4, 4, (3, 3)),
                    PixelShuffle("u", "c", 2),
                ),
                2,
            ),
            "layer 's'",
        ),
    ],
)
def test_networks_that_have_no_whole_numbers(spec, message):
    with pytest.raises(Unsupported, match=message):
        quantise(spec, weights_for(spec), {})


def test_a_file_without_parameters():
    model = find("espcn", 2)
    for backend in ("native", "reference"):
        with pytest.raises(Unsupported, match="has no int8 parameters"):
            BACKENDS[backend].prepare(model.spec, model.weights, "int8", 1, None)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0},
        {"scale": math.nan},
        {"scale": "x"},
        {"zero": 256},
        {"shift": [1]},
        {"shift": [-1] * 64},
        {"shift": [32] * 64},
        {"multiplier": [0] * 64},
        {"multiplier": [40000] * 64},
        {"multiplier": [None] * 64},
        {"multiplier": 7},
    ],
)
def test_wrong_parameters_are_refused(change):
    model = find("espcn", 2)
    quantisation = quantise(model.spec, model.weights, {})
    quantisation["layers"]["conv1"] = {**quantisation["layers"]["conv1"], **change}
    with pytest.raises(ModelFileError, match="layer 'conv1': wrong int8 parameters"):
        integer_network(model.spec, model.weights, quantisation)


def test_integers_of_the_file_replace_rounded_weights():
    spec = SPECS["skips"]
    weights, plain = prepared(spec)
    first = integer_network(spec, weights, plain).convs[0]
    name = next(layer.name for layer in spec.layers)
    rng = np.random.default_rng(8)
    weight = rng.integers(-127, 128, first.weight.shape)
    bias = rng.integers(-999, 999, len(weight))
    stored = json.loads(json.dumps(with_integers(plain, name, weight, bias)))  # as a file has it
    changed = integer_network(spec, weights, stored)
    np.testing.assert_array_equal(changed.convs[0].weight, weight)
    half = np.where(first.shift > 0, 2.0 ** (first.shift - 1), 0)
    np.testing.assert_array_equal(changed.convs[0].bias, bias + np.floor(half))
    np.testing.assert_array_equal(changed.convs[1].weight, integer_network(spec, weights, plain).convs[1].weight)
    units = sum_units(spec, stored)[0]
    restored = fake_quantise(spec, weights, stored)
    np.testing.assert_allclose(restored[f"{name}.bias"], bias * units, rtol=1e-6)
    np.testing.assert_allclose(
        restored[f"{name}.weight"], weight * (units / INPUT_STEP)[:, None, None, None], rtol=1e-6
    )
    x = rng.random((1, 21, 26), np.float32)
    native, reference, rounded = (
        BACKENDS[backend].prepare(spec, weights, "int8", 1, document)(x)
        for backend, document in (("native", stored), ("reference", stored), ("reference", plain))
    )
    np.testing.assert_array_equal(native, reference)
    assert not np.array_equal(reference, rounded)


@pytest.mark.parametrize(
    "change",
    [
        {"weight": None},
        {"weight": 7},
        {"weight": "AQE"},
        {"weight": "gICA"},
        {"weight": "\u00e9" * 8},
        {"bias": None},
        {"bias": [1]},
        {"bias": [float("nan")] * 64},
        {"bias": [10**40] * 64},
        {"weight": "gA==" * 1600},
    ],
)
def test_wrong_integers_are_refused(change):
    model = find("espcn", 2)
    quantisation = quantise(model.spec, model.weights, {})
    quantisation = with_integers(quantisation, "conv1", np.zeros((64, 1, 5, 5)), np.zeros(64))
    integer_network(model.spec, model.weights, quantisation)
    quantisation["layers"]["conv1"].update(change)
    with pytest.raises(ModelFileError, match="layer 'conv1': wrong int8 weights; 1600 bytes"):
        integer_network(model.spec, model.weights, quantisation)


@pytest.mark.parametrize("layers", [None, [], {"conv1": 3}, {}])
def test_no_parameters_at_all(layers):
    model = find("espcn", 2)
    with pytest.raises(ModelFileError, match="layer 'conv1'"):
        integer_network(model.spec, model.weights, {"layers": layers})


@pytest.mark.parametrize(
    ("quantisation", "backend", "wanted"),
    [
        (None, "auto", "f32"),
        ({"loss_db": 0.05}, "auto", "int8"),
        ({"loss_db": -0.01}, "auto", "int8"),
        ({"loss_db": 0.051}, "auto", "f32"),
        ({}, "auto", "f32"),
        ({"loss_db": "0"}, "auto", "f32"),
        ({"loss_db": 0.0}, "reference", "int8"),
        ({"loss_db": 0.0}, "torch", "f32"),
    ],
)
def test_what_auto_means(quantisation, backend, wanted):
    assert choose_backend(backend, "auto", quantisation)[1] == wanted


def test_a_call_that_does_not_fit_is_refused():
    session = native.IntegerSession(1, 2, True, False, False, 1, "")
    ones = [np.ones(4, np.int32), np.ones(4, np.int32), np.ones(4, np.int16), None, "none", 0]
    with pytest.raises(ValueError, match="the last layer"):
        session.run(np.zeros((1, 2, 2), np.uint8), np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="weight does not fit"):
        session.conv(np.ones((4, 2, 3, 3), np.int8), *ones, True, -1, 0)
    with pytest.raises(ValueError, match="odd"):
        session.conv(np.ones((4, 1, 2, 3), np.int8), *ones, True, -1, 0)
    with pytest.raises(ValueError, match="shift"):
        session.conv(np.ones((4, 1, 3, 3), np.int8), ones[0], ones[1] * 32, *ones[2:], True, -1, 0)
    with pytest.raises(ValueError, match="no earlier layer"):
        session.conv(np.ones((4, 1, 3, 3), np.int8), *ones, False, 0, 0)
    session.conv(np.ones((4, 1, 3, 3), np.int8), *ones, True, -1, 0)
    with pytest.raises(ValueError, match="after the last"):
        session.conv(np.ones((4, 4, 3, 3), np.int8), *ones, True, -1, 0)
    with pytest.raises(ValueError, match="scale times"):
        session.run(np.zeros((1, 2, 2), np.uint8), np.zeros((1, 4, 5), np.uint8))
    y = np.zeros((1, 4, 4), np.uint8)
    session.run(np.full((1, 2, 2), 255, np.uint8), y)
    assert (y == y[0, 0, 0]).all()
