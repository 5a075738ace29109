"""One run in several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from subpixel.errors import InvalidArgument
from subpixel.models import Spec, espcn, load
from subpixel.train import Settings, train
from subpixel.train.reparameterisation import Trainable

Network = Callable[[int], Spec]


MakeSettings = Callable[..., Settings]


def silent(_: str) -> None:
    pass


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
