"""What a file is by its own bytes: read before libvips opens it, which looks at one image and one kind of limit only.

From this follow libvips' options, and the refusal of files that libvips would take for something else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from subpixel.image.files.containers import isobmff, jpeg, tiff_extent
from subpixel.image.files.containers.camera_raw import raw_by_signature
from subpixel.image.files.containers.isobmff import is_heif
from subpixel.image.files.containers.isobmff_damage import find_damage
from subpixel.image.files.containers.jpeg_segments import is_cut_short
from subpixel.image.files.containers.tiff_directory import SIGNATURES
from subpixel.image.files.containers.tiff_images import TiffImages, read_images

__all__ = ["Content", "read_content"]


@dataclass(frozen=True)
class Content:
    """What a file is.

    Args:
        options: of libvips' loader.
        tiff: the images of a TIFF; None for any other file.
        replacements: offsets, and the bytes that libvips should find there.
        damage: why its pixels cannot be complete, in a phrase; None if nothing proves it.
        refusal: why it cannot be upscaled, in a phrase that follows its name; None if it can.
        page: the image that was asked for among several, from 1; None if it was not.
    """

    options: dict[str, Any] = field(default_factory=dict)
    tiff: TiffImages | None = None
    refusal: str | None = None
    damage: str | None = None
    page: int | None = None
    replacements: tuple[tuple[int, bytes], ...] = ()


def read_content(file: BinaryIO, page: int | None = None) -> Content:
    """What a file is.

    Args:
        file: the file.
        page: the image to upscale, from 1; None for the main one.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    start = file.read(64)
    raw = raw_by_signature(start)
    if raw is None and start[:4] in SIGNATURES:
        images = read_images(file)
        if images is None:
            return Content()
        raw = images.raw
        if raw is None:
            if page is not None:
                try:
                    images = images.choose(page)
                except IndexError as error:
                    return Content(refusal=str(error))
            # The limit of an image counts what decoding takes.
            options = {**images.options, "unlimited": True} if images.has_large_pieces(file) else images.options
            damage = tiff_extent.find_damage(images, file)
            return Content(options, images, images.refusal(file), damage, page, images.known_units(file))
    if raw is not None:
        return Content(refusal=f"this is a raw image of a camera ({raw}); develop it to TIFF first")
    if start[:2] == b"\xff\xd8" and (coding := jpeg.unsupported_coding(file)) is not None:
        return Content(refusal=f"this is {coding}, which the installed libvips cannot read; convert it to PNG or TIFF")
    if start[:2] == b"\xff\xd8" and is_cut_short(file):
        return Content(damage="the JPEG has no end", page=page)
    if is_heif(start):
        damage = find_damage(isobmff.read_contents(file), file.seek(0, os.SEEK_END))
        return Content({} if page is None else {"page": page - 1}, damage=damage, page=page)
    if page is not None and start[:4] == b"%PDF":
        return Content({"page": page - 1}, page=page)
    return Content(page=page)
