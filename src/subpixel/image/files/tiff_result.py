"""Tags that only a TIFF holds, for a result: scaled with the image, or named in a note."""

from __future__ import annotations

import pyvips

from subpixel.image.files.containers import tiff
from subpixel.image.files.containers.geotiff import GEOGRAPHIC, for_size
from subpixel.image.files.containers.tiff_inventory import name_of
from subpixel.image.files.formats import Format
from subpixel.image.files.source_metadata import TIFF_TAGS, get_blob, get_field

__all__ = ["prepare_tags"]

_TRANSFER_FUNCTION, _WHITE_POINT, _PRIMARIES, _NODATA = 301, 318, 319, 42113
_LOOKS = (_TRANSFER_FUNCTION, _WHITE_POINT, _PRIMARIES)


def prepare_tags(
    header: pyvips.Image | None, form: Format, size: tuple[int, int], *, converted: bool, bits: int
) -> tuple[tiff.Tags, tuple[str, ...]]:
    """The tags to write into a TIFF, and what a result lacks, one sentence each.

    Args:
        header: of the source; None for none.
        form: the format to write.
        size: width and height of the result.
        converted: whether colours are no longer those of the source.
        bits: of a sample of the result.
    """
    tags = dict(tiff.unpack_tags(get_blob(header, TIFF_TAGS)))
    if header is None or not tags:
        return {}, ()
    notes = []
    has_profile = get_blob(header, "icc-profile-data") is not None
    if has_profile or (form.name != "TIFF" and not converted):  # which says the same, and better
        tags = {tag: value for tag, value in tags.items() if tag not in _LOOKS}
    elif converted:
        notes += _drop(tags, set(_LOOKS), "describes colours before their conversion")
    elif tags.get(_TRANSFER_FUNCTION, (3, 1 << bits, b""))[1] not in (1 << bits, 3 << bits):
        notes += _drop(tags, {_TRANSFER_FUNCTION}, "is for samples of another depth")
    if get_field(header, "orientation", 1) > 1:
        notes += _drop(tags, set(GEOGRAPHIC), "is for the image before it is turned upright")
    if form.name != "TIFF":
        georeference = [tag for tag in sorted(tags) if tag in GEOGRAPHIC]
        if georeference:
            notes.append(f"{form.name} holds no georeference: it is not kept ({_names(georeference)})")
        others = [tag for tag in sorted(tags) if tag not in GEOGRAPHIC]
        if others:
            verb = "is" if len(others) == 1 else "are"
            notes.append(f"{form.name} holds no TIFF tags: {_names(others)} {verb} not kept")
        return {}, tuple(notes)
    return for_size(tags, (header.width, header.height), size), tuple(notes)


def _drop(tags: dict[int, tuple[int, int, bytes]], unwanted: set[int], why: str) -> list[str]:
    found = sorted(unwanted & tags.keys())
    for tag in found:
        del tags[tag]
    return [f"what {why} is not kept ({_names(found)})"] if found else []


def _names(tags: list[int]) -> str:
    return ", ".join(name_of(tag) for tag in tags)
