"""Test sets and folders of images on disk: their pairs of large and small images, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.image import read

__all__ = ["Pair", "images_below", "pairs_of", "read_u8"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Pair:
    """An image of a test set. If ``small`` is None, the small image is made from the large one."""

    test_set: str
    name: str
    small: Path | None
    large: Path


def images_below(folder: Path) -> list[Path]:
    """The images of a folder and of all folders below it, in the order of their paths.

    Raises:
        InvalidArgument: the folder does not exist or holds fewer than two images.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if len(paths) < 2:
        raise InvalidArgument(f"{folder}: has {len(paths)} images; at least 2 are needed, one to measure with")
    return paths


def pairs_of(folder: Path, scale: int) -> tuple[list[Pair], str]:
    """The images of a test set, or of a folder of test sets, and the source of the small images.

    Raises:
        InvalidArgument: the folder does not exist or holds no test set.
        ImageReadError: ``HR/`` and ``LR_x2/`` … do not hold the same images.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder")
    sets = [folder] if (folder / "HR").is_dir() else sorted(p for p in folder.iterdir() if (p / "HR").is_dir())
    if not sets:
        raise InvalidArgument(f"{folder}: a folder that contains HR/, or a folder of such folders, is needed")
    pairs_by_set = [_pairs(one, scale) for one in sets]
    return [pair for pairs, _ in pairs_by_set for pair in pairs], " and ".join(
        sorted({source for _, source in pairs_by_set})
    )


def _pairs(folder: Path, scale: int) -> tuple[list[Pair], str]:
    large = {p.stem: p for p in sorted((folder / "HR").iterdir()) if p.suffix.lower() in _SUFFIXES}
    if not large:
        raise InvalidArgument(f"{folder / 'HR'}: contains no image")
    small_folder = folder / f"LR_x{scale}"
    if not small_folder.is_dir():
        result = "made here: MATLAB imresize bicubic, antialiased, u8, edge repeated"
        return [Pair(folder.name, path.name, None, path) for path in large.values()], result
    small = {p.stem: p for p in sorted(small_folder.iterdir()) if p.suffix.lower() in _SUFFIXES}
    if set(small) != set(large):
        odd = ", ".join(sorted(set(small) ^ set(large))[:5])
        raise ImageReadError(f"{folder}: HR and LR_x{scale} do not hold the same images: {odd}")
    return [Pair(folder.name, path.name, small[stem], path) for stem, path in large.items()], f"given, LR_x{scale}"


def read_u8(path: Path) -> NDArray[np.uint8]:
    """The image without alpha: ``(H, W, 1)`` gray or ``(H, W, 3)`` RGB.

    Raises:
        ImageReadError: it cannot be read or does not have 8 bits.
    """
    pixels = read(path).pixels
    if pixels.dtype != np.uint8:
        raise ImageReadError(f"{path}: has dtype {pixels.dtype}; the protocol is for 8-bit images")
    return np.ascontiguousarray(pixels[..., : 3 if pixels.shape[2] >= 3 else 1])
