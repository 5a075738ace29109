"""A damaged colour profile never makes an image impossible: it is trimmed, or left out with a note."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from malformed.images import png_chunk
from subpixel import Upscaler
from subpixel.image import ImageData, Job, read, write
from subpixel.image.files.icc_check import check_profile
from subpixel.image.files.source_metadata import get_blob, set_blob

P3 = bytes(pyvips.Operation.call("profile_load", "p3"))
CMYK = bytes(pyvips.Operation.call("profile_load", "cmyk"))
SUFFIXES = ["jpg", "png", "tif", "webp", "avif", "gif"]


def replaced(at: int, value: bytes, profile: bytes = P3) -> bytes:
    return profile[:at] + value + profile[at + len(value) :]


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


# Profiles that are complete, with more behind their end.
PADDED = {
    "1 zero after the end": P3 + b"\0",
    "100 zeros after the end": P3 + bytes(100),
    "other bytes after the end": P3 + b"end",
}
DAMAGED = {
    "a size 4 too large": replaced(0, number(len(P3) + 4)),
    "a size 4 too small": replaced(0, number(len(P3) - 4)),
    "a size of 0": replaced(0, number(0)),
    "the largest size": replaced(0, b"\xff" * 4),
    "a class that does not exist": replaced(12, b"abcd"),
    "no class": replaced(12, bytes(4)),
    "the class of a link": replaced(12, b"link"),
    "the class of an effect": replaced(12, b"abst"),
    "the class of named colours": replaced(12, b"nmcl"),
    "version 0": replaced(8, bytes(4)),
    "version 5": replaced(8, b"\x05\0\0\0"),
    "version 255": replaced(8, b"\xff" * 4),
    "another signature": replaced(36, b"xxxx"),
    "another colour space": replaced(16, b"abcd"),
    "colours of CMYK": replaced(16, b"CMYK"),
    "another connection space": replaced(20, b"abcd"),
    "100,000 tags": replaced(128, number(100_000)),
    "no tags": replaced(128, number(0)),
    "a tag beyond the end": replaced(136, number(1_000_000)),
    "a tag longer than the profile": replaced(140, number(1_000_000)),
    "the longest tag": replaced(140, b"\xff" * 4),
    "no primaries": P3.replace(b"rXYZ", b"rxyz"),
    "cut by a byte": P3[:-1],
    "cut in the middle": P3[: len(P3) // 2],
    "cut in its table": P3[:140],
    "cut after its header": P3[:128],
    "cut in its header": P3[:100],
    "cut, with a size that fits": replaced(0, number(300))[:300],
    "any bytes": bytes(range(256)) * 3,
    "one byte": b"x",
}


@pytest.fixture
def image(saved: Callable[..., Path], pixels: Callable[..., NDArray[Any]]) -> Callable[[bytes], ImageData]:
    plain = read(saved("plain.png", pixels(6, 8)))

    def make(profile: bytes) -> ImageData:
        assert plain.header is not None
        header = plain.header.copy()
        set_blob(header, "icc-profile-data", profile)
        return ImageData(plain.pixels, header)

    return make


@pytest.mark.parametrize("damage", DAMAGED)
def test_every_format_is_written_without_a_damaged_profile(
    image: Callable[[bytes], ImageData], tmp_path: Path, damage: str
) -> None:
    data = image(DAMAGED[damage])
    for suffix in SUFFIXES:
        notes = write(data, tmp_path / f"a.{suffix}")
        assert any("profile" in note and "not kept" in note for note in notes), (suffix, notes)
        assert not any("converted" in note for note in notes), (suffix, notes)
        found = read(tmp_path / f"a.{suffix}")
        assert get_blob(found.header, "icc-profile-data") is None, suffix
        if suffix in ("png", "tif"):
            np.testing.assert_array_equal(found.pixels, data.pixels)


@pytest.mark.parametrize("padding", PADDED)
def test_a_profile_loses_what_lies_behind_its_end(
    image: Callable[[bytes], ImageData], tmp_path: Path, padding: str
) -> None:
    for suffix in SUFFIXES[:-1]:
        assert write(image(PADDED[padding]), tmp_path / f"a.{suffix}") == ()
        assert get_blob(read(tmp_path / f"a.{suffix}").header, "icc-profile-data") == P3


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
@pytest.mark.parametrize("damage", ["a size 4 too large", "no class", "cut in the middle"])
def test_files_with_damaged_profiles(
    upscaler: Upscaler, pixels: Callable[..., NDArray[Any]], tmp_path: Path, suffix: str, damage: str
) -> None:
    Image.fromarray(pixels(6, 8)).save(tmp_path / f"a.{suffix}", icc_profile=DAMAGED[damage])
    result = Job(tmp_path / f"a.{suffix}", upscaler).run()
    assert result.destination.suffix == ".png"
    assert sum("the colour profile is not kept: it is damaged" in note for note in result.notes) == 1


def test_what_libpng_ignores(upscaler: Upscaler, pixels: Callable[..., NDArray[Any]], tmp_path: Path) -> None:
    Image.fromarray(pixels(6, 8)).save(tmp_path / "a.png", icc_profile=P3 + bytes(4))
    result = Job(tmp_path / "a.png", upscaler, tmp_path / "b.jpg").run()
    assert result.notes == ()
    assert get_blob(read(result.destination).header, "icc-profile-data") == P3
    content = (tmp_path / "a.png").read_bytes()
    at = content.index(b"iCCP")
    length = int.from_bytes(content[at - 4 : at], "big")
    broken = png_chunk(b"iCCP", b"ICC Profile\0\0nothing of zlib")
    (tmp_path / "c.png").write_bytes(content[: at - 4] + broken + content[at + 8 + length :])
    notes = Job(tmp_path / "c.png", upscaler, tmp_path / "d.jpg").run().notes
    assert notes == ("the colour profile (iCCP) is not kept: it is damaged",)


def test_the_profile_of_inks(tmp_path: Path, pixels: Callable[..., NDArray[Any]]) -> None:
    inks = Image.fromarray(pixels(6, 8, 4), "CMYK")
    inks.save(tmp_path / "whole.jpg", icc_profile=CMYK)
    assert read(tmp_path / "whole.jpg").notes == ("colours were converted from cmyk to sRGB with the file's profile",)
    inks.save(tmp_path / "cut.jpg", icc_profile=CMYK[:-1])
    assert read(tmp_path / "cut.jpg").notes == (
        "colours were converted from cmyk to sRGB without the file's profile: it is damaged (cut short)",
    )


def test_whole_profiles_pass(wide: bytes) -> None:
    for profile in (wide, CMYK, bytes(pyvips.Operation.call("profile_load", "srgb"))):
        assert check_profile(profile) == check_profile(profile, as_png=True) == (profile, "")
