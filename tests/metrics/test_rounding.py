"""Integers by least squares: nearer to the f32 network than rounded weights, on images that did not choose them too."""

import numpy as np
import pytest

from subpixel.backends import BACKENDS
from subpixel.backends.integer import _rescale, halves_of, run_integer
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.metrics.calibration import activation_ranges
from subpixel.metrics.rounding import _Image, _Layer, convolved, round_together
from subpixel.models import espcn
from subpixel.models.chain import row_of
from subpixel.models.files import Model
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.integer import integer_network, quantise
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Spec

from .conftest import small_relu


def with_skips(border):
    layers = (
        Conv("c0", INPUT, 1, 6, (3, 3), "prelu"),
        Conv("c1", "c0", 6, 6, (5, 3), "relu"),
        Conv("c2", "c1", 6, 6, (3, 3)),
        Add("s2", ("c2", "c0")),
        Conv("end", "s2", 6, 4, (3, 3)),
        PixelShuffle("up", "end", 2),
    )
    return Spec(layers, 2, "luma", border)


SPECS = {
    "relu": small_relu().spec,
    "tanh": espcn(2, features=(8, 6)),
    "transposed": fsrcnn(2, features=8, shrunk=4, mappings=1),
    "skips": with_skips("replicate"),
    "skips, zero": with_skips("zero"),
}


def random_model(spec):
    rng = np.random.default_rng(7)
    weights = {
        k: (rng.standard_normal(s) / max(4, np.prod(s[1:])) ** 0.5).astype(np.float32)
        for k, s in spec.weight_shapes.items()
    }
    if "end.weight" in weights:
        weights["end.weight"] *= 0.2  # so that the result stays within what int8 can represent
    return Model("random", spec, weights)


def drawn(seed, side=48):
    """Soft shapes with a sharp edge."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    soft = sum(np.sin(rng.uniform(2, 25) * x + rng.uniform(2, 25) * y + rng.uniform(0, 6)) for _ in range(5))
    sharp = (x * rng.uniform(-1, 1) + y > rng.uniform(0.2, 0.8)) * 0.4
    return np.clip(0.35 + 0.08 * soft + sharp, 0, 1).astype(np.float32)[None]


def error_of(model, quantisation, planes):
    sessions = [BACKENDS["native"].prepare(model.spec, model.weights, p, 1, quantisation) for p in ("f32", "int8")]
    return float(np.mean([np.square(sessions[0](x) - sessions[1](x), dtype=np.float64).mean() for x in planes]))


@pytest.mark.parametrize("name", SPECS)
def test_the_error_is_smaller_than_with_rounded_weights(name):
    model = random_model(SPECS[name])
    planes, others = ([drawn(seed) for seed in seeds] for seeds in (range(4), range(10, 13)))
    plain = quantise(model.spec, model.weights, activation_ranges(model, planes))
    found = round_together(model, plain, planes, [1.0] * 4, lambda trial: error_of(model, trial, planes))
    assert error_of(model, found, planes) < 0.9 * error_of(model, plain, planes)
    assert error_of(model, found, others) < error_of(model, plain, others)
    assert any("weight" in entry for entry in found["layers"].values())
    assert all("weight" not in entry for entry in plain["layers"].values())
    assert found == round_together(model, plain, planes, [1.0] * 4, lambda trial: error_of(model, trial, planes))


def test_nothing_is_kept_that_makes_the_error_larger():
    model = random_model(SPECS["relu"])
    planes = [drawn(0)]
    plain = quantise(model.spec, model.weights, activation_ranges(model, planes))
    assert round_together(model, plain, planes, [1.0], lambda trial: 0.0 if trial is plain else 1.0) is plain


@pytest.mark.parametrize("name", SPECS)
def test_each_layer_reads_what_the_networks_before_it_make(name):
    """Layer by layer to the end, the same as the references, in f32 and in integers."""
    model = random_model(SPECS[name])
    spec, plane = model.spec, drawn(3)
    chain, weights = row_of(spec, model.weights, "int8")
    quantisation = quantise(spec, model.weights, activation_ranges(model, [plane]))
    network = integer_network(spec, model.weights, quantisation)
    image = _Image(plane, halves_of(plane).astype(np.int16))
    if spec.border != "zero":
        image = image.padded([sum(c.kernel[a] // 2 for c in chain.convs) for a in (0, 1)], "edge")
    for conv, integers in zip(chain.convs, network.convs, strict=True):
        if spec.border == "zero":
            image = image.padded([n // 2 for n in conv.kernel], "constant")
        layer = _Layer(conv, weights)
        if conv is not chain.convs[-1]:
            image = image.after(layer, integers, keep=True)
    base = np.repeat(np.repeat(plane, 2, 1), 2, 2) if chain.base else 0
    shuffled = layer.sums(image.exact).reshape(2, 2, *plane.shape[1:]).transpose(2, 0, 3, 1).reshape(1, 96, 96)
    f32 = BACKENDS["reference"].prepare(spec, model.weights, "f32", 1)(plane)
    np.testing.assert_allclose(shuffled + base, f32, atol=1e-5)
    total = np.rint(convolved(image.integers.astype(np.float32), integers.weight.astype(np.float32)))
    z = _rescale(integers, total.astype(np.int64) + integers.bias[:, None, None])
    small = z.reshape(2, 2, *plane.shape[1:]).transpose(2, 0, 3, 1).reshape(1, 96, 96) / np.float32(16 * 255)
    np.testing.assert_allclose(small + base, run_integer(network, plane), atol=1e-6)


def test_the_convolution_is_the_references():
    rng = np.random.default_rng(1)
    x, weight = rng.random((3, 11, 14), np.float32), rng.random((5, 3, 5, 3), np.float32)
    whole = NumpyKernels().conv(x[None], weight, None, (0, 0))[0]
    np.testing.assert_allclose(convolved(x, weight), whole, rtol=1e-5)
    np.testing.assert_allclose(convolved(x, weight, 2, 1), whole[:, 1::2, 1::2], rtol=1e-5)
