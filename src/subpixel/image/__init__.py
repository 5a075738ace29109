"""Image files: read, upscale and write them with all their metadata."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from subpixel.image.file_upscaling import upscale_file
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.reading import read
from subpixel.image.files.writing import write
from subpixel.image.job import Job, Result

if TYPE_CHECKING:
    from subpixel.image.comparison.sheet import compare
    from subpixel.image.estimate import Estimate, estimate_job

__all__ = ["Estimate", "ImageData", "Job", "Result", "compare", "estimate_job", "read", "upscale_file", "write"]

# Imported when first used: most runs make neither a sheet nor an estimate.
_LATER = {
    "compare": "subpixel.image.comparison.sheet",
    "Estimate": "subpixel.image.estimate",
    "estimate_job": "subpixel.image.estimate",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
