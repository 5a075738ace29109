"""The published networks: their parameter counts, and that they run."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import UNCOMPILED
from models.test_graph import weights_for
from subpixel.backends import BACKENDS
from subpixel.errors import SpecError
from subpixel.models.edsr import edsr
from subpixel.models.espcn import espcn
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.rdn import rdn
from subpixel.models.spec import Conv, Spec
from subpixel.models.srcnn import srcnn
from subpixel.models.srresnet import msrresnet, srresnet
from subpixel.models.wdsr import wdsr_a, wdsr_b
from subpixel.models.zoo import ARCHITECTURES


def count(spec, *parts):
    """How many numbers the tensors of these kinds hold."""
    return sum(int(np.prod(s)) for name, s in spec.weight_shapes.items() if name.rpartition(".")[2] in parts)


@pytest.mark.parametrize(("middle", "published"), [(1, 8032), (3, 24416), (5, 57184)])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_srcnn(scale, middle, published):
    spec = srcnn(scale, middle=middle)
    assert count(spec, "weight") == published
    assert spec.parameters == published + 97
    # Every weight is used once for every pixel of the result.
    assert spec.macs_per_pixel == published * scale**2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fsrcnn(scale):
    large, small = ARCHITECTURES["fsrcnn"](scale), ARCHITECTURES["fsrcnn-s"](scale)
    assert (count(large, "weight"), count(large, "bias"), count(large, "slope")) == (12464, 173, 172)
    assert count(small, "weight") == 3937
    assert large.macs_per_pixel == 12464
    assert (large.colour, large.scale) == ("luma", scale)


def test_espcn():
    assert [espcn(s).parameters for s in (2, 3, 4)] == [21284, 22729, 24752]
    # 1x1 instead of 3x3: 32 r² · 8 fewer
    assert ARCHITECTURES["espcn-1x1"](3).parameters == 22729 - 32 * 9 * 8
    rgb = ARCHITECTURES["espcn-rgb"](2)
    assert (rgb.colour, rgb.parameters) == ("rgb", 26796)


@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [
        ("edsr-baseline", 2, 1_369_859),
        ("edsr-baseline", 3, 1_554_499),
        ("edsr-baseline", 4, 1_517_571),
        ("edsr", 2, 40_729_603),
        ("edsr", 4, 43_089_923),
        ("rdn", 2, 22_123_395),
    ],
)
def test_edsr_and_rdn(name, scale, published):
    assert ARCHITECTURES[name](scale).parameters == published


def test_the_mean_shift_is_a_layer_of_12_numbers():
    assert edsr(2, mean_shift=True).parameters - edsr(2).parameters == 12
    assert wdsr_a(2, mean_shift=True).parameters - wdsr_a(2).parameters == 12


def test_srresnet():
    spec = ARCHITECTURES["srresnet"](4)
    folded = count(spec, "weight", "bias") + 1 + 16 + 2  # PReLU with one slope a layer
    assert folded == 1_545_238
    # 33 normalised convolutions: scale and shift of 64 channels in place of their biases
    assert folded + 33 * 64 == 1_547_350
    assert count(msrresnet(4), "weight", "bias") == 1_517_571


def test_wdsr():
    a, b = ARCHITECTURES["wdsr-a"](2), ARCHITECTURES["wdsr-b"](2)
    lengths = [sum(layer.out_channels for layer in spec.layers if isinstance(layer, Conv)) for spec in (a, b)]
    assert a.parameters + lengths[0] == 1_190_100
    # A block of B: 32·192 + 192·25 + 9·25·32 weights, and biases.
    assert b.parameters == 16 * (32 * 192 + 192 * 25 + 9 * 25 * 32 + 192 + 25 + 32) + 896 + 3468 + 912


SMALL = {
    "srcnn": lambda scale, border: srcnn(scale, middle=3, border=border),
    "fsrcnn": lambda scale, border: fsrcnn(scale, features=6, shrunk=4, mappings=2, border=border),
    "espcn": lambda scale, border: espcn(scale, colour="rgb", features=(6, 5), output_kernel=1, border=border),
    "srresnet": lambda scale, border: srresnet(scale, features=4, blocks=2, border=border),
    "msrresnet": lambda scale, border: msrresnet(scale, features=4, blocks=2, border=border),
    "edsr": lambda scale, border: edsr(scale, features=4, blocks=2, mean_shift=True, border=border),
    "wdsr-a": lambda scale, border: wdsr_a(scale, features=4, wide=8, blocks=2, mean_shift=True, border=border),
    "wdsr-b": lambda scale, border: wdsr_b(scale, features=5, wide=9, low_rank=3, blocks=2, border=border),
    "rdn": lambda scale, border: rdn(scale, blocks=2, convs=2, growth=3, features=4, up_features=5, border=border),
}


@pytest.mark.parametrize("border", ["replicate", "zero"])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", SMALL)
def test_every_backend_runs_them_alike(name, scale, border):
    spec = SMALL[name](scale, border)
    assert Spec.from_json(spec.to_json()) == spec
    rng = np.random.default_rng(3)
    weights = weights_for(spec, rng)
    x = rng.random((spec.channels, 9, 13), np.float32)
    expected = BACKENDS["reference"].prepare(spec, weights, "f32", 1)(x)
    assert expected.shape == (spec.channels, 9 * scale, 13 * scale)
    for backend in map(BACKENDS.__getitem__, UNCOMPILED):
        if backend.unavailable() is None:
            np.testing.assert_allclose(backend.prepare(spec, weights, "f32", 1)(x), expected, atol=2e-5)


@pytest.mark.parametrize("network", [srresnet, msrresnet, edsr, rdn])
@pytest.mark.parametrize("scale", [0, 1, 5, 6, 12])
def test_scales_that_are_no_stages(network, scale):
    with pytest.raises(SpecError, match=f"scale={scale}: this network has ×2, ×3, ×4 and ×8"):
        network(scale)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_every_architecture_has_every_scale(name, scale):
    assert ARCHITECTURES[name](scale).scale == scale
