"""The metadata of a source file, as fields of a libvips header that holds no pixels.

libvips reads most of it. Added here: what ImageMagick hides in the texts of a PNG and the extensions of a GIF,
``xmp-data`` of a GIF, and fields of this package, see below. :mod:`subpixel.image.files.tiff_source` adds what a TIFF
has: ``exif-data``, ``iptc-data`` (Photoshop's resources, as in a JPEG) and tags that only a TIFF holds.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import pyvips

from subpixel.image.files.containers import exif_changes, gif, isobmff, jpeg, png, webp
from subpixel.image.files.containers.exif_block import RESOLUTION as RESOLUTION_ENTRIES
from subpixel.image.files.containers.exif_block import entries_of
from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.containers.isobmff_inventory import list_losses as list_heif_losses

__all__ = [
    "ASPECT",
    "BACKGROUND",
    "CHUNKS",
    "CODE_POINTS",
    "COMMENTS",
    "FRAME_TIMES",
    "LOSSY",
    "PREMULTIPLIED",
    "RESOLUTION",
    "TEXTS",
    "TIFF_TAGS",
    "TURNED",
    "aspect_byte",
    "collect_metadata",
    "frame_count",
    "geometry_of",
    "get_blob",
    "get_field",
    "is_turned",
    "loader_name",
    "pixel_aspect",
    "set_aspect",
    "set_blob",
    "set_frame_times",
    "unpack_blobs",
]

# The text chunks of a PNG, and other chunks that a PNG should have unchanged; the comments of a GIF. Packed, see
# unpack_blobs.
TEXTS, CHUNKS, COMMENTS = "subpixel-texts", "subpixel-chunks", "subpixel-comments"
# Whether the file was compressed with loss: 0 or 1.
LOSSY = "subpixel-lossy"
# What the samples mean, by ITU-T H.273: primaries, transfer, matrix, and 1 for full range. It precedes the profile.
CODE_POINTS = "subpixel-code-points"
# The byte of a GIF that states its pixels' aspect ratio. The background of a WebP: blue, green, red, alpha.
ASPECT, BACKGROUND = "subpixel-aspect", "subpixel-background"
# The times of an animation's frames in seconds, where they need not be milliseconds: numerator, denominator, …
FRAME_TIMES = "subpixel-frame-times"
# Whether the file states a resolution: 0 or 1. libvips has a default.
RESOLUTION = "subpixel-resolution"
# Whether the colours of an AVIF are premultiplied by alpha: 0 or 1.
PREMULTIPLIED = "subpixel-premultiplied"
# Whether the decoder turns the image by a quarter (``irot`` of an AVIF): 0 or 1. What EXIF says is before it.
TURNED = "subpixel-turned"
# Tags of a TIFF that libvips does not write.
TIFF_TAGS = "subpixel-tiff-tags"

# The byte of a GIF, and 15, are the width of a pixel in 64ths of its height.
_ASPECT_UNIT, _LEAST_ASPECT = 64, 15
# Tags that a TIFF has beside EXIF, and some programs write into it.
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
# The largest number in a field of libvips.
_LARGEST = (1 << 31) - 1
# The most pixels per millimetre that libvips accepts.
_DENSEST = 1e6
# Transfers of H.273 that displays show as sRGB's: by BT.1886, video of BT.709 and BT.601 too.
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
    """Set a field of bytes. Without any there is none: libvips would keep a null pointer, which pyvips cannot read."""
    if value:
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


def is_turned(header: pyvips.Image) -> bool:
    """Whether width and height of the image as it was stored are exchanged in the upright one."""
    return bool(get_field(header, "orientation", 1) >= 5) != bool(get_field(header, TURNED, 0))


def geometry_of(header: pyvips.Image | None, size: tuple[int, int]) -> Geometry:
    """How a result of a size lies over its source; without a header the source is the result."""
    if header is None:
        return Geometry(size, 1, size)
    page = get_field(header, "page-height", header.height)
    stored = header.width, page if 0 < page <= header.height else header.height
    orientation = get_field(header, "orientation", 1)
    orientation = orientation if 1 <= orientation <= 8 else 1
    if loader_name(header) != "heifload":
        return Geometry(stored, orientation, size)
    orientation = 6 if is_turned(header) else orientation
    # Decoders turn it by ``irot`` and ``imir``, which are not in the header.
    upright = not get_field(header, TURNED, 0) and str(get_field(header, "exif-ifd0-Orientation", "1")).startswith("1 ")
    return Geometry(stored, orientation, size, known=upright)


def pixel_aspect(header: pyvips.Image | None) -> tuple[int, int] | None:
    """Pixels of the upright image, across and down, that are equally long; None if nothing states that they differ."""
    for each in unpack_blobs(get_blob(header, CHUNKS)):
        if header is not None and each[4:8] == b"pHYs":
            across, down, unit = struct.unpack(">IIB", each[8:-4])
            if unit == 0 and across and down:
                return (down, across) if is_turned(header) else (across, down)
    return None


def aspect_byte(header: pyvips.Image | None) -> tuple[int, bool]:
    """The byte of a GIF for the shape of pixels, 0 if it states none; and whether that is exact."""
    ratio = pixel_aspect(header)
    if header is None or ratio is None:
        return 0, True
    own = int(get_field(header, ASPECT, 0))
    across, down = ratio
    nearest = own or (2 * _ASPECT_UNIT * down + across) // (2 * across) - _LEAST_ASPECT
    exact = (nearest + _LEAST_ASPECT) * across == _ASPECT_UNIT * down
    return (nearest, exact) if 0 < nearest < 256 else (0, False)


def frame_count(header: pyvips.Image | None) -> int:
    """The frames of an animation; 1 for any other file, even if it holds several images."""
    if header is None or loader_name(header) not in ("gifload", "webpload") or not header.get_typeof("n-pages"):
        return 1
    return int(header.get("n-pages"))


def collect_metadata(
    header: pyvips.Image,
    file: BinaryIO,
    *,
    lossy: bool,
    contents: png.Contents | None = None,
    page: int | None = None,
) -> tuple[pyvips.Image, tuple[str, ...]]:
    """A header with all metadata, apart from its file, and notes about what the result will lack, one sentence each.

    Args:
        header: the image as libvips opened it.
        file: the same file.
        lossy: whether it was compressed with loss.
        contents: of a PNG, if they have been read.
        page: the image of a HEIF, from 1; None for the main one.

    Raises:
        OSError: the file cannot be read.
    """
    loader = loader_name(header)
    if loader == "pngload":
        contents = contents or png.read_contents(file)
    header = _detach(header)
    losses: tuple[str, ...] = ()
    header.set_type(pyvips.GValue.gint_type, LOSSY, int(lossy or loader == "heifload"))
    if contents is not None:
        _set_png_metadata(header, contents)
        losses = contents.losses
        if "iCCP" in contents.names and not header.get_typeof("icc-profile-data"):
            losses = (*losses, "the colour profile (iCCP) is not kept: it is damaged")
    elif loader == "gifload":
        losses = _set_gif_metadata(header, file)
    elif loader == "webpload":
        losses = webp.list_losses(file)
        background = webp.read_background(file)
        if background is not None:
            set_blob(header, BACKGROUND, background)
    elif loader in ("jpegload", "uhdrload"):
        losses = jpeg.list_losses(file, header.get_fields())
        aspect = jpeg.pixel_aspect(file)
        if aspect is not None:
            set_aspect(header, *aspect)
    elif loader == "heifload":
        boxes = isobmff.read_contents(file)
        if page is not None and page <= len(boxes.pages):
            boxes.primary = boxes.pages[page - 1]
        losses = list_heif_losses(boxes, header.get_fields())
        _set_heif_metadata(header, boxes)
    block = get_blob(header, "exif-data")
    if block is not None and block.removeprefix(b"Exif\0\0")[:4] not in (b"II*\0", b"MM\0*"):
        for name in header.get_fields():
            if name.startswith("exif-"):
                header.remove(name)
        losses = (*losses, "EXIF is not kept: it is damaged")
    elif block is not None and loader != "tiffload":
        losses = (*losses, *_take_parts_of_exif(header, block))
    if loader in ("webpload", "heifload"):
        header = _with_resolution(header)
    stated = _states_resolution(loader, header, file, contents)
    if not stated and pixel_aspect(header) is None:
        ratio = exif_changes.pixel_aspect(get_blob(header, "exif-data"))
        if ratio is not None and max(ratio.numerator, ratio.denominator) < 1 << 31:
            set_aspect(header, ratio.numerator, ratio.denominator)
    header.set_type(pyvips.GValue.gint_type, RESOLUTION, int(stated))
    return header, losses


def set_frame_times(header: pyvips.Image, times: list[tuple[int, int]], plays: int) -> None:
    """Set the times of an animation's frames, in milliseconds for libvips and exactly.

    Args:
        header: of the animation.
        times: seconds, as numerator and denominator, for each frame.
        plays: how often it is played; 0 for ever.
    """
    header.set_type(pyvips.GValue.gint_type, "loop", min(plays, _LARGEST))
    header.set_type(pyvips.GValue.array_int_type, "delay", [min(round(1000 * a / b), _LARGEST) for a, b in times])
    numbers = [number for time in times for number in _with_small_numbers(*time)]
    header.set_type(pyvips.GValue.array_int_type, FRAME_TIMES, numbers)


def _with_small_numbers(numerator: int, denominator: int) -> tuple[int, int]:
    """A time that fits fields of libvips; of one that does not, the nearest millisecond."""
    if max(numerator, denominator) <= _LARGEST:
        return numerator, denominator
    return min(round(1000 * numerator / denominator), _LARGEST), 1000


def set_aspect(header: pyvips.Image, across: int, down: int) -> None:
    """State the shape of pixels as a PNG does.

    Args:
        header: of an image that states no resolution.
        across: pixels in a row that are as long as ``down`` pixels in a column.
        down: see ``across``.
    """
    content = struct.pack(">IIB", across, down, 0)
    _pack_blobs(header, CHUNKS, (*unpack_blobs(get_blob(header, CHUNKS)), png.chunk(b"pHYs", content)))


def _take_parts_of_exif(header: pyvips.Image, block: bytes) -> tuple[str, ...]:
    """Take XMP, IPTC and a profile out of EXIF, where few programs look for them; return what is not kept.

    In a TIFF they are beside EXIF. A block that is copied would have them twice, with statements about the old pixels.
    """
    rest, taken = exif_changes.take_values(block, (_XMP, _IPTC, _PHOTOSHOP, _ICC))
    if not taken:
        return ()
    header.set_type(pyvips.GValue.blob_type, "exif-data", rest)
    losses = []
    if packet := taken.get(_XMP, b"").rstrip(b"\0"):
        if get_blob(header, "xmp-data") is None:
            set_blob(header, "xmp-data", packet)
        else:
            losses.append("the XMP in EXIF (700) is not kept: the file has another one")
    records, resources = taken.get(_IPTC, b""), taken.get(_PHOTOSHOP, b"")
    if records or resources:
        if get_blob(header, "iptc-data") is None:
            both = records and jpeg.from_photoshop(resources) is None
            segment = jpeg.to_photoshop(records, resources) if both else jpeg.to_photoshop(b"")[:14] + resources
            set_blob(header, "iptc-data", segment)
        else:
            losses.append("the IPTC in EXIF (33723, 34377) is not kept: the file has another one")
    if _ICC in taken:
        losses.append("the colour profile in EXIF (34675) is not kept: decoders do not use it")
    return tuple(losses)


def _detach(header: pyvips.Image) -> pyvips.Image:
    """The same fields without the file, which would stay open as long as somebody holds the header."""
    copy = pyvips.Image.black(header.width, header.height, bands=header.bands).copy(
        interpretation=header.interpretation
    )
    own = set(copy.get_fields())
    fields = dict.fromkeys(header.get_fields())
    for name in fields:
        if name not in own and not name.startswith("gainmap"):  # an image, which would keep the file open
            copy.set_type(header.get_typeof(name), name, header.get(name))
    # Setting the EXIF block also sets the fields that libvips finds in it, and the resolution.
    for name in copy.get_fields() if "exif-data" in fields else ():
        if name not in own and name not in fields:
            copy.remove(name)
    return _with_densities(copy, header.xres, header.yres)


def _set_heif_metadata(header: pyvips.Image, contents: isobmff.Contents) -> None:
    if contents.referred("prem", contents.primary):
        header.set_type(pyvips.GValue.gint_type, PREMULTIPLIED, 1)
    rotation = None if contents.main is None else contents.main.content("irot")
    if rotation and rotation[0] & 1:
        header.set_type(pyvips.GValue.gint_type, TURNED, 1)
    points = isobmff.nclx_of(contents.main) or isobmff.nclx_of(contents.sequence)
    if points is None or header.get_typeof("icc-profile-data"):
        return  # for an image that is decoded, the profile precedes code points
    # What is unspecified is as in sRGB (MIAF).
    primaries, transfer = (1 if points[0] == 2 else points[0]), (13 if points[1] == 2 else points[1])
    if primaries == 1 and transfer in _LIKE_SRGB:
        return
    from subpixel.image.files.icc import Colours, build_profile  # few images need it

    colours = Colours.from_code_points(primaries, transfer)
    if colours is None:
        header.set_type(pyvips.GValue.array_int_type, CODE_POINTS, [primaries, transfer, 0, 1])
    else:  # which more programs understand
        set_blob(header, "icc-profile-data", build_profile(colours, gray=header.bands < 3))


def _set_png_metadata(header: pyvips.Image, contents: png.Contents) -> None:
    chunks: list[bytes] = []
    for each in contents.carried:
        kind, content = each[4:8], each[8:-4]
        if kind == b"bKGD":
            colour = png.background(content, contents.header, contents.palette)
            if colour is not None:
                chunks.append(png.chunk(kind, struct.pack(">3H", *colour)))
            continue
        if kind == b"cICP":
            header.set_type(pyvips.GValue.array_int_type, CODE_POINTS, list(content))
        chunks.append(each)
    _pack_blobs(header, CHUNKS, tuple(chunks))
    _pack_blobs(header, TEXTS, contents.texts)
    fields = {"exif": "exif-data", "xmp": "xmp-data", "icc": "icc-profile-data"}
    for name, data in contents.profiles.items():
        if name == "iptc":
            set_blob(header, "iptc-data", _photoshop_segment(data))
        elif get_blob(header, fields[name]) is None:
            set_blob(header, fields[name], data)
    if not header.get_typeof("icc-profile-data") and (profile := contents.profile) is not None:
        set_blob(header, "icc-profile-data", profile)


def _set_gif_metadata(header: pyvips.Image, file: BinaryIO) -> tuple[str, ...]:
    contents = gif.read_contents(file)
    if contents.packet is not None:
        set_blob(header, "xmp-data", contents.packet)
    if contents.profile is not None:
        set_blob(header, "icc-profile-data", contents.profile)
    if contents.resources is not None or contents.records is not None:
        set_blob(header, "iptc-data", _photoshop_segment(contents.resources or contents.records or b""))
    if contents.aspect:
        header.set_type(pyvips.GValue.gint_type, ASPECT, contents.aspect)
        set_aspect(header, _ASPECT_UNIT, contents.aspect + _LEAST_ASPECT)
    _pack_blobs(header, COMMENTS, contents.comments)
    return contents.losses


def _photoshop_segment(data: bytes) -> bytes:
    """Photoshop's resources as a JPEG holds them, from resources or from plain IPTC records."""
    start = jpeg.to_photoshop(b"")[:14]
    if data.startswith(start):
        return data
    return start + data if data.startswith(b"8BIM") else jpeg.to_photoshop(data)


def _pack_blobs(header: pyvips.Image, name: str, parts: tuple[bytes, ...]) -> None:
    if parts:
        set_blob(header, name, b"".join(struct.pack("<I", len(part)) + part for part in parts))


def _states_resolution(loader: str, header: pyvips.Image, file: BinaryIO, contents: png.Contents | None) -> bool:
    """Whether a file states a resolution, in EXIF or in a way of its format."""
    in_exif = RESOLUTION_ENTRIES & entries_of(get_blob(header, "exif-data")) and loader != "tiffload"
    if in_exif and not _lacks_unit(header):
        return True
    if loader in ("jpegload", "uhdrload"):
        return jpeg.states_resolution(file)
    if contents is not None:
        return contents.has_resolution
    if loader in ("tiffload", "bmpload"):
        return bool(header.get_typeof("resolution-unit"))
    return loader == "" and (header.xres, header.yres) != (1, 1)  # libvips' own format


def _lacks_unit(header: pyvips.Image) -> bool:
    """Whether EXIF states a resolution of no unit (ResolutionUnit 1), which is the shape of pixels at most."""
    return str(get_field(header, "exif-ifd0-ResolutionUnit", "2")).startswith("1 ")


def _with_resolution(header: pyvips.Image) -> pyvips.Image:
    """WebP and AVIF hold the resolution in EXIF only, where libvips does not look for it."""
    resolutions = []
    for axis in "XY":
        name = f"exif-ifd0-{axis}Resolution"
        text = str(get_field(header, name, ""))
        numerator, _, denominator = text.split(" ")[0].partition("/")
        try:
            resolutions.append(float(numerator) / float(denominator or 1))
        except ZeroDivisionError:
            resolutions.append(0.0)
        except ValueError:
            return header
    unit = str(get_field(header, "exif-ifd0-ResolutionUnit", "2"))
    per_millimetre = 1 / 10 if unit.startswith("3") else 1 / 25.4
    return _with_densities(header, resolutions[0] * per_millimetre, resolutions[1] * per_millimetre)


def _with_densities(header: pyvips.Image, x: float, y: float) -> pyvips.Image:
    """A header with pixels per millimetre; libvips leaves the old number where a new one is beyond its range."""
    return header.copy(xres=min(max(x, 0.0), _DENSEST), yres=min(max(y, 0.0), _DENSEST))
