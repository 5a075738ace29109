"""Heat maps of the round trip: |difference| of luma, from black through red and yellow to white."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ImageWriteError
from subpixel.image import ImageData, write
from subpixel.image.files.writing import check_destination
from subpixel.storage.os_errors import os_error_text

__all__ = ["LIMIT", "destination", "heat_colours", "heatmap", "prepare_destinations", "write_heatmap"]

# The difference in codes of 255 that is white, as are larger ones. All images share this scale and can be compared.
# Luma networks return within 1 or 2 codes nearly everywhere; bicubic is off by some tens along sharp edges.
LIMIT = 8

# Rows of the colour bar, and of the gray line above it.
_BAR, _LINE = 6, 2


def heatmap(difference: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A map of differences, with a colour bar below it: 0 on the left, :data:`LIMIT` on the right.

    Args:
        difference: ``(H, W)``, in codes of 255. The sign does not matter.

    Returns:
        ``(H + 8, W, 3)`` u8 RGB, in the colours of :func:`heat_colours`.

    >>> heatmap(np.array([[0.0, -4.0, 99.0]]))[0].tolist()
    [[0, 0, 0], [255, 128, 0], [255, 255, 255]]
    """
    width = difference.shape[1]
    bar = np.tile(np.linspace(0, LIMIT, width), (_BAR, 1))
    line = np.full((_LINE, width, 3), 128, np.uint8)
    return np.concatenate([heat_colours(difference, LIMIT), line, heat_colours(bar, LIMIT)])


def heat_colours(difference: NDArray[Any], limit: float) -> NDArray[np.uint8]:
    """The colours of differences: ``(H, W)`` to ``(H, W, 3)`` u8, black for 0 and white from ``limit`` on.

    Each third of the scale raises one channel: red, then green, then blue.

    >>> heat_colours(np.array([[0.0, -4.0, 99.0]]), 8)[0].tolist()
    [[0, 0, 0], [255, 128, 0], [255, 255, 255]]
    """
    thirds = 3 * np.abs(difference)[..., None] / limit - np.arange(3)
    result: NDArray[np.uint8] = np.floor(np.clip(thirds, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def destination(folder: Path, test_set: str, name: str, scale: int) -> Path:
    """The path of an image's map. The file name states the range of the colours.

    >>> destination(Path("maps"), "Set5", "baby.png", 2).as_posix()
    'maps/Set5/baby_x2_luma_0-8.png'
    """
    return folder / test_set / f"{Path(name).stem}_x{scale}_luma_0-{LIMIT}.png"


def prepare_destinations(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Create the folders of maps, and check before any work that each map can be written.

    Raises:
        ImageWriteError: a folder cannot be created or written, or a map exists and ``overwrite`` is False.
    """
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = os_error_text(error)
            raise ImageWriteError(f"{path.parent}: the folder cannot be created: {reason}") from None
        check_destination(path, overwrite=overwrite)


def write_heatmap(difference: NDArray[np.float64], path: Path, *, overwrite: bool) -> None:
    """Write a map to a scratch file, then rename it.

    Raises:
        ImageWriteError: the file exists and ``overwrite`` is False, or it cannot be written.
    """
    write(ImageData(heatmap(difference)), path, overwrite=overwrite)
