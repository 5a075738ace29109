"""The form without transposed convolutions against the form with them."""

from __future__ import annotations

import numpy as np
import pytest

from models.test_graph import GRAPHS, weights_for
from subpixel.backends.numpy_kernels import NumpyKernels
from subpixel.errors import SpecError
from subpixel.models import Model, espcn
from subpixel.models.chain import chain_of
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.graph import run
from subpixel.models.lowering import lower, lower_spec
from subpixel.models.spec import INPUT, Add, Conv, ConvTranspose, PixelShuffle, Spec

TRANSPOSED = [name for name in GRAPHS if name.startswith("transposed")]


def both(spec, rng, size=(7, 5)):
    weights = weights_for(spec, rng)
    x = rng.random((1, spec.channels, *size), np.float32)
    result, tensors = lower(spec, weights)
    assert {name: w.shape for name, w in tensors.items()} == result.weight_shapes
    Model("checked", result, tensors)
    return run(spec, weights, x, NumpyKernels()), run(result, tensors, x, NumpyKernels()), result


@pytest.mark.parametrize("border", ["replicate", "zero"])
@pytest.mark.parametrize("graph", TRANSPOSED)
def test_both_forms_compute_the_same(rng, graph, border):
    scale, *layers = GRAPHS[graph]
    for size in [(1, 1), (7, 5)]:
        direct, form, result = both(Spec(tuple(layers), scale, "luma", border), rng, size)
        assert not any(isinstance(layer, ConvTranspose) for layer in result.layers)
        np.testing.assert_allclose(form, direct, atol=2e-6)


@pytest.mark.parametrize("border", ["replicate", "zero"])
def test_every_kernel_stride_and_padding(rng, border):
    for kernel in range(1, 7):
        for stride in range(1, 5):
            for padding in range(kernel):
                layer = ConvTranspose("t", INPUT, 1, 1, (kernel, 3), stride, (padding, 1))
                direct, form, _ = both(Spec((layer,), stride, "luma", border), rng, (4, 3))
                np.testing.assert_allclose(form, direct, atol=1e-6, err_msg=f"{kernel} {stride} {padding}")


@pytest.mark.parametrize(("scale", "kernel"), [(2, 5), (3, 5), (4, 3), (8, 3)])
def test_fsrcnn_becomes_a_plain_chain_of_the_same_reach(scale, kernel):
    spec = fsrcnn(scale)
    result = lower_spec(spec)
    assert result.layers[-2:] == (
        Conv("up.phases", "expand", 56, scale * scale, (kernel, kernel)),
        PixelShuffle("up", "up.phases", scale),
    )
    assert result.halo == spec.halo
    assert chain_of(spec, "f32") == chain_of(result, "f32")
    assert [conv.name for conv in chain_of(spec, "int8").convs] == [
        "first", "shrink", "map1", "map2", "map3", "map4", "expand", "up.phases"
    ]  # fmt: skip


def test_a_network_without_them_is_itself():
    spec = espcn(2)
    assert lower_spec(spec) is spec
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()}
    assert lower(spec, weights) == (spec, weights)


def test_later_layers_read_the_shuffle(rng):
    layers = (
        ConvTranspose("t", INPUT, 1, 2, (5, 5), 2, (2, 2)),
        Conv("a", "t", 2, 2, (3, 3), "relu"),
        Add("s", ("t", "a")),
        Conv("b", "s", 2, 1, (1, 1)),
    )
    direct, form, result = both(Spec(layers, 2, "luma", "zero"), rng)
    assert [layer.name for layer in result.layers] == ["t.phases", "t", "a", "s", "b"]
    np.testing.assert_allclose(form, direct, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "fragment"),
    [
        (ConvTranspose("t", INPUT, 1, 1, (63, 63), 1, (62, 0)), "layer 't.phases': kernel=125"),
        (ConvTranspose("t" * 95, INPUT, 1, 1, (3, 3), 1, (1, 1)), "1 to 100 characters"),
        (ConvTranspose("t", INPUT, 1, 65535, (3, 3), 2, (1, 1)), "layer 't.phases': out_channels=262140"),
    ],
)
def test_what_has_no_such_form_says_so(layer, fragment):
    end = Conv("end", layer.name, layer.out_channels, 1, (1, 1))
    spec = Spec((layer, end), layer.stride)
    with pytest.raises(SpecError) as caught:
        lower_spec(spec)
    assert fragment in str(caught.value)
