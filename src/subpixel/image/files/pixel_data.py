"""Whether the coded pixels of a file end where its image does.

Decoders go on after damage. Codes that follow it are mostly still codes, of other pixels, but they seldom end where the
image ends. If they go on beyond their data, decoders notice. If they end before, nobody does, so it is tried here: the
data of an image that is right cannot be decoded without their last bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import gif_pixels
from subpixel.image.files.containers.jpeg_segments import end_without_last_codes, shorter_side
from subpixel.image.files.containers.tiff_images import read_images
from subpixel.image.files.containers.tiff_pieces import check_deflate, jpegs_of
from subpixel.image.files.containers.webp_pixels import coded_images, shortened_images
from subpixel.image.files.jpeg_warnings import decoder_warning, has_wrong_samples
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.read_errors import check_read, read_error

__all__ = ["check_pixel_data"]

_END_OF_JPEG = b"\xff\xd9"
# Bytes of a GIF's codes that its last pixel need not have: the code that ends them.
_END_CODE = 2
_PADDED = "or the program that wrote it padded its data"


def check_pixel_data(file: OpenFile, loader: str, side: int) -> tuple[str, ...]:
    """What is wrong with the coded pixels of a file that its decoder accepts, one sentence each.

    Args:
        file: the file.
        loader: libvips' loader.
        side: the shorter one of the image.

    Raises:
        ImageReadError: pixels are missing or wrong, or the file changed.
        OSError: the file cannot be read.
    """
    try:
        with file.reader() as reader:
            if loader in ("jpegload", "uhdrload"):
                return tuple(_check_jpeg(file, reader, side))
            if loader == "tiffload":
                return tuple(_check_tiff(reader))
            if loader == "gifload":
                return tuple(_check_gif(reader))
            return tuple(_check_webp(reader)) if loader == "webpload" else ()
    except pyvips.Error as error:
        raise read_error(file, error) from None
    except ValueError as error:
        check_read(file)
        raise ImageReadError(f"{file.path}: the image is damaged or truncated ({error})") from None


def _check_jpeg(file: OpenFile, reader: BinaryIO, side: int) -> Iterator[str]:
    note = _describe_jpeg(reader, file.source, side)
    if note is not None:
        yield f"the JPEG may be damaged: {note}"


def _check_tiff(reader: BinaryIO) -> Iterator[str]:
    """The strips and tiles of a TIFF. Damage of other compressions is found by libtiff, or not at all."""
    images = read_images(reader)
    if images is None:
        return
    check_deflate(images, reader)
    for name, content in jpegs_of(images, reader):

        def source(length: int | None = None, tail: bytes = b"", content: bytes = content) -> pyvips.Source:
            return pyvips.Source.new_from_memory(content if length is None else content[:length] + tail)

        piece = io.BytesIO(content)
        try:
            note = _describe_jpeg(piece, source, shorter_side(piece))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if note is not None:
            yield f"{name} of the TIFF may be damaged: {note}"
            return  # one is enough to say


def _describe_jpeg(reader: BinaryIO, source: Callable[..., pyvips.Source], side: int) -> str | None:
    """What is strange about a JPEG; None if nothing is.

    Args:
        reader: the file.
        source: gives it to libvips, up to a length with a tail.
        side: the shorter one of the image.

    Raises:
        ValueError: samples are wrong.
    """
    warning = decoder_warning(source, side)
    if warning is not None and has_wrong_samples(warning):
        raise ValueError(warning)
    if warning is not None:
        return f"its decoder warns of {warning}"
    end = end_without_last_codes(reader)
    if end is not None and decoder_warning(lambda: source(end, _END_OF_JPEG), side) is None:
        return f"its last pixel comes before the end of its data ({_PADDED})"
    return None


def _check_gif(reader: BinaryIO) -> Iterator[str]:
    surplus = 0
    for number, frame in enumerate(gif_pixels.count_pixels(reader), 1):
        if frame.held < frame.wanted:
            raise ValueError(f"frame {number} has {frame.held:,} of {frame.wanted:,} pixels")
        if (frame.held > frame.wanted or frame.rest > _END_CODE) and not surplus:
            surplus = number
    if surplus:
        yield f"the GIF may be damaged: the data of frame {surplus} go on behind its last pixel ({_PADDED})"


def _check_webp(reader: BinaryIO) -> Iterator[str]:
    for number, image in enumerate(coded_images(reader), 1):
        for shortened in shortened_images(image):
            if _is_webp(shortened):
                what = "its last pixel" if number == 1 else f"the last pixel of frame {number}"
                yield f"the WebP may be damaged: {what} comes before the end of the data ({_PADDED})"
                return


def _is_webp(content: bytes) -> bool:
    """Whether a WebP can be decoded."""
    try:
        image = pyvips.Image.webpload_buffer(content, fail_on="error", access="sequential")
        pyvips.Region.new(image).fetch(0, 0, image.width, 1)  # libwebp decodes all of it at once
    except pyvips.Error:
        return False
    return True
