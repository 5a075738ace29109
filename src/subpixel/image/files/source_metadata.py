"""The metadata of a source file, as fields of a libvips header that holds no pixels.

libvips reads most of it. Added here: ``exif-data`` and ``iptc-data`` (Photoshop's resources, as in a JPEG) of a TIFF,
``xmp-data`` of a GIF, a colour profile for the code points of an AVIF, and fields of this package: the text chunks of a
PNG, the comments of a GIF, whether the file was compressed with loss, whether its colours are premultiplied, and code
points of colours that no profile describes (PQ and HLG).
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import pyvips

from subpixel.image.files.containers import gif, isobmff, jpeg, png, tiff
from subpixel.image.files.containers.isobmff_inventory import list_losses as list_heif_losses
from subpixel.image.files.icc import HDR_TRANSFERS, Colours, build_profile

__all__ = [
    "CODE_POINTS",
    "COMMENTS",
    "LOSSY",
    "PREMULTIPLIED",
    "TEXTS",
    "collect_metadata",
    "frame_count",
    "get_blob",
    "get_field",
    "loader_name",
    "set_blob",
    "unpack_blobs",
]

TEXTS, COMMENTS, LOSSY = "subpixel-texts", "subpixel-comments", "subpixel-lossy"
PREMULTIPLIED, CODE_POINTS = "subpixel-premultiplied", "subpixel-code-points"

# Transfers of H.273 that displays show as sRGB's.
_LIKE_SRGB = (1, 6, 13, 14, 15)


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
    if loader == "tiffload":
        _set_tiff_metadata(header, file)
    elif loader == "pngload":
        _pack_blobs(header, TEXTS, png.read_texts(file))
    elif loader == "gifload":
        packet, comments = gif.read_blocks(file)
        if packet is not None:
            set_blob(header, "xmp-data", packet)
        _pack_blobs(header, COMMENTS, comments)
    elif loader in ("jpegload", "uhdrload"):
        losses = jpeg.list_losses(file, header.get_fields())
    elif loader == "heifload":
        contents = isobmff.read_contents(file)
        losses = list_heif_losses(contents, header.get_fields())
        _set_heif_metadata(header, contents)
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


def _set_tiff_metadata(header: pyvips.Image, file: BinaryIO) -> None:
    block, records = tiff.read_exif(file), tiff.read_iptc(file)
    if block is not None:
        set_blob(header, "exif-data", block)
    if header.get_typeof("iptc-data"):
        header.remove("iptc-data")  # libvips reads a quarter of it where its type is a 32-bit integer
    others = get_blob(header, "photoshop-data") or b""
    if jpeg.from_photoshop(others) is not None or (others and records is None):
        set_blob(header, "iptc-data", others)
    elif records is not None:
        set_blob(header, "iptc-data", jpeg.to_photoshop(records, others))


def _set_heif_metadata(header: pyvips.Image, contents: isobmff.Contents) -> None:
    if contents.referred("prem", contents.primary):
        header.set_type(pyvips.GValue.gint_type, PREMULTIPLIED, 1)
    points = isobmff.nclx_of(contents.main)
    if points is None or header.get_typeof("icc-profile-data"):
        return
    # What is unspecified is as in sRGB (MIAF), and so, by BT.1886, is video of BT.709 and BT.601 on a display.
    primaries, transfer = (1 if points[0] == 2 else points[0]), (13 if points[1] == 2 else points[1])
    if transfer in HDR_TRANSFERS:
        set_blob(header, CODE_POINTS, struct.pack(">HH", primaries, transfer))
        return
    colours = Colours.from_code_points(primaries, transfer)
    if colours is not None and not (primaries == 1 and transfer in _LIKE_SRGB):
        set_blob(header, "icc-profile-data", build_profile(colours, gray=header.bands < 3))


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
