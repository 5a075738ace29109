"""Whether a colour profile can be used: its header, its table of tags, and whether the colour engine opens it.

Encoders refuse a whole image for a damaged profile, or drop it without a word. So it is checked before it is used.

Source: ICC.1:2022, clause 7 (header and tag table) and clause 8 (tags that each class of profile needs).
"""

from __future__ import annotations

from functools import lru_cache

import pyvips

__all__ = ["check_profile"]

_HEADER, _ENTRY = 128, 12
# Classes of profiles that describe the colours of images: input, display, output, colour space.
_CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")
# The other classes: a link of two devices, an abstract effect, names of colours.
_OTHER_CLASSES = (b"link", b"abst", b"nmcl")
_VERSIONS = (2, 3, 4)
_CONNECTIONS = (b"XYZ ", b"Lab ")
# Tags from which colours can be computed: one of these, or all of a matrix or of a gray curve.
_TABLES = (b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2")
_MATRIX = {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}
_CURVE = {b"kTRC"}
# Spaces of images that libvips can write for a trial: bands and libvips' name.
_TRIALS = {b"GRAY": (1, "b-w"), b"RGB ": (3, "srgb"), b"CMYK": (4, "cmyk")}


@lru_cache(maxsize=16)
def check_profile(profile: bytes, as_png: bool = False) -> tuple[bytes | None, str]:
    """The profile without bytes after its end, or None and what is wrong with it.

    Args:
        profile: as it was found in a file.
        as_png: whether it will be written into a PNG, whose encoder has checks of its own.

    >>> check_profile(b"profile")
    (None, 'it is damaged (cut short)')
    """
    size = int.from_bytes(profile[:4], "big")
    problem = _problem_of_header(profile, size) or _problem_of_tags(profile, size)
    if problem:
        return None, problem
    profile = profile[:size]  # padding after the end, which some writers leave, is no part of it
    if not _can_be_written(profile, as_png):
        return None, "it is damaged"
    return profile, ""


def _problem_of_header(profile: bytes, size: int) -> str:
    if len(profile) < _HEADER + 4 or size > len(profile):
        return "it is damaged (cut short)"
    if profile[36:40] != b"acsp":
        return "it is damaged (no signature)"
    if size < _HEADER + 4:
        return f"it is damaged (a size of {size} bytes)"
    if profile[8] not in _VERSIONS:
        return f"it is damaged or too new (version {profile[8]})"
    if profile[12:16] in _OTHER_CLASSES:
        return f"it is of a kind that describes no image (class {_name(profile[12:16])})"
    if profile[12:16] not in _CLASSES:
        return f"it is damaged (class {_name(profile[12:16])})"
    if profile[20:24] not in _CONNECTIONS:
        return f"it is damaged (connection space {_name(profile[20:24])})"
    return ""


def _problem_of_tags(profile: bytes, size: int) -> str:
    count = int.from_bytes(profile[_HEADER : _HEADER + 4], "big")
    start = _HEADER + 4
    if start + count * _ENTRY > size:
        return f"it is damaged ({count} tags)"
    tags = set()
    for at in range(start, start + count * _ENTRY, _ENTRY):
        offset, length = (int.from_bytes(profile[at + k : at + k + 4], "big") for k in (4, 8))
        if offset + length > size:
            return f"it is damaged (tag {_name(profile[at : at + 4])} ends beyond its end)"
        tags.add(profile[at : at + 4])
    needed = _CURVE if profile[16:20] == b"GRAY" else _MATRIX
    if not tags.intersection(_TABLES) and not needed <= tags:
        return "it is damaged (tags are missing)"
    return ""


def _name(signature: bytes) -> str:
    """Four bytes as text that can be printed."""
    text = signature.decode("latin-1").strip("\0 ")
    return text if text.isprintable() and text else signature.hex()


def _can_be_written(profile: bytes, as_png: bool) -> bool:
    """Whether an image of one pixel keeps the profile: libvips asks the colour engine, and libpng looks for itself."""
    if profile[16:20] not in _TRIALS:
        return True
    bands, space = _TRIALS[profile[16:20]]
    image = pyvips.Image.black(1, 1, bands=bands).copy(interpretation=space)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    try:
        if as_png and space != "cmyk":
            return b"iCCP" in image.pngsave_buffer()
        return b"ICC_PROFILE\0" in image.jpegsave_buffer()
    except pyvips.Error:
        return False
