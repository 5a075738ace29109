"""What decoding takes is known from the header, and the limit counts it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import subpixel.image.files.limits
from helpers import random_image
from image.tiff_files import image, tiff
from subpixel.errors import ImageReadError
from subpixel.image.files.reading import open_image, read

Saved = Callable[..., Path]
RGB = random_image((600, 800, 3), np.uint8)
WHOLE = RGB.nbytes


def taken(path: Path) -> float:
    """What decoding a file takes, in bytes for a pixel, besides the rows that are read."""
    with open_image(path) as file:
        return (file.decoding - file.image.height * file.image.width * file.image.bands * file.dtype.itemsize) / 480_000


@pytest.mark.parametrize(
    ("name", "options", "bytes_per_pixel"),
    [
        ("a.png", {}, 0),
        ("a.png", {"interlace": True}, 3),
        ("a.jpg", {}, 0),
        ("a.jpg", {"interlace": True, "subsample_mode": "off"}, 6),
        ("a.jpg", {"interlace": True, "subsample_mode": "on"}, 3),
        ("a.webp", {}, 23),
        ("a.avif", {"effort": 0}, 17),
    ],
)
def test_decoders_that_hold_the_image_are_counted(
    saved: Saved, name: str, options: dict[str, Any], bytes_per_pixel: float
) -> None:
    path = saved(name, RGB, **options)
    if name == "a.webp":  # its data are copied to be checked
        bytes_per_pixel += 3 * path.stat().st_size / (RGB.shape[0] * RGB.shape[1])
    # Blocks of a JPEG fill up its edges.
    assert taken(path) == pytest.approx(bytes_per_pixel, rel=0.02)


def test_a_jpeg_of_one_scan_for_each_component(tmp_path: Path) -> None:
    """A baseline JPEG may have several scans too: libjpeg then holds all coefficients."""
    buffer = io.BytesIO()
    Image.fromarray(RGB[..., 0]).save(buffer, "jpeg")
    content = buffer.getvalue()
    frame = content.index(b"\xff\xc0")
    scan = content.index(b"\xff\xda")
    end = scan + 10
    three = content[:frame] + b"\xff\xc0\0\x11" + content[frame + 4 : frame + 9] + b"\3"
    three += b"".join(bytes([k, 0x11, 0]) for k in (1, 2, 3)) + content[frame + 13 : scan]
    for k in (1, 2, 3):
        three += b"\xff\xda\0\x08\1" + bytes([k]) + content[scan + 6 : end] + content[end:-2]
    (tmp_path / "a.jpg").write_bytes(three + b"\xff\xd9")
    assert read(tmp_path / "a.jpg").pixels.shape == RGB.shape
    assert taken(tmp_path / "a.jpg") == pytest.approx(6, rel=0.02)


def test_rows_and_tiles_of_a_tiff(saved: Saved, tmp_path: Path) -> None:
    with open_image(saved("a.tif", RGB, tile=True, tile_width=256, tile_height=512)) as file:
        assert file.decoding == 3 * 512 * 1024 * 3
    with open_image(saved("a.tif", np.zeros((4000, 100), np.uint8))) as file:
        assert file.decoding == 800 * 100
    (tmp_path / "a.tif").write_bytes(tiff(image(RGB)))
    with open_image(tmp_path / "a.tif") as file:
        assert file.decoding == WHOLE


def test_the_limit_counts_what_decoding_takes(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved("a.jpg", RGB, interlace=True, subsample_mode="off")
    assert read(path, limit=0.5).pixels.shape == RGB.shape  # so little is always allowed
    monkeypatch.setattr(subpixel.image.files.limits, "_ALWAYS", 0)
    with pytest.raises(ImageReadError, match=r"decoding takes .* megapixels, the limit is 1; limit=2 allows it"):
        read(path, limit=1)
    assert read(path, limit=2).pixels.shape == RGB.shape
    assert read(saved("b.jpg", RGB), limit=0.5).pixels.shape == RGB.shape


@pytest.mark.parametrize("compression", [1, 8])
def test_a_tiff_in_one_strip_of_103_megabytes(tmp_path: Path, compression: int) -> None:
    pixels = np.zeros((6900, 5000, 3), np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(image(pixels, {259: (3, [compression])})))
    assert not read(tmp_path / "a.tif").pixels.any()


def test_a_tiff_with_strips_of_77_megabytes(saved: Saved) -> None:
    """libvips itself writes strips of 128 rows."""
    path = saved("a.tif", np.full((130, 200_000, 3), 7, np.uint8), compression="deflate")
    assert (read(path).pixels == 7).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (9, 17), (1000, 3)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "1", "P"])
def test_no_file_is_smaller_than_the_least(tmp_path: Path, width: int, height: int, mode: str) -> None:
    """The smallest files that there are: of one colour, compressed as well as possible."""
    picture = Image.new(mode, (width * 20, height * 20))
    for name, options in (
        ("a.png", {"optimize": True}),
        ("a.jpg", {"optimize": True, "quality": 1}),
        ("b.jpg", {"optimize": True, "quality": 1, "progressive": True}),
    ):
        if mode in ("CMYK", "P", "1") and (name[-3:] == "png") == (mode == "CMYK"):
            continue
        if mode in ("1", "P") and name.endswith("jpg"):
            continue
        picture.save(tmp_path / name, **options)
        assert read(tmp_path / name).pixels.shape[:2] == (height * 20, width * 20)
