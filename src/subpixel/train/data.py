"""Training pairs: images, their small copies by MATLAB's bicubic filter, and random patches of both."""

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
from subpixel.train.detail import Detail
from subpixel.train.device_patches import DevicePatches, numbers, samples
from subpixel.train.drawn_images import Drawn
from subpixel.train.held_out import split
from subpixel.train.video_frames import Frame, find_frames

__all__ = ["Pair", "Patches", "find_images", "inside", "load_pairs", "planes_of", "samples"]

Source = Path | Frame | Drawn


@dataclass(frozen=True)
class Pair:
    """An image in two sizes: ``small`` ``(C, H, W)``, ``large`` ``(C, H*scale, W*scale)``.

    Luma is one plane of f32, 16/255 … 235/255. RGB is three planes of u8, which need less memory than f32.
    """

    name: str
    small: Tensor
    large: Tensor


def find_images(
    data: str | Path, frames: int = 200, held_out: str | Path | None = None
) -> tuple[list[Source], list[Source]]:
    """The images for training, and those held out.

    Args:
        data: a folder of images, also in folders below it, of which every 20th by path is held out; or a video, of
            which some scenes are held out, see :func:`subpixel.train.video_frames.find_frames`.
        frames: about how many frames of a video to use.
        held_out: a list of the images to hold out instead, see :func:`subpixel.train.held_out.split`.

    Raises:
        InvalidArgument: the folder or video does not exist, or has fewer than two images or scenes; or the list does
            not fit.
        ImageReadError, Unsupported: the video cannot be used.
    """
    if Path(data).is_file():
        if held_out is not None:
            raise InvalidArgument(f"train: held_out={str(held_out)!r}: a list of images does not fit a video")
        trained_frames, held_out_frames = find_frames(data, frames)
        return [*trained_frames], [*held_out_frames]
    trained, measured = split(Path(data), images_below(Path(data)), None if held_out is None else Path(held_out))
    return [*trained], [*measured]


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
        scale: the factor.
        colour: ``luma`` or ``rgb``, the planes that the network reads.
        sizes: each image is used at each of these sizes; 1 is its own. A reduced photograph is sharper, and a network
            that has seen such detail restores it better (FSRCNN, arXiv 1608.00367, section 4.1).
        threads: how many images are read at a time.
        variants: degraded small copies instead of the clean one.

    Raises:
        ImageReadError: an image cannot be read or does not have 8 bits.
    """

    def load(number: int, source: Source) -> list[Pair]:
        pixels = read(source).pixels if isinstance(source, Path) else source.pixels
        if pixels.dtype != np.uint8:
            raise ImageReadError(f"{source}: has dtype {pixels.dtype}; training needs 8-bit images")
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
    """An image ``(H, W, C)`` as the planes of a :class:`Pair`."""
    if colour == "luma":
        return torch.from_numpy((luma_255(pixels) / 255).astype(np.float32)[None])
    channels = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(channels, -1, 0)))


def inside(x: Tensor, margin: int) -> Tensor:
    """Planes without ``margin`` samples at each side."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]


class Patches:
    """Batches of random patches, flipped and rotated.

    Args:
        pairs: images. Those with a small side below ``patch`` are ignored.
        scale: the factor.
        patch: the side of the small patches.
        margin: samples at each side of a patch that the network consumes. The targets lack them.
        batch: patches per batch.
        generator: the source of random numbers.
        candidates: each patch is the one of so many random ones that has the most detail.
    """

    def __init__(
        self,
        pairs: list[Pair],
        scale: int,
        patch: int,
        margin: int,
        batch: int,
        generator: torch.Generator,
        candidates: int = 1,
    ) -> None:
        self.pairs = [p for p in pairs if min(p.small.shape[1:]) >= patch]
        if not self.pairs:
            raise InvalidArgument(f"train: patch={patch}: no image is that large after shrinking by {scale}")
        if patch <= 2 * margin:
            raise InvalidArgument(f"train: patch={patch}: the network consumes {2 * margin} samples; more are needed")
        self.scale, self.patch, self.margin, self.batch, self.generator = scale, patch, margin, batch, generator
        self.candidates = candidates
        self.detail = Detail([pair.large for pair in self.pairs], scale, patch) if candidates > 1 else None

    def choose(self) -> Tensor:
        """The numbers of the next batch, ``(batch, 4)``, see :func:`subpixel.train.device_patches.numbers`."""
        if self.detail is None:
            return numbers(self.batch, self.generator)
        drawn = torch.stack([numbers(self.batch, self.generator) for _ in range(self.candidates)])
        return drawn[self.detail.of(drawn).argmax(dim=0), torch.arange(self.batch)]

    def on_device(self, device: torch.device) -> DevicePatches:
        """The same images on a device, which cuts the same batches for the same numbers."""
        smalls, larges = ([getattr(p, which) for p in self.pairs] for which in ("small", "large"))
        return DevicePatches(smalls, larges, self.scale, self.patch, self.margin, device)

    def draw(self, part: int = 0, parts: int = 1) -> tuple[Tensor, Tensor]:
        """``(batch / parts, C, patch, patch)`` and the interior target ``(batch / parts, C, n, n)``.

        n = (patch − 2 margin) scale. Each part draws the numbers of the whole batch, so that all parts together are
        the batch of a single process.
        """
        s, n, m = self.scale, self.patch, self.margin
        share = self.batch // parts
        fractions = self.choose()[part * share : (part + 1) * share].tolist()
        first, side = self.pairs[0], (n - 2 * m) * s
        small = np.empty((len(fractions), len(first.small), n, n), first.small.numpy().dtype)
        large = np.empty((len(fractions), len(first.large), side, side), first.large.numpy().dtype)
        for number, (which, down, right, turn) in enumerate(fractions):
            pair = self.pairs[int(which * len(self.pairs))]
            y = int(down * (pair.small.shape[1] - n + 1))
            x = int(right * (pair.small.shape[2] - n + 1))
            a = pair.small.numpy()[:, y : y + n, x : x + n]
            b = pair.large.numpy()[:, (y + m) * s : (y + n - m) * s, (x + m) * s : (x + n - m) * s]
            k = int(turn * 8)
            a, b = (np.rot90(t, k % 4, (1, 2)) for t in (a, b))  # views
            if k >= 4:
                a, b = a[:, ::-1], b[:, ::-1]
            small[number], large[number] = a, b
        return samples(torch.from_numpy(small)), samples(torch.from_numpy(large))
