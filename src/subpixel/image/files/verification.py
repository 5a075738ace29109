"""Verifying a written file before it is moved into place: its header must say what was to be written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyvips

from subpixel.errors import ImageWriteError
from subpixel.image.files.containers import apng, gif, isobmff, png, tiff, webp
from subpixel.image.files.exif_place import read_block
from subpixel.image.files.formats import Format
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.output_metadata import PreparedImage
from subpixel.image.files.source_metadata import get_blob, get_field

__all__ = ["verify"]


def verify(path: Path, scratch: Path, expected: PreparedImage, form: Format) -> tuple[str, ...]:
    """Compare a written file with what was to be written.

    Args:
        path: the destination, for the error.
        scratch: the written file.
        expected: what was to be written.
        form: its format.

    Returns:
        Changes by the format that lose nothing, one sentence each.

    Raises:
        ImageWriteError: the file differs; the message says how.
        OSError: the file cannot be read.
    """
    options = {"n": -1} if expected.pages > 1 and not expected.times else {}
    notes: tuple[str, ...] = ()
    with OpenFile(scratch) as file:
        try:
            result = file.vips_image(access="sequential", **options)
        except pyvips.Error:
            raise ImageWriteError(f"{path}: the written file cannot be read back; it was discarded") from None
        with file.reader() as reader:
            differences = [
                *_compare_pixels(result, expected, form),
                *_compare_vips_fields(result, expected, form),
                *_compare_own_fields(reader, expected, form),
            ]
    if expected.pages > 1 and not expected.times:
        more, notes = _compare_animation(result, expected)
        differences += more
    if differences:
        raise ImageWriteError(f"{path}: the written file differs ({', '.join(differences)}); it was discarded")
    return notes


def _compare_pixels(result: pyvips.Image, expected: PreparedImage, form: Format) -> Iterator[str]:
    image = expected.image
    if result.width != image.width or _page_height(result) != image.height // expected.pages:
        yield f"size {result.width}×{_page_height(result)}"
    if result.format != image.format:
        yield f"samples {result.format}, not {image.format}"
    bands = {image.bands} if form.gray else {3} if image.bands % 2 else {4, 3}
    if form.name == "GIF":
        bands = {3, 4}
    if result.bands == 4 and bands == {3} and expected.pages > 1 and result[3].min() == 255:
        return  # libwebp marks pixels that a frame leaves unchanged as transparent; composed, all are opaque
    if result.bands not in bands:
        yield f"{result.bands} bands, not {image.bands}"


def _compare_vips_fields(result: pyvips.Image, expected: PreparedImage, form: Format) -> Iterator[str]:
    image = expected.image
    if get_blob(result, "icc-profile-data") != get_blob(image, "icc-profile-data"):
        yield "colour profile"
    written = get_blob(image, "xmp-data")
    if (get_blob(result, "xmp-data") or b"").rstrip(b"\0") != (written or b"").rstrip(b"\0"):
        yield "XMP"
    if form.name == "JPEG" and get_blob(result, "iptc-data") != get_blob(image, "iptc-data"):
        yield "IPTC"
    if expected.resolution and form.name == "TIFF":  # other formats state it in what is compared below
        yield from _compare_resolution((result.xres, result.yres), image)
    if get_field(result, "orientation", 1) > 1:
        yield "orientation"


def _compare_resolution(found: tuple[float, float], image: pyvips.Image) -> Iterator[str]:
    """Pixels per millimetre; a PNG stores integer pixels per metre."""
    pairs = zip(found, (image.xres, image.yres), strict=True)
    if not all(math.isclose(one, other, rel_tol=1e-3, abs_tol=0.025) for one, other in pairs):
        yield f"resolution ({found[0]:.2f}×{found[1]:.2f} per mm, not {image.xres:.2f}×{image.yres:.2f})"


def _compare_own_fields(file: BinaryIO, expected: PreparedImage, form: Format) -> Iterator[str]:
    """What is written without libvips."""
    if form.name != "TIFF" and read_block(file, form) != expected.exif:
        yield "EXIF"
    if form.name == "TIFF":
        if expected.iptc is not None and tiff.read_iptc(file) != expected.iptc:
            yield "IPTC"
        if expected.exif is not None and not tiff.holds_exif(file, expected.exif):
            yield "EXIF"
        if not expected.tiff_tags.items() <= tiff.read_tags(file).items():
            yield "tags of a TIFF"
    if form.name == "PNG":
        contents = png.read_contents(file)
        if not contents.complete:
            yield "no end"
        if contents.texts != expected.texts:
            yield "texts"
        if contents.carried != expected.chunks:
            yield "colours"
        if expected.resolution:
            yield from _compare_resolution(png.resolution(file) or (0.0, 0.0), expected.image)
        if expected.times:
            yield from _compare_frames(file, contents, expected)
    if form.name == "GIF":
        blocks = gif.read_contents(file)
        if (blocks.packet, blocks.comments) != (expected.xmp, expected.comments):
            yield "comments"
        if blocks.aspect != expected.aspect:
            yield "aspect ratio of the pixels"
    if form.name == "WebP" and expected.background is not None and webp.read_background(file) != expected.background:
        yield "background"
    if expected.code_points is not None:
        points = isobmff.nclx_of(isobmff.read_contents(file).main)
        if points is None or points[:2] != expected.code_points:
            yield "colours"


def _compare_frames(file: BinaryIO, contents: png.Contents, expected: PreparedImage) -> Iterator[str]:
    try:
        animation = apng.read_animation(contents, file)
    except ValueError as error:
        yield f"animation: {error}"
        return
    if animation is None or tuple(frame.delay for frame in animation.frames) != expected.times:
        yield "frames and their delays"
    elif animation.plays != get_field(expected.image, "loop", 0):
        yield "number of repetitions"


def _compare_animation(result: pyvips.Image, expected: PreparedImage) -> tuple[list[str], tuple[str, ...]]:
    differences: list[str] = []
    notes: tuple[str, ...] = ()
    pages = get_field(result, "n-pages", 1)
    after = get_field(result, "delay", [0])
    before = get_field(expected.image, "delay", after)
    if sum(after) != sum(before) or pages > expected.pages:
        differences.append("delays")
    elif pages < expected.pages:
        merged = expected.pages - pages
        frames = (
            "1 frame equal to the one before was" if merged == 1 else f"{merged} frames equal to the ones before were"
        )
        notes = (f"{frames} merged; the timing is the same",)
    elif after != before:
        differences.append("delays")
    if pages > 1 and get_field(result, "loop", 0) != get_field(expected.image, "loop", 0):
        differences.append("number of repetitions")
    return differences, notes


def _page_height(image: pyvips.Image) -> int:
    return int(get_field(image, "page-height", image.height))
