"""The networks: their budgets, their costs, and that each is bicubic where it has nothing to add."""

import math

import numpy as np
import pytest

from subpixel.backends import BACKENDS
from subpixel.compare.spaces import BUDGETS, FAMILIES, design_of, designs_of, paper_layers
from subpixel.errors import InvalidArgument
from subpixel.models.bicubic import bicubic
from subpixel.models.spec import Conv, PixelShuffle


def test_the_paper_s_example_costs_what_the_paper_says():
    lr, hr = paper_layers()
    assert (lr.channels, lr.kernel, hr.channels, hr.kernel) == (32, 3, 8, 6)
    width, height = 192, 108
    # Counted by hand: products for each result, times the results of a layer.
    assert 32 * 3 * 3 * 32 * (width // 2) * (height // 2) == 2304 * width * height == lr.macs * width * height
    assert 8 * 6 * 6 * 8 * width * height == 2304 * width * height == hr.macs * width * height
    assert 32 * (width // 2) * (height // 2) == 8 * width * height == lr.activations * width * height
    assert hr.activations == 8
    assert (lr.weights, hr.weights) == (9216, 2304)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_budgets_are_met_within_two_percent(scale):
    designs = designs_of(scale)
    assert len(designs) == len(BUDGETS) * len(FAMILIES)
    for one in designs:
        lr = design_of("lr", one.budget, scale)
        equal = FAMILIES[one.family].equal
        ours, wanted = (one.parameters, lr.parameters) if equal == "parameters" else (one.macs, lr.macs)
        assert abs(ours / wanted - 1) <= 0.02, one
        assert max(one.widths) - min(one.widths) <= 2, one  # no network has a bottleneck that the others lack


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_at_equal_cost_lr_space_has_more_parameters(scale):
    for budget in BUDGETS:
        lr = design_of("lr", budget, scale)
        for family in ("hr-macs", "hr-wide"):
            ratio = lr.parameters / design_of(family, budget, scale).parameters
            assert ratio == pytest.approx(scale**2, rel=0.1)
        more = design_of("hr-parameters", budget, scale).macs / lr.macs
        assert more == pytest.approx(scale**2, rel=0.05)


def test_costs_are_those_of_the_convolutions():
    for design, planes in ((design_of("lr", "small", 3), 1 / 9), (design_of("hr-macs", "small", 3), 1)):
        convs = [layer for layer in design.spec.layers if isinstance(layer, Conv)]
        products = sum(c.in_channels * c.out_channels * math.prod(c.kernel) for c in convs)
        assert design.macs == pytest.approx(products * planes, abs=0.2)
        assert design.activations == pytest.approx(sum(c.out_channels for c in convs) * planes)
        biases = sum(c.out_channels for c in convs[:-1])
        assert design.parameters == products + biases


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_without_a_last_layer_every_network_is_bicubic(scale):
    plane = np.random.default_rng(0).random((1, 11, 14), np.float32)
    plain = BACKENDS["reference"].prepare(bicubic(scale), {}, "f32", 1)(plane)
    for design in designs_of(scale):
        rng = np.random.default_rng(1)
        weights = {n: rng.standard_normal(s).astype(np.float32) for n, s in design.spec.weight_shapes.items()}
        weights["conv4.weight"][:] = 0
        result = BACKENDS["reference"].prepare(design.spec, weights, "f32", 1)(plane)
        assert np.allclose(result, plain, atol=1e-6), design
        shuffled = any(isinstance(layer, PixelShuffle) for layer in design.spec.layers)
        assert shuffled == (design.family == "lr")


@pytest.mark.parametrize("scale", [1, 5, 8, True, 2.5, "2"])
def test_another_scale_is_one_sentence(scale):
    with pytest.raises(InvalidArgument, match=r"^scale=.*: 2, 3 or 4 is needed to compare LR space with HR space$"):
        designs_of(scale)


def test_an_unknown_budget_is_one_sentence():
    with pytest.raises(InvalidArgument, match=r"huge.*small, medium, large"):
        designs_of(2, ["huge"])
    with pytest.raises(InvalidArgument, match="at least one"):
        designs_of(2, [])
