"""The default paths of the result of an image and of its comparison sheet."""

from __future__ import annotations

import os
from pathlib import Path

from subpixel.upscaler import Target

__all__ = ["output_path", "sheet_path"]


def output_path(source: Path, target: Target, suffix: str, folder: Path | None = None, page: int | None = None) -> Path:
    """``name_x2.png`` for ``name.jpg``: the source's name, the size that was asked for, the suffix of the format.

    Args:
        source: the image.
        target: the size of the result.
        suffix: of the result, as ``.png``.
        folder: for the result; None for the folder of the source.
        page: which image of the file was asked for; each has a name of its own. None for the main one.

    >>> str(output_path(Path("photos/a.jpg"), Target(width=3840), ".png"))
    'photos/a_w3840.png'
    >>> str(output_path(Path("scan.tif"), Target(scale=2), ".png", page=3))
    'scan_x2_page3.png'
    """
    part = "" if page is None else f"_page{page}"
    return (source.parent if folder is None else folder) / f"{source.stem}_{target.label}{part}{suffix}"


def sheet_path(destination: Path, compare: Path) -> Path:
    """The path of the comparison sheet of a result: a file, or a file in a folder, named after the result."""
    return compare / f"{destination.stem}_comparison.png" if os.path.isdir(compare) else compare
