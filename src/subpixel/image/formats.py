"""The formats pictures are written in, as data."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["WRITABLE", "default_suffix", "dtypes_of", "largest_side"]

# Options of each format that can be written. JPEG: 95 without chroma subsampling, where its losses begin to hide
# below the network's own. PNG: level 3 with every filter tried is half as large as libvips' default in equal time.
WRITABLE: dict[str, dict[str, Any]] = {
    ".jpg": {"Q": 95, "subsample_mode": "off"},
    ".jpeg": {"Q": 95, "subsample_mode": "off"},
    ".png": {"compression": 3, "filter": "all"},
    ".tif": {"compression": "deflate", "predictor": "horizontal"},
    ".tiff": {"compression": "deflate", "predictor": "horizontal"},
    ".webp": {"lossless": True},
}

# Which dtypes a format holds; a format not named holds u8 alone.
_DTYPES: dict[str, tuple[str, ...]] = {
    ".png": ("uint8", "uint16"),
    ".tif": ("uint8", "uint16", "float32"),
    ".tiff": ("uint8", "uint16", "float32"),
}

# ITU-T T.81, B.2.2: 16 bits for a side. WebP: 14 bits.
_LARGEST = {".jpg": 65535, ".jpeg": 65535, ".webp": 16383}


def dtypes_of(suffix: str) -> tuple[str, ...]:
    """Names of the dtypes that a format holds."""
    return _DTYPES.get(suffix, ("uint8",))


def largest_side(suffix: str) -> int | None:
    """Pixels that a format holds each way; None where no picture comes near its limit."""
    return _LARGEST.get(suffix)


def default_suffix(dtype: np.dtype[Any]) -> str:
    """The format that loses nothing: PNG, or TIFF for floating point."""
    return ".tif" if dtype == np.float32 else ".png"
