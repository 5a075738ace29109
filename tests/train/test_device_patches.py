"""Patches that a device cuts: the same as those of the loop."""

from __future__ import annotations

import pytest
import torch

from subpixel.train.data import Patches
from subpixel.train.device_patches import DevicePatches, numbers

from .conftest import pairs

CPU = torch.device("cpu")


@pytest.mark.parametrize(("planes", "dtype"), [(1, torch.float32), (3, torch.uint8)])
@pytest.mark.parametrize(("scale", "margin"), [(2, 0), (3, 4)])
def test_a_device_cuts_what_patches_draw(planes: int, dtype: torch.dtype, scale: int, margin: int) -> None:
    patches = Patches(pairs(planes, scale, dtype), scale, 16, margin, 64, torch.Generator().manual_seed(1))
    before = patches.generator.get_state()
    drawn = patches.draw()
    patches.generator.set_state(before)
    cut = patches.on_device(CPU).cut(numbers(patches.batch, patches.generator))
    for one, other in zip(drawn, cut, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_what_images_have_in_common_is_held_once() -> None:
    held = Patches(pairs(1, 2), 2, 16, 0, 4, torch.Generator()).on_device(CPU)
    assert len(held.large.flat) == 4 * sum(h * w for h, w in ((20, 31), (27, 18), (19, 19)))
    assert len(held.small.flat) == 2 * sum(h * w for h, w in ((20, 31), (27, 18), (19, 19)))


def test_frames_of_a_clip_are_cut_and_turned_together() -> None:
    small = torch.arange(5.0)[:, None, None, None] + torch.zeros(5, 1, 9, 12)
    small[:] += torch.rand(9, 12)  # frames differ by integers and nothing else
    held = DevicePatches([small], [small.repeat_interleave(2, 2).repeat_interleave(2, 3)], 2, 6, 0, CPU)
    a, b = held.cut(torch.rand(16, 4))
    assert a.shape == (16, 5, 1, 6, 6)
    assert b.shape == (16, 5, 1, 12, 12)
    assert torch.allclose(a - a[:, :1], torch.arange(5.0)[None, :, None, None, None].expand_as(a), atol=1e-5)
    assert torch.equal(b[..., ::2, ::2], a)
    assert len({tuple(one[0, 0, :2, :2].flatten().tolist()) for one in a}) > 8
