"""The metadata of a result: the source's, adapted to the new pixels and to the format that is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pyvips

from subpixel.image.files.colour_spaces import GRAY, RGB
from subpixel.image.files.containers import jpeg
from subpixel.image.files.containers.exif_block import entries_of
from subpixel.image.files.containers.exif_changes import EMPTY, change_exif, maker_notes_are_bound
from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.containers.tiff import Tags
from subpixel.image.files.formats import Format
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.source_metadata import (
    BACKGROUND,
    COMMENTS,
    FRAME_TIMES,
    RESOLUTION,
    TEXTS,
    aspect_byte,
    geometry_of,
    get_blob,
    get_field,
    is_turned,
    loader_name,
    pixel_aspect,
    set_blob,
    unpack_blobs,
)
from subpixel.image.files.stated_colours import carried_chunks, stated_code_points, stated_profile
from subpixel.image.files.tiff_result import prepare_tags
from subpixel.image.files.xmp import change_properties, remove_properties
from subpixel.image.files.xmp_places import change_places

__all__ = ["PreparedImage", "prepare_metadata"]

# Fields that describe the old pixels or the old file, that libvips derives anew, or that are set below.
_DROPPED = (
    *("exif-", "jpeg-", "png-", "gif-", "webp-", "heif-", "vips-", "gainmap", "subpixel-"),
    *("orientation", "bits-per-sample", "palette", "n-pages", "page-height", "delay", "loop", "background"),
    *("interlaced", "icc-profile-data", "xmp-data", "iptc-data", "photoshop-data", "n-subifds", "subifd"),
)

# The unit of delays in milliseconds, its name, and the longest delay in milliseconds: 16 bits in a GIF, 24 in a WebP,
# less a second that is added while a WebP is written.
_DELAYS = {"GIF": (10, "hundredths of a second", 655_350), "WebP": (1, "milliseconds", 16_776_000)}
# Of a GIF and a WebP, 16 bits.
_MOST_PLAYS = 65_535

# How ImageMagick stores IPTC in a PNG.
_IPTC_TEXT = b"Raw profile type "

_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
# Properties that describe what a result does not have: previews, gain maps, the video of a motion photo, depth maps and
# sound behind the image or in extended XMP. Sources: Adobe's XMP specification; Google's formats of motion photos,
# Ultra HDR, depth maps and Dynamic Depth.
_GOOGLE = "http://ns.google.com/photos/"
_OF_LOST_PARTS: dict[str, tuple[str, ...]] = {
    "http://ns.adobe.com/xap/1.0/": ("Thumbnails",),
    "http://ns.adobe.com/xmp/note/": ("HasExtendedXMP",),
    "http://ns.adobe.com/hdr-gain-map/1.0/": ("*",),
    "http://ns.apple.com/HDRGainMap/1.0/": ("*",),
    **{f"{_GOOGLE}1.0/{kind}/": ("*",) for kind in ("camera", "container", "container/item")},
    **{f"{_GOOGLE}1.0/{kind}/": ("*",) for kind in ("depthmap", "image", "audio")},
    **{f"{_GOOGLE}dd/1.0/{kind}/": ("*",) for kind in ("container", "item", "device", "image", "depthmap", "camera")},
}


@dataclass(frozen=True)
class PreparedImage:
    """An image with the metadata to write.

    Args:
        image: for libvips to save, with the metadata that libvips writes; of an animation all frames.
        pages: the number of frames.
        notes: what the format cannot hold, one sentence each.
        exif: the EXIF block of the result, without ``Exif`` before it.
        iptc: the IPTC records, where libvips does not write them (TIFF).
        xmp: the XMP packet; libvips writes it, except into a GIF.
        texts: text chunks of a PNG.
        chunks: other chunks of a PNG that libvips does not write.
        comments: comments of a GIF.
        code_points: primaries and transfer of the colours (ITU-T H.273) for an AVIF, where no profile describes them.
        aspect: the byte of a GIF that states its pixels' aspect ratio, or 0.
        background: the background of an animated WebP: blue, green, red, alpha.
        times: of the frames of an animated PNG, in seconds: numerator and denominator.
        resolution: whether there is one to write.
        pixel_aspect: pixels across and down that are equally long, where there is no resolution; None if unknown.
        tiff_tags: tags of a TIFF that libvips does not write.
    """

    image: pyvips.Image
    pages: int = 1
    notes: tuple[str, ...] = ()
    exif: bytes | None = None
    iptc: bytes | None = None
    xmp: bytes | None = None
    texts: tuple[bytes, ...] = ()
    chunks: tuple[bytes, ...] = ()
    comments: tuple[bytes, ...] = ()
    code_points: tuple[int, int] | None = None
    aspect: int = 0
    background: bytes | None = None
    times: tuple[tuple[int, int], ...] = ()
    resolution: bool = False
    pixel_aspect: tuple[int, int] | None = None
    tiff_tags: Tags = field(default_factory=dict)


def prepare_metadata(
    image: pyvips.Image,
    header: pyvips.Image | None,
    form: Format,
    pages: int = 1,
    provenance: Provenance | None = None,
) -> PreparedImage:
    """New pixels with their colour space and everything in the source's metadata that still holds.

    Args:
        image: the pixels, of an animation all frames.
        header: of the source, see :func:`subpixel.image.files.source_metadata.collect_metadata`; None for no metadata.
        form: the format to write.
        pages: the number of frames.
        provenance: how the result was made; None to write nothing about it.
    """
    image = image.copy(interpretation=_space(image))
    stated = header is not None and get_field(header, RESOLUTION, 0) == 1
    resolution = False
    if header is not None:
        _copy_fields(image, header)
        # After EXIF, whose fields set the resolution too.
        resolution = stated and _plausible(header)
        across, down = (header.xres, header.yres) if resolution else (1, 1)
        if is_turned(header):
            across, down = down, across
        image = image.copy(xres=across, yres=down)
    notes = [form.caveat] if form.caveat else []
    bits = 16 if header is None else get_field(header, "bits-per-sample", 16)
    if form.bits and image.format == "ushort" and bits > form.bits:
        notes.append(f"{form.name} has {form.bits} bits per channel: {bits} were rounded to that")
    image, more = _with_profile(image, header, form)
    notes += more
    times: tuple[tuple[int, int], ...] = ()
    if pages > 1:
        times, more = _set_animation(image, header, form, pages)
        notes += more
    geometry = geometry_of(header, (image.width, image.height // pages))
    packet, more = _packet(header, form, geometry, provenance)
    notes += more
    if packet is not None and "xmp" in form.keeps and form.name != "GIF":
        set_blob(image, "xmp-data", packet)
    aspect_ratio = None if resolution else pixel_aspect(header)
    exif, more = _exif(image, header, form, geometry, aspect_ratio, resolution=resolution)
    iptc, others = _iptc(image, header, form)
    notes += [*more, *others]
    texts, comments = unpack_blobs(get_blob(header, TEXTS)), unpack_blobs(get_blob(header, COMMENTS))
    if texts and form.name != "PNG":
        if "iptc" in form.keeps:
            texts = tuple(text for text in texts if not text.startswith(_IPTC_TEXT, 8))
        names = ", ".join(chunk[8:].partition(b"\0")[0].decode("latin-1") for chunk in texts)
        if names:
            notes.append(f"{form.name} holds no PNG texts: {names} are not kept")
        texts = ()
    if comments and form.name != "GIF":
        notes.append(f"{form.name} holds no GIF comment: it is not kept")
        comments = ()
    if header is not None and stated and not resolution:
        dpi = f"{header.xres * 25.4:g}×{header.yres * 25.4:g} dpi"
        notes.append(f"the resolution ({dpi}) is implausible: it is not kept")
    elif resolution and "resolution" not in form.keeps:
        notes.append(f"{form.name} holds no resolution: it is not kept")
    chunks, more = carried_chunks(header, image, form)
    points = stated_code_points(header, form)
    aspect, background, lost = _aspect_and_background(header, form, pages)
    notes += [*more, *lost]
    converted = header is not None and header.interpretation not in (*GRAY, *RGB)
    bits = 16 if image.format == "ushort" else 8
    tags, more = prepare_tags(header, form, (image.width, image.height // pages), converted=converted, bits=bits)
    notes += more
    return PreparedImage(
        *(image, pages, tuple(notes), exif, iptc, packet, texts, chunks, comments, points, aspect, background, times),
        resolution=resolution,
        pixel_aspect=aspect_ratio,
        tiff_tags=tags,
    )


def _plausible(header: pyvips.Image) -> bool:
    """Whether the resolution is from 0.25 to 65,535 dpi, JPEG's maximum; others come from broken files."""
    return all(0.01 <= per_millimetre <= 65535 / 25.4 for per_millimetre in (header.xres, header.yres))


def _space(image: pyvips.Image) -> str:
    gray, wide = image.bands < 3, image.format == "ushort"
    if image.format == "float":
        return "b-w" if gray else "scrgb"
    if gray:
        return "grey16" if wide else "b-w"
    return "rgb16" if wide else "srgb"


def _copy_fields(image: pyvips.Image, header: pyvips.Image) -> None:
    own = set(image.get_fields())

    def is_dropped(name: str) -> bool:
        return name.startswith(_DROPPED) or "Orientation" in name

    for name in header.get_fields():
        if name not in own and not is_dropped(name):
            image.set_type(header.get_typeof(name), name, header.get(name))


def _with_profile(
    image: pyvips.Image, header: pyvips.Image | None, form: Format
) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Keep the profile if it fits the pixels; convert colours to sRGB if the format holds no profile."""
    gray = image.bands < 3
    # Gray becomes RGB with equal channels in a format without gray, and is converted as gray in one without profiles.
    stated = stated_profile(header, form, gray=gray and (form.gray or "icc" not in form.keeps))
    profile, notes = stated.profile, stated.notes
    if profile is None or header is None or header.interpretation not in (*GRAY, *RGB):
        return image, notes  # after a conversion the profile describes the old colours
    if not stated.is_source and "icc" in form.keeps:
        set_blob(image, "icc-profile-data", profile)
        return image, notes
    if profile[16:20] != (b"GRAY" if gray else b"RGB ") and stated.is_source:
        space = profile[16:20].decode("latin-1").strip()
        wrong = f"the colour profile is for {space} and the image is {'gray' if gray else 'RGB'}: it is not kept"
        return image, (*notes, wrong)
    set_blob(image, "icc-profile-data", profile)
    if "icc" in form.keeps and (form.gray or not gray):
        return image, notes
    lacks = "no colour profile" if "icc" not in form.keeps else "no gray and so no gray profile"
    depth = 16 if image.format == "ushort" else 8
    try:
        image = image.icc_transform("srgb", embedded=True, depth=depth)
    except pyvips.Error:
        image.remove("icc-profile-data")
        return image, (*notes, f"{form.name} holds {lacks}: the source's broken profile is not kept")
    image = image.copy()
    if image.get_typeof("icc-profile-data"):
        image.remove("icc-profile-data")
    return image, (*notes, f"{form.name} holds {lacks}: colours were converted to sRGB")


def _aspect_and_background(
    header: pyvips.Image | None, form: Format, pages: int
) -> tuple[int, bytes | None, tuple[str, ...]]:
    """What a GIF states about its pixels and an animated WebP about what is behind them."""
    background = get_blob(header, BACKGROUND)
    notes = []
    aspect, exact = aspect_byte(header) if form.name == "GIF" else (0, True)
    if not exact:
        rounded = "GIF states the shape of pixels in 64ths: it was rounded"
        notes.append(rounded if aspect else "the shape of the pixels is not kept: GIF cannot state it")
    if background is not None and (form.name != "WebP" or pages == 1):
        notes.append(f"the background of the animation is not kept in {form.name}")
        background = None
    return aspect, background, tuple(notes)


def _set_animation(
    image: pyvips.Image, header: pyvips.Image | None, form: Format, pages: int
) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """Set the times and repetitions; return the times for an animated PNG, and notes."""
    image.set_type(pyvips.GValue.gint_type, "page-height", image.height // pages)
    notes = []
    if header is not None and header.get_typeof("loop"):
        plays = header.get("loop")
        if form.name in _DELAYS and plays > _MOST_PLAYS:
            notes.append(f"{form.name} is played at most {_MOST_PLAYS} times, not {plays}, or for ever")
        image.set_type(pyvips.GValue.gint_type, "loop", min(plays, _MOST_PLAYS) if form.name in _DELAYS else plays)
    if header is None or not header.get_typeof("delay"):
        return ((1, 10),) * pages if form.name == "PNG" else (), tuple(notes)
    delays = header.get("delay")
    numbers = get_field(header, FRAME_TIMES, [number for delay in delays for number in (delay, 1000)])
    exact = [Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    if form.name == "PNG":
        times = tuple(_png_time(each) for each in exact)
        image.set_type(pyvips.GValue.array_int_type, "delay", delays)
        same = all(Fraction(*time) == each for time, each in zip(times, exact, strict=True))
        return times, () if same else ("PNG stores delays as fractions of 16 bits: they were rounded",)
    unit, name, most = _DELAYS[form.name]
    limited = [min(each, Fraction(most, 1000)) for each in exact]
    rounded = [round(1000 * each / unit) * unit for each in limited]
    image.set_type(pyvips.GValue.array_int_type, "delay", rounded)
    if limited != exact:
        notes.append(f"delays of more than {most / 1000:g} seconds were shortened to that in {form.name}")
    if any(1000 * each != delay for each, delay in zip(limited, rounded, strict=True)):
        notes.append(f"{form.name} stores delays in {name}: they were rounded")
    return (), tuple(notes)


def _png_time(seconds: Fraction) -> tuple[int, int]:
    """Numerator and denominator of 16 bits; in thousandths or hundredths where that is exact, as people write them."""
    most = (1 << 16) - 1
    for unit in (1000, 100, 10, 1):
        if (seconds * unit).denominator == 1 and seconds * unit <= most:
            return int(seconds * unit), unit
    if seconds > most:
        return most, 1
    close = seconds.limit_denominator(most if seconds <= 1 else max(1, int(most / seconds)))
    return (close.numerator, close.denominator) if close.numerator <= most else (most, 1)


def _packet(
    header: pyvips.Image | None, form: Format, geometry: Geometry, provenance: Provenance | None
) -> tuple[bytes | None, tuple[str, ...]]:
    """The XMP packet with the result's orientation, size and provenance."""
    packet = get_blob(header, "xmp-data")
    notes: list[str] = []
    changed = None
    if packet is not None:
        size = {"X": str(geometry.size[0]), "Y": str(geometry.size[1])}
        exif = {f"Pixel{axis}Dimension": length for axis, length in size.items()}
        tiff = {"ImageWidth": size["X"], "ImageLength": size["Y"]}
        if header is not None and header.get_typeof("orientation"):
            tiff["Orientation"] = "1"  # else the pixels are as they were, and so is what XMP says about them
        changed = change_properties(packet, {_TIFF: tiff, _EXIF: exif})
        changed = None if changed is None else remove_properties(changed, _OF_LOST_PARTS)
        if changed is None:
            notes.append("the XMP cannot be parsed: it is kept unchanged")
        else:
            packet, names = change_places(changed, geometry)
            notes += [f"{name} of XMP, a place in the source's pixels, is not kept" for name in names]
    if provenance is not None and (packet is None or changed is not None):
        packet = provenance.add_to_packet(packet)
    if packet is not None and form.name == "JPEG" and len(packet) + 29 > jpeg.LARGEST_SEGMENT:
        notes.append("the XMP is too large for JPEG: it is not kept")
        packet = None if provenance is None else provenance.add_to_packet(None)
    if packet is not None and form.name in ("GIF", "PNG") and b"\0" in packet:
        packet = packet.rstrip(b"\0")
        if b"\0" in packet:
            notes.append(f"the XMP has zeros inside, which {form.name} cannot hold: it is not kept")
            packet = None if provenance is None else provenance.add_to_packet(None)
    return packet, tuple(notes)


def _exif(
    image: pyvips.Image,
    header: pyvips.Image | None,
    form: Format,
    geometry: Geometry,
    aspect: tuple[int, int] | None,
    *,
    resolution: bool,
) -> tuple[bytes | None, tuple[str, ...]]:
    """The EXIF block of the result; None if there is nothing to state."""
    block = get_blob(header, "exif-data")
    if not entries_of(block):
        block = None
    if "exif" not in form.keeps:
        return None, () if block is None else (f"{form.name} holds no EXIF: it is not kept",)
    if form.name not in ("WebP", "AVIF"):
        aspect = None  # which JPEG, PNG and TIFF state in their own ways
    # A resolution is in EXIF only, in these formats.
    stated = aspect is not None or (resolution and form.name in ("JPEG", "WebP", "AVIF"))
    if block is None and not stated:
        return None, ()
    density = (image.xres * 25.4, image.yres * 25.4) if resolution else None
    changed, names = change_exif(block or EMPTY, geometry, density, aspect)
    changed = changed.removeprefix(b"Exif\0\0")
    if form.name == "JPEG" and len(changed) + 6 > jpeg.LARGEST_SEGMENT:
        lost = "the EXIF is too large for JPEG: it is not kept"
        return change_exif(EMPTY, geometry, density)[0] if stated else None, (lost,)
    notes = tuple(f"{name} of EXIF, a place in the source's pixels, is not kept" for name in names)
    if "TIFF" in (form.name, "TIFF" if loader_name(header) == "tiffload" else "") and maker_notes_are_bound(block):
        moved = "the maker's notes of the camera (MakerNote) are moved: places in them may not hold"
        return changed, (*notes, moved)
    return changed, notes


def _iptc(image: pyvips.Image, header: pyvips.Image | None, form: Format) -> tuple[bytes | None, tuple[str, ...]]:
    """Set Photoshop's resources of a JPEG or a TIFF; return the IPTC records to write without libvips (TIFF)."""
    segment = get_blob(header, "iptc-data")
    segment = None if segment is None else jpeg.remove_previews(segment)
    if not segment:
        return None, ()
    records = jpeg.from_photoshop(segment)
    if "iptc" not in form.keeps:
        in_text = form.name == "PNG" and any(
            text.startswith(_IPTC_TEXT, 8) for text in unpack_blobs(get_blob(header, TEXTS))
        )
        return None, (f"{form.name} holds no IPTC: it is not kept",) if records and not in_text else ()
    if form.name == "JPEG":
        if len(segment) > jpeg.LARGEST_SEGMENT:
            return None, ("the IPTC is too large for JPEG: it is not kept",)
        set_blob(image, "iptc-data", segment)
        return None, ()
    resources = jpeg.resources(segment)
    if resources and (records is None or len(segment) > len(jpeg.to_photoshop(records))):
        set_blob(image, "photoshop-data", resources)
    return records, ()
