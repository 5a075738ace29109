"""The detail of patches, and the choice among them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from subpixel.train.data import Pair, Patches
from subpixel.train.detail import Detail
from subpixel.train.device_patches import numbers


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def laplacian(large: Tensor, scale: int) -> Tensor:
    """The absolute Laplacian of the small image, sample by sample, edges repeated."""
    small = avg_pool2d(large[None], scale)[0]
    height, width = small.shape[1:]
    result = torch.zeros(height, width)
    for y in range(height):
        for x in range(width):
            around = [
                small[:, min(max(y + i, 0), height - 1), min(max(x + j, 0), width - 1)]
                for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1))
            ]
            result[y, x] = (4 * small[:, y, x] - sum(around)).abs().mean()
    return result


@pytest.mark.parametrize(("scale", "sides"), [(2, (32, 48)), (3, (40, 24))])
@pytest.mark.parametrize("planes", [1, 3])
def test_the_detail_of_a_patch_is_the_mean_of_its_cells(scale: int, sides: tuple[int, int], planes: int) -> None:
    images = [torch.rand((planes, *(side * scale for side in sides)), generator=generator(k)) for k in range(2)]
    patch = 16
    detail = Detail([*images, images[0]], scale, patch)
    drawn = numbers(60, generator())
    found = detail.of(drawn)
    for (which, down, right, _), value in zip(drawn.tolist(), found.tolist(), strict=True):
        of_image = laplacian(images[int(which * 3) % 2], scale)
        y, x = int(down * (sides[0] - patch + 1)), int(right * (sides[1] - patch + 1))
        top, left, bottom, end = y // 8 * 8, x // 8 * 8, -(-(y + patch) // 8) * 8, -(-(x + patch) // 8) * 8
        assert value == pytest.approx(of_image[top:bottom, left:end].mean().item(), rel=1e-4)


@pytest.mark.parametrize("sides", [(1, 1), (7, 9), (8, 17), (33, 20)])
def test_images_of_any_size_have_detail(sides: tuple[int, int]) -> None:
    image = torch.rand((1, sides[0] * 2, sides[1] * 2), generator=generator())
    detail = Detail([image], 2, 1)
    extremes = torch.tensor([[0.0, a, b, 0.0] for a in (0.0, 0.999999) for b in (0.0, 0.999999)])
    assert torch.isfinite(detail.of(extremes)).all()
    assert (detail.of(extremes) >= 0).all()


def test_bytes_have_the_detail_of_their_values() -> None:
    pixels = torch.randint(0, 256, (3, 32, 32), generator=generator(), dtype=torch.uint8)
    drawn = numbers(8, generator())
    assert torch.equal(Detail([pixels], 2, 8).of(drawn), Detail([pixels.float() / 255], 2, 8).of(drawn))


def half_flat(scale: int = 2) -> Pair:
    """An image whose left half is flat."""
    large = torch.rand((1, 64 * scale, 64 * scale), generator=generator())
    large[..., : 32 * scale] = 0.5
    return Pair("half", large[:, ::scale, ::scale].contiguous(), large)


@pytest.mark.parametrize(("candidates", "least", "most"), [(1, 0.3, 0.5), (2, 0.1, 0.25), (4, 0.0, 0.1)])
def test_flat_patches_become_rare_and_do_not_vanish(candidates: int, least: float, most: float) -> None:
    patches = Patches([half_flat()], 2, 8, 0, 2000, generator(1), candidates)
    small, _ = patches.draw()
    flat = (small.flatten(1).std(dim=1) == 0).float().mean().item()
    assert least < flat < most  # 25 of 57 columns begin a flat patch, to the power of the candidates


def test_parts_of_a_batch_are_the_batch_of_one_process() -> None:
    whole = Patches([half_flat()], 2, 8, 1, 6, generator(), 3).draw()
    parts = [Patches([half_flat()], 2, 8, 1, 6, generator(), 3).draw(k, 3) for k in range(3)]
    for number, tensor in enumerate(whole):
        assert torch.equal(torch.cat([part[number] for part in parts]), tensor)


def test_a_device_cuts_the_chosen_patches() -> None:
    patches = Patches([half_flat(), half_flat()], 2, 8, 1, 16, generator(), 4)
    before = patches.generator.get_state()
    drawn = patches.draw()
    patches.generator.set_state(before)
    for one, other in zip(drawn, patches.on_device(torch.device("cpu")).cut(patches.choose()), strict=True):
        assert torch.equal(one, other)
