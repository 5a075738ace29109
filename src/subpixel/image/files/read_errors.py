"""Why an image cannot be read: what kind of file it is, or what is wrong with it, in one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import isobmff, jpeg, png
from subpixel.image.files.containers.tiff_directory import SIGNATURES
from subpixel.image.files.formats import format_by_signature
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.vips_errors import is_unknown_format, vips_error_text
from subpixel.storage.os_errors import os_error_text

__all__ = ["check_read", "read_error", "unreadable_error", "unsupported_error", "unsupported_kind"]

# HEIF by the coding of its images.
_CODECS = {"hvc1": "HEIC (HEVC)", "hev1": "HEIC (HEVC)", "avc1": "AVCI (H.264)", "vvc1": "VVIC (H.266)"}

# How files of libvips' own format begin, in either order of bytes.
_OF_LIBVIPS = (b"\x08\xf2\xa6\xb6", b"\xb6\xa6\xf2\x08")


def _damage_error(file: OpenFile, error: pyvips.Error) -> ImageReadError:
    """The error for a file whose pixels cannot all be read."""
    path = file.path
    try:
        with file.reader() as reader:
            kind = unsupported_kind(reader)
    except OSError as failure:
        return ImageReadError(f"{path}: {os_error_text(failure)}")
    if kind is not None:
        return unsupported_error(path, kind)
    return ImageReadError(f"{path}: the image is damaged or truncated ({vips_error_text(error)})")


def read_error(file: OpenFile, error: pyvips.Error) -> ImageReadError:
    """The error for a file whose pixels cannot all be read: it is damaged, or changed while it was read.

    Raises:
        KeyboardInterrupt: the process was interrupted while libvips read the file.
    """
    try:
        check_read(file)
    except ImageReadError as failure:
        return failure
    return _damage_error(file, error)


def check_read(file: OpenFile) -> None:
    """Check that all that was read from a file belongs together, see :meth:`OpenFile.check`.

    Raises:
        ImageReadError: it does not, or the file could not be read.
        KeyboardInterrupt: the process was interrupted while libvips read the file.
    """
    try:
        file.check()
    except ImageReadError:
        raise
    except OSError as error:
        raise ImageReadError(f"{file.path}: {os_error_text(error)}") from None


def unsupported_error(path: str | Path, kind: str) -> ImageReadError:
    """The error for an image of a kind that the installed libvips cannot read."""
    return ImageReadError(f"{path}: this is {kind}, which the installed libvips cannot read; convert it to PNG or TIFF")


def unreadable_error(file: OpenFile, error: pyvips.Error) -> ImageReadError:
    """The error for a file that libvips cannot open as an image."""
    path = file.path
    try:
        with file.reader() as reader:
            start = reader.read(1024)
            kind = unsupported_kind(reader)
            contents = png.read_contents(reader)
    except OSError as failure:
        return ImageReadError(f"{path}: {os_error_text(failure)}")
    if not start:
        return ImageReadError(f"{path}: the file is empty")
    if refusal := contents.refusal or contents.reserved:
        return ImageReadError(f"{path}: {refusal}")
    if _is_drawing(start):
        return ImageReadError(
            f"{path}: this is an SVG, a drawing without pixels; export it as PNG in the size that is needed"
        )
    if start[:4] in _OF_LIBVIPS:
        return ImageReadError(
            f"{path}: this is libvips' own format, whose reader trusts what the file says; convert it to PNG or TIFF"
        )
    name = kind or format_by_signature(start)
    if name is not None:
        return unsupported_error(path, name)
    if _is_video(start):
        return ImageReadError(f"{path}: this is a video; use subpixel video")
    if start[:4] in SIGNATURES:
        return ImageReadError(f"{path}: the image is damaged or truncated (the directory of the TIFF is missing)")
    what = "not an image that can be read" if is_unknown_format(error) else "the image is damaged or truncated"
    return ImageReadError(f"{path}: {what} ({vips_error_text(error)})")


def unsupported_kind(file: BinaryIO) -> str | None:
    """What a file is, if libvips may read its header but not its pixels: a rare JPEG, HEIC."""
    file.seek(0)
    if not isobmff.is_heif(file.read(64)):
        return jpeg.unsupported_coding(file)
    codec = isobmff.read_contents(file).codec
    return None if codec in ("", "av01") else _CODECS.get(codec, f"HEIF with images of type {codec}")


def _is_drawing(start: bytes) -> bool:
    """Whether a file that is no image begins as SVG does: with its element, after comments and declarations of XML.

    >>> _is_drawing(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), _is_drawing(b"<html><svg/>")
    (True, False)
    """
    element = re.search(rb"<[A-Za-z][\w:.-]*", start)
    return element is not None and element[0].split(b":")[-1].lstrip(b"<") == b"svg"


def _is_video(start: bytes) -> bool:
    """Whether a file that is no image begins as MP4, QuickTime, Matroska, WebM or AVI do."""
    return start[4:8] == b"ftyp" or start.startswith(b"\x1aE\xdf\xa3") or start[:4] + start[8:12] == b"RIFFAVI "
