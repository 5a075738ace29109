"""What goes along with the pixels of a picture from one file to another."""

from __future__ import annotations

import pyvips

__all__ = ["GRAY", "RGB", "with_metadata"]

# Spaces whose encoded values the networks may work on as they are.
GRAY = ("b-w", "grey16")
RGB = ("srgb", "rgb", "rgb16", "scrgb", "multiband")

# The header's entries that describe the old pixels, or that libvips derives anew.
_NOT_KEPT = ("exif-ifd1-", "jpeg-", "png-", "vips-", "orientation", "bits-per-sample", "palette", "n-pages")


def with_metadata(image: pyvips.Image, header: pyvips.Image | None) -> pyvips.Image:
    """New pixels with the colour space of their bands and depth, and all that still holds of an old header."""
    gray, wide = image.bands < 3, image.format == "ushort"
    if image.format == "float":
        space = "b-w" if gray else "scrgb"
    elif gray:
        space = "grey16" if wide else "b-w"
    else:
        space = "rgb16" if wide else "srgb"
    if header is None:
        return image.copy(interpretation=space)
    image = image.copy(interpretation=space, xres=header.xres, yres=header.yres)
    own = set(image.get_fields())
    converted = header.interpretation not in (*GRAY, *RGB)

    def dropped(name: str) -> bool:
        if converted and name == "icc-profile-data":
            return True  # it describes the colours before the conversion
        return name.startswith(_NOT_KEPT) or "Orientation" in name

    for name in header.get_fields():
        if name not in own and not dropped(name):
            image.set_type(header.get_typeof(name), name, header.get(name))
    # Setting the block of EXIF lays out all that is in it, and with it what must go: the old turn, the old preview.
    for name in image.get_fields():
        if name not in own and dropped(name):
            image.remove(name)
    return image
