"""Small files that are right, of every kind that is read: what mutations start from."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from helpers import random_image

__all__ = ["image_files", "read_image"]

_XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:PixelXDimension="19" exif:PixelYDimension="13"/>'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def read_image(path: Path) -> object:
    """All that is read of an image file: pixels of all frames, and metadata."""
    from subpixel.image.files.reading import read

    return read(path, limit=1.0)


@lru_cache(1)
def image_files() -> dict[str, bytes]:
    """Image files by name, of a few hundred to a few thousand bytes, with EXIF, XMP and ICC where a format has them."""
    rgb, gray = random_image((13, 19, 3), np.uint8), random_image((13, 19), np.uint8)
    rgba, deep = random_image((13, 19, 4), np.uint8), random_image((13, 19, 3), np.uint16)
    wide, light = random_image((80, 96, 3), np.uint8), random_image((13, 19, 3), np.float32)
    exif, icc = _exif(), _profile()
    tags: dict[str, Any] = {"exif": exif, "icc_profile": icc}
    frames = {"save_all": True, "append_images": [Image.fromarray(rgb[::-1]), Image.fromarray(rgb[:, ::-1])]}
    palette = Image.fromarray(rgb).quantize(16)
    return {
        "rgb.png": _pillow(Image.fromarray(rgb), "PNG", dpi=(300, 300), **tags),
        "rgba.png": _pillow(Image.fromarray(rgba), "PNG"),
        "palette.png": _pillow(palette, "PNG", transparency=3),
        "deep.png": _vips(deep, ".png"),
        "interlaced.png": _vips(rgb, ".png", interlace=True),
        "animated.png": _pillow(Image.fromarray(rgb), "PNG", duration=40, **frames),
        "baseline.jpg": _pillow(Image.fromarray(rgb), "JPEG", xmp=_XMP, comment=b"a comment", dpi=(72, 72), **tags),
        "progressive.jpg": _pillow(Image.fromarray(rgb), "JPEG", progressive=True, subsampling=0),
        "gray.jpg": _pillow(Image.fromarray(gray), "JPEG", restart_marker_blocks=1),
        "cmyk.jpg": _pillow(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "strips.tif": _vips(rgb, ".tif", rows=True),
        "lzw.tif": _vips(deep, ".tif", compression="lzw", predictor="horizontal"),
        "tiled.tif": _vips(wide, ".tif", tile=True, tile_width=32, tile_height=32, compression="deflate"),
        "float.tif": _vips(light, ".tif", bigtiff=True),
        "jpeg.tif": _vips(wide, ".tif", compression="jpeg"),
        "tags.tif": _pillow(Image.fromarray(rgb), "TIFF", compression="packbits", dpi=(300, 300), icc_profile=icc),
        "pages.tif": _pillow(Image.fromarray(rgb), "TIFF", **frames),
        "palette.tif": _pillow(palette, "TIFF"),
        "bilevel.tif": _pillow(Image.fromarray(gray).convert("1"), "TIFF", compression="group4"),
        "animated.gif": _pillow(Image.fromarray(rgb), "GIF", duration=40, loop=2, comment=b"a comment", **frames),
        "still.gif": _pillow(palette, "GIF", transparency=3, interlace=True),
        "lossy.webp": _pillow(Image.fromarray(rgba), "WEBP", xmp=_XMP, **tags),
        "lossless.webp": _pillow(Image.fromarray(rgb), "WEBP", lossless=True),
        "animated.webp": _pillow(Image.fromarray(rgb), "WEBP", duration=40, **frames),
        "still.avif": _pillow(Image.fromarray(rgb), "AVIF", speed=10, xmp=_XMP, **tags),
        "alpha.avif": _pillow(Image.fromarray(rgba), "AVIF", speed=10),
        "animated.avif": _pillow(Image.fromarray(rgb), "AVIF", speed=10, duration=40, **frames),
        "colour.ppm": _pillow(Image.fromarray(rgb), "PPM"),
    }  # fmt: skip


def _pillow(image: Image.Image, name: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, name, **options)
    return target.getvalue()


def _vips(pixels: NDArray[Any], suffix: str, rows: bool = False, **options: Any) -> bytes:
    space = {"uint16": "rgb16", "float32": "scrgb"}.get(pixels.dtype.name, "srgb")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation=space)
    if rows:
        options["tile"] = False
    content: bytes = image.write_to_buffer(suffix, **options)
    return content


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x011A], exif[0x011B] = "A maker", 6, 72.0, 72.0
    exif.get_ifd(0x8769).update({0xA002: 19, 0xA003: 13, 0x9003: "2016:09:19 12:00:00", 0x927C: bytes(40)})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 1.0)})
    return exif.tobytes()


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
