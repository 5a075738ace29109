"""Training with the rounding of int8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from subpixel import Upscaler
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models import Spec, load, save
from subpixel.models.integer import fake_quantise, integer_network
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize
from subpixel.train import Settings, train
from subpixel.train.fake_quant import FakeQuant
from subpixel.train.reparameterisation import Trainable

from .conftest import residual

MakeSettings = Callable[..., Settings]


def silent(_: str) -> None:
    pass


def test_rounded_training_computes_what_int8_computes(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "m.safetensors"
    train(settings(steps=40), residual(), data, first, say=silent)
    values: list[str] = []
    model = train(settings(steps=10, lr=0.001, rounded=True), residual(), data, out, start=first, say=values.append)
    assert any("int8 costs" in line for line in values)
    again = load(out)
    assert again.quantisation is not None
    assert again.quantisation["loss_db"] == model.quantisation["loss_db"]  # type: ignore[index]
    weights = {name: torch.from_numpy(w.copy()) for name, w in again.weights.items()}
    ranges = {"a": (0.0, again.quantisation["layers"]["a"]["scale"] * 255)}
    ranges["b"] = (0.0, again.quantisation["layers"]["b"]["scale"] * 255)
    rounding = FakeQuant(again.spec, ranges)
    x = torch.rand((1, 1, 24, 25), generator=torch.Generator().manual_seed(1))
    from subpixel.models.graph import run

    rounded, kernels = rounding.round_weights(weights)
    simulated = run(again.spec, rounded, x, kernels()).detach()[0, 0].numpy()
    whole = Upscaler(2, model=str(out), precision="int8").plane(x[0, 0].numpy())
    plain = Upscaler(2, model=str(out), precision="f32").plane(x[0, 0].numpy())
    # The simulation is nearer to the integers than f32 is: only their ends' roundings are left out.
    assert np.abs(simulated - whole).mean() < 0.4 * np.abs(plain - whole).mean()
    assert np.abs(simulated - whole).max() < 4 / 255


def test_gradients_pass_rounding(data: Path, tmp_path: Path) -> None:
    spec = residual()
    net = Trainable(spec, 0, torch.Generator().manual_seed(0))
    rounding = FakeQuant(spec, {"a": (0.0, 0.5), "b": (0.0, 0.5)})
    weights = net.collapse()
    from subpixel.models.graph import run

    x = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(2))
    rounded, kernels = rounding.round_weights(weights)
    run(spec, rounded, x, kernels(), pad=False).square().sum().backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in net.parameters())


def test_rounded_weights_are_the_values_of_the_integers() -> None:
    spec = residual()
    weights = {
        name: w.detach().numpy() for name, w in Trainable(spec, 0, torch.Generator().manual_seed(3)).collapse().items()
    }
    document = FakeQuant(spec, {"a": (0.0, 1.0), "b": (0.0, 1.0)}).parameters(
        {name: torch.from_numpy(w) for name, w in weights.items()}
    )
    rounded = fake_quantise(spec, weights, document)
    for conv, name in zip(integer_network(spec, weights, document).convs, "abc", strict=True):
        whole, real = conv.weight.astype(np.float64), rounded[f"{name}.weight"].astype(np.float64)
        for channel in range(len(whole)):
            units = (real[channel] * whole[channel]).sum() / (whole[channel] ** 2).sum()
            np.testing.assert_allclose(real[channel], whole[channel] * units, atol=1e-6)
            assert np.abs(real[channel] - weights[f"{name}.weight"][channel]).max() < 1.01 * units


def test_rounding_is_for_chains_that_have_int8(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    layers = (
        Conv("a", INPUT, 1, 4, (3, 3), "relu"),
        Conv("c", "a", 4, 4, (3, 3)),
        PixelShuffle("detail", "c", 2),
        Resize("base", INPUT, 2, "cubic"),
        Add("sum", ("base", "detail")),
    )
    first = tmp_path / "first.safetensors"
    model = train(settings(steps=1), Spec(layers, 2), data, first, say=silent)
    with pytest.raises(Unsupported, match="base"):
        train(settings(rounded=True), Spec(layers, 2), data, tmp_path / "m.safetensors", start=first, say=silent)
    save(replace(model, spec=model.spec), first)
    with pytest.raises(InvalidArgument, match="of the same architecture"):
        train(settings(rounded=True), residual(), data, tmp_path / "m.safetensors", start=first, say=silent)


def test_a_rounded_run_can_be_gone_on_with(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    first = tmp_path / "first.safetensors"
    train(settings(steps=10), residual(), data, first, say=silent)
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train(settings(steps=6, rounded=True), residual(), data, whole, start=first, say=silent)
    train(settings(steps=3, rounded=True), residual(), data, parts, start=first, say=silent)
    # A run is prolonged; the rates of its first half were those of a shorter run, so only the ranges must agree.
    train(settings(steps=6, rounded=True), residual(), data, parts, resume=True, say=silent)
    one, two = (load(path).quantisation for path in (whole, parts))
    assert one is not None
    assert two is not None
    assert [one["layers"][n]["scale"] for n in "ab"] == [two["layers"][n]["scale"] for n in "ab"]
