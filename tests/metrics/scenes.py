"""Images with a pattern, their files, and PSNR by hand: for the tests of the protocol and of heat maps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray

LUMA = np.array([65.481, 128.553, 24.966]) / 255


def scene(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    bands = [128 + 90 * np.sin(x / (2 + k)) * np.cos(y / (3 + k)) for k in range(channels)]
    return np.clip(np.dstack(bands) + np.random.default_rng(5).normal(0, 8, (height, width, 1)), 0, 255).astype(
        np.uint8
    )


def put(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    space = "b-w" if pixels.shape[2] < 3 else "srgb"
    pyvips.Image.new_from_array(pixels).copy(interpretation=space).write_to_file(str(path))


def in_db(difference: NDArray[np.float64]) -> float:
    return 10 * math.log10(255**2 / float(np.mean(difference**2)))
