"""The metadata of a source file, as fields of a libvips header that holds no pixels.

libvips reads most of it. Added here: ``xmp-data`` of a GIF, and three fields of this package: the text chunks of a PNG,
the comments of a GIF, and whether the file was compressed with loss. :mod:`subpixel.image.files.tiff_source` adds what
a TIFF has: ``exif-data``, ``iptc-data`` (Photoshop's resources, as in a JPEG) and tags that only a TIFF holds.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import pyvips

from subpixel.image.files.containers import gif, jpeg, png

__all__ = [
    "COMMENTS",
    "LOSSY",
    "TEXTS",
    "TIFF_TAGS",
    "collect_metadata",
    "frame_count",
    "get_blob",
    "get_field",
    "loader_name",
    "set_blob",
    "unpack_blobs",
]

TEXTS, COMMENTS, LOSSY, TIFF_TAGS = "subpixel-texts", "subpixel-comments", "subpixel-lossy", "subpixel-tiff-tags"


def get_blob(image: pyvips.Image | None, name: str) -> bytes | None:
    """A field of bytes; None if it is missing or empty."""
    if image is None or not image.get_typeof(name):
        return None
    return bytes(image.get(name)) or None


def get_field(image: pyvips.Image, name: str, default: Any) -> Any:
    """The value of a field, or the default if it is missing."""
    return image.get(name) if image.get_typeof(name) else default


def set_blob(image: pyvips.Image, name: str, value: bytes) -> None:
    """Set a field of bytes."""
    image.set_type(pyvips.GValue.blob_type, name, value)


def unpack_blobs(packed: bytes | None) -> tuple[bytes, ...]:
    """The parts that :func:`collect_metadata` packed into one field."""
    parts = []
    while packed:
        (length,) = struct.unpack_from("<I", packed)
        parts.append(packed[4 : 4 + length])
        packed = packed[4 + length :]
    return tuple(parts)


def loader_name(header: pyvips.Image | None) -> str:
    """The libvips loader that reads a file, as ``jpegload``; empty for libvips' own format."""
    return "" if header is None else str(get_field(header, "vips-loader", "")).removesuffix("_source")


def frame_count(header: pyvips.Image | None) -> int:
    """The frames of an animation; 1 for any other file, even if it holds several images."""
    if header is None or loader_name(header) not in ("gifload", "webpload") or not header.get_typeof("n-pages"):
        return 1
    return int(header.get("n-pages"))


def collect_metadata(header: pyvips.Image, file: BinaryIO, *, lossy: bool) -> tuple[pyvips.Image, tuple[str, ...]]:
    """A header with all metadata, apart from its file, and notes about what the result will lack, one sentence each.

    Args:
        header: the image as libvips opened it.
        file: the same file.
        lossy: whether it was compressed with loss.

    Raises:
        OSError: the file cannot be read.
    """
    loader = loader_name(header)
    header = _detach(header)
    losses: tuple[str, ...] = ()
    header.set_type(pyvips.GValue.gint_type, LOSSY, int(lossy or loader == "heifload"))
    if loader == "pngload":
        _pack_blobs(header, TEXTS, png.read_texts(file))
    elif loader == "gifload":
        packet, comments = gif.read_blocks(file)
        if packet is not None:
            set_blob(header, "xmp-data", packet)
        _pack_blobs(header, COMMENTS, comments)
    elif loader in ("jpegload", "uhdrload"):
        losses = jpeg.list_losses(file)
    if loader in ("webpload", "heifload"):
        header = _with_resolution(header)
    return header, losses


def _detach(header: pyvips.Image) -> pyvips.Image:
    """The same fields without the file, which would stay open as long as somebody holds the header."""
    copy = pyvips.Image.black(header.width, header.height, bands=header.bands).copy(
        interpretation=header.interpretation
    )
    own = set(copy.get_fields())
    fields = set(header.get_fields())
    for name in header.get_fields():
        if name not in own and not name.startswith("gainmap"):  # an image, which would keep the file open
            copy.set_type(header.get_typeof(name), name, header.get(name))
    # Setting the EXIF block also sets the fields that libvips finds in it, and the resolution.
    for name in copy.get_fields():
        if name not in own and name not in fields:
            copy.remove(name)
    return copy.copy(xres=header.xres, yres=header.yres)


def _pack_blobs(header: pyvips.Image, name: str, parts: tuple[bytes, ...]) -> None:
    if parts:
        set_blob(header, name, b"".join(struct.pack("<I", len(part)) + part for part in parts))


def _with_resolution(header: pyvips.Image) -> pyvips.Image:
    """WebP and AVIF hold the resolution in EXIF only, where libvips does not look for it."""
    resolutions = []
    for axis in "XY":
        name = f"exif-ifd0-{axis}Resolution"
        text = str(get_field(header, name, ""))
        numerator, _, denominator = text.split(" ")[0].partition("/")
        try:
            resolutions.append(float(numerator) / float(denominator or 1))
        except (ValueError, ZeroDivisionError):
            return header
    unit = str(get_field(header, "exif-ifd0-ResolutionUnit", "2"))
    per_millimetre = 1 / 10 if unit.startswith("3") else 1 / 25.4
    if min(resolutions) <= 0:
        return header
    return header.copy(xres=resolutions[0] * per_millimetre, yres=resolutions[1] * per_millimetre)
