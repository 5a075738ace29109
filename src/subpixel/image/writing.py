"""Writing pictures with libvips: beside their destination first, then in its place in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from subpixel.errors import ImageWriteError, InvalidArgument
from subpixel.image.formats import WRITABLE, dtypes_of, largest_side
from subpixel.image.locks import scratch
from subpixel.image.metadata import with_metadata
from subpixel.image.names import for_libvips
from subpixel.image.picture import Picture
from subpixel.image.provenance import Provenance
from subpixel.image.reasons import why_not_written

__all__ = ["check_destination", "check_pixels", "put", "write"]


def write(picture: Picture, path: str | Path, *, overwrite: bool = False, provenance: Provenance | None = None) -> None:
    """Write a picture beside its destination, then put it there in one step.

    Args:
        picture: pixels, and the header whose metadata goes along.
        path: its suffix chooses the format.
        overwrite: replace a file that is there.

    Raises:
        InvalidArgument: a format that cannot be written, or cannot hold these pixels.
        ImageWriteError: the destination exists or cannot be written. Whatever was there is unharmed.
    """
    path = Path(path)
    check_pixels(path, picture.pixels.shape, picture.pixels.dtype)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(picture.pixels))
    put(image, picture.header, path, overwrite=overwrite, provenance=provenance)


def check_pixels(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raises InvalidArgument where the format of a destination cannot hold ``(H, W, C)`` of a dtype."""
    suffix = path.suffix.lower()
    held = dtypes_of(suffix)
    if dtype.name not in held:
        raise InvalidArgument(f"{path}: {suffix[1:]} holds {' or '.join(held)}, the picture is {dtype}")
    if suffix in (".jpg", ".jpeg") and shape[2] in (2, 4):
        raise InvalidArgument(f"{path}: {suffix[1:]} has no transparency, the picture has; png would keep it")
    largest = largest_side(suffix)
    if largest is not None and max(shape[:2]) > largest:
        raise InvalidArgument(
            f"{path}: {suffix[1:]} holds up to {largest} pixels each way, the result has {shape[1]}×{shape[0]}"
        )


def put(
    image: pyvips.Image,
    header: pyvips.Image | None,
    path: Path,
    *,
    overwrite: bool = False,
    provenance: Provenance | None = None,
) -> None:
    """Write an image, whose pixels may still have to be made, with the metadata of a header, as :func:`write` does."""
    suffix = check_destination(path, overwrite=overwrite)
    image = with_metadata(image, header)
    if provenance is not None:
        image = image.copy()
        image.set_type(pyvips.GValue.gstr_type, "png-comment-0-subpixel", provenance.text())
    try:
        with scratch(path, suffix) as place:
            try:
                with for_libvips(place) as name:
                    image.write_to_file(name, **WRITABLE[suffix])
            except pyvips.Error as error:
                raise ImageWriteError(f"{path}: cannot be written: {why_not_written(error, place)}") from None
            _put(place, path, overwrite)
    except ImageWriteError:
        raise
    except OSError as error:
        raise ImageWriteError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def check_destination(path: Path, *, overwrite: bool, makes_folder: bool = False) -> str:
    """Everything that can be known before the work begins; returns the suffix in lower case.

    Args:
        path: the destination.
        overwrite: a file may be there.
        makes_folder: its folder need not be there yet, if it can be made.

    Raises:
        InvalidArgument: a format that cannot be written.
        ImageWriteError: it exists, or its folder does not or cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise InvalidArgument(f"{path}: a name ending in {', '.join(WRITABLE)} is needed to write a picture")
    if os.path.isdir(path):
        raise ImageWriteError(f"{path}: is a folder")
    if os.path.exists(path) and not overwrite:
        raise ImageWriteError(f"{path}: exists already; --overwrite replaces it")
    folder = path.parent
    while makes_folder and folder.name and not os.path.lexists(folder):
        folder = folder.parent
    if not os.path.isdir(folder):
        raise ImageWriteError(f"{path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise ImageWriteError(f"{path}: the folder {folder} cannot be written")
    return suffix


def _put(scratch: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(scratch, path)
        return
    try:
        os.link(scratch, path)  # unlike a rename it fails if somebody made the file meanwhile
    except FileExistsError:
        raise ImageWriteError(f"{path}: exists already; --overwrite replaces it") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise ImageWriteError(f"{path}: exists already; --overwrite replaces it") from None
        os.rename(scratch, path)
