"""The user's own images: as backgrounds, or with masks as a task of their own.

Large images are made smaller, so that a patch of 64×64 shows something: their shorter side becomes 256 pixels.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.decoder.datasets import TEST, TRAINING, VALIDATION, Dataset, Examples, Scenes
from subpixel.compare.decoder.designs import SIDE
from subpixel.compare.pixels import rgb
from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import read
from subpixel.metrics.image_sets import images_below, read_u8
from subpixel.ops import resize
from subpixel.storage.digest import digest_of

__all__ = ["MOST_CLASSES", "OwnImages", "own_images", "photograph_scenes", "some_photographs"]

U8 = NDArray[np.uint8]

MOST_CLASSES = 32
_SHORT_SIDE = 256
_PHOTOGRAPHS = 24  # of one part of a seed
_LEAST = 3  # images: one to train on, one for the curve, one for the test
_TRIES = 4  # random places for a patch, of which the one with the most classes is taken
_MOST_PATCHES = 4  # of a test image


@dataclass(frozen=True)
class OwnImages:
    """Images with masks.

    Args:
        pairs: the files of each image and its mask.
        values: the classes: gray values or colours as they are in the masks, sorted.
        digest: of all files.
    """

    pairs: tuple[tuple[str, str], ...]
    values: tuple[tuple[int, ...], ...]
    digest: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes: a gray value, or a colour as #RRGGBB."""
        return tuple(_name(value) for value in self.values)

    @property
    def about(self) -> str:
        """What the task is, in a sentence."""
        return f"{len(self.pairs)} images with masks of {len(self.values)} classes, in patches of {SIDE}×{SIDE} pixels"

    def dataset(self, seed: int) -> Dataset:
        """The images in a random order of the seed: a fifth for the test, a tenth for the curve, the rest to train."""
        rng = np.random.default_rng([seed, 7])
        order = rng.permutation(len(self.pairs)).tolist()
        test = max(1, len(order) // 5)
        held = test + max(1, len(order) // 10)
        parts = (order[held:], order[test:held], order[:test])
        counts = (TRAINING, VALIDATION, min(TEST, _MOST_PATCHES * test))
        return Dataset(*(self._cut(rng, part, count) for part, count in zip(parts, counts, strict=True)))

    def _cut(self, rng: np.random.Generator, numbers: Sequence[int], count: int) -> Examples:
        """Patches, as many from each image give or take one; of more images than patches, the first ones."""
        images, masks, sources = [], [], []
        for source, number in enumerate(numbers[:count]):
            image, mask = _load(*self.pairs[number], self.values)
            for _ in range(source, count, min(count, len(numbers))):
                top, left = _place(rng, mask)
                images.append(image[top : top + SIDE, left : left + SIDE])
                masks.append(mask[top : top + SIDE, left : left + SIDE])
                sources.append(source)
        return Examples(np.stack(images), np.stack(masks), np.asarray(sources, np.int64))


def own_images(data: str | Path, masks: str | Path) -> OwnImages:
    """Find the masks of images, and check all of them.

    Args:
        data: a folder of images, also in folders below it.
        masks: a folder of masks, of the same names but for the suffix. Every value or colour is a class.

    Raises:
        InvalidArgument: a folder is missing or has no images; an image or a mask has no partner; a mask has another
            size or too many classes; an image is too small; there are fewer than 3; all masks have one class.
        ImageReadError: a file cannot be read.
    """
    images, drawn = _by_stem(Path(data), "images"), _by_stem(Path(masks), "masks")
    for stem, path in images.items():
        if stem not in drawn:
            raise InvalidArgument(f"{path}: has no mask; {masks} must hold '{stem}.png' or another image of this name")
    for stem, path in drawn.items():
        if stem not in images:
            raise InvalidArgument(f"{path}: is a mask without an image; {data} holds none of the name '{stem}'")
    if len(images) < _LEAST:
        raise InvalidArgument(f"{data}: has {len(images)} images; at least {_LEAST} are needed, two of them to measure")
    values: set[tuple[int, ...]] = set()
    for stem, path in images.items():
        values |= _check_pair(path, drawn[stem])
        if len(values) > MOST_CLASSES:
            raise InvalidArgument(
                f"{drawn[stem]}: with this mask there are more than {MOST_CLASSES} classes; a mask has one plain value "
                "or colour for each class, without smooth edges or lossy compression"
            )
    if len(values) < 2:
        name = _name(next(iter(values)))
        raise InvalidArgument(f"{masks}: all masks hold one class, {name}; at least two classes are needed")
    pairs = tuple((str(path), str(drawn[stem])) for stem, path in images.items())
    return OwnImages(pairs, tuple(sorted(values)), _digest([path for pair in pairs for path in pair]))


def photograph_scenes(data: str | Path) -> Scenes:
    """The task made here, on the photographs of a folder.

    Raises:
        InvalidArgument: the folder is missing, has fewer than 3 images, or one is too small.
        ImageReadError: a file cannot be read.
    """
    paths = images_below(Path(data))
    if len(paths) < _LEAST:
        raise InvalidArgument(f"{data}: has {len(paths)} images; at least {_LEAST} are needed, two of them to measure")
    for path in paths:
        _check_size(path, read_u8(path))
    return Scenes(tuple(map(str, paths)), _digest([str(path) for path in paths]))


def some_photographs(rng: np.random.Generator, paths: Sequence[str], part: int) -> list[U8]:
    """At most 24 photographs of one part: of every ten, one is for the curve, two are for the test, seven to train."""
    parts = [[path for k, path in enumerate(paths) if _part_of(k, len(paths)) == p] for p in range(3)]
    chosen = parts[part]
    numbers = rng.permutation(len(chosen))[:_PHOTOGRAPHS]
    return [_smaller(rgb(read_u8(Path(chosen[k])))) for k in numbers]


def _part_of(number: int, count: int) -> int:
    """Training, validation or test; of few photographs, the first two are for the latter."""
    place = number % 10 if count >= 10 else number
    return {0: 2, 1: 1, 5: 2 if count >= 10 else 0}.get(place, 0)


def _by_stem(folder: Path, what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder of {what}")
    try:
        paths = images_below(folder)
    except InvalidArgument:
        raise InvalidArgument(f"{folder}: holds fewer than two {what}; at least {_LEAST} are needed") from None
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise InvalidArgument(f"{path}: {found[path.stem]} has the same name; {what} need names of their own")
        found[path.stem] = path
    return found


def _check_pair(image: Path, mask: Path) -> set[tuple[int, ...]]:
    """The classes of a mask."""
    pixels, drawn = read_u8(image), _read_mask(mask)
    _check_size(image, pixels)
    if pixels.shape[:2] != drawn.shape[:2]:
        sizes = [f"{one.shape[1]}×{one.shape[0]}" for one in (drawn, pixels)]
        raise InvalidArgument(f"{mask}: is {sizes[0]}, and its image {image} is {sizes[1]}; both must have one size")
    found = np.unique(drawn.reshape(-1, drawn.shape[2]), axis=0)
    return {_value(one) for one in found[: MOST_CLASSES + 1].tolist()}


def _value(one: Sequence[int]) -> tuple[int, ...]:
    """A gray colour is a gray value, so that masks may be stored either way."""
    return (int(one[0]),) if len(set(one)) == 1 else tuple(map(int, one))


def _name(value: tuple[int, ...]) -> str:
    return str(value[0]) if len(value) == 1 else "#" + "".join(f"{one:02X}" for one in value)


def _check_size(path: Path, pixels: U8) -> None:
    height, width = pixels.shape[:2]
    if min(height, width) < SIDE:
        raise InvalidArgument(f"{path}: is {width}×{height}; at least {SIDE}×{SIDE} pixels are needed")


def _read_mask(path: Path) -> NDArray[np.int64]:
    """``(H, W, 1)`` gray or ``(H, W, 3)`` RGB, of 8 or 16 bits. A palette is read as its colours; alpha is ignored."""
    pixels = read(path).pixels
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageReadError(f"{path}: has dtype {pixels.dtype}; a mask has 8 or 16 bits")
    return pixels[..., : 3 if pixels.shape[2] >= 3 else 1].astype(np.int64)


def _load(image: str, mask: str, values: Sequence[tuple[int, ...]]) -> tuple[U8, U8]:
    pixels, drawn = rgb(read_u8(Path(image))), _read_mask(Path(mask))
    numbers = np.zeros(drawn.shape[:2], np.uint8)
    for number, value in enumerate(values):
        numbers[(drawn == np.asarray(value)).all(2)] = number
    small = _smaller(pixels)
    if small.shape != pixels.shape:
        numbers = resize(numbers, small.shape[:2], mode="nearest", layout="HW")
    return small, numbers


def _smaller(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    if min(height, width) <= _SHORT_SIDE:
        return pixels
    factor = _SHORT_SIDE / min(height, width)
    size = (math.ceil(height * factor), math.ceil(width * factor))
    result: U8 = resize(pixels, size, antialias=True)
    return result


def _place(rng: np.random.Generator, mask: U8) -> tuple[int, int]:
    """The top and left of a patch: of a few random places, the first with the most classes."""
    height, width = mask.shape
    places = [(int(rng.integers(height - SIDE + 1)), int(rng.integers(width - SIDE + 1))) for _ in range(_TRIES)]
    return max(places, key=lambda at: len(np.unique(mask[at[0] : at[0] + SIDE, at[1] : at[1] + SIDE])))


def _digest(paths: Sequence[str]) -> str:
    """Of the contents, in their order, not of the names."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(digest_of(path).encode())
    return whole.hexdigest()
