"""The compared images as files: each result, the reference, the small image, and the map of each error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.compare.results import Results
from subpixel.image import ImageData, write
from subpixel.metrics.heatmap import heat_colours
from subpixel.metrics.protocol import luma_255

__all__ = ["ERROR_LIMIT", "error_map", "write_images"]

# The difference of luma in codes of 255 that is white in a map of errors. Methods are off by some tens along edges.
ERROR_LIMIT = 64


def error_map(image: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The absolute difference of luma, from black (0) through red and yellow to white (64 and more).

    Args:
        image: ``(H, W, 3)`` u8.
        truth: likewise.

    Returns:
        ``(H, W, 3)`` u8.
    """
    return heat_colours(luma_255(image) - luma_255(truth), ERROR_LIMIT)


def write_images(folder: str | Path, results: Results) -> list[Path]:
    """Write the images of a comparison as PNG files to ``folder/images``; files of these names are replaced.

    They are ``small.png``, ``reference.png``, and ``NAME.png`` and ``NAME_error.png`` of each method.

    Returns:
        The paths.

    Raises:
        ImageWriteError: a file cannot be written.
    """
    target = Path(folder) / "images"
    target.mkdir(parents=True, exist_ok=True)
    images = {"small": results.small}
    if results.truth is not None:
        images["reference"] = results.truth
    for method in results.measured:
        assert method.image is not None
        images[method.name] = method.image
        if results.truth is not None:
            images[f"{method.name}_error"] = error_map(method.image, results.truth)
    paths = []
    for name, image in images.items():
        paths.append(target / f"{name}.png")
        write(ImageData(image), paths[-1], overwrite=True)
    return paths
