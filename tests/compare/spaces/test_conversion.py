"""A sub-pixel network as one with a transposed convolution, and back."""

import numpy as np
import pytest

from helpers import UNCOMPILED
from subpixel.backends import BACKENDS
from subpixel.compare.spaces import design_of, to_subpixel, to_transposed
from subpixel.compare.spaces.conversion import measure_conversion
from subpixel.errors import InvalidArgument
from subpixel.models.espcn import espcn
from subpixel.models.files import Model
from subpixel.models.spec import ConvTranspose, PixelShuffle

BACKENDS_HERE = [name for name in UNCOMPILED if not BACKENDS[name].unavailable()]


def random_model(spec, name="random", seed=0):
    rng = np.random.default_rng(seed)
    shapes = spec.weight_shapes.items()
    return Model(name, spec, {n: (rng.standard_normal(s) * 0.2).astype(np.float32) for n, s in shapes})


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", BACKENDS_HERE)
def test_results_are_equal_and_the_way_back_is_exact(name, scale):
    model = random_model(design_of("lr", "small", scale).spec)
    transposed = to_transposed(model)
    again = to_subpixel(transposed)
    assert any(isinstance(layer, ConvTranspose) for layer in transposed.spec.layers)
    assert not any(isinstance(layer, PixelShuffle) for layer in transposed.spec.layers)
    assert transposed.spec.parameters == model.spec.parameters
    assert np.array_equal(again.weights["up.phases.weight"], model.weights["conv4.weight"])
    plane = np.random.default_rng(1).random((1, 13, 10), np.float32)
    first, second, third = (
        BACKENDS[name].prepare(one.spec, one.weights, "f32", 1)(plane) for one in (model, transposed, again)
    )
    assert first.shape == (1, 13 * scale, 10 * scale)
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(first, third, rtol=1e-5, atol=1e-5)


def test_the_weight_is_the_paper_s_permutation():
    """(9, C, 3, 3) becomes (C, 1, 9, 9): tap r*u + phase of the transposed kernel is tap u of the flipped phase."""
    model = random_model(design_of("lr", "small", 3).spec)
    conv, up = model.weights["conv4.weight"], to_transposed(model).weights["up.weight"]
    assert up.shape == (21, 1, 9, 9)
    for y in range(9):
        for x in range(9):
            phase = y % 3 * 3 + x % 3
            assert np.array_equal(up[:, 0, y, x], conv[phase, :, 2 - y // 3, 2 - x // 3])


def test_a_bias_that_all_phases_share_is_kept():
    model = random_model(espcn(3))
    model.weights["conv3.bias"][:] = 0.25
    transposed = to_transposed(model)
    assert transposed.weights["shuffle.bias"].tolist() == [0.25]
    plane = np.random.default_rng(1).random((1, 9, 12), np.float32)
    first, second = (
        BACKENDS["reference"].prepare(one.spec, one.weights, "f32", 1)(plane) for one in (model, transposed)
    )
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_converted_is_one_sentence():
    with pytest.raises(InvalidArgument, match=r"bias"):
        to_transposed(random_model(espcn(2)))
    with pytest.raises(InvalidArgument, match=r"^model 'random': it has no convolution that only a pixel shuffle"):
        to_transposed(random_model(design_of("hr-macs", "small", 2).spec))


def test_the_measurement_says_what_it_found():
    plane = np.random.default_rng(1).random((20, 16), np.float32)
    model = random_model(design_of("lr", "small", 2).spec)
    found = measure_conversion(model, plane, threads=1)
    assert (found.subpixel_shape, found.transposed_shape) == ((4, 16, 3, 3), (16, 1, 6, 6))
    assert found.restored
    assert found.parameters == model.spec.parameters
    assert found.size == (40, 32)
    assert list(found.differences) == [name for name in ("native", "reference", "torch") if name in BACKENDS_HERE]
    assert max(found.differences.values()) <= 1e-5
    assert all(min(pair) > 0 for pair in found.milliseconds.values())
