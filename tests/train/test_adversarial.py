"""The adversary: its size, its losses, and whole runs against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from subpixel.errors import InvalidArgument, ModelFileError, Unsupported
from subpixel.models import espcn, load, save
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.srresnet import srresnet
from subpixel.train import Settings, train
from subpixel.train.adversarial import Adversary, Discriminator
from subpixel.train.data import Patches
from subpixel.train.parallel import Processes

MakeSettings = Callable[..., Settings]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Layers of a few channels are done before a second thread is awake."""
    torch.set_num_threads(1)


def silent(_: str) -> None:
    pass


@pytest.mark.parametrize(
    ("side", "channels", "expected"),
    [
        (96, 3, 4_687_232 + 512 * 36 * 1024 + 1024 + 1025),
        (97, 3, 4_687_232 + 512 * 49 * 1024 + 1024 + 1025),
        (64, 1, 4_687_232 - 2 * 9 * 64 + 512 * 16 * 1024 + 1024 + 1025),
    ],
)
def test_the_discriminator_is_that_of_the_paper(side: int, channels: int, expected: int) -> None:
    assert sum(p.numel() for p in Discriminator(side, channels).parameters()) == expected


def test_its_layers_are_those_of_figure_4() -> None:
    network = Discriminator(96)
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.out_channels, c.stride[0]) for c in convs] == [
        (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)
    ]  # fmt: skip
    assert all(c.kernel_size == (3, 3) for c in convs)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 7
    slopes = [m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.2] * 9


@pytest.mark.parametrize("side", [16, 17, 30, 33])
def test_every_side_gives_one_logit_an_image(side: int) -> None:
    network = Discriminator(side, 3, features=2)
    assert network(torch.rand(4, 3, side, side)).shape == (4,)


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="15×15 are too small for the adversary; at least 16×16"):
        Discriminator(15)


def test_the_losses_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    adversary = Adversary(Discriminator(16, 1, features=2))
    result, wanted = torch.rand(4, 1, 16, 16, requires_grad=True), torch.rand(4, 1, 16, 16)
    loss = adversary.loss_of_results(result)
    torch.testing.assert_close(loss, -torch.sigmoid(adversary.discriminator(result)).log().mean())
    loss.backward()
    assert result.grad is not None
    assert result.grad.abs().sum() > 0
    before = {name: p.clone() for name, p in adversary.discriminator.named_parameters()}
    real, fake = adversary.discriminator(wanted), adversary.discriminator(result)
    expected = -(torch.sigmoid(real).log() + (1 - torch.sigmoid(fake)).log()).mean()
    gradients = torch.autograd.grad(expected, list(adversary.discriminator.parameters()))
    result.grad = None
    adversary.learn(result, wanted, 0.5, Processes())
    assert result.grad is None
    # Adam's first step is the rate against the gradient's sign.
    for (name, p), gradient in zip(adversary.discriminator.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(p, before[name] - 0.5e-4 * gradient / (gradient.abs() + 1e-8), atol=2e-7, rtol=1e-4)


def test_it_learns_to_tell_noise_from_a_flat_image() -> None:
    torch.manual_seed(0)
    adversary = Adversary(Discriminator(16, 1, features=4))
    for _ in range(80):
        flat = torch.rand(8, 1, 1, 1).expand(8, 1, 16, 16)
        # At 30 times the paper's rate every seed from 0 to 7 reaches a distance above 7. At 100 times it depends on
        # the order in which the processor sums.
        adversary.learn(flat, (flat + 0.2 * torch.randn(8, 1, 16, 16)).clamp(0, 1), 30.0, Processes())
    with torch.no_grad():
        flat = torch.rand(8, 1, 1, 1).expand(8, 1, 16, 16)
        noisy = (flat + 0.2 * torch.randn(8, 1, 16, 16)).clamp(0, 1)
        assert adversary.discriminator(noisy).mean() > adversary.discriminator(flat).mean() + 4


def test_a_run_against_an_adversary_keeps_its_last_weights(
    data: Path, tmp_path: Path, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[float] = []
    learn = Adversary.learn

    def watched(self: Adversary, result: Any, wanted: Any, factor: float, group: Processes) -> None:
        assert result.shape == wanted.shape == (4, 3, 32, 32)
        assert not result.requires_grad
        steps.append(factor)
        learn(self, result, wanted, factor, group)

    monkeypatch.setattr(Adversary, "learn", watched)
    spec = srresnet(2, features=4, blocks=1)
    chosen = settings(steps=3, adversarial=1e-3, content="pyramid", lr=0.02)
    model = train(chosen, spec, data, tmp_path / "m.safetensors", say=silent)
    assert len(steps) == 3
    assert model.training["settings"]["adversarial"] == 1e-3
    again = load(tmp_path / "m.safetensors")
    content = torch.load(tmp_path / "m.ckpt", weights_only=True)
    for name, weight in again.weights.items():
        np.testing.assert_array_equal(weight, content["average"][name].numpy())


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_run_gone_on_with_equals_one_that_was_not(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, settings: MakeSettings, after: int
) -> None:
    chosen, spec = settings(steps=4, adversarial=0.01, content="pyramid"), espcn(2, colour="rgb")
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    train(chosen, spec, data, whole, say=silent)
    real, calls = Patches.draw, 0

    def draw(self: Patches, *of: int) -> Any:
        nonlocal calls
        if calls == after:
            raise KeyboardInterrupt
        calls += 1
        return real(self, *of)

    with monkeypatch.context() as patched:
        patched.setattr(Patches, "draw", draw)
        with pytest.raises(KeyboardInterrupt):
            train(chosen, spec, data, parts, say=silent)
    train(chosen, spec, data, parts, resume=True, say=silent)
    assert parts.read_bytes() == whole.read_bytes()


def small_vgg(path: Path) -> Path:
    torch.manual_seed(0)
    state, channels, index = {}, 3, 0
    for block, convs in enumerate((2, 2, 4, 4, 4)):
        for _ in range(convs):
            conv = nn.Conv2d(channels, 4 + block, 3)
            state[f"features.{index}.weight"], state[f"features.{index}.bias"] = conv.weight, conv.bias
            channels, index = 4 + block, index + 2
        index += 1
    torch.save(state, path)
    return path


def test_features_of_a_users_file_are_a_content(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    features = small_vgg(tmp_path / "vgg.pth")
    spec, out = espcn(2, colour="rgb"), tmp_path / "m.safetensors"
    chosen = settings(steps=2, content="vgg19", layer="2.2", adversarial=0.001)
    model = train(chosen, spec, data, out, features=features, say=silent)
    assert model.training["features"] == "vgg.pth"
    plain = train(settings(steps=2), spec, data, out, say=silent)
    assert any(not np.array_equal(plain.weights[name], w) for name, w in model.weights.items())


def test_what_does_not_go_together(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    out, rgb = tmp_path / "m.safetensors", espcn(2, colour="rgb")
    features = small_vgg(tmp_path / "vgg.pth")
    with pytest.raises(InvalidArgument, match="features and content='vgg19' must be given together"):
        train(settings(content="vgg19"), rgb, data, out, say=silent)
    with pytest.raises(InvalidArgument, match="features and content='vgg19' must be given together"):
        train(settings(), rgb, data, out, features=features, say=silent)
    with pytest.raises(InvalidArgument, match="content='vgg19' needs an RGB network; use content='pyramid'"):
        train(settings(content="vgg19"), espcn(2), data, out, features=features, say=silent)
    with pytest.raises(InvalidArgument, match=r"layer='9': i\.j from 1\.1 to 5\.4"):
        train(settings(content="vgg19", layer="9"), rgb, data, out, features=features, say=silent)
    with pytest.raises(InvalidArgument, match=r"results of 12×12 are too small for layer 5\.4"):
        train(settings(content="vgg19", patch=14), rgb, data, out, features=features, say=silent)
    with pytest.raises(InvalidArgument, match="too small for the adversary"):
        train(settings(adversarial=1.0, patch=14), rgb, data, out, say=silent)
    with pytest.raises(ModelFileError, match=r"none\.pth: no such file"):
        train(settings(content="vgg19"), rgb, data, out, features=tmp_path / "none.pth", say=silent)
    for changes in ({"content": "style"}, {"adversarial": -1.0}, {"adversarial": float("nan")}):
        with pytest.raises(InvalidArgument, match=next(iter(changes))):
            settings(**changes)
    with pytest.raises(InvalidArgument, match="rounded needs content='pixel'"):
        settings(rounded=True, adversarial=0.1)
    assert not out.exists()


def test_rounding_says_that_it_is_not_for_transposed_convolutions(
    data: Path, tmp_path: Path, settings: MakeSettings
) -> None:
    spec = fsrcnn(2, features=4, shrunk=3, mappings=1)
    out = tmp_path / "m.safetensors"
    save(train(settings(steps=1), spec, data, out, say=silent), out)
    with pytest.raises(Unsupported, match="rounded=True does not support transposed convolutions"):
        train(settings(steps=1, rounded=True), spec, data, tmp_path / "r.safetensors", start=out, say=silent)


def test_a_checkpoint_from_before_these_settings_is_gone_on_with(
    data: Path, tmp_path: Path, settings: MakeSettings
) -> None:
    spec = espcn(2)
    train(settings(steps=2), spec, data, tmp_path / "m.safetensors", say=silent)
    content = torch.load(tmp_path / "m.ckpt", weights_only=True)
    for name in ("content", "layer", "adversarial"):
        del content["settings"][name]
    del content["adversary"]
    torch.save(content, tmp_path / "m.ckpt")
    values: list[str] = []
    train(settings(steps=3), spec, data, tmp_path / "m.safetensors", resume=True, say=values.append)
    assert values[0].startswith("resuming at step 2")
    with pytest.raises(InvalidArgument, match=r"other settings: content$"):
        train(settings(steps=4, content="pyramid"), spec, data, tmp_path / "m.safetensors", resume=True, say=silent)


def test_binary_cross_entropy_does_not_overflow() -> None:
    adversary = Adversary(Discriminator(16, 1, features=2))
    with torch.no_grad():
        adversary.discriminator.dense[2].bias.fill_(-1e4)
    assert adversary.loss_of_results(torch.rand(2, 1, 16, 16)).item() == pytest.approx(1e4, rel=1e-2)
