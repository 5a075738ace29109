"""Channels that a ReLU has switched off: new kernels that change no result, and that learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from subpixel.models.espcn import espcn
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.graph import run
from subpixel.models.our_networks import chain
from subpixel.models.recurrent import recurrent
from subpixel.models.spec import INPUT, Conv, Spec
from subpixel.models.srcnn import srcnn
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.reparameterisation import Trainable
from subpixel.train.revival import can_lose_channels, revive

SPEC = chain(2, width=6, middle=2, first=5, last=1)
SWITCHED_OFF = {"conv1": [0, 4], "conv2": [5], "conv3": [1, 2, 3]}


def random_weights(spec: Spec, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in spec.weight_shapes.items()}


def switched_off(spec: Spec, channels: dict[str, list[int]]) -> dict[str, Tensor]:
    """Weights with which these channels of the layers are zero for every image."""
    weights = random_weights(spec)
    for layer, numbers in channels.items():
        weights[f"{layer}.weight"][numbers] = -weights[f"{layer}.weight"][numbers].abs()
        weights[f"{layer}.bias"][numbers] = -0.1
    return weights


def images() -> Tensor:
    return torch.rand(8, 1, 24, 24, generator=torch.Generator().manual_seed(7)) * 0.8 + 0.1


def zero_channels(weights: dict[str, Tensor]) -> dict[str, list[int]]:
    """The channels of each layer of SPEC that are zero on the images, by torch's own convolution."""
    found, x = {}, images()
    for name in SWITCHED_OFF:
        x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"]))
        found[name] = [k for k in range(x.shape[1]) if not bool(x[:, k].any())]
    return found


def test_zero_channels_get_kernels_and_the_result_stays() -> None:
    weights = switched_off(SPEC, SWITCHED_OFF)
    before = zero_channels(weights)
    assert all(set(SWITCHED_OFF[name]) <= set(before[name]) for name in SWITCHED_OFF)
    revival = revive(SPEC, weights, {INPUT: images()}, torch.Generator().manual_seed(1))
    after = dict(revival.weights)
    assert revival.count == sum(map(len, before.values()))
    assert zero_channels(after) == {name: [] for name in SWITCHED_OFF}
    results = [run(SPEC, w, images(), TorchKernels()) for w in (weights, after)]
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-6)


def test_half_of_a_new_channel_is_positive() -> None:
    revival = revive(SPEC, switched_off(SPEC, {"conv1": [2]}), {INPUT: images()}, torch.Generator().manual_seed(1))
    new = F.conv2d(images(), revival.weights["conv1.weight"], revival.weights["conv1.bias"])[:, 2]
    assert 0.4 < float((new > 0).float().mean()) < 0.6
    assert float(new.std()) == pytest.approx(0.03, rel=0.01)


def test_a_new_kernel_has_a_gradient_at_once() -> None:
    """That is: the next layer's weights for it, which are zero."""
    weights = revive(
        SPEC, switched_off(SPEC, {"conv1": [2]}), {INPUT: images()}, torch.Generator().manual_seed(1)
    ).weights
    reading = weights["conv2.weight"].clone().requires_grad_()
    run(SPEC, {**weights, "conv2.weight": reading}, images(), TorchKernels()).square().mean().backward()
    assert not bool(reading[:, 2].any())
    assert reading.grad is not None
    assert bool(reading.grad[:, 2].any())


def test_living_channels_keep_their_tensors() -> None:
    weights = dict(revive(SPEC, random_weights(SPEC), {INPUT: images()}, torch.Generator().manual_seed(1)).weights)
    assert not any(zero_channels(weights).values())
    weights["conv3.bias"] = weights["conv3.bias"].clone()
    weights["conv3.bias"][0] = -100.0
    revival = revive(SPEC, weights, {INPUT: images()}, torch.Generator().manual_seed(1))
    changed = {name for name in weights if revival.weights[name] is not weights[name]}
    assert changed == {"conv3.weight", "conv3.bias", "conv4.weight"}


def test_the_means_are_those_of_each_input() -> None:
    revival = revive(SPEC, random_weights(SPEC), {INPUT: images()}, torch.Generator().manual_seed(1))
    weights, means = revival.weights, revival.means
    first = F.relu(F.conv2d(images(), weights["conv1.weight"], weights["conv1.bias"]))
    assert set(means) == {"conv1", "conv2", "conv3", "conv4"}
    torch.testing.assert_close(means["conv1"], images().mean().reshape(1))
    torch.testing.assert_close(means["conv2"], first.mean(dim=(0, 2, 3)), rtol=1e-4, atol=1e-5)


def test_which_networks_can_lose_channels() -> None:
    assert can_lose_channels(SPEC)
    assert can_lose_channels(srcnn(2))
    assert not can_lose_channels(espcn(2))  # tanh
    assert not can_lose_channels(fsrcnn(2))  # PReLU passes a gradient
    assert can_lose_channels(recurrent(2))
    shared = tuple(
        replace(one, shared="conv2") if isinstance(one, Conv) and one.name == "conv3" else one for one in SPEC.layers
    )
    # conv1 is read by conv2, whose kernel conv3 has too; a new kernel or a zero for one would change the other.
    assert not can_lose_channels(replace(SPEC, layers=shared))


@pytest.mark.parametrize("expand", [0, 2])
def test_centres_change_what_is_learnt_and_not_what_is_computed(expand: int) -> None:
    net = Trainable(SPEC, expand, torch.Generator().manual_seed(0))
    net.take(random_weights(SPEC))
    before = {name: w.detach().clone() for name, w in net.collapse().items()}
    net.centre({"conv1": torch.tensor([0.5]), "conv3": torch.linspace(0, 1, 6)})
    for name, weight in net.collapse().items():
        torch.testing.assert_close(weight.detach(), before[name], rtol=0, atol=1e-6)
    # An input that is 0.5 everywhere now gives a kernel no gradient.
    flat = torch.full((1, 1, 24, 24), 0.5)
    weights = net.collapse()
    F.conv2d(flat, weights["conv1.weight"], weights["conv1.bias"]).sum().backward()
    gradient = net.direct["conv1/weight"].grad
    assert gradient is not None
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-3)


def test_differences_add_to_what_is_computed_whatever_the_centre() -> None:
    net = Trainable(SPEC, 2, torch.Generator().manual_seed(0))
    net.centre({"conv2": torch.linspace(-1, 1, 6)})
    before = {name: w.detach().clone() for name, w in net.collapse().items()}
    differences = {name: torch.full_like(before[name], 0.25) for name in ("conv2.weight", "conv2.bias")}
    net.add(differences)
    after = net.collapse()
    for name in before:
        expected = before[name] + differences.get(name, torch.zeros(()))
        torch.testing.assert_close(after[name].detach(), expected, rtol=0, atol=1e-5)


def test_taken_weights_are_taken_whatever_the_centre() -> None:
    net = Trainable(SPEC, 2, torch.Generator().manual_seed(0))
    net.centre({"conv2": torch.linspace(-1, 1, 6)})
    weights = random_weights(SPEC)
    net.take(weights)
    for name, weight in net.collapse().items():
        torch.testing.assert_close(weight.detach(), weights[name], rtol=0, atol=0)
