"""Image files, and the content of a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from helpers import folder_content, save_image
from subpixel import Upscaler

Look = Callable[[], dict[str, bytes | str]]


@pytest.fixture(scope="session")
def upscaler() -> Upscaler:
    return Upscaler(2, model="bicubic")


@pytest.fixture(scope="session")
def wide() -> bytes:
    """A profile for RGB that is not sRGB."""
    return bytes(pyvips.Operation.call("profile_load", "p3"))


@pytest.fixture
def pixels() -> Callable[..., NDArray[Any]]:
    """``pixels(height, width, channels, dtype)``: smooth, all four corners different."""

    def make(height: int = 24, width: int = 36, channels: int = 3, dtype: Any = np.uint8) -> NDArray[Any]:
        y, x = np.mgrid[:height, :width] / max(height, width)
        bands = [0.1 + 0.6 * x + 0.2 * y, 0.9 - 0.7 * y, 0.2 + 0.5 * x * y, 0.3 + 0.6 * (1 - x)]
        values = np.dstack(bands[:channels])
        if dtype == np.float32:
            return values.astype(np.float32)
        return np.round(values * np.iinfo(dtype).max).astype(dtype)

    return make


@pytest.fixture
def saved(tmp_path: Path, pixels: Callable[..., NDArray[Any]]) -> Callable[..., Path]:
    """``saved("a.png", pixels, **options)``: a file made by libvips without this package."""

    def make(name: str, values: NDArray[Any] | None = None, **options: Any) -> Path:
        return save_image(tmp_path / name, pixels() if values is None else values, **options)

    return make


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Every path below the test's folder with its content."""
    return partial(folder_content, tmp_path)
