"""A larger network that begins as a smaller one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from subpixel.models.families import chain
from subpixel.models.graph import run
from subpixel.models.spec import Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.models.zoo import ARCHITECTURES
from subpixel.train import Settings, train
from subpixel.train.growth import grown
from subpixel.train.weights import Trainable

MakeSettings = Callable[..., Settings]

SMALL = chain(2, width=5, middle=2, first=3, last=3)
# wider; deeper; larger kernels; all of it; the same
LARGER = [
    chain(2, width=8, middle=2, first=3, last=3),
    chain(2, width=5, middle=4, first=3, last=3),
    chain(2, width=5, middle=2, first=5, last=5),
    chain(2, width=9, middle=5, first=5, last=5),
    SMALL,
]


def _silent(_: str) -> None:
    pass


def _weights(spec: Spec, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in spec.weight_shapes.items()}


@pytest.mark.parametrize("spec", LARGER, ids=lambda spec: str(spec.parameters))
def test_computes_what_the_smaller_one_does(spec: Spec) -> None:
    small = _weights(SMALL, 1)
    beginning = Trainable(spec, 0, torch.Generator().manual_seed(2)).collapsed()
    made = grown(spec, SMALL, small, {name: weight.detach() for name, weight in beginning.items()})
    assert set(made) == set(spec.weight_shapes)
    x = torch.rand((1, 1, 12, 14), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(run(spec, made, x, TorchKernels()), run(SMALL, small, x, TorchKernels()))


def test_another_scale_leaves_the_last_layer_open() -> None:
    spec = chain(3, width=8, middle=3, first=3, last=3)
    made = grown(spec, SMALL, _weights(SMALL, 1), _weights(spec, 2))
    assert set(spec.weight_shapes) - set(made) == {"conv5.weight", "conv5.bias"}


@pytest.mark.parametrize(
    "spec",
    [
        chain(2, width=4, middle=2, first=3, last=3),
        chain(2, width=8, middle=1, first=3, last=3),
        chain(2, width=8, middle=2, first=3, last=1),
        ARCHITECTURES["espcn"](2),
        ARCHITECTURES["fsrcnn"](2),
    ],
    ids=["narrower", "shorter", "smaller-end", "espcn", "fsrcnn"],
)
def test_what_does_not_contain_it_takes_what_fits_by_name(spec: Spec) -> None:
    small = _weights(SMALL, 1)
    made = grown(spec, SMALL, small, _weights(spec, 2))
    assert made.keys() == small.keys()
    assert all(made[name] is small[name] for name in small)


def test_a_run_begins_where_the_smaller_network_stood(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    first, second = tmp_path / "small.safetensors", tmp_path / "large.safetensors"
    reached = train(settings(steps=30, lr=0.01, expand=2), SMALL, data, first, say=_silent)
    said: list[str] = []
    train(settings(steps=1, lr=1e-9, expand=2, patch=24), LARGER[3], data, second, start=first, say=said.append)
    began = float(said[0].split("; ")[1].split(" dB")[0])
    assert began == pytest.approx(reached.figures["validation_psnr_y"], abs=2e-3)
