"""Damaged and missing tiles of a TIFF."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers import save_image
from subpixel.errors import ImageReadError
from subpixel.image.files.reading import load_pixels, open_image, read
from subpixel.image.files.rows import ImageRows
from subpixel.image.synthetic import photograph

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
_OFFSETS, _LENGTHS = 324, 325


def tiled(path: Path, compression: str) -> dict[int, tuple[int, ...]]:
    """Write a file of six tiles; returns their offsets and lengths by tag."""
    save_image(path, PIXELS, tile=True, tile_width=32, tile_height=32, compression=compression)
    with Image.open(path) as file:
        return {tag: file.tag_v2[tag] for tag in (_OFFSETS, _LENGTHS)}  # type: ignore[attr-defined]


def with_number(content: bytes, numbers: tuple[int, ...], index: int, value: int) -> bytes:
    """The file with another number in a table of 32 or 16 bits."""
    kind = next(each for each in "IH" if struct.pack(f"<{len(numbers)}{each}", *numbers) in content)
    place = content.index(struct.pack(f"<{len(numbers)}{kind}", *numbers)) + struct.calcsize(kind) * index
    return content[:place] + struct.pack(f"<{kind}", value) + content[place + struct.calcsize(kind) :]


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize(
    ("compression", "damage"),
    [
        *((compression, "zeros") for compression in ("deflate", "lzw", "packbits", "jpeg")),
        *((compression, "noise") for compression in ("deflate", "lzw", "jpeg")),  # any noise is PackBits
        *((compression, "beyond the end") for compression in ("none", "deflate", "lzw", "packbits", "jpeg")),
    ],
)
def test_a_damaged_tile_is_an_error(tmp_path: Path, compression: str, damage: str, by_rows: bool) -> None:
    path = tmp_path / "a.tif"
    tags = tiled(path, compression)
    content, start, length = path.read_bytes(), tags[_OFFSETS][4], tags[_LENGTHS][4]

    def read_pixels() -> NDArray[Any]:
        with open_image(path) as file:
            return np.concatenate([*ImageRows(file, tmp_path).blocks()]) if by_rows else load_pixels(file).pixels

    if compression != "jpeg":
        np.testing.assert_array_equal(read_pixels(), PIXELS)
    if damage == "beyond the end":
        content = with_number(content, tags[_OFFSETS], 4, 10**6)
    else:
        wrong = bytes(length) if damage == "zeros" else np.random.default_rng(1).bytes(length)
        content = content[:start] + wrong + content[start + length :]
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match="the image is damaged or truncated"):
        read_pixels()


def test_a_tile_that_is_not_stored_is_black(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tags = tiled(path, "deflate")
    content = path.read_bytes()
    for tag in (_OFFSETS, _LENGTHS):
        content = with_number(content, tags[tag], 4, 0)
    path.write_bytes(content)
    expected = PIXELS.copy()
    expected[32:, 32:64] = 0
    np.testing.assert_array_equal(read(path).pixels, expected)
    assert read(path).notes == ("1 of 6 strips or tiles is not stored: it is read as zeros",)


@pytest.mark.parametrize("tile", [False, True])
def test_a_damaged_jpeg_in_a_tiff_is_told(tmp_path: Path, tile: bool) -> None:
    pixels = np.asarray(photograph(200, 200))
    options = {"tile": True, "tile_width": 64, "tile_height": 64} if tile else {}
    save_image(tmp_path / "a.tif", pixels, compression="jpeg", **options)
    assert read(tmp_path / "a.tif").notes == ()
    content = (tmp_path / "a.tif").read_bytes()
    with Image.open(tmp_path / "a.tif") as file:
        tags = file.tag_v2  # type: ignore[attr-defined]
        places = [*zip(tags[324 if tile else 273], tags[325 if tile else 279], strict=True)]
    for number, (start, length) in enumerate(places, 1):
        end = start + length - 2
        assert content[end : end + 2] == b"\xff\xd9"
        # Zeros are codes, too: there are too few or too many of them.
        (tmp_path / "b.tif").write_bytes(content[: end - 120] + bytes(60) + content[end - 60 :])
        try:
            text = "".join(read(tmp_path / "b.tif").notes)
        except ImageReadError as error:
            text = str(error)
        assert "damaged" in text
        assert f"{'tile' if tile else 'strip'} {number}" in text or "decompress error" in text


@pytest.mark.parametrize("tile", [False, True])
@pytest.mark.parametrize("predictor", ["none", "horizontal"])
def test_a_deflated_piece_of_another_checksum_is_an_error(tmp_path: Path, tile: bool, predictor: str) -> None:
    pixels = np.asarray(photograph(200, 200))
    options = {"tile": True, "tile_width": 64, "tile_height": 64} if tile else {}
    save_image(tmp_path / "a.tif", pixels, compression="deflate", predictor=predictor, **options)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, pixels)
    content = (tmp_path / "a.tif").read_bytes()
    with Image.open(tmp_path / "a.tif") as file:
        tags = file.tag_v2  # type: ignore[attr-defined]
        start, length = tags[324 if tile else 273][-1], tags[325 if tile else 279][-1]
    end = start + length - 1  # the last byte of the checksum, behind all pixels
    (tmp_path / "b.tif").write_bytes(content[:end] + bytes([content[end] ^ 1]) + content[end + 1 :])
    with pytest.raises(ImageReadError, match="the image is damaged or truncated"):
        read(tmp_path / "b.tif")
