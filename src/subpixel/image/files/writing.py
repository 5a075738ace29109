"""Writing images with libvips: beside their destination first, then, verified, in its place in one step."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyvips

from subpixel.errors import ImageWriteError, InvalidArgument
from subpixel.image.files.containers import gif, png, tiff, webp
from subpixel.image.files.formats import Format, check_pixels, format_of
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.output_metadata import Ready, ready
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.source_metadata import LOSSY, field
from subpixel.image.files.verification import verify
from subpixel.image.files.vips_errors import why_not_written
from subpixel.image.files.vips_paths import for_libvips
from subpixel.storage.locks import scratch_file
from subpixel.storage.os_errors import os_error_text

__all__ = ["check_destination", "check_quality", "put", "write"]


def write(
    image: ImageData,
    path: str | Path,
    *,
    overwrite: bool = False,
    quality: int | None = None,
    provenance: Provenance | None = None,
) -> tuple[str, ...]:
    """Write an image beside its destination, read its header back, then put it there in one step.

    Args:
        image: pixels, and the header whose metadata goes along.
        path: its suffix chooses the format.
        overwrite: replace a file that is there.
        quality: 1 … 100, of a format that loses something; None for what is usual: 95, and WebP without loss where the
            source had none.
        provenance: what is written into it of where it comes from; None for nothing.

    Returns:
        What the format cannot hold, a sentence each.

    Raises:
        InvalidArgument: a format that cannot be written, or cannot hold these pixels, or has no quality.
        ImageWriteError: the destination exists or cannot be written, or what was written is not what was to be.
            Whatever was there is unharmed.
    """
    path = Path(path)
    height, *rest = image.pixels.shape
    check_pixels(path, (height // image.pages, *rest), image.pixels.dtype, image.pages)
    vips_image = pyvips.Image.new_from_array(np.ascontiguousarray(image.pixels))
    options = {"overwrite": overwrite, "pages": image.pages, "quality": quality, "provenance": provenance}
    return put(vips_image, image.header, path, **options)  # type: ignore[arg-type]


def put(
    vips_image: pyvips.Image,
    header: pyvips.Image | None,
    path: Path,
    *,
    overwrite: bool = False,
    pages: int = 1,
    quality: int | None = None,
    provenance: Provenance | None = None,
) -> tuple[str, ...]:
    """Write an image, whose pixels may still have to be made, with the metadata of a header, as :func:`write` does."""
    form = check_destination(path, overwrite=overwrite)
    check_quality(form, quality)
    result = ready(vips_image, header, form, pages, provenance)
    lossy = header is not None and field(header, LOSSY, 0) == 1
    size = vips_image.width * vips_image.height * vips_image.bands * {"uchar": 1, "ushort": 2}.get(vips_image.format, 4)
    try:
        with scratch_file(path, path.suffix.lower()) as place:
            try:
                with for_libvips(place) as name:
                    result.image.write_to_file(name, **form.options(lossy, quality, size))
            except pyvips.Error as error:
                raise ImageWriteError(f"{path}: cannot be written: {why_not_written(error, place)}") from None
            _finish(place, result, form)
            notes = verify(path, place, result, form)
            _put(place, path, overwrite)
    except ImageWriteError:
        raise
    except ValueError as error:
        raise ImageWriteError(f"{path}: its metadata cannot be written ({error})") from None
    except OSError as error:
        raise ImageWriteError(f"{path}: cannot be written: {os_error_text(error)}") from None
    return (*result.notes, *notes)


def check_destination(path: Path, *, overwrite: bool, makes_folder: bool = False) -> Format:
    """Everything that can be known before the source is opened; returns the format.

    Args:
        path: the destination.
        overwrite: a file may be there.
        makes_folder: its folder need not be there yet, if it can be made.

    Raises:
        InvalidArgument: a format that cannot be written.
        ImageWriteError: it exists, or its folder does not or cannot be written.
    """
    form = format_of(path)
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
    return form


def check_quality(form: Format, quality: int | None) -> None:
    """Raises InvalidArgument for a quality that is none, or where a format has none."""
    if quality is None:
        return
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise InvalidArgument(f"quality={quality!r}: an integer from 1 to 100 is needed")
    if form.lossy is None:
        raise InvalidArgument(f"quality={quality}: {form.name} is written without loss; jpg, webp and avif have one")


def _finish(place: Path, result: Ready, form: Format) -> None:
    """Put into the written file what libvips does not write."""
    if form.name == "TIFF" and (result.exif is not None or result.iptc is not None):
        tiff.add(place, result.exif, result.iptc, (result.image.width, result.image.height))
    if form.name == "PNG" and result.texts:
        png.add_texts(place, result.texts)
    if form.name == "WebP" and result.pages > 1:
        webp.set_exif_height(place, result.image.height // result.pages)
    if form.name == "GIF" and (result.xmp is not None or result.comments):
        gif.add_blocks(place, result.xmp, result.comments)


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
