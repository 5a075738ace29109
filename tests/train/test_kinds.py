"""What a run can be besides luma on one process: RGB, zero borders, restarts, a teacher, int8's rounding, several
processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from subpixel import Upscaler
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models import Spec, espcn, load, save
from subpixel.models.integer import fake_quantise, integer_network
from subpixel.models.spec import INPUT, Add, Conv, PixelShuffle, Resize
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train import Settings, train
from subpixel.train.fake_quant import FakeQuant
from subpixel.train.loop import _rate
from subpixel.train.reparameterisation import Trainable

Network = Callable[[int], Spec]
MakeSettings = Callable[..., Settings]


def silent(_: str) -> None:
    pass


def residual(scale: int = 2, width: int = 8) -> Spec:
    """What the networks of our own look like: a chain of ReLU added to the input."""
    layers = (
        Conv("a", INPUT, 1, width, (3, 3), "relu"),
        Conv("b", "a", width, width, (3, 3), "relu"),
        Conv("c", "b", width, scale * scale, (3, 3)),
        PixelShuffle("detail", "c", scale),
        Resize("base", INPUT, scale, "nearest"),
        Add("sum", ("base", "detail")),
    )
    return Spec(layers, scale)


def test_rgb_and_zero_borders(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    for border in ("replicate", "zero"):
        spec = replace(espcn(2, colour="rgb"), border=border)
        values: list[str] = []
        model = train(settings(steps=30), spec, data, tmp_path / "m.safetensors", say=values.append)
        start = float(values[0].split("; ")[1].split(" dB")[0])
        assert model.figures["validation_psnr_y"] > start + 0.2
        result = Upscaler(2, model=str(tmp_path / "m.safetensors"))(np.full((20, 21, 3), (200, 100, 50), np.uint8))
        # Channels keep their places.
        assert (np.diff(result[10:30, 10:30].mean(axis=(0, 1))) < -20).all()


def test_a_chain_with_a_base_is_solved_at_its_end(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    """The exact last layer alone, without a step worth the name, must beat the base it is added to."""
    values: list[str] = []
    model = train(settings(steps=1, lr=1e-9), residual(), data, tmp_path / "m.safetensors", say=values.append)
    start = float(values[0].split("; ")[1].split(" dB")[0])
    assert model.figures["validation_psnr_y"] > start + 0.5


def test_layers_of_a_chain_hand_their_input_on() -> None:
    net = Trainable(residual(), 2, torch.Generator().manual_seed(0)).collapse()
    centre = net["b.weight"][:, :, 1, 1]
    assert centre.diagonal().mean() > 5 * (centre - torch.diag(centre.diagonal())).abs().mean()


def test_restarts_halve_the_rate() -> None:
    assert _rate(1000, 0.0, 1) == 1.0
    assert _rate(1000, 0.5, 1) == pytest.approx(0.5)
    assert _rate(1000, 0.5, 2) == pytest.approx(0.5)
    assert _rate(1000, 0.4999, 2) == pytest.approx(1e-3)
    assert _rate(1000, 0.75, 2) == pytest.approx(0.25)
    assert _rate(1000, 1.0, 4) == pytest.approx(1e-3)
    assert _rate(0, 0.0, 1) == pytest.approx(1 / 200)
    with pytest.raises(InvalidArgument, match="cycles=0"):
        Settings(arch="x", scale=2, steps=1, cycles=0)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_teacher_is_learnt_from(data: Path, tmp_path: Path, settings: MakeSettings, share: float) -> None:
    """A teacher that reaches further than the pupil, and is the pupil's equal in shape in the middle."""
    teacher = tmp_path / "teacher.safetensors"
    train(settings(steps=60, arch="teacher"), espcn(2), data, teacher, say=silent)
    losses = []
    for steps in (1, 60):
        out = tmp_path / "m.safetensors"
        train(settings(steps=steps, teacher_share=share), residual(), data, out, teacher=teacher, say=silent)
        losses.append(float(out.with_suffix(".csv").read_text().splitlines()[-1].split(",")[2]))
    assert losses[1] < 0.8 * losses[0]
    with pytest.raises(InvalidArgument, match="×2 model of luma; ×3 of luma"):
        train(settings(scale=3, teacher_share=share), residual(3), data, out, teacher=teacher, say=silent)


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
        assert np.abs(real - weights[f"{name}.weight"]).max() < 1.01 * units


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


def test_two_processes_are_one_run(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    alone = tmp_path / "alone.safetensors"
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from subpixel.models import espcn\n"
        "from subpixel.train import Settings, train\n"
        "settings = Settings(arch='e', scale=2, steps=4, batch=4, patch=16, bf16=False)\n"
        "train(settings, espcn(2), sys.argv[1], Path(sys.argv[2]))\n"
    )
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, program, data, alone], check=True, env=quiet, capture_output=True)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    shared = tmp_path / "shared.safetensors"
    done = subprocess.run([*torchrun, program, data, shared], check=True, env=quiet, capture_output=True, text=True)
    assert done.stdout.count("read back and verified") == 1  # one of them speaks
    one, two = load(alone).weights, load(shared).weights
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-3, atol=2e-3)
    start = _start()
    assert max(np.abs(one[name] - start[name]).max() for name in one) > 0.01


def _start() -> dict[str, np.ndarray]:
    net = Trainable(espcn(2), 0, torch.Generator().manual_seed(0))
    return {name: w.detach().numpy() for name, w in net.collapse().items()}


def test_a_batch_that_cannot_be_shared(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(InvalidArgument, match="torchrun"):
        train(settings(), network(2), data, tmp_path / "m.safetensors", say=silent)


def test_kernels_with_their_channels_last_compute_the_same() -> None:
    x, w = torch.rand(2, 8, 9, 10), torch.rand(6, 8, 3, 3)
    plain = TorchKernels().conv(x, w, None, (0, 0))
    last = TorchKernels().conv(x, w.contiguous(memory_format=torch.channels_last), None, (0, 0))
    torch.testing.assert_close(plain, last)
