"""What a file is by its own bytes: read before libvips opens it, which looks at one image and one kind of limit only.

From this follow libvips' options, and the refusal of files that libvips would take for something else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

from subpixel.image.files.containers import jpeg
from subpixel.image.files.containers.camera_raw import raw_by_signature
from subpixel.image.files.containers.tiff_directory import SIGNATURES
from subpixel.image.files.containers.tiff_images import TiffImages, read_images

__all__ = ["Content", "read_content"]


@dataclass(frozen=True)
class Content:
    """What a file is.

    Args:
        options: of libvips' loader.
        tiff: the images of a TIFF; None for any other file.
        refusal: why it cannot be upscaled, in a phrase that follows its name; None if it can.
    """

    options: dict[str, Any] = field(default_factory=dict)
    tiff: TiffImages | None = None
    refusal: str | None = None


def read_content(file: BinaryIO) -> Content:
    """What a file is.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    start = file.read(32)
    raw = raw_by_signature(start)
    if raw is None and start[:4] in SIGNATURES:
        images = read_images(file)
        if images is None:
            return Content()
        raw = images.raw
        if raw is None:
            # The limit of an image counts what decoding takes.
            options = {**images.options, "unlimited": True} if images.has_large_pieces(file) else images.options
            return Content(options, images, images.refusal(file))
    if raw is not None:
        return Content(refusal=f"this is a raw image of a camera ({raw}); develop it to TIFF first")
    if start[:2] == b"\xff\xd8" and (coding := jpeg.unsupported_coding(file)) is not None:
        return Content(refusal=f"this is {coding}, which the installed libvips cannot read; convert it to PNG or TIFF")
    return Content()
