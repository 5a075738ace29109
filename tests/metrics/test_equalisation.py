"""Equalisation: channels of one size, in a network that computes the same."""

import numpy as np

from subpixel.backends import BACKENDS
from subpixel.metrics.calibration import activation_ranges, calibrate
from subpixel.metrics.equalisation import divisible_convs
from subpixel.models import espcn
from subpixel.models.files import Model
from subpixel.models.integer import quantise
from subpixel.models.recurrent import recurrent
from subpixel.models.vespcn import vespcn

from .conftest import small_relu


def test_channels_are_brought_nearer_and_the_network_stays_what_it_is(images):
    uneven = small_relu()
    weights = dict(uneven.weights)
    by = np.array([1, 1, 1, 1, 20, 20, 20, 400], np.float32)
    weights["a.weight"] = weights["a.weight"] / by[:, None, None, None]
    weights["a.bias"] = weights["a.bias"] / by
    weights["b.weight"] = weights["b.weight"] * by[:, None, None]
    uneven = Model("uneven", uneven.spec, weights)
    model = calibrate(uneven, images)
    x = np.random.default_rng(2).random((1, 30, 32), np.float32)
    a, b = (BACKENDS["reference"].prepare(m.spec, m.weights, "f32", 1)(x) for m in (uneven, model))
    np.testing.assert_allclose(a, b, atol=1e-5)
    as_it_was = quantise(uneven.spec, weights, activation_ranges(uneven, [x]))
    before, after = (
        BACKENDS["reference"].prepare(m.spec, m.weights, "int8", 1, integers)(x)
        for m, integers in ((uneven, as_it_was), (model, model.quantisation))
    )
    assert np.square(after - a).mean() < np.square(before - a).mean()


def test_only_what_convolutions_alone_read_can_be_divided():
    assert list(divisible_convs(small_relu().spec)) == ["a", "b"]
    found = divisible_convs(recurrent(2))
    assert list(found) == [f"conv{k}" for k in range(1, 10)]
    assert [reader.name for reader in found["conv9"][1]] == ["kept", "end"]
    assert divisible_convs(espcn(2)) == {}  # tanh
    assert not set(divisible_convs(vespcn(2))) & {"before_coarse1", "after_coarse1", "before_fine2"}  # shared by two
