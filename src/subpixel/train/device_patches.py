"""Training images in the memory of a device, which cuts batches of patches out of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["DevicePatches", "flattened", "numbers", "samples"]


def samples(planes: Tensor) -> Tensor:
    """Planes as a network reads them: f32; u8 is divided by 255."""
    return planes.float() / 255 if planes.dtype == torch.uint8 else planes


def numbers(batch: int, generator: torch.Generator) -> Tensor:
    """Random numbers that select the patches of a batch: ``(batch, 4)``, 0 … 1: image, row, column, orientation."""
    return torch.rand((batch, 4), generator=generator)


def flattened(images: Sequence[Tensor], made: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """What ``made`` returns for each image, one after the other in a flat array, and where each begins.

    An image that occurs again begins where it did before.
    """
    known: dict[int, int] = {}
    parts, begins, end = [], [], 0
    for image in images:
        if id(image) not in known:
            known[id(image)] = end
            parts.append(made(image).flatten())
            end += parts[-1].numel()
        begins.append(known[id(image)])
    return torch.cat(parts), torch.tensor(begins)


class DevicePatches:
    """Pairs of images on a device, and patches of them selected by numbers of 0 … 1.

    No operation waits for the device, so a CUDA graph can record them.

    Args:
        smalls: each ``(…, H, W)``, all with the same number of planes.
        larges: each ``(…, H*scale, W*scale)``. One that several small images share is stored once.
        scale: the factor.
        patch: the side of a small patch.
        margin: samples at each side of a patch that have no target.
        device: the device that stores them.
    """

    def __init__(
        self,
        smalls: Sequence[Tensor],
        larges: Sequence[Tensor],
        scale: int,
        patch: int,
        margin: int,
        device: torch.device,
    ) -> None:
        self.scale, self.patch, self.margin, self.count = scale, patch, margin, len(smalls)
        self.small, self.large = _Planes(smalls, device), _Planes(larges, device)
        sides = torch.tensor([small.shape[-2:] for small in smalls], device=device)
        self.rows, self.columns = sides.double().unbind(1)

    def cut(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The patches that :class:`subpixel.train.data.Patches` cuts for the same numbers.

        Args:
            numbers: ``(B, 4)`` on the device.

        Returns:
            ``(B, …, patch, patch)`` and ``(B, …, n, n)``, n = (patch − 2 margin) scale.
        """
        s, n, m = self.scale, self.patch, self.margin
        which, down, right, turn = numbers.double().unbind(1)
        index = (which * self.count).long()
        y = (down * (self.rows[index] - n + 1)).long()
        x = (right * (self.columns[index] - n + 1)).long()
        k = (turn * 8).long()
        small = self.small.cut(index, y, x, k, n)
        large = self.large.cut(index, (y + m) * s, (x + m) * s, k, (n - 2 * m) * s)
        return samples(small), samples(large)


class _Planes:
    """All images in one flat array, and where each begins."""

    def __init__(self, images: Sequence[Tensor], device: torch.device) -> None:
        self.flat, first = flattened(images, lambda image: image.to(device))
        first = first.to(device)
        self.widths = torch.tensor([p.shape[-1] for p in images], device=device)
        areas = torch.tensor([p.shape[-2] * p.shape[-1] for p in images], device=device)
        # (images, …): where each plane begins
        self.lead = images[0].shape[:-2]
        planes = torch.arange(math.prod(self.lead), device=device)
        self.planes = first[:, None] + areas[:, None] * planes

    def cut(self, index: Tensor, y: Tensor, x: Tensor, turn: Tensor, n: int) -> Tensor:
        """Patches ``(B, …, n, n)`` from these rows and columns on, rotated by ``turn`` quarters, mirrored from 4 on."""
        own = torch.arange(n, device=index.device)
        turn = turn[:, None, None]
        i, j = own[:, None], own[None]
        i = torch.where(turn >= 4, n - 1 - i, i)
        quarter = turn % 4
        odd = quarter % 2 == 1
        down, across = torch.where(odd, j, i), torch.where(odd, i, j)
        down = torch.where(quarter >= 2, n - 1 - down, down) + y[:, None, None]
        across = torch.where((quarter == 1) | (quarter == 2), n - 1 - across, across) + x[:, None, None]
        position = down * self.widths[index][:, None, None] + across
        result = self.flat[self.planes[index][:, :, None, None] + position[:, None]]
        return result.reshape(-1, *self.lead, n, n)
