"""docs/still_scenes.py: the scenes that it makes, and which results count."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("torch", reason="its pictures are those of training, which needs torch")
import torch

from scripts import docs_script
from subpixel import Upscaler
from subpixel.models import Model, find
from subpixel.models.recurrent import recurrent
from subpixel.train.data import Pair


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return docs_script("still_scenes")


def test_every_frame_has_noise_of_its_own_and_one_encoder_compresses_them(script: ModuleType) -> None:
    small = np.rint(np.random.default_rng(0).uniform(60, 180, (32, 40)))
    frames = script.degraded(small, 6, 4.0, 0, 1)
    assert (frames.dtype, frames.shape) == (np.float32, (6, 32, 40))
    assert np.std(frames[0] * 255 - small) == pytest.approx(4, rel=0.1)
    assert np.std((frames[0] - frames[1]) * 255) == pytest.approx(4 * 2**0.5, rel=0.1)
    np.testing.assert_array_equal(frames, script.degraded(small, 6, 4.0, 0, 1))
    assert (script.degraded(small, 6, 4.0, 30, 1) != frames).any()
    assert script.degraded(small, 2, 0.0, 0, 1)[1] * 255 == pytest.approx(small)


def test_the_middle_of_a_scene_is_the_same_part_of_both_sizes(script: ModuleType) -> None:
    large = torch.arange(400.0).repeat(360, 1)[None] / 400
    pair = Pair("one", large[:, ::2, ::2].contiguous(), large)
    small, truth = script.middle(pair, 2)
    assert (small.shape, truth.shape) == ((160, 160), (320, 320))
    np.testing.assert_array_equal(np.rint(truth[::2, ::2]), small)


def test_the_frames_that_count_are_those_asked_for(script: ModuleType) -> None:
    codes = np.random.default_rng(2).integers(0, 64, (7, 9, 11))
    codes[::2] += 128  # so every frame changes everywhere, and the running mean is the frame
    frames = (codes / 256).astype(np.float32)
    plain = list(script.results(find("bicubic", 2), frames, range(2, 7, 2), "f32"))
    upscale = Upscaler(2, model="bicubic").plane
    for result, k in zip(plain, (2, 4, 6), strict=True):
        np.testing.assert_array_equal(result, upscale(frames[k]))
    spec = recurrent(2, width=4, middle=1, state=2)
    still = Model("still", spec, {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes.items()})
    found = list(script.results(still, frames, range(2, 7, 2), "f32"))
    for result, k in zip(found, (2, 4, 6), strict=True):
        np.testing.assert_array_equal(result, frames[k].repeat(2, 0).repeat(2, 1))
