"""Every network that can be named can be trained; here by a few steps of its smallest kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subpixel import Upscaler
from subpixel.models import Spec, espcn, load
from subpixel.models.edsr import edsr
from subpixel.models.fsrcnn import fsrcnn
from subpixel.models.our_networks import balanced, fast, high
from subpixel.models.rdn import rdn
from subpixel.models.recurrent import recurrent
from subpixel.models.srcnn import srcnn
from subpixel.models.srresnet import srresnet
from subpixel.models.vespcn import vespcn, vespcn_slow
from subpixel.models.wdsr import wdsr_a, wdsr_b
from subpixel.models.zoo import ARCHITECTURES
from subpixel.train import Settings, train

MakeSettings = Callable[..., Settings]

# The functions behind the names of ARCHITECTURES, each with the least that still has all kinds of its layers.
SMALL: dict[Callable[..., Spec], dict[str, object]] = {
    espcn: {"colour": "rgb", "output_kernel": 1},
    srcnn: {"middle": 1, "features": (8, 4)},
    fsrcnn: {"features": 8, "shrunk": 4, "mappings": 1},
    srresnet: {"features": 8, "blocks": 1},
    edsr: {"features": 8, "blocks": 1},
    wdsr_a: {"features": 6, "wide": 12, "blocks": 1},
    wdsr_b: {"features": 6, "wide": 12, "low_rank": 4, "blocks": 1},
    rdn: {"blocks": 2, "convs": 2, "growth": 4, "features": 6},
    fast: {},
    balanced: {},
    high: {},
}
OWN = (fast, balanced, high)
VIDEOS = (vespcn, vespcn_slow, recurrent)  # trained in test_motion.py


def test_no_architecture_is_left_out() -> None:
    assert {getattr(make, "func", make) for make in ARCHITECTURES.values()} == {*SMALL, *VIDEOS}


@pytest.mark.parametrize("make", [make for make in SMALL if make not in OWN], ids=lambda make: make.__name__)
def test_a_few_steps_reduce_the_error(
    data: Path, tmp_path: Path, settings: MakeSettings, make: Callable[..., Spec]
) -> None:
    spec, out = make(2, **SMALL[make]), tmp_path / "m.safetensors"
    values: list[str] = []
    # The gain of WDSR comes later, since its kernels count their inputs from the mean on.
    steps = 120 if make.__name__.startswith("wdsr") else 100
    chosen = settings(steps=steps, batch=4, patch=24, lr=0.02, average=0.9)
    model = train(chosen, spec, data, out, say=values.append)
    start = float(values[0].split("; ")[1].split(" dB")[0])
    assert model.figures["validation_psnr_y"] > start + 1
    assert load(out).spec == spec
    result = Upscaler(2, model=str(out))(np.full((20, 22, 3), 128, np.uint8))
    assert result.shape == (40, 44, 3)


def test_deep_networks_do_not_explode_at_their_start(data: Path, tmp_path: Path, settings: MakeSettings) -> None:
    spec = edsr(2, features=8, blocks=16)
    values: list[str] = []
    train(settings(steps=1, batch=2, patch=24, lr=1e-6), spec, data, tmp_path / "m.safetensors", say=values.append)
    # Black is worth some 6 dB; a start that doubles in each block would be far below zero.
    assert float(values[0].split("; ")[1].split(" dB")[0]) > 3
