"""Training pairs: images and their MATLAB-bicubic small copies, as planes, and random patches of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import read
from subpixel.metrics.protocol import images_below, luma_255, shrink
from subpixel.models.spec import Colour
from subpixel.ops import resize
from subpixel.train.degradation import Variants
from subpixel.train.device_patches import DevicePatches, numbers, samples
from subpixel.train.video_frames import Frame, find_frames

__all__ = ["Pair", "Patches", "find_images", "inside", "load_pairs", "planes_of", "samples"]

Source = Path | Frame

# Every so many-th image is held out to measure progress and choose the weights that are kept.
_HELD_OUT = 20


@dataclass(frozen=True)
class Pair:
    """An image twice: ``small`` ``(C, H, W)``, ``large`` ``(C, H*scale, W*scale)``.

    Luma is one plane of f32, 16/255 … 235/255; RGB three of u8, a third of the memory.
    """

    name: str
    small: Tensor
    large: Tensor


def find_images(data: str | Path, frames: int = 200) -> tuple[list[Source], list[Source]]:
    """Images to train on, and those held out.

    Args:
        data: a folder, whose images and those below it are taken by their paths, every 20th being held out; or a
            video, of which frames of some scenes are, see :func:`subpixel.train.video_frames.find_frames`.
        frames: about how many of a video.

    Raises:
        InvalidArgument: no such folder or video, or fewer than two images or scenes.
        ImageReadError, Unsupported: a video that cannot be used.
    """
    if Path(data).is_file():
        trained, held = find_frames(data, frames)
        return [*trained], [*held]
    paths = images_below(Path(data))
    return [p for k, p in enumerate(paths) if k % _HELD_OUT], [*paths[::_HELD_OUT]]


def load_pairs(
    sources: Sequence[Source],
    scale: int,
    sizes: Sequence[float],
    threads: int,
    colour: Colour = "luma",
    variants: Variants | None = None,
) -> list[Pair]:
    """Read images and make their small copies.

    Args:
        sources: the images.
        scale: how many times smaller.
        colour: what the network sees of them, as its Spec says.
        sizes: each image is taken at each of these sizes, 1 being its own: a photograph made smaller is sharper, and
            a network that saw such detail restores it better (FSRCNN, arXiv 1608.00367, section 4.1).
        threads: how many read at a time.
        variants: degraded small copies, in place of the clean one.

    Raises:
        ImageReadError: an image that cannot be read, or one that is not 8 bits deep.
    """

    def load(number: int, source: Source) -> list[Pair]:
        pixels = source.pixels if isinstance(source, Frame) else read(source).pixels
        if pixels.dtype != np.uint8:
            raise ImageReadError(f"{source}: {pixels.dtype}: training takes 8-bit images")
        pairs = []
        for k, size in enumerate(sizes):
            sized = pixels if size == 1 else resize(pixels, scale=size, antialias=True)
            if min(sized.shape[:2]) >= scale:
                small, large = shrink(sized, scale)
                smalls = [small] if variants is None else variants.of(large, scale, (number, k))
                target = planes_of(large, colour)  # one for all variants
                pairs += [Pair(source.name, planes_of(small, colour), target) for small in smalls]
        return pairs

    with ThreadPoolExecutor(threads) as pool:
        return [pair for pairs in pool.map(load, range(len(sources)), sources) for pair in pairs]


def planes_of(pixels: NDArray[np.uint8], colour: Colour) -> Tensor:
    """An image ``(H, W, C)`` as a :class:`Pair` keeps it."""
    if colour == "luma":
        return torch.from_numpy((luma_255(pixels) / 255).astype(np.float32)[None])
    channels = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(channels, -1, 0)))


def inside(x: Tensor, margin: int) -> Tensor:
    """Planes without ``margin`` samples at each side."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]


class Patches:
    """Random patches, flipped and rotated, as batches.

    Args:
        pairs: images at least ``patch`` samples high and wide when small; others are left out.
        scale: how many times larger the large ones are.
        patch: side of the small patches.
        margin: samples at each side of a patch that the network consumes; the targets lack them.
        batch: patches at a time.
        generator: what chooses.
    """

    def __init__(
        self, pairs: list[Pair], scale: int, patch: int, margin: int, batch: int, generator: torch.Generator
    ) -> None:
        self.pairs = [p for p in pairs if min(p.small.shape[1:]) >= patch]
        if not self.pairs:
            raise InvalidArgument(f"patch={patch}: no image is that large after shrinking by {scale}")
        if patch <= 2 * margin:
            raise InvalidArgument(f"patch={patch}: the network consumes {2 * margin} samples; more are needed")
        self.scale, self.patch, self.margin, self.batch, self.generator = scale, patch, margin, batch, generator

    def on_device(self, device: torch.device) -> DevicePatches:
        """The images on a device that cuts the same batches by the same numbers."""
        smalls, larges = ([getattr(p, which) for p in self.pairs] for which in ("small", "large"))
        return DevicePatches(smalls, larges, self.scale, self.patch, self.margin, device)

    def draw(self, part: int = 0, parts: int = 1) -> tuple[Tensor, Tensor]:
        """``(batch / parts, C, patch, patch)`` and the interior target ``(batch / parts, C, n, n)``.

        n = (patch − 2 margin) scale. Every part of a batch chooses for all of it, so that together they are the
        batch that one process would have drawn.
        """
        s, n, m = self.scale, self.patch, self.margin
        share = self.batch // parts
        fractions = numbers(self.batch, self.generator)[part * share : (part + 1) * share].tolist()
        small, large = [], []
        for which, down, right, turn in fractions:
            pair = self.pairs[int(which * len(self.pairs))]
            y = int(down * (pair.small.shape[1] - n + 1))
            x = int(right * (pair.small.shape[2] - n + 1))
            a = pair.small[:, y : y + n, x : x + n]
            b = pair.large[:, (y + m) * s : (y + n - m) * s, (x + m) * s : (x + n - m) * s]
            k = int(turn * 8)
            a, b = (t.rot90(k % 4, (1, 2)) for t in (a, b))
            if k >= 4:
                a, b = a.flip(1), b.flip(1)
            small.append(a)
            large.append(b)
        return samples(torch.stack(small)), samples(torch.stack(large))
