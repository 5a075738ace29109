"""Whether the coded pixels of a file end where its image does.

Decoders go on after damage. Codes that follow it are mostly still codes, of other pixels, but they seldom end where the
image ends. If they go on beyond their data, decoders notice. If they end before, nobody does, so it is tried here: the
data of an image that is right cannot be decoded without their last bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyvips

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import gif_pixels
from subpixel.image.files.containers.jpeg_segments import end_without_last_codes
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
            if loader == "gifload":
                return tuple(_check_gif(reader))
            return tuple(_check_webp(reader)) if loader == "webpload" else ()
    except pyvips.Error as error:
        raise read_error(file, error) from None
    except ValueError as error:
        check_read(file)
        raise ImageReadError(f"{file.path}: the image is damaged or truncated ({error})") from None


def _check_jpeg(file: OpenFile, reader: BinaryIO, side: int) -> Iterator[str]:
    warning = decoder_warning(file.source, side)
    if warning is not None and has_wrong_samples(warning):
        raise ValueError(warning)
    if warning is not None:
        yield f"the JPEG may be damaged: its decoder warns of {warning}"
        return
    end = end_without_last_codes(reader)
    if end is not None and decoder_warning(lambda: file.source(end, _END_OF_JPEG), side) is None:
        yield f"the JPEG may be damaged: its last pixel comes before the end of its data ({_PADDED})"


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
        pyvips.Image.webpload_buffer(content, fail_on="error").copy_memory()
    except pyvips.Error:
        return False
    return True
