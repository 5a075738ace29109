"""The layers of networks in torch, for the torch backend and for training: see :mod:`subpixel.models.graph`."""

from __future__ import annotations

from typing import get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from subpixel.errors import unknown
from subpixel.models.layers import Activation
from subpixel.ops import warp
from subpixel.ops.resizing.taps import Mode, axis_taps
from subpixel.ops.shuffle import Order

__all__ = ["TorchKernels"]


class TorchKernels:
    """The layers on ``(N, C, H, W)`` tensors of any device and floating dtype, differentiable."""

    def replicate(self, x: Tensor, halo: int) -> Tensor:
        if halo == 0:
            return x
        # Unlike F.pad, selecting by index has no limit on the halo and supports every dtype.
        rows = torch.arange(-halo, x.shape[-2] + halo, device=x.device).clamp_(0, x.shape[-2] - 1)
        columns = torch.arange(-halo, x.shape[-1] + halo, device=x.device).clamp_(0, x.shape[-1] - 1)
        return x.index_select(-2, rows).index_select(-1, columns)

    def extend(self, x: Tensor, rows: int, columns: int) -> Tensor:
        for axis, count in ((-2, rows), (-1, columns)):
            if count:
                last = x.narrow(axis, x.shape[axis] - 1, 1)
                x = torch.cat([x, last.repeat_interleave(count, axis)], axis)
        return x

    def conv(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int], stride: int = 1) -> Tensor:
        return F.conv2d(x, weight, bias, stride, padding)

    def conv_transpose(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: tuple[int, int]
    ) -> Tensor:
        height, width = x.shape[-2] * stride, x.shape[-1] * stride
        # output_padding must be below the stride. If the kernel is long enough, nothing has to be added.
        extra = [max(0, stride - k + p) for k, p in zip(weight.shape[2:], padding, strict=True)]
        y = F.conv_transpose2d(x, weight, bias, stride, output_padding=extra)
        top, left = padding
        return y[..., top : top + height, left : left + width]

    def activate(self, x: Tensor, kind: str, slope: Tensor | None) -> Tensor:
        if kind == "relu":
            return torch.relu(x)
        if kind == "prelu":
            assert slope is not None
            return F.prelu(x, slope.to(x.dtype))
        if kind == "tanh":
            return torch.tanh(x)
        if kind == "clip":
            return x.clamp(0, 1)
        raise unknown("activation", kind, get_args(Activation))

    def add(self, values: list[Tensor]) -> Tensor:
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def concat(self, values: list[Tensor]) -> Tensor:
        return torch.cat(values, dim=1)

    def resize(self, x: Tensor, factor: int, mode: Mode) -> Tensor:
        if mode == "nearest":  # as below, but without a table that has to be copied to a GPU
            return x.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
        for axis in (-2, -1):
            n = x.shape[axis]
            taps = axis_taps(n, n * factor, factor, mode=mode)
            shape = [1, 1, 1, 1]
            shape[axis] = -1
            parts = [
                x.index_select(axis, torch.from_numpy(index).to(x.device)) * torch.from_numpy(weight).to(x).view(shape)
                for index, weight in zip(taps.index.T.copy(), taps.weight.T.copy(), strict=True)
            ]
            x = self.add(parts)
        return x

    def pixel_shuffle(self, x: Tensor, factor: int, order: Order) -> Tensor:
        if order == "DCR":
            n, c, h, w = x.shape
            square = factor * factor
            x = x.view(n, square, c // square, h, w).transpose(1, 2).reshape(n, c, h, w)
        return F.pixel_shuffle(x, factor)

    def warp(self, x: Tensor, flow: Tensor, reach: float) -> Tensor:
        # Positions need more digits than bf16 has.
        y: Tensor = warp(x, flow.float().clamp(-1, 1) * reach, padding_mode="border")
        return y
