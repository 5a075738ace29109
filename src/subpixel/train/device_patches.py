"""Images held by a device, which cuts batches out of them without asking anybody."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["DevicePatches", "numbers", "samples"]


def samples(planes: Tensor) -> Tensor:
    """Planes as a network takes them: f32, u8 divided by 255."""
    return planes.float() / 255 if planes.dtype == torch.uint8 else planes


def numbers(batch: int, generator: torch.Generator) -> Tensor:
    """``(batch, 4)``, 0 … 1: what a batch is cut by: image, row, column, orientation."""
    return torch.rand((batch, 4), generator=generator)


class DevicePatches:
    """Pairs of images on a device, and patches of them by numbers of 0 … 1.

    Nothing here waits for the device or asks it anything, so that a CUDA graph can hold it.

    Args:
        smalls: each ``(…, H, W)``, of the same number of planes.
        larges: each ``(…, H*scale, W*scale)``; one that several small ones have in common is held once.
        scale: how many times larger.
        patch: side of a small patch.
        margin: samples at each side of it whose targets are not cut.
        device: where they are held.
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
        """The patches that :class:`subpixel.train.data.Patches` cuts by these numbers.

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
    """Images one after another in one array, and where each begins."""

    def __init__(self, images: Sequence[Tensor], device: torch.device) -> None:
        places: dict[int, int] = {}
        parts, begins, end = [], [], 0
        for image in images:
            if id(image) not in places:
                places[id(image)] = end
                parts.append(image.flatten().to(device))
                end += image.numel()
            begins.append(places[id(image)])
        self.flat = torch.cat(parts)
        first = torch.tensor(begins, device=device)
        self.widths = torch.tensor([p.shape[-1] for p in images], device=device)
        areas = torch.tensor([p.shape[-2] * p.shape[-1] for p in images], device=device)
        # (images, …): where each plane begins
        self.lead = images[0].shape[:-2]
        planes = torch.arange(math.prod(self.lead), device=device)
        self.planes = first[:, None] + areas[:, None] * planes

    def cut(self, index: Tensor, y: Tensor, x: Tensor, turn: Tensor, n: int) -> Tensor:
        """``(B, …, n, n)`` from those rows and columns on, turned by ``turn`` quarters, mirrored from 4 on."""
        own = torch.arange(n, device=index.device)
        turn = turn[:, None, None]
        i, j = own[:, None], own[None]
        i = torch.where(turn >= 4, n - 1 - i, i)
        quarter = turn % 4
        odd = quarter % 2 == 1
        down, across = torch.where(odd, j, i), torch.where(odd, i, j)
        down = torch.where(quarter >= 2, n - 1 - down, down) + y[:, None, None]
        across = torch.where((quarter == 1) | (quarter == 2), n - 1 - across, across) + x[:, None, None]
        place = down * self.widths[index][:, None, None] + across
        result = self.flat[self.planes[index][:, :, None, None] + place[:, None]]
        return result.reshape(-1, *self.lead, n, n)
