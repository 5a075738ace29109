"""How files are compressed, by their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from malformed.images import NOT_IMAGES
from subpixel.image.files.compression_info import read_compression
from subpixel.models.auto import Source


def compression(path: Path) -> Source:
    with open(path, "rb") as file:
        return read_compression(file)


@pytest.fixture
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8))


@pytest.mark.parametrize("progressive", [False, True])
def test_every_quality_of_a_jpeg(photo: Image.Image, tmp_path: Path, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x010E] = "text " * 300  # a segment before the tables
    for quality in range(1, 101):
        photo.save(path, quality=quality, progressive=progressive, exif=exif)
        assert compression(path) == Source("jpeg", quality)


def test_a_gray_jpeg_and_one_by_libvips(photo: Image.Image, tmp_path: Path) -> None:
    photo.convert("L").save(tmp_path / "gray.jpeg", quality=70)
    assert compression(tmp_path / "gray.jpeg") == Source("jpeg", 70)
    pyvips.Image.new_from_array(np.asarray(photo)).write_to_file(str(tmp_path / "v.jpg"), Q=82)
    assert compression(tmp_path / "v.jpg") == Source("jpeg", 82)


def test_tables_of_another_scale_have_the_nearest_quality(photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "flat.jpg", qtables=[[10] * 64, [10] * 64])
    assert compression(tmp_path / "flat.jpg") == Source("jpeg", 91)
    # The first component's table counts, whatever its number; 16 bits an entry are read as such.
    segment = bytes([0xFF, 0xDB, 0, 131, 0x12]) + b"".join(n.to_bytes(2, "big") for n in [300] * 64)
    frame = bytes([0xFF, 0xFF, 0xC1, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 2])
    (tmp_path / "wide.jpg").write_bytes(b"\xff\xd8" + segment + frame)
    assert compression(tmp_path / "wide.jpg") == Source("jpeg", 1)


def test_webp(photo: Image.Image, tmp_path: Path) -> None:
    for name, options, expected in (
        ("lossy", {"quality": 80}, "webp"),
        ("lossless", {"lossless": True}, None),
        ("alpha", {"quality": 80}, "webp"),
        ("icc", {"quality": 80, "icc_profile": b"odd"}, "webp"),
    ):
        image = photo if name != "alpha" else Image.merge("RGBA", (*photo.split(), photo.split()[0]))
        image.save(tmp_path / f"{name}.webp", **options)
        assert compression(tmp_path / f"{name}.webp") == Source(expected), name
    moving = {"save_all": True, "append_images": [photo.rotate(180)]}
    photo.save(tmp_path / "moving.webp", quality=70, **moving)
    assert compression(tmp_path / "moving.webp") == Source("webp")
    photo.save(tmp_path / "still.webp", lossless=True, **moving)
    assert compression(tmp_path / "still.webp") == Source(None)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lossless_formats(photo: Image.Image, tmp_path: Path, suffix: str) -> None:
    photo.save(tmp_path / f"a{suffix}")
    assert compression(tmp_path / f"a{suffix}") == Source()


def test_jpegs_truncated_anywhere(photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    photo.save(path, quality=80)
    content = path.read_bytes()
    for length in range(2, 400, 7):
        path.write_bytes(content[:length])
        assert compression(path) in (Source("jpeg"), Source("jpeg", 80))
    photo.save(tmp_path / "a.webp", quality=80)
    content = (tmp_path / "a.webp").read_bytes()
    for length in range(12, 40):
        path.write_bytes(content[:length])
        assert compression(path) in (Source(), Source("webp"))
    path.write_bytes(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 50 + b"\xff" * 100)
    assert compression(path) == Source("jpeg")


@pytest.mark.parametrize("name", NOT_IMAGES)
def test_files_that_are_not_images(tmp_path: Path, name: str) -> None:
    file, content = NOT_IMAGES[name]
    (tmp_path / file).write_bytes(content)
    assert compression(tmp_path / file) == Source("jpeg" if name == "start of a JPEG alone" else None)
