"""What is trained collapses to what is shipped, and starts where interpolation stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from subpixel.models import espcn
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.graph import run
from subpixel.models.our_networks import chain
from subpixel.models.spec import INPUT, Add, Colour, Conv, PixelShuffle, Resize, Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.reparameterisation import Trainable, interpolating_start

Network = Callable[[int], Spec]


def wave(height: int, width: int) -> torch.Tensor:
    """A smooth plane within the studio range, ``(1, 1, H, W)``."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (0.5 + 0.3 * torch.sin(x / 6) * torch.cos(y / 7))[None, None].float()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_start_nearly_interpolates(scale: int, seed: int) -> None:
    spec = espcn(scale)
    weights = interpolating_start(spec, torch.Generator().manual_seed(seed))
    assert {name: tuple(w.shape) for name, w in weights.items()} == spec.weight_shapes
    x = wave(20, 24)
    with torch.inference_mode():
        # Only the carrier: what the small random rest adds is measured against it below.
        alone = {name: w.clone() for name, w in weights.items()}
        alone["conv3.weight"][:, 1:] = 0
        alone["conv2.weight"][0, 1:] = 0
        result = run(spec, alone, x, TorchKernels())
        bicubic = TorchKernels().resize(x, scale, "cubic")
    assert (result - bicubic).abs().max() < 0.02
    # It is the sub-pixel positions, not a repetition of samples, that are met.
    repeated = x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    assert (result - bicubic).abs().mean() < 0.25 * (repeated - bicubic).abs().mean()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("colour", ["luma", "rgb"])
def test_a_transposed_end_interpolates(scale: int, colour: Colour) -> None:
    spec = fsrcnn(scale, colour=colour)
    weights = interpolating_start(spec, torch.Generator().manual_seed(0))
    assert {name: tuple(w.shape) for name, w in weights.items()} == spec.weight_shapes
    x = torch.cat([wave(20, 24) ** k for k in range(1, spec.channels + 1)], dim=1)
    with torch.inference_mode():
        whole = run(spec, weights, x, TorchKernels())
        weights["up.weight"][spec.channels :] = 0
        result = run(spec, weights, x, TorchKernels())
        bicubic = TorchKernels().resize(x, scale, "cubic")
    assert (result - bicubic).abs().max() < 0.01
    assert 0.001 < (whole - bicubic).abs().mean() < 0.1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_whole_start_is_an_image(scale: int) -> None:
    spec = espcn(scale)
    weights = interpolating_start(spec, torch.Generator().manual_seed(0))
    x = wave(20, 24)
    with torch.inference_mode():
        result = run(spec, weights, x, TorchKernels())
        bicubic = TorchKernels().resize(x, scale, "cubic")
    assert (result - bicubic).abs().mean() < 0.1


def test_a_network_with_skips_starts_too() -> None:
    layers = (
        Resize("base", INPUT, 2, "cubic"),
        Conv("a", INPUT, 1, 4, (3, 3), "prelu"),
        Conv("b", "a", 4, 4, (3, 3)),
        PixelShuffle("up", "b", 2),
        Add("sum", ("base", "up")),
    )
    spec = Spec(layers, 2)
    weights = interpolating_start(spec, torch.Generator().manual_seed(0))
    assert {name: tuple(w.shape) for name, w in weights.items()} == spec.weight_shapes
    with torch.inference_mode():
        assert torch.isfinite(run(spec, weights, wave(9, 8), TorchKernels())).all()


@pytest.mark.parametrize("expand", [0, 1, 4])
def test_collapsed_weights_have_the_shapes_of_the_spec(expand: int) -> None:
    spec = espcn(3)
    net = Trainable(spec, expand, torch.Generator().manual_seed(0))
    collapsed = net.collapse()
    assert {name: tuple(w.shape) for name, w in collapsed.items()} == spec.weight_shapes
    assert all(w.dtype == torch.float32 for w in collapsed.values())
    trained = sum(p.numel() for p in net.parameters())
    assert trained == spec.parameters if expand == 0 else trained > spec.parameters


def test_the_wide_part_changes_nothing_at_the_start() -> None:
    spec = espcn(2)
    plain, wide = (Trainable(spec, expand, torch.Generator().manual_seed(5)) for expand in (0, 3))
    # The generator is shared, so only the first tensor drawn is the same; what matters is that mix adds nothing.
    for name, weight in wide.collapse().items():
        torch.testing.assert_close(weight, wide.direct[name.replace(".", "/")], rtol=0, atol=0)
    assert plain.collapse().keys() == wide.collapse().keys()


@pytest.mark.parametrize("expand", [0, 2])
def test_gradients_reach_every_parameter(network: Network, expand: int) -> None:
    spec = network(2)
    net = Trainable(spec, expand, torch.Generator().manual_seed(0))
    reached = {name: False for name, _ in net.named_parameters()}
    x, target = torch.rand(2, 1, 12, 12), torch.rand(2, 1, 12, 12)
    optimiser = torch.optim.SGD(net.parameters(), 0.01)
    for _ in range(3):  # mix starts at zero, so wide is reached from the second step on
        optimiser.zero_grad()
        result = run(spec, net.collapse(), x, TorchKernels(), pad=False)
        ((result - target[..., : result.shape[-2], : result.shape[-1]]) ** 2).mean().backward()
        for name, p in net.named_parameters():
            reached[name] |= p.grad is not None and bool((p.grad != 0).any())
        optimiser.step()
    assert all(reached.values()), [name for name, hit in reached.items() if not hit]


def test_weights_of_another_scale_are_taken_where_they_fit() -> None:
    two, three = espcn(2), espcn(3)
    source = Trainable(two, 0, torch.Generator().manual_seed(1)).collapse()
    net = Trainable(three, 2, torch.Generator().manual_seed(2))
    before = {name: w.detach().clone() for name, w in net.collapse().items()}
    net.take({name: w.detach() for name, w in source.items()})
    after = net.collapse()
    for name in three.weight_shapes:
        expected = before[name] if name.startswith("conv3") else source[name]
        torch.testing.assert_close(after[name], expected, rtol=0, atol=0)


def test_the_same_seed_gives_the_same_start() -> None:
    one, two, other = (Trainable(espcn(2), 2, torch.Generator().manual_seed(s)).state_dict() for s in (7, 7, 8))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("expand", [0, 2])
def test_the_first_kernels_of_a_chain_with_a_base_have_the_sum_0(expand: int) -> None:
    spec = chain(2, width=6, middle=2, first=5, last=3)
    net = Trainable(spec, expand, torch.Generator().manual_seed(0))
    optimiser = torch.optim.SGD(net.parameters(), 0.1)
    image = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(1)) * 0.5
    for _ in range(3):
        (run(spec, net.collapse(), image, TorchKernels()) - 1).square().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    weights = {name: w.detach() for name, w in net.collapse().items()}
    torch.testing.assert_close(weights["conv1.weight"].sum(dim=(1, 2, 3)), torch.zeros(6), rtol=0, atol=1e-6)
    # So a brighter image becomes brighter by as much, everywhere.
    dark, bright = (run(spec, weights, one, TorchKernels()) for one in (image, image + 0.25))
    torch.testing.assert_close(bright, dark + 0.25, rtol=0, atol=1e-5)


def test_kernels_from_elsewhere_keep_their_sums() -> None:
    spec = chain(2, width=6, middle=2, first=5, last=3)
    for shift, even in ((0.1, False), (0.0, True)):
        net = Trainable(spec, 2, torch.Generator().manual_seed(0))
        weights = {name: w.detach() for name, w in net.collapse().items()}
        weights["conv1.weight"] = weights["conv1.weight"] + shift
        net.take(weights)
        assert bool(net.even) is even
        torch.testing.assert_close(net.collapse()["conv1.weight"].detach(), weights["conv1.weight"], rtol=0, atol=1e-6)


def test_other_networks_may_depend_on_brightness() -> None:
    for spec in (espcn(2), fsrcnn(2)):
        net = Trainable(spec, 0, torch.Generator().manual_seed(0))
        assert net.even == ""
