"""What a GPU does by itself, on any device: the same patches, the same steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from subpixel.models import Spec
from subpixel.models.recurrent import recurrent
from subpixel.train import Settings, train
from subpixel.train.cuda_graph import MAX_STEPS, StepGraph
from subpixel.train.device_patches import DevicePatches
from subpixel.train.motion import MotionState
from subpixel.train.motion.clips import Clips
from subpixel.train.state import State

from .conftest import pairs

Network = Callable[[int], Spec]


MakeSettings = Callable[..., Settings]


CPU = torch.device("cpu")


def test_steps_of_a_table_are_the_steps_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    chosen = settings(steps=MAX_STEPS + 5, expand=2, cycles=2)
    plain = train(chosen, network(2), data, tmp_path / "plain.safetensors", say=lambda _: None)
    monkeypatch.setattr("subpixel.train.loop.uses_cuda_graph", lambda _state, _group: True)
    tables = train(chosen, network(2), data, tmp_path / "tables.safetensors", say=lambda _: None)
    assert tables.training["steps"] == MAX_STEPS + 5
    for name, weight in plain.weights.items():
        assert tables.weights[name] == pytest.approx(weight, abs=2e-3), name
    rows = [(tmp_path / f"{name}.csv").read_text().splitlines()[-1].split(",") for name in ("plain", "tables")]
    assert float(rows[0][2]) == pytest.approx(float(rows[1][2]), rel=1e-4)  # the loss


def test_clips_are_made_once_and_trained_on(settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.train.motion.clips._DEVICE_CLIPS", 6)
    spec = recurrent(2, width=8, middle=1, state=4)
    chosen = settings(arch="recurrent", clip=3, patch=12, batch=2)
    images = [torch.rand(1, 70, 80) for _ in range(3)]

    def of(seed: int) -> DevicePatches:
        return Clips(images, chosen, 2, torch.Generator().manual_seed(seed)).on_device(CPU)

    assert torch.equal(of(1).large.flat, of(2).large.flat)  # the run's seed alone decides
    state = MotionState(chosen, spec, images)  # type: ignore[arg-type]
    before = {name: w.clone() for name, w in state.net.collapse().items()}
    steps = StepGraph(state, state.patches.on_device(CPU))
    assert steps.run([0.5, 0.4]) > 0
    assert state.step == 2
    assert any(not torch.equal(w, before[name]) for name, w in state.net.collapse().items())


def test_a_loss_that_needs_the_host_is_not_recorded(settings: MakeSettings, network: Network) -> None:
    def state(**changes: Any) -> State:
        return State(settings(**changes), network(2), pairs(1, 2))

    assert state().capturable
    assert not state(content="pyramid").capturable
    assert not state(adversarial=0.001).capturable


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recorded_run_trains_and_resumes(
    data: Path, tmp_path: Path, network: Network, settings: MakeSettings
) -> None:
    values: list[str] = []
    out = tmp_path / "m.safetensors"
    first = train(settings(steps=40), network(2), data, out, device="cuda", say=values.append)
    start = float(values[0].split("held out; ")[1].split()[0])
    assert first.figures["validation_psnr_y"] > start + 0.2
    on_cpu = train(settings(steps=40), network(2), data, tmp_path / "cpu.safetensors", device="cpu", say=values.append)
    assert first.figures["validation_psnr_y"] == pytest.approx(on_cpu.figures["validation_psnr_y"], abs=0.1)
    for device, steps in (("cpu", 44), ("cuda", 150)):  # the checkpoint goes from one to the other and back
        again = train(settings(steps=steps), network(2), data, out, resume=True, device=device, say=values.append)
        assert again.training["steps"] == steps
