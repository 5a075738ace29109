"""What is carried from the source file to the result besides what libvips reads: set into its header as it finds it.

The fields are ``exif-data`` and ``iptc-data`` (Photoshop's resources, as in a JPEG) also of a TIFF, ``xmp-data`` also
of a GIF; and of our own the chunks of text of a PNG, the comments of a GIF, and whether the file was compressed with
loss.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyvips

from subpixel.image.files.compression_info import origin
from subpixel.image.files.containers import gif, jpeg, png, tiff

__all__ = ["COMMENTS", "LOSSY", "TEXTS", "blob", "collected", "field", "frames_of", "loader_of", "set_blob", "split"]

TEXTS, COMMENTS, LOSSY = "subpixel-texts", "subpixel-comments", "subpixel-lossy"


def blob(image: pyvips.Image | None, name: str) -> bytes | None:
    """A field of bytes; None if it is not there, or empty."""
    if image is None or not image.get_typeof(name):
        return None
    return bytes(image.get(name)) or None


def field(image: pyvips.Image, name: str, otherwise: Any) -> Any:
    """A field's value, or another where it is not there."""
    return image.get(name) if image.get_typeof(name) else otherwise


def loader_of(header: pyvips.Image | None) -> str:
    """By which libvips reads a file; its own format has no name there."""
    return "" if header is None else str(field(header, "vips-loader", ""))


def frames_of(header: pyvips.Image | None) -> int:
    """Frames of an animation; 1 of anything else, though a file may hold several images."""
    if header is None or loader_of(header) not in ("gifload", "webpload") or not header.get_typeof("n-pages"):
        return 1
    return int(header.get("n-pages"))


def set_blob(image: pyvips.Image, name: str, value: bytes) -> None:
    """Set a field of bytes."""
    image.set_type(pyvips.GValue.blob_type, name, value)


def split(packed: bytes | None) -> tuple[bytes, ...]:
    """What :func:`collected` packed into one field: its parts."""
    parts = []
    while packed:
        (length,) = struct.unpack_from("<I", packed)
        parts.append(packed[4 : 4 + length])
        packed = packed[4 + length :]
    return tuple(parts)


def collected(header: pyvips.Image, path: Path) -> tuple[pyvips.Image, tuple[str, ...]]:
    """A copy of a header with these fields, and what of the file will not be in the result, a sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    loader = loader_of(header)
    header = header.copy()
    lost: tuple[str, ...] = ()
    lossy = origin(path).codec is not None or loader == "heifload"
    header.set_type(pyvips.GValue.gint_type, LOSSY, int(lossy))
    if loader == "tiffload":
        block, records = tiff.exif(path), tiff.iptc(path)
        if block is not None:
            set_blob(header, "exif-data", block)
        if header.get_typeof("iptc-data"):
            header.remove("iptc-data")  # libvips takes a quarter of it where its numbers are of 32 bits
        others = blob(header, "photoshop-data") or b""
        if jpeg.from_photoshop(others) is not None or (others and records is None):
            set_blob(header, "iptc-data", others)
        elif records is not None:
            set_blob(header, "iptc-data", jpeg.to_photoshop(records, others))
    elif loader == "pngload":
        _pack(header, TEXTS, png.texts(path))
    elif loader == "gifload":
        packet, comments = gif.blocks(path)
        if packet is not None:
            set_blob(header, "xmp-data", packet)
        _pack(header, COMMENTS, comments)
    elif loader in ("jpegload", "uhdrload"):
        lost = jpeg.losses(path)
    if loader in ("webpload", "heifload"):
        header = _with_resolution(header)
    return header, lost


def _pack(header: pyvips.Image, name: str, parts: tuple[bytes, ...]) -> None:
    if parts:
        set_blob(header, name, b"".join(struct.pack("<I", len(part)) + part for part in parts))


def _with_resolution(header: pyvips.Image) -> pyvips.Image:
    """These formats hold it in EXIF alone, where libvips does not look for it."""
    resolutions = []
    for axis in "XY":
        name = f"exif-ifd0-{axis}Resolution"
        text = str(field(header, name, ""))
        numerator, _, denominator = text.split(" ")[0].partition("/")
        try:
            resolutions.append(float(numerator) / float(denominator or 1))
        except (ValueError, ZeroDivisionError):
            return header
    unit = str(field(header, "exif-ifd0-ResolutionUnit", "2"))
    per_millimetre = 1 / 10 if unit.startswith("3") else 1 / 25.4
    if min(resolutions) <= 0:
        return header
    return header.copy(xres=resolutions[0] * per_millimetre, yres=resolutions[1] * per_millimetre)
