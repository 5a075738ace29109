"""How much detail patches of the training images have, so that steps are spent on those that teach something.

Much of a photograph is sky, wall or blur, which any network upscales well. Of several random patches, the one with the
most detail is taken: every part of every image still occurs, detail more often.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from subpixel.train.device_patches import flattened, samples

__all__ = ["Detail"]

_CELL = 8  # samples: what is known of a patch is a mean over cells of this side


class Detail:
    """The mean of the absolute Laplacian around each place of the images, in samples of their small sides.

    It is measured on the large images, which are clean, each averaged over ``scale`` × ``scale`` samples.

    Args:
        larges: each ``(C, H*scale, W*scale)``. One that several pairs share is measured once.
        scale: the factor.
        patch: the side of a small patch.
    """

    def __init__(self, larges: Sequence[Tensor], scale: int, patch: int) -> None:
        self.patch = patch
        self.sums, self.starts = flattened(larges, lambda large: _sums(_cells(large, scale)))
        self.rows, self.columns = torch.tensor([[side // scale for side in one.shape[-2:]] for one in larges]).unbind(1)

    def of(self, numbers: Tensor) -> Tensor:
        """The detail of the patches that :class:`subpixel.train.data.Patches` cuts for these numbers.

        Args:
            numbers: ``(…, 4)``: image, row, column, orientation, each 0 … 1.

        Returns:
            ``(…,)``, the mean of the cells that the patch covers, at least one.
        """
        which, down, right, _ = numbers.double().unbind(-1)
        index = (which * len(self.starts)).long()
        rows, columns = self.rows[index], self.columns[index]
        top, bottom = self._range(down, rows)
        left, right_end = self._range(right, columns)
        start, stride = self.starts[index], _count(columns) + 1

        def corner(y: Tensor, x: Tensor) -> Tensor:
            return self.sums[start + y * stride + x]

        total = corner(bottom, right_end) - corner(top, right_end) - corner(bottom, left) + corner(top, left)
        return total / ((bottom - top) * (right_end - left))

    def _range(self, fraction: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The cells of a patch in one direction: the first, and the one after the last."""
        first = (fraction * (length - self.patch + 1)).long()
        begin = torch.minimum(first // _CELL, _count(length) - 1)
        end = torch.minimum(-(-(first + self.patch) // _CELL), _count(length))
        return begin, torch.maximum(end, begin + 1)


def _count(length: Tensor) -> Tensor:
    """How many cells lie along a side of this length. The last one may be cut."""
    return -(-length // _CELL)


def _cells(large: Tensor, scale: int) -> Tensor:
    """``(h, w)``: the mean of the absolute Laplacian in each cell of the image averaged to its small size."""
    small = avg_pool2d(samples(large)[None], scale)
    around = pad(small, (1, 1, 1, 1), mode="replicate")
    neighbours = around[..., 2:, 1:-1] + around[..., :-2, 1:-1] + around[..., 1:-1, 2:] + around[..., 1:-1, :-2]
    laplacian = (4 * small - neighbours).abs().mean(dim=1, keepdim=True)
    return avg_pool2d(laplacian, _CELL, ceil_mode=True)[0, 0]


def _sums(cells: Tensor) -> Tensor:
    """``(h + 1, w + 1)``: the sums above and to the left of each corner."""
    return pad(cells.double().cumsum(0).cumsum(1), (1, 0, 1, 0))
