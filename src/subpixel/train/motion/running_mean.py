"""The running means of batches of clips in torch, to the values of :mod:`subpixel.ops.running_mean`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from subpixel.models.spec import RunningMean
from subpixel.ops.running_mean import BOX, HOLD, MEDIAN, NOISE, REACH, STEP

__all__ = ["running_means"]


def running_means(small: Tensor, one: RunningMean) -> list[Tensor]:
    """The input for each frame of ``(N, T, C, H, W)``; see :func:`subpixel.ops.running_mean.running_mean`."""
    mean, half = small[:, 0], BOX // 2
    count, held = torch.ones_like(mean), torch.zeros_like(mean)
    values = [mean]
    for t in range(1, small.shape[1]):
        difference = small[:, t] - mean
        around = F.avg_pool2d(F.pad(difference, (half,) * 4, mode="replicate"), BOX, 1).abs() * 255
        noise = _noise_of(small[:, t], difference)[..., None, None]
        change = ((around - one.still - NOISE / BOX * noise) / (one.changed - one.still)).clamp(0, 1)
        held = F.max_pool2d(change, REACH, 1, REACH // 2).maximum(held * HOLD)
        count = count * (1 - held) + 1
        mean = mean + difference / count
        count = count.clamp(max=one.frames)
        values.append(mean)
    return values


def _noise_of(planes: Tensor, difference: Tensor) -> Tensor:
    """``(N, C)`` of ``(N, C, H, W)``; see :func:`subpixel.ops.running_mean.noise_of`."""
    if min(planes.shape[-2:]) < 3:
        return planes.new_zeros(planes.shape[:2])
    rows, columns = ([slice(k, n - 2 + k, STEP) for k in range(3)] for n in planes.shape[-2:])
    across = [planes[..., r, columns[0]] - 2 * planes[..., r, columns[1]] + planes[..., r, columns[2]] for r in rows]
    spatial = (across[0] - 2 * across[1] + across[2]).abs().flatten(2).median(-1).values / 6
    return spatial.minimum(difference[..., ::STEP, ::STEP].abs().flatten(2).median(-1).values) / MEDIAN * 255
