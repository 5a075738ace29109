"""Training pairs: luma planes of pictures and of their MATLAB-bicubic small copies, and random patches of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import read
from subpixel.metrics.protocol import luma_255, shrink

__all__ = ["Pair", "Patches", "load_pairs", "split"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")

# Every so many-th picture is held out to measure progress and choose the weights that are kept.
_HELD_OUT = 20


@dataclass(frozen=True)
class Pair:
    """A picture's luma, 16/255 … 235/255, f32: ``small`` ``(H, W)``, ``large`` ``(H*scale, W*scale)``."""

    name: str
    small: Tensor
    large: Tensor


def load_pairs(
    folder: str | Path, scale: int, threads: int, progress: Callable[[int, int], None] | None = None
) -> list[Pair]:
    """Read every picture of a folder and below it, in the order of their paths.

    Raises:
        InvalidArgument: no such folder, or fewer than two pictures.
        ImageReadError: a picture that cannot be read, or one that is not 8 bits deep.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if len(paths) < 2:
        raise InvalidArgument(f"{folder}: {len(paths)} pictures; at least 2 are needed, one of them to measure with")

    def pair(path: Path) -> Pair:
        pixels = read(path).pixels
        if pixels.dtype != np.uint8:
            raise ImageReadError(f"{path}: {pixels.dtype}: training takes 8-bit pictures")
        small, large = shrink(pixels, scale)
        planes = [torch.from_numpy((luma_255(p) / 255).astype(np.float32)) for p in (small, large)]
        return Pair(str(path.relative_to(folder)), planes[0], planes[1])

    pairs = []
    with ThreadPoolExecutor(threads) as pool:
        for one in pool.map(pair, paths):
            pairs.append(one)
            if progress:
                progress(len(pairs), len(paths))
    return pairs


def split(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Those to train on, and those held out (every 20th, at least one)."""
    held = pairs[::_HELD_OUT]
    return [p for k, p in enumerate(pairs) if k % _HELD_OUT], held


class Patches:
    """Random patches, flipped and rotated, as batches.

    Args:
        pairs: pictures at least ``patch`` samples high and wide when small; others are left out.
        scale: how many times larger the large ones are.
        patch: side of the small patches.
        margin: samples at each side of a patch that the network consumes; the targets lack them.
        batch: patches at a time.
        generator: what chooses.
    """

    def __init__(
        self, pairs: list[Pair], scale: int, patch: int, margin: int, batch: int, generator: torch.Generator
    ) -> None:
        self.pairs = [p for p in pairs if min(p.small.shape) >= patch]
        if not self.pairs:
            raise InvalidArgument(f"patch={patch}: no picture is that large after shrinking by {scale}")
        if patch <= 2 * margin:
            raise InvalidArgument(f"patch={patch}: the network consumes {2 * margin} samples; more are needed")
        self.scale, self.patch, self.margin, self.batch, self.generator = scale, patch, margin, batch, generator

    def draw(self) -> tuple[Tensor, Tensor]:
        """``(batch, 1, patch, patch)`` and the interior target ``(batch, 1, n, n)``, n = (patch − 2 margin) scale."""
        s, n, m = self.scale, self.patch, self.margin
        fractions = torch.rand((self.batch, 4), generator=self.generator).tolist()
        small, large = [], []
        for which, down, right, turn in fractions:
            pair = self.pairs[int(which * len(self.pairs))]
            y = int(down * (pair.small.shape[0] - n + 1))
            x = int(right * (pair.small.shape[1] - n + 1))
            a = pair.small[y : y + n, x : x + n]
            b = pair.large[(y + m) * s : (y + n - m) * s, (x + m) * s : (x + n - m) * s]
            k = int(turn * 8)
            a, b = (t.rot90(k % 4) for t in (a, b))
            if k >= 4:
                a, b = a.flip(0), b.flip(0)
            small.append(a)
            large.append(b)
        return torch.stack(small)[:, None], torch.stack(large)[:, None]
