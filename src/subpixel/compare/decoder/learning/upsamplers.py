"""The ways down and up as layers of torch, each by an exact factor of two.

They run this package's operators, which are differentiable on tensors, except three that take more than a fifth longer
here than what torch has: nearest (it gives up the order of channels last, which slows the convolution after it),
bilinear resizing (twice as long), and max unpooling (five times: it checks every position and allows for repeated ones;
torch's own is not among its deterministic algorithms, so here it is a scatter). Tests compare them with this package's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from subpixel.errors import unknown
from subpixel.ops import (
    affine_grid,
    conv_transpose,
    grid_sample,
    icnr,
    max_pool,
    pixel_shuffle,
    pixel_unshuffle,
    subpixel_conv,
)

__all__ = ["Convolution", "Finish", "make_down", "make_up", "normal_weight"]

F32 = NDArray[np.float32]


def normal_weight(rng: np.random.Generator, shape: tuple[int, ...], fan_in: float) -> F32:
    """Random weights for a layer before a ReLU (He et al., arXiv 1502.01852), from NumPy's generator.

    So they do not depend on the version of torch.
    """
    weight: F32 = rng.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / fan_in))
    return weight


class Convolution(nn.Module):
    """A convolution without a bias, of the same size.

    Args:
        rng: of its weights.
        given: channels of the input.
        made: channels of the result.
        kernel: its side, odd.
    """

    def __init__(self, rng: np.random.Generator, given: int, made: int, kernel: int = 3) -> None:
        super().__init__()
        self.padding = kernel // 2
        weight = normal_weight(rng, (made, given, kernel, kernel), given * kernel**2)
        self.weight = nn.Parameter(torch.from_numpy(weight))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, given, H, W)`` to ``(N, made, H, W)``."""
        return F.conv2d(x, self.weight, padding=self.padding)


class Finish(nn.Module):
    """What follows each convolution: batch normalisation and ReLU.

    Args:
        made: the channels.
    """

    def __init__(self, made: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(made)

    def forward(self, x: Tensor) -> Tensor:
        """Of the same shape."""
        return F.relu_(self.norm(x))


class _PoolDown(nn.Module):
    """Max pooling; the positions go to the decoder, of which only max unpooling uses them."""

    def __init__(self, positions: bool) -> None:
        super().__init__()
        self.positions = positions

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.positions:
            values, where = max_pool(x, 2, return_indices=True)
            return values, where
        return max_pool(x, 2), None


class _UnshuffleDown(nn.Module):
    """Pixel unshuffle: nothing is lost, the channels are four times as many."""

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return pixel_unshuffle(x, 2), None


class _Nearest(nn.Module):
    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        self.conv = Convolution(rng, given, made)

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        result: Tensor = self.finish(self.conv(F.interpolate(x, scale_factor=2, mode="nearest")))
        return result


class _Bilinear(nn.Module):
    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        self.conv = Convolution(rng, given, made)

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        result: Tensor = self.finish(self.conv(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)))
        return result


class _Transposed(nn.Module):
    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        # Of its 16 taps, a sample of the result sees four.
        self.weight = nn.Parameter(torch.from_numpy(normal_weight(rng, (given, made, 4, 4), 4 * given)))

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        result: Tensor = self.finish(conv_transpose(x, self.weight, stride=2, padding=1))
        return result


class _Subpixel(nn.Module):
    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        weight = icnr((4 * made, given, 3, 3), 2, init=lambda shape: normal_weight(rng, shape, 9 * given))
        self.weight = nn.Parameter(torch.from_numpy(weight))

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        result: Tensor = self.finish(subpixel_conv(x, self.weight, None, 2, padding=1))
        return result


class _Unpool(nn.Module):
    """As in SegNet (arXiv 1511.00561), values are finished before they are placed among zeros."""

    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        self.conv = Convolution(rng, given, made)

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        if where is None:
            raise unknown("positions", where, ("the encoder's",), where="max unpooling")
        values: Tensor = self.finish(self.conv(x))
        count, channels, height, width = values.shape
        flat = values.new_zeros(count, channels, 4 * height * width)
        # Windows of 2×2 do not overlap, so no place is written twice and the order does not matter.
        flat = flat.scatter(2, where.reshape(count, channels, -1), values.reshape(count, channels, -1))
        return flat.reshape(count, channels, 2 * height, 2 * width)


class _Grid(nn.Module):
    """The offsets are in pixels of the small grid: two planes for each of the four phases."""

    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        self.offsets = nn.Conv2d(given, 8, 3, padding=1)
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.offsets.bias)  # type: ignore[arg-type]
        self.conv = Convolution(rng, given, made)

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        count, channels, height, width = x.shape
        theta = torch.eye(2, 3, dtype=x.dtype).expand(count, 2, 3)
        grid = affine_grid(theta, (count, channels, 2 * height, 2 * width))
        # A grid runs from -1 to 1, so a pixel is 2 / width of it.
        pixel = torch.tensor([2 / width, 2 / height], dtype=x.dtype)
        moved = grid + pixel * pixel_shuffle(self.offsets(x), 2).permute(0, 2, 3, 1)
        result: Tensor = self.finish(self.conv(grid_sample(x, moved, padding_mode="border")))
        return result


class _Shuffle(nn.Module):
    def __init__(self, rng: np.random.Generator, given: int, made: int) -> None:
        super().__init__()
        self.finish = Finish(made)
        self.conv = Convolution(rng, given // 4, made)

    def forward(self, x: Tensor, where: Tensor | None) -> Tensor:
        result: Tensor = self.finish(self.conv(pixel_shuffle(x, 2)))
        return result


_UPS: dict[str, Callable[[np.random.Generator, int, int], nn.Module]] = {
    "nearest": _Nearest,
    "bilinear": _Bilinear,
    "transposed": _Transposed,
    "subpixel": _Subpixel,
    "unpool": _Unpool,
    "grid": _Grid,
    "shuffle": _Shuffle,
}


def make_down(kind: str) -> nn.Module:
    """The way down that belongs to a kind: ``(N, C, 2*H, 2*W)`` to a half of each side, and positions or None."""
    return _UnshuffleDown() if kind == "shuffle" else _PoolDown(kind == "unpool")


def make_up(kind: str, rng: np.random.Generator, given: int, made: int) -> Any:
    """The upsampler of a kind, with batch normalisation and ReLU.

    It is called with ``(N, given, H, W)`` and positions or None, and returns ``(N, made, 2*H, 2*W)``.

    Args:
        kind: a name of :data:`subpixel.compare.decoder.kinds.KINDS`.
        rng: of its weights.
        given: channels of the input; for ``shuffle`` a multiple of 4.
        made: channels of the result.
    """
    return _UPS[kind](rng, given, made)
