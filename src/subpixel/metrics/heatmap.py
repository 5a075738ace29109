"""Where the round trip differs, as images: |difference| of luma from black over red and yellow to white."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageWriteError
from subpixel.image import ImageData, write
from subpixel.image.files.writing import check_destination
from subpixel.storage.os_errors import os_error_text

__all__ = ["LIMIT", "destination", "heatmap", "prepare_destinations", "write_heatmap"]

# Luma of 0 … 255 that is white, as is all beyond: one scale for all images, so that they can be compared. Networks on
# luma come back within 1 or 2 nearly everywhere, bicubic is off by some tens along sharp edges.
LIMIT = 8

# Rows of the bar that explains the colours, and of the gray line above it.
_BAR, _LINE = 6, 2


def heatmap(difference: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A map of differences with a bar of the colours, 0 at its left and :data:`LIMIT` at its right, below it.

    Args:
        difference: ``(H, W)``, in luma of 0 … 255; its sign does not matter.

    Returns:
        ``(H + 8, W, 3)`` u8 RGB. Each third of the scale raises one channel: red, then green, then blue.

    >>> heatmap(np.array([[0.0, -4.0, 99.0]]))[0].tolist()
    [[0, 0, 0], [255, 128, 0], [255, 255, 255]]
    """
    width = difference.shape[1]
    bar = np.tile(np.linspace(0, LIMIT, width), (_BAR, 1))
    line = np.full((_LINE, width, 3), 128, np.uint8)
    return np.concatenate([_colours(np.abs(difference)), line, _colours(bar)])


def _colours(amount: NDArray[np.float64]) -> NDArray[np.uint8]:
    thirds = 3 * amount[..., None] / LIMIT - np.arange(3)
    result: NDArray[np.uint8] = np.floor(np.clip(thirds, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def destination(folder: Path, test_set: str, name: str, scale: int) -> Path:
    """Where an image's map goes; its name says what the colours mean.

    >>> destination(Path("maps"), "Set5", "baby.png", 2).as_posix()
    'maps/Set5/baby_x2_luma_0-8.png'
    """
    return folder / test_set / f"{Path(name).stem}_x{scale}_luma_0-{LIMIT}.png"


def prepare_destinations(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Make the folders that maps go to, and see that each can be written before any work begins.

    Raises:
        ImageWriteError: a folder cannot be made or written, or a map exists and is not to be replaced.
    """
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = os_error_text(error)
            raise ImageWriteError(f"{path.parent}: the folder cannot be made: {reason}") from None
        check_destination(path, overwrite=overwrite)


def write_heatmap(difference: NDArray[np.float64], path: Path, *, overwrite: bool) -> None:
    """Write a map beside its place, then put it there.

    Raises:
        ImageWriteError: it exists and is not to be replaced, or cannot be written.
    """
    write(ImageData(heatmap(difference)), path, overwrite=overwrite)
