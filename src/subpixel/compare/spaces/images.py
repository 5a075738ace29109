"""The images of the comparison: those trained on, and those held out, from a folder or made here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.spaces.designs import designs_of
from subpixel.errors import InvalidArgument
from subpixel.image.synthetic import photograph
from subpixel.metrics.image_sets import images_below, read_u8
from subpixel.metrics.protocol import shrink
from subpixel.ops import resize

__all__ = ["BATCH", "HELD_OUT_EVERY", "PATCH", "SIDE", "Images", "load_images", "made_images", "margin_of"]

U8 = NDArray[np.uint8]

HELD_OUT_EVERY = 10
SIDE = 256  # of the part that is used of each image, at most: a run keeps all images in memory
BATCH = 8  # patches in a step
PATCH = 32  # side of a small patch, part of which only surrounds what is compared
_MOST_TRAINING, _MOST_TEST = 240, 60
_LEAST_TRAINING, _LEAST_TEST = 9, 1
_MADE, _MADE_SIDE = 60, 160


@dataclass(frozen=True)
class Images:
    """Large images, ``(H, W, C)`` u8, from which small ones are made by MATLAB's bicubic filter.

    Args:
        training: images that are trained on.
        test: images that are held out.
        names: of the held-out images.
        about: where they come from, in a sentence.
    """

    training: tuple[U8, ...]
    test: tuple[U8, ...]
    names: tuple[str, ...]
    about: str

    @cached_property
    def digest(self) -> str:
        """Changes if an image changes."""
        total = hashlib.sha256()
        for images in (self.training, self.test):
            for one in images:
                total.update(f"{one.shape}".encode() + one.tobytes())
        return total.hexdigest()[:16]

    def pairs(self, scale: int) -> list[tuple[U8, U8]]:
        """The held-out images, small and large."""
        return [shrink(one, scale) for one in self.test]


def load_images(folder: str | Path, scale: int) -> Images:
    """The middle of the images of a folder and of all folders below it; every tenth by path is held out.

    Of a large folder, 240 images are trained on and 60 held out, evenly spread. Images that hold no patch are left out.

    Args:
        folder: where they lie.
        scale: the factor, by which a patch is larger in the image.

    Raises:
        InvalidArgument: the folder does not exist, or has too few images of enough size.
        ImageReadError: an image cannot be read or does not have 8 bits.
    """
    paths = images_below(Path(folder))
    parts = [p for k, p in enumerate(paths) if k % HELD_OUT_EVERY], paths[::HELD_OUT_EVERY]
    least = PATCH * scale
    kept: list[list[tuple[str, U8]]] = []
    small = 0
    for chosen, most in zip(parts, (_MOST_TRAINING, _MOST_TEST), strict=True):
        images = [(path.name, _middle(read_u8(path))) for path in _spread(chosen, most)]
        kept.append([(name, image) for name, image in images if min(image.shape[:2]) >= least])
        small += len(images) - len(kept[-1])
    training, test = kept
    if len(training) < _LEAST_TRAINING or len(test) < _LEAST_TEST:
        sizes = f", {small} of which are smaller than {least}×{least} pixels" if small else ""
        raise InvalidArgument(
            f"{folder}: has {len(paths)} images{sizes}; at least {_LEAST_TRAINING + _LEAST_TEST} of "
            f"{least}×{least} pixels are needed at ×{scale}, the first and every tenth after it to measure with"
        )
    about = f"{len(training)} images trained on, {len(test)} held out, of each the middle {SIDE}×{SIDE} pixels at most"
    if small:
        about += f"; {small} smaller than {least}×{least} left out"
    return Images(
        tuple(image for _, image in training),
        tuple(image for _, image in test),
        tuple(name for name, _ in test),
        about,
    )


def made_images(seed: int, count: int = _MADE, side: int = _MADE_SIDE) -> Images:
    """Synthetic images: soft photographs with sharp polygons, stripes and lines on them; every tenth is held out.

    >>> made_images(0, count=10).test[0].shape
    (160, 160, 3)
    """
    images = [_made(np.random.default_rng([seed, number, 5]), side) for number in range(count)]
    about = f"{count} synthetic images of {side}×{side} pixels, seed {seed}, every tenth held out"
    return Images(
        tuple(one for k, one in enumerate(images) if k % HELD_OUT_EVERY),
        tuple(images[::HELD_OUT_EVERY]),
        tuple(f"synthetic {k}" for k in range(0, count, HELD_OUT_EVERY)),
        about,
    )


def margin_of(scale: int) -> int:
    """Samples at each side of a small patch that have no target: as many for every network as one of them needs."""
    return max(design.spec.halo for design in designs_of(scale))


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    if len(paths) <= most:
        return list(paths)
    return [paths[k] for k in np.linspace(0, len(paths) - 1, most).astype(int)]


def _middle(image: U8) -> U8:
    top, left = (max(0, length - SIDE) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])


def _made(rng: np.random.Generator, side: int) -> U8:
    """One image, drawn at twice its size, so that edges are as sharp as those of a good photograph."""
    size = 2 * side
    image = photograph(size, size, int(rng.integers(2**31))).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    for _ in range(int(rng.integers(6, 14))):
        centre, turn = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi)
        x, y = axis[None] - np.float32(centre[0]), axis[:, None] - np.float32(centre[1])
        _paint(image, _form(rng, x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)), rng)
    whole = np.clip(image, 0, 255).astype(np.uint8)
    made: U8 = resize(whole, scale=0.5, antialias=True)
    return made


def _form(rng: np.random.Generator, across: NDArray[Any], down: NDArray[Any]) -> NDArray[np.bool_]:
    """A polygon, a patch of stripes, or a line."""
    which, radius = rng.integers(3), rng.uniform(16, 80)
    if which == 0:
        corners = int(rng.integers(3, 7))
        share = 2 * np.pi / corners
        angle = np.mod(np.arctan2(down, across), share) - share / 2
        inside: NDArray[np.bool_] = np.hypot(across, down) * np.cos(angle) < radius
    elif which == 1:
        inside = (np.hypot(across, down) < radius) & (np.mod(across, rng.uniform(8, 24)) < rng.uniform(3, 8))
    else:
        inside = (np.abs(across) < rng.uniform(1.5, 5)) & (np.abs(down) < 3 * radius)
    return inside


def _paint(image: NDArray[np.float32], inside: NDArray[np.bool_], rng: np.random.Generator) -> None:
    colour, strength = rng.uniform(0, 255, 3), np.float32(rng.uniform(0.5, 1))
    image[inside] += strength * (colour.astype(np.float32) - image[inside])
