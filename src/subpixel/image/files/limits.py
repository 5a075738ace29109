"""The limit of an image's size, which also counts the memory that decoding it takes; and the limits as arguments."""

from __future__ import annotations

import math
from pathlib import Path

from subpixel.errors import ImageReadError, ImageTooLarge, InvalidArgument
from subpixel.image.files.decoding import Decoding

__all__ = ["LIMIT", "check_decoding", "check_limit", "check_page", "check_size", "pipe_bytes"]

# Default limit in megapixels: three times the largest photographs that people stitch by hand, and 3 GB in memory as
# 8-bit RGB. A file of a few hundred bytes can claim more.
LIMIT = 1000.0
# Bytes of a pixel by which the limit counts the memory that a decoder holds, and how many bytes any decoder may hold.
_PIXEL, _ALWAYS = 3, 256 << 20
_MOST_PAGES = 100_000


def check_size(path: Path, width: int, height: int, pages: int, limit: float) -> None:
    """Check that an image is not too large.

    Args:
        path: of the file, for the error.
        width: in pixels.
        height: in pixels, of an animation all frames together.
        pages: the number of frames.
        limit: in megapixels.

    Raises:
        ImageTooLarge: it is larger than the limit.
    """
    megapixels = width * height / 1e6
    if megapixels > limit:
        size = f"{width}×{height // pages}" + (f" pixels in {pages} frames" if pages > 1 else " pixels")
        raise ImageTooLarge(
            f"{path}: {size} are {_amount(megapixels)} megapixels, the limit is {_amount(limit)};"
            f" limit={math.ceil(megapixels)} allows it"
        )


def check_decoding(path: Path, width: int, height: int, decoding: Decoding, length: int, limit: float) -> None:
    """Check that decoding takes neither more memory than the limit allows nor more bytes than the file has.

    Args:
        path: of the file, for the error.
        width: in pixels.
        height: in pixels.
        decoding: what it takes.
        length: of the file, in bytes.
        limit: in megapixels.

    Raises:
        ImageTooLarge: it takes more than the limit allows.
        ImageReadError: the file has too few bytes.
    """
    if length < decoding.least:
        raise ImageReadError(
            f"{path}: the image is damaged or truncated ({length:,} bytes cannot hold {width}×{height} pixels)"
        )
    needed = decoding.memory / _PIXEL / 1e6
    if needed > limit and decoding.memory > _ALWAYS:
        raise ImageTooLarge(
            f"{path}: decoding takes {decoding.memory / 1e9:.1f} GB at once, as much as {_amount(needed)} megapixels, "
            f"the limit is {_amount(limit)}; limit={math.ceil(needed)} allows it"
        )


def _amount(megapixels: float) -> str:
    """Megapixels with at most two decimals, or two digits of a smaller number: 3,600, 0.25, 0.0001."""
    if megapixels < 0.1:
        return f"{megapixels:.2g}"
    return f"{megapixels:,.2f}".rstrip("0").rstrip(".")


def check_page(page: int | None) -> None:
    """Raise InvalidArgument if the number of an image in its file is no integer from 1 on."""
    if page is not None and (isinstance(page, bool) or not isinstance(page, int) or not 1 <= page <= _MOST_PAGES):
        raise InvalidArgument(f"page={page!r}: an integer from 1 to {_MOST_PAGES} is needed")


def check_limit(limit: float) -> None:
    """Raise InvalidArgument if a limit in megapixels is no number above 0; one without an end would be none."""
    if not 0 < limit < math.inf:
        raise InvalidArgument(f"limit={limit:g}: a number of megapixels above 0 is needed")


def pipe_bytes(limit: float) -> int:
    """The number of bytes that an image of at most ``limit`` megapixels may need in a pipe: four for each pixel."""
    return int(limit * 4e6) if 0 < limit < 1e9 else 1 << 62  # a limit that is no number is refused later
