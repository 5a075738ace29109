"""Kinds of runs: RGB, zero borders, restarts and a teacher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.models import espcn
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train import Settings, train
from subpixel.train.loop import _rate
from subpixel.train.reparameterisation import Trainable

from .conftest import pairs, residual

MakeSettings = Callable[..., Settings]


def silent(_: str) -> None:
    pass


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
    train(settings(steps=150, arch="teacher"), espcn(2), data, teacher, say=silent)
    losses = []
    for steps in (1, 150):
        out = tmp_path / "m.safetensors"
        train(settings(steps=steps, teacher_share=share), residual(), data, out, teacher=teacher, say=silent)
        losses.append(float(out.with_suffix(".csv").read_text().splitlines()[-1].split(",")[2]))
    assert losses[1] < 0.8 * losses[0]
    with pytest.raises(InvalidArgument, match="×2 model of luma; ×3 of luma"):
        train(settings(scale=3, teacher_share=share), residual(3), data, out, teacher=teacher, say=silent)


def test_kernels_with_their_channels_last_compute_the_same() -> None:
    x, w = torch.rand(2, 8, 9, 10), torch.rand(6, 8, 3, 3)
    plain = TorchKernels().conv(x, w, None, (0, 0))
    last = TorchKernels().conv(x, w.contiguous(memory_format=torch.channels_last), None, (0, 0))
    torch.testing.assert_close(plain, last)


def test_the_spectrum_is_part_of_the_loss(settings: MakeSettings) -> None:
    """The mean absolute real and imaginary part of the FFT of the error, of both halves of the spectrum alike."""
    from subpixel.train.state import State

    generator = torch.Generator().manual_seed(0)
    error = torch.rand((2, 1, 16, 16), generator=generator) - 0.5
    target = torch.zeros_like(error)
    images = pairs(1, 2)
    plain, spectral = (State(settings(fft=weight, patch=16), residual(), images) for weight in (0.0, 0.05))
    whole = torch.fft.fft2(error)
    wanted = 0.05 * torch.cat([whole.real, whole.imag]).abs().mean()
    gain = spectral._distance(error, target) - plain._distance(error, target)
    assert gain == pytest.approx(float(wanted), rel=0.1)
    with pytest.raises(InvalidArgument, match="fft needs content='pixel'"):
        settings(fft=0.05, content="pyramid")
