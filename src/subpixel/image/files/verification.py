"""Reading a written file's header back, before it takes its place: what is in it must be what was to be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pyvips

from subpixel.errors import ImageWriteError
from subpixel.image.files.containers import gif, png, tiff
from subpixel.image.files.formats import Format
from subpixel.image.files.output_metadata import Ready
from subpixel.image.files.source_metadata import blob, field
from subpixel.image.files.vips_paths import for_libvips

__all__ = ["verify"]

# EXIF that libvips sets by itself.
_OF_LIBVIPS = ("Resolution", "ResolutionUnit", "YCbCrPositioning", "ColorSpace", "ExifVersion", "FlashpixVersion")


def verify(path: Path, scratch: Path, ready: Ready, form: Format) -> tuple[str, ...]:
    """Compare a written file with what was to be written.

    Args:
        path: its destination, for the error.
        scratch: the file.
        ready: what was to be written.
        form: its format.

    Returns:
        What the format made of it that is no loss, a sentence each.

    Raises:
        ImageWriteError: it differs; the text says in what.
    """
    options = {"n": -1} if ready.pages > 1 else {}
    try:
        with for_libvips(scratch) as name:
            result = pyvips.Image.new_from_file(name, access="sequential", revalidate=True, **options)
    except pyvips.Error:
        raise ImageWriteError(f"{path}: what was written cannot be read again; nothing was put in place") from None
    notes: tuple[str, ...] = ()
    wrong = [*_pixels(result, ready, form), *_libvips(result, ready, form), *_own(scratch, ready, form)]
    if ready.pages > 1:
        frames, notes = _animation(result, ready)
        wrong += frames
    if wrong:
        raise ImageWriteError(f"{path}: what was written differs ({', '.join(wrong)}); nothing was put in place")
    return notes


def _pixels(result: pyvips.Image, ready: Ready, form: Format) -> Iterator[str]:
    image = ready.image
    if result.width != image.width or _page_height(result) != image.height // ready.pages:
        yield f"its size is {result.width}×{_page_height(result)}"
    if result.format != image.format:
        yield f"its samples are {result.format}, not {image.format}"
    expected = {image.bands} if form.gray else {3} if image.bands % 2 else {4, 3}
    if form.name == "GIF":
        expected = {3, 4}
    if result.bands not in expected:
        yield f"it has {result.bands} bands, not {image.bands}"


def _libvips(result: pyvips.Image, ready: Ready, form: Format) -> Iterator[str]:
    image = ready.image
    if blob(result, "icc-profile-data") != blob(image, "icc-profile-data"):
        yield "its colour profile"
    written = blob(image, "xmp-data")
    if (blob(result, "xmp-data") or b"").rstrip(b"\0") != (written or b"").rstrip(b"\0"):
        yield "its XMP"
    if form.name == "JPEG" and blob(result, "iptc-data") != blob(image, "iptc-data"):
        yield "its IPTC"
    if form.name != "TIFF" and "exif" in form.keeps:
        there = _exif(result)
        for name, value in _exif(image).items():
            if there.get(name) != value:
                yield f"EXIF's {name.split('-')[-1]}"
    if "resolution" in form.keeps and form.name not in ("WebP", "AVIF"):
        # PNG counts whole pixels a metre, JPEG whole pixels an inch or centimetre.
        pairs = ((result.xres, image.xres), (result.yres, image.yres))
        if not all(math.isclose(one, other, rel_tol=1e-3, abs_tol=0.025) for one, other in pairs):
            yield f"its resolution ({result.xres:.2f}×{result.yres:.2f} a mm, not {image.xres:.2f}×{image.yres:.2f})"
    if field(result, "orientation", 1) > 1:
        yield "its orientation"


def _own(scratch: Path, ready: Ready, form: Format) -> Iterator[str]:
    """What is written without libvips."""
    if form.name == "TIFF":
        if ready.iptc is not None and tiff.iptc(scratch) != ready.iptc:
            yield "its IPTC"
        if ready.exif is not None and not tiff.same_exif(ready.exif, tiff.exif(scratch)):
            yield "its EXIF"
    if form.name == "PNG" and png.texts(scratch) != ready.texts:
        yield "its texts"
    if form.name == "GIF" and gif.blocks(scratch) != (ready.xmp, ready.comments):
        yield "its comments"


def _animation(result: pyvips.Image, ready: Ready) -> tuple[list[str], tuple[str, ...]]:
    wrong: list[str] = []
    notes: tuple[str, ...] = ()
    pages = field(result, "n-pages", 1)
    after = field(result, "delay", [0])
    before = field(ready.image, "delay", after)
    if sum(after) != sum(before) or pages > ready.pages:
        wrong.append("its delays")
    elif pages < ready.pages:
        notes = (f"{ready.pages - pages} frames that equal the one before are shown as one, for as long as both",)
    elif after != before:
        wrong.append("its delays")
    if pages > 1 and field(result, "loop", 0) != field(ready.image, "loop", 0):
        wrong.append("how often it is repeated")
    return wrong, notes


def _page_height(image: pyvips.Image) -> int:
    return int(field(image, "page-height", image.height))


def _exif(image: pyvips.Image) -> dict[str, str]:
    """EXIF as libvips lays it out: the value of each entry, without its own words about the kind of it."""
    return {
        name: str(image.get(name)).rpartition(" (")[0] or str(image.get(name))
        for name in image.get_fields()
        if name.startswith("exif-ifd") and not name.endswith(_OF_LIBVIPS)
    }
