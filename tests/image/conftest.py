"""Images as files, and a look at a folder that notices every change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

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
        values = pixels() if values is None else values
        gray = values.ndim == 2 or values.shape[2] < 3
        wide = values.dtype == np.uint16
        space = ("grey16" if wide else "b-w") if gray else ("rgb16" if wide else "srgb")
        if values.dtype == np.float32 and not gray:
            space = "scrgb"
        image = pyvips.Image.new_from_array(values).copy(interpretation=space)
        image.write_to_file(str(tmp_path / name), **options)
        return tmp_path / name

    return make


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Every path below the test's folder with its content, links as what they point at."""

    def everything() -> dict[str, bytes | str]:
        found: dict[str, bytes | str] = {}
        for path in sorted(tmp_path.rglob("*")):
            name = str(path.relative_to(tmp_path))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            else:
                found[name] = "folder" if path.is_dir() else path.read_bytes()
        return found

    return everything
