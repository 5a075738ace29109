"""Colours that a TIFF states as numbers look the same in every other format, by a profile; in a TIFF they stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image.tiff_files import image, tiff
from subpixel.image import read, write
from subpixel.image.files.icc import SRGB, Colours, build_profile

LEVELS = np.linspace(0, 255, 12).astype(np.uint8)
RGB = np.dstack([*np.meshgrid(LEVELS, LEVELS), LEVELS[None].repeat(12, 0) // 2 + 60])
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329)
PRIMARIES = (5, [64, 100, 33, 100, 21, 100, 71, 100, 15, 100, 6, 100])
WHITE = (5, [3127, 10000, 3290, 10000])
SRGB_PRIMARIES = (5, [64, 100, 33, 100, 3, 10, 6, 10, 15, 100, 6, 100])
LIGHT = np.linspace(0, 1, 256)


def curve(light: Any, times: int = 1) -> tuple[int, list[int]]:
    return 3, [round(float(value) * 65535) for value in light] * times


SRGB_LIGHT = np.where(LIGHT <= 0.04045, LIGHT / 12.92, ((LIGHT + 0.055) / 1.055) ** 2.4)


def saved(folder: Path, tags: dict[int, Any], pixels: Any = RGB) -> Path:
    (folder / "a.tif").write_bytes(tiff(image(pixels, tags)))
    return folder / "a.tif"


def profile_of(path: Path) -> bytes | None:
    with Image.open(path) as file:
        found = file.info.get("icc_profile")
    assert found is None or isinstance(found, bytes)
    return found


@pytest.mark.parametrize("target", ["jpg", "png", "webp", "avif"])
def test_primaries_become_a_profile(tmp_path: Path, target: str) -> None:
    source = read(saved(tmp_path, {318: WHITE, 319: PRIMARIES}))
    assert write(source, tmp_path / f"b.{target}") == ()
    expected = build_profile(Colours("stated primaries, sRGB curve", ADOBE, SRGB.curve))
    assert profile_of(tmp_path / f"b.{target}") == expected


@pytest.mark.parametrize("times", [1, 3])
def test_a_curve_becomes_a_profile(tmp_path: Path, times: int) -> None:
    write(read(saved(tmp_path, {301: curve(LIGHT**1.8, times)})), tmp_path / "b.png")
    found = profile_of(tmp_path / "b.png")
    assert found is not None
    at = found.index(b"curv")
    assert int.from_bytes(found[at + 8 : at + 12], "big") == 1024
    samples = np.frombuffer(found[at + 12 : at + 12 + 2048], ">u2") / 65535
    np.testing.assert_allclose(samples, np.linspace(0, 1, 1024) ** 1.8, atol=2e-3)


def test_what_is_stated_is_kept_in_a_tiff(tmp_path: Path) -> None:
    tags = {301: curve(LIGHT**1.8), 318: WHITE, 319: PRIMARIES}
    assert write(read(saved(tmp_path, tags)), tmp_path / "b.tif") == ()
    with Image.open(tmp_path / "b.tif") as file:
        kept = file.tag_v2  # type: ignore[attr-defined]
        assert [round(float(value), 4) for value in kept[319]] == [0.64, 0.33, 0.21, 0.71, 0.15, 0.06]
        assert list(kept[301]) == curve(LIGHT**1.8)[1]
    assert profile_of(tmp_path / "b.tif") is None


@pytest.mark.parametrize(
    "tags", [{318: WHITE}, {318: WHITE, 319: SRGB_PRIMARIES}, {301: curve(SRGB_LIGHT, 3), 319: SRGB_PRIMARIES}]
)
def test_colours_of_srgb_need_no_profile(tmp_path: Path, tags: dict[int, Any]) -> None:
    for target in ("jpg", "png", "webp", "avif"):
        assert write(read(saved(tmp_path, tags)), tmp_path / f"b.{target}") == ()
        assert profile_of(tmp_path / f"b.{target}") is None


def test_a_gif_gets_converted_colours(tmp_path: Path) -> None:
    notes = write(read(saved(tmp_path, {318: WHITE, 319: PRIMARIES})), tmp_path / "b.gif")
    assert any("converted to sRGB" in note for note in notes)


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({301: (3, curve(LIGHT)[1] + curve(LIGHT**2)[1] + curve(LIGHT)[1])}, "red, green and blue differ"),
        ({301: (3, list(range(256)))}, "does not rise to white"),
        ({301: curve(LIGHT[::-1])}, "does not rise to white"),
        ({301: (3, [0, 1, 2, 3, 65535])}, "transfer function is damaged"),
        ({318: (5, [1, 0, 1, 3])}, "white point or the primaries are damaged"),
        ({319: (5, [1, 2] * 6)}, "impossible"),
    ],
)
@pytest.mark.parametrize("target", ["jpg", "png", "webp", "avif"])
def test_what_no_profile_can_be_is_a_note(tmp_path: Path, tags: dict[int, Any], why: str, target: str) -> None:
    (note,) = write(read(saved(tmp_path, tags)), tmp_path / f"b.{target}")
    assert note.startswith("the stated colours (")
    assert all(str(tag) in note for tag in tags)
    assert why in note
    assert profile_of(tmp_path / f"b.{target}") is None


def test_gray(tmp_path: Path) -> None:
    gray = LEVELS[None].repeat(12, 0)
    assert write(read(saved(tmp_path, {301: curve(LIGHT**1.8)}, gray)), tmp_path / "b.png") == ()
    found = profile_of(tmp_path / "b.png")
    assert found is not None
    assert found[16:20] == b"GRAY"
    (note,) = write(read(saved(tmp_path, {319: PRIMARIES}, gray)), tmp_path / "b.png", overwrite=True)
    assert "the image is gray" in note
