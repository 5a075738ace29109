"""Colours that a file states as numbers, for a result whose format wants a profile.

A PNG states them in chunks, of which the first in this order holds: cICP, the profile, sRGB, gAMA with cHRM (PNG, third
edition, section 12.1). Code points precede the profile in other formats too.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyvips

from subpixel.errors import InvalidArgument
from subpixel.image.files.colour_spaces import GRAY, RGB
from subpixel.image.files.containers.png import INVENTORY, chunk
from subpixel.image.files.containers.tiff import unpack_tags
from subpixel.image.files.containers.tiff_inventory import name_of
from subpixel.image.files.formats import Format
from subpixel.image.files.icc_check import check_profile
from subpixel.image.files.source_metadata import (
    CHUNKS,
    CODE_POINTS,
    TIFF_TAGS,
    get_blob,
    get_field,
    is_turned,
    unpack_blobs,
)

if TYPE_CHECKING:
    from subpixel.image.files.icc import Colours

__all__ = ["StatedProfile", "carried_chunks", "stated_code_points", "stated_profile"]

# Transfers of H.273 that no profile describes: PQ and HLG.
_HDR = (16, 18)
# Chunks whose meaning a profile has. The others are lost outside of a PNG.
_COLOURS = (b"cICP", b"sRGB", b"gAMA", b"cHRM")


@dataclass(frozen=True)
class StatedProfile:
    """The profile of a result.

    Args:
        profile: the profile; None for none.
        is_source: whether the source has it, and numbers do not replace it.
        notes: what cannot be stated, one sentence each.
    """

    profile: bytes | None
    is_source: bool = True
    notes: tuple[str, ...] = ()


def stated_profile(header: pyvips.Image | None, form: Format, *, gray: bool) -> StatedProfile:
    """The profile for a result, from the source's profile and numbers.

    Args:
        header: of the source.
        form: the format to write. A PNG states numbers itself.
        gray: whether the profile is for one channel.
    """
    own, notes = _source_profile(header, form)
    from_tiff = get_blob(header, TIFF_TAGS) is not None
    if header is None or (form.name == "PNG" and not from_tiff):
        return StatedProfile(own, notes=tuple(notes))
    if form.name != "TIFF" and from_tiff:
        return _tiff_profile(header, form, own, tuple(notes), gray=gray)
    chunks = {each[4:8]: each[8:-4] for each in unpack_blobs(get_blob(header, CHUNKS))}
    points = get_field(header, CODE_POINTS, None)
    if points is None and (own is not None or not chunks.keys() & {*_COLOURS}):
        return StatedProfile(own, notes=tuple(notes))
    from subpixel.image.files.icc import HDR_TRANSFERS, SRGB, Colours, build_profile  # few images need it

    colours = None
    if points is not None:
        primaries, transfer, _, full = points
        colours = Colours.from_code_points(primaries, transfer)
        if transfer in HDR_TRANSFERS and form.name == "AVIF":
            return StatedProfile(None, notes=tuple(notes))  # they are stated as numbers, see stated_code_points
        if transfer in HDR_TRANSFERS:
            notes.append(
                f"the image is HDR ({HDR_TRANSFERS[transfer]}, code points {primaries}/{transfer}), which is not kept "
                f"in {form.name}: it will look wrong; png and avif keep it"
            )
        elif not full:
            notes.append(f"the samples are in narrow range, which {form.name} cannot state; png keeps it")
        elif colours is None and 2 not in (primaries, transfer):
            notes.append(f"the code points {primaries}/{transfer} of the colours are not known: they are not kept")
        if not full:
            colours = None
    if colours is None and own is not None:
        return StatedProfile(own, notes=tuple(notes))
    if colours is None and b"sRGB" in chunks:
        colours = SRGB
    if colours is None and (b"gAMA" in chunks or b"cHRM" in chunks):
        try:
            colours = _by_gamma(chunks.get(b"gAMA"), chunks.get(b"cHRM"))
        except InvalidArgument as error:
            notes.append(f"the stated colours are not kept: {error}")
    if colours is None or ("icc" not in form.keeps and colours in (SRGB, Colours.from_code_points(1, 13))):
        return StatedProfile(own, notes=tuple(notes))  # without a profile, colours are sRGB
    return StatedProfile(build_profile(colours, gray=gray), False, tuple(notes))


def _tiff_profile(
    header: pyvips.Image, form: Format, own: bytes | None, notes: tuple[str, ...], *, gray: bool
) -> StatedProfile:
    from subpixel.image.files.icc import SRGB, build_profile  # few images need it
    from subpixel.image.files.tiff_colours import COLOUR_TAGS, tiff_colours

    try:
        colours = tiff_colours(header)
    except InvalidArgument as error:
        found = unpack_tags(get_blob(header, TIFF_TAGS)).keys() & {*COLOUR_TAGS}
        names = ", ".join(name_of(tag) for tag in sorted(found))
        lost = f"the stated colours ({names}) are not kept in {form.name}: {error}"
        return StatedProfile(own, notes=(*notes, lost))
    if colours in (None, SRGB):
        return StatedProfile(own, notes=notes)
    assert colours is not None
    return StatedProfile(build_profile(colours, gray=gray), False, notes)


def stated_code_points(header: pyvips.Image | None, form: Format) -> tuple[int, int] | None:
    """Primaries and transfer to state in an AVIF, for colours that no profile describes."""
    points = None if header is None or form.name != "AVIF" else get_field(header, CODE_POINTS, None)
    return (points[0], points[1]) if points is not None and points[1] in _HDR else None


def carried_chunks(
    header: pyvips.Image | None, image: pyvips.Image, form: Format
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """The chunks to write into a PNG, and notes about those that another format lacks.

    Args:
        header: of the source.
        image: the result.
        form: the format to write.
    """
    chunks = unpack_blobs(get_blob(header, CHUNKS))
    if form.name != "PNG":
        # The aspect ratio of the pixels (pHYs) is stated in other ways.
        names = [each[4:8].decode() for each in chunks if each[4:8] not in (*_COLOURS, b"pHYs")]
        return (), tuple(f"{INVENTORY.by_name[name].meaning} ({name}) is not kept in {form.name}" for name in names)
    points = None if header is None else get_field(header, CODE_POINTS, None)
    if points is not None and not any(each[4:8] == b"cICP" for each in chunks):
        primaries, transfer, _, full = points  # the samples are RGB, whatever they were decoded from
        chunks = (chunk(b"cICP", bytes([primaries, transfer, 0, full])), *chunks)
    if header is not None and is_turned(header):
        chunks = tuple(_on_its_side(each) if each[4:8] == b"pHYs" else each for each in chunks)
    return tuple(_background(each, image) if each[4:8] == b"bKGD" else each for each in chunks), ()


def _source_profile(header: pyvips.Image | None, form: Format) -> tuple[bytes | None, list[str]]:
    """The source's profile, and a note if it cannot be used. One for other pixels than the result's is left alone."""
    own = get_blob(header, "icc-profile-data")
    if own is None or header is None or header.interpretation not in (*GRAY, *RGB):
        return own, []
    profile, problem = check_profile(own, form.name == "PNG")
    return profile, [] if profile is not None else [f"the colour profile is not kept: {problem}"]


def _on_its_side(whole: bytes) -> bytes:
    """The shape of pixels after a quarter turn."""
    across, down, unit = struct.unpack(">IIB", whole[8:-4])
    return chunk(b"pHYs", struct.pack(">IIB", down, across, unit))


def _background(whole: bytes, image: pyvips.Image) -> bytes:
    """A background of 16-bit red, green and blue as the result's samples are."""
    values = struct.unpack(">3H", whole[8:-4])
    if image.format != "ushort":
        values = tuple((value + 128) // 257 for value in values)
    if image.bands < 3:
        values = values[:1]
    return chunk(b"bKGD", struct.pack(f">{len(values)}H", *values))


def _by_gamma(gamma: bytes | None, points: bytes | None) -> Colours:
    from subpixel.image.files.icc import Colours

    exponent = None
    if gamma is not None:
        stored = int.from_bytes(gamma, "big")
        if not stored:
            raise InvalidArgument("a gamma of 0 is impossible")
        exponent = 100_000 / stored
    if points is None:
        return Colours.from_gamma(exponent)
    white, red, green, blue = (tuple(v / 100_000 for v in struct.unpack_from(">2i", points, 8 * k)) for k in range(4))
    return Colours.from_gamma(exponent, (*red, *green, *blue, *white))
