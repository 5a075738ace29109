"""What ``auto`` takes for 200 files of several encoders, with photographs and drawings that were never compressed."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import pyvips
from PIL import Image

from subpixel import Upscaler
from subpixel.image import read
from subpixel.image.files.compression_info import read_compression

# The luma table of a camera at its best setting: finer than annex K at high frequencies.
CAMERA = [*(1, 1, 1, 1, 1, 2, 2, 3), *(1, 1, 1, 1, 2, 2, 3, 3), *(1, 1, 1, 2, 2, 3, 3, 3), *(1, 1, 2, 2, 3, 3, 4, 3)]
CAMERA += [*(1, 2, 2, 3, 3, 5, 4, 3), *(2, 2, 3, 3, 3, 4, 5, 4), *(2, 3, 3, 3, 4, 5, 5, 4), *(3, 3, 4, 4, 4, 4, 4, 4)]


def pillow(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def again(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def libvips(image: Image.Image, suffix: str, **options: object) -> bytes:
    return bytes(pyvips.Image.new_from_array(np.asarray(image)).write_to_buffer(suffix, **options))


def libavcodec(image: Image.Image, scale: int) -> bytes:
    """A frame of Motion JPEG with the tables of MPEG, which are flatter than those of annex K."""
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = image.width, image.height, "yuvj420p"
    codec.time_base, codec.qmin, codec.qmax = Fraction(1, 25), scale, scale
    frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for one in (frame, None) for packet in codec.encode(one))


# The name of a kind of file, what it shall count as, its suffix, and how it is made.
KINDS: list[tuple[str, bool, str, Callable[[Image.Image], bytes]]] = [
    ("PNG of clean pixels", False, "png", lambda x: pillow(x, "PNG")),
    ("lossless WebP of clean pixels", False, "webp", lambda x: pillow(x, "WEBP", lossless=True)),
    ("JPEG of quality 96", False, "jpg", lambda x: pillow(x, "JPEG", quality=96)),
    ("JPEG of a camera", False, "jpg", lambda x: pillow(x, "JPEG", qtables=[CAMERA, CAMERA], subsampling=1)),
    ("JPEG of quality 96 by libvips", False, "jpg", lambda x: libvips(x, ".jpg", Q=96)),
    ("PNG of a JPEG of quality 96", False, "png", lambda x: pillow(again(pillow(x, "JPEG", quality=96)), "PNG")),
    (
        "JPEG of quality 60, smaller",
        False,
        "png",
        lambda x: pillow(shrunk(again(pillow(x, "JPEG", quality=60))), "PNG"),
    ),
    # The variant gains 0.2 dB at quality 50 of an AVIF and loses 0.3 at 75: its blocks are smoothed by the format.
    ("AVIF", False, "avif", lambda x: libvips(x, ".avif", Q=75)),
    ("JPEG of quality 75", True, "jpg", lambda x: pillow(x, "JPEG", quality=75)),
    ("progressive JPEG of quality 85 by libvips", True, "jpg", lambda x: libvips(x, ".jpg", Q=85, interlace=True)),
    ("Motion JPEG", True, "jpg", lambda x: libavcodec(x, 6)),
    ("lossy WebP", True, "webp", lambda x: pillow(x, "WEBP", quality=75)),
    ("PNG of a JPEG of quality 60", True, "png", lambda x: pillow(again(pillow(x, "JPEG", quality=60)), "PNG")),
    ("TIFF of a JPEG of quality 80", True, "tif", lambda x: pillow(again(libvips(x, ".jpg", Q=80)), "TIFF")),
    (
        "PNG of a cut JPEG 60",
        True,
        "png",
        lambda x: pillow(cut(again(pillow(x, "JPEG", quality=60))), "PNG"),
    ),
    ("JPEG 60, then 96", True, "jpg", lambda x: pillow(again(pillow(x, "JPEG", quality=60)), "JPEG", quality=96)),
]


def shrunk(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.Resampling.BICUBIC)


def cut(image: Image.Image) -> Image.Image:
    return image.crop((3, 5, image.width, image.height))


def clean_images(folder: Path) -> Iterator[Image.Image]:
    """Photographs and drawings at half their size, which removes what earlier compressions left."""
    for path in sorted(folder.iterdir())[::64]:
        image = Image.open(path).convert("RGB")
        yield image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


def test_auto_is_right_on_99_of_100_files(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "images" / "free"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    upscaler, wrong, count = Upscaler(2, model="auto"), Counter[str](), 0
    for image in clean_images(folder):
        for kind, compressed, suffix, encode in KINDS:
            path = tmp_path / f"image.{suffix}"
            path.write_bytes(encode(image))
            with path.open("rb") as file:
                source = read_compression(file)
            choice = upscaler.choose_model(read(path).pixels, source)
            count += 1
            wrong[f"{kind}: {choice}"] += choice.compressed != compressed
    wrong = +wrong
    assert count >= 200
    assert wrong.total() <= 0.01 * count, wrong
