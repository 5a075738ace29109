"""Real-time super-resolution on an ordinary CPU, and the upsampling operators it is made of.

>>> import numpy as np, subpixel
>>> subpixel.upscale(np.zeros((4, 6, 3), np.uint8), 2).shape
(8, 12, 3)
"""

from __future__ import annotations

try:
    from subpixel._version import version as __version__  # written when the package is built
except ModuleNotFoundError:
    __version__ = "0.0.0+unknown"  # the sources themselves, not installed

__all__ = [
    "Upscaler",
    "__version__",
    "compare",
    "errors",
    "export",
    "image",
    "metrics",
    "models",
    "ops",
    "upscale",
    "video",
]

TYPE_CHECKING = False  # as typing's, which takes long to import
if TYPE_CHECKING:
    from typing import Any

    from subpixel import compare, errors, export, image, metrics, models, ops, video
    from subpixel.upscaler import Upscaler, upscale


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that importing the package costs next to nothing.
    from importlib import import_module

    if name in ("Upscaler", "upscale"):
        return getattr(import_module("subpixel.upscaler"), name)
    if name in ("compare", "errors", "export", "image", "metrics", "models", "ops", "video"):
        return import_module(f"subpixel.{name}")
    raise AttributeError(f"module 'subpixel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
