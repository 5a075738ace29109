"""Writing images with libvips: to a scratch file beside the destination, verified, then moved into place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageWriteError, InvalidArgument
from subpixel.image.files.animated_png import save_animation
from subpixel.image.files.containers import gif, png, tiff, webp
from subpixel.image.files.containers.isobmff_colours import set_code_points
from subpixel.image.files.exif_place import NEEDS_BLOCK, write_block
from subpixel.image.files.formats import Format, check_pixels, format_of
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.library_defaults import kept_by_libvips, remove_defaults
from subpixel.image.files.output_metadata import PreparedImage, prepare_metadata
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.source_metadata import LOSSY, get_field
from subpixel.image.files.verification import verify
from subpixel.image.files.vips_errors import write_failure
from subpixel.image.files.vips_paths import vips_path
from subpixel.image.files.vips_setup import note_use
from subpixel.image.files.wide_files import write_rows
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.locks import scratch_file
from subpixel.storage.name_limits import too_long
from subpixel.storage.os_errors import write_errors_as

__all__ = ["check_destination", "check_quality", "write", "write_vips_image"]


def write(
    image: ImageData,
    path: str | Path,
    *,
    overwrite: bool = False,
    quality: int | None = None,
    provenance: Provenance | None = None,
    confirm: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Write an image to a scratch file, verify its header, then move it into place in one step.

    Args:
        image: the pixels, and the header whose metadata is written.
        path: the destination; its suffix chooses the format: jpg, png, tif, webp, avif or gif.
        overwrite: replace an existing file.
        quality: 1 … 100, of a lossy format; None for the default: 95, and lossless WebP where the source was lossless.
        provenance: how the image was made; written into it. None to write nothing about it.
        confirm: called before the file is moved into place; an error that it raises discards the file.

    Returns:
        Notes about what the format cannot hold, one sentence each.

    Raises:
        InvalidArgument: the format cannot be written, cannot hold these pixels, or has no quality.
        ImageWriteError: the destination exists or cannot be written, or the written file differs from the image. An
            existing file is unharmed.
    """
    note_use()
    path = Path(path)
    height, *rest = image.pixels.shape
    check_pixels(path, (height // image.pages, *rest), image.pixels.dtype, image.pages)
    return write_vips_image(
        pyvips.Image.new_from_array(np.ascontiguousarray(image.pixels)),
        image.header,
        path,
        overwrite=overwrite,
        pages=image.pages,
        quality=quality,
        provenance=provenance,
        confirm=confirm,
    )


def write_vips_image(
    image: pyvips.Image,
    header: pyvips.Image | None,
    path: Path,
    *,
    overwrite: bool = False,
    pages: int = 1,
    quality: int | None = None,
    provenance: Provenance | None = None,
    confirm: Callable[[], None] = lambda: None,
    rows: Iterable[NDArray[Any]] | None = None,
) -> tuple[str, ...]:
    """The same for a libvips image, whose pixels may not be computed yet, and a header for its metadata.

    With ``rows``, these are the pixels of a wide image (:mod:`subpixel.image.files.wide_files`); libvips' are not read.
    """
    form = check_destination(path, overwrite=overwrite)
    check_quality(form, quality)
    prepared = prepare_metadata(image, header, form, pages, provenance)
    lossy = header is not None and get_field(header, LOSSY, 0) == 1
    row = image.width * image.bands * {"uchar": 1, "ushort": 2}.get(image.format, 4)
    options = form.options(lossy, quality, row * image.height, row)
    options["keep"] = kept_by_libvips(exif=prepared.exif is not None and form.name in NEEDS_BLOCK)
    with write_errors_as(ImageWriteError, path), scratch_file(path, form.suffixes[0]) as file:
        try:
            if prepared.times:
                save_animation(file, prepared.image, prepared.times, get_field(prepared.image, "loop", 0), options)
            else:
                written = _without_short_delays(prepared, form)
                _save(written if rows is None else written.crop(0, 0, image.width, 1), file, options)
        except pyvips.Error as error:
            raise write_failure(path, error, file) from error
        try:
            if rows is not None:
                write_rows(file, form, rows, image.height)
            _add_metadata(file, prepared, form)
        except ValueError as error:
            raise ImageWriteError(f"{path}: its metadata cannot be written ({error})") from None
        notes = verify(path, file, prepared, form)
        confirm()
        _move_into_place(file, path, overwrite)
    return (*prepared.notes, *notes)


def check_destination(path: Path, *, overwrite: bool, makes_folder: bool = False) -> Format:
    """Check a destination before any work; returns its format.

    Args:
        path: the destination.
        overwrite: the file may exist.
        makes_folder: its folder will be created, so it need not exist.

    Raises:
        InvalidArgument: a format that cannot be written.
        ImageWriteError: the file exists or is a folder, pipe or device; or its folder does not exist or is not
            writable.
    """
    kind = file_kind(path)
    if kind not in ("file", "missing"):
        raise ImageWriteError(f"{path}: this is a {kind}; the name of a file is needed")
    form = format_of(path)
    if kind == "file" and not overwrite:
        raise ImageWriteError(f"{path}: exists already; overwrite=True replaces it")
    check_folder(path, makes_folder=makes_folder)
    return form


def check_folder(path: Path, *, makes_folder: bool = False) -> None:
    """Check the folder of a destination; arguments and errors as in :func:`check_destination`."""
    folder = path.parent
    while makes_folder and folder.name and not os.path.lexists(folder):
        folder = folder.parent
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise ImageWriteError(f"{path}: {folder} is not a folder")
    if not os.path.isdir(folder):
        raise ImageWriteError(f"{path}: the folder {folder} does not exist")
    why = too_long(path, folder)
    if why:
        raise ImageWriteError(f"{path}: {why}")
    if not os.access(folder, os.W_OK):
        raise ImageWriteError(f"{path}: the folder {folder} is not writable")


def check_quality(form: Format | None, quality: int | None) -> None:
    """Raise InvalidArgument if the quality is out of range, or if the format, unless it is still unknown, has none."""
    if quality is None:
        return
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise InvalidArgument(f"quality={quality!r}: an integer from 1 to 100 is needed")
    if form is not None and form.lossy is None:
        raise InvalidArgument(
            f"quality={quality}: {form.name} is lossless and has no quality; jpg, webp and avif have one"
        )


def _save(image: pyvips.Image, file: Path, options: dict[str, Any]) -> None:
    """Write an image by libvips, which gets no name: it takes UTF-8 only and parses options from its end."""
    descriptor = os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        image.write_to_target(pyvips.Target.new_to_descriptor(descriptor), file.suffix, **options)
    except pyvips.Error as error:
        if "no filename associated" not in str(error):
            raise
        with vips_path(file) as name:  # a format that libvips writes by name only
            image.write_to_file(name, **options)
    finally:
        os.close(descriptor)


def _add_metadata(file: Path, prepared: PreparedImage, form: Format) -> None:
    """Add what libvips does not write, and remove what it invents."""
    if prepared.exif is not None and form.name != "TIFF":
        write_block(file, form, prepared.exif)
    defaults: dict[str, Any] = {"resolution": prepared.resolution, "exif": prepared.exif is not None}
    remove_defaults(file, form, **defaults, aspect=prepared.pixel_aspect)
    if form.name == "TIFF" and (prepared.exif is not None or prepared.iptc is not None or prepared.tiff_tags):
        tiff.add_metadata(file, prepared.exif, prepared.iptc, prepared.tiff_tags)
    if form.name == "PNG" and prepared.chunks:
        png.insert_chunks(file, prepared.chunks)
    if form.name == "PNG" and prepared.texts:
        png.add_texts(file, prepared.texts)
    if form.name == "WebP" and prepared.pages > 1:
        if prepared.background is not None:
            webp.set_background(file, prepared.background)
        written, wanted = (
            get_field(each, "delay", []) for each in (_without_short_delays(prepared, form), prepared.image)
        )
        if written != wanted:
            webp.set_durations(file, written, wanted)
    if prepared.code_points is not None:
        set_code_points(file, *prepared.code_points)
    if form.name == "GIF" and (prepared.xmp is not None or prepared.comments):
        gif.add_blocks(file, prepared.xmp, prepared.comments)
    if form.name == "GIF" and prepared.aspect:
        gif.set_aspect(file, prepared.aspect)


def _without_short_delays(prepared: PreparedImage, form: Format) -> pyvips.Image:
    """The image for libvips, which takes 10 ms and less for 100 ms in a WebP: there, all delays are longer by 1 s."""
    delays = get_field(prepared.image, "delay", [])
    if form.name != "WebP" or prepared.pages == 1 or not delays or min(delays) > 10:
        return prepared.image
    image = prepared.image.copy()
    image.set_type(pyvips.GValue.array_int_type, "delay", [delay + 1000 for delay in delays])
    return image


def _move_into_place(scratch: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(scratch, path)
        return
    try:
        os.link(scratch, path)  # unlike a rename this fails if the file has been created meanwhile
    except FileExistsError:
        raise ImageWriteError(f"{path}: exists already; overwrite=True replaces it") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise ImageWriteError(f"{path}: exists already; overwrite=True replaces it") from None
        os.rename(scratch, path)
