"""Colours that a PNG states as numbers: they stay numbers in a PNG and look the same in every other format."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageCms

from subpixel import Upscaler
from subpixel.image import Job, read, write
from subpixel.image.files.containers import isobmff, png
from subpixel.image.files.icc import SRGB, Colours, build_profile
from subpixel.image.files.source_metadata import CODE_POINTS

LEVELS = np.linspace(0, 255, 12).astype(np.uint8)
RGB = np.stack(np.meshgrid(LEVELS, LEVELS), -1)
RGB = np.dstack([RGB, RGB[..., :1] // 2 + 60])
GRAY = np.repeat(LEVELS[None], 12, 0)
P3_POINTS = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def cicp(*values: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes(values)


def gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", value.to_bytes(4, "big")


def profile_chunk(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"name\0\0" + zlib.compress(profile)


def save(folder: Path, pixels: NDArray[Any], *chunks: tuple[bytes, bytes]) -> Path:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    content = target.getvalue()
    (folder / "a.png").write_bytes(content[:33] + b"".join(png.chunk(*each) for each in chunks) + content[33:])
    return folder / "a.png"


def profile_of(path: Path) -> bytes | None:
    header = read(path).header
    assert header is not None
    return bytes(header.get("icc-profile-data")) if header.get_typeof("icc-profile-data") else None


def colours(primaries: int, transfer: int) -> Colours:
    found = Colours.from_code_points(primaries, transfer)
    assert found is not None
    return found


OTHER = build_profile(Colours.from_gamma(1.8))
PRECEDENCE: dict[str, tuple[list[tuple[bytes, bytes]], bytes | None]] = {
    "nothing": ([], None),
    "sRGB": ([(b"sRGB", b"\0")], build_profile(SRGB)),
    "gAMA": ([gamma(45455)], build_profile(Colours.from_gamma(100_000 / 45455))),
    "gAMA of linear light": ([gamma(100_000)], build_profile(Colours.from_gamma(1.0))),
    "cHRM": (
        [(b"cHRM", P3)],
        build_profile(Colours.from_gamma(None, P3_POINTS)),
    ),
    "gAMA and cHRM": (
        [gamma(50_000), (b"cHRM", P3)],
        build_profile(Colours.from_gamma(2.0, P3_POINTS)),
    ),
    "sRGB before gAMA": ([gamma(50_000), (b"cHRM", P3), (b"sRGB", b"\0")], build_profile(SRGB)),
    "iCCP before sRGB and gAMA": ([gamma(50_000), profile_chunk(OTHER), (b"sRGB", b"\0")], OTHER),
    "cICP before iCCP": ([profile_chunk(OTHER), cicp(12, 13, 0, 1)], build_profile(colours(12, 13))),
    "cICP before all": ([gamma(50_000), (b"sRGB", b"\0"), cicp(9, 1, 0, 1)], build_profile(colours(9, 1))),
    "cICP that says nothing": ([gamma(50_000), cicp(2, 2, 0, 1)], build_profile(Colours.from_gamma(2.0))),
}


@pytest.mark.parametrize("target", ["jpg", "tif", "webp", "avif"])
@pytest.mark.parametrize("case", PRECEDENCE)
def test_the_profile_in_other_formats(tmp_path: Path, case: str, target: str) -> None:
    chunks, expected = PRECEDENCE[case]
    notes = write(read(save(tmp_path, RGB, *chunks)), tmp_path / f"b.{target}")
    assert profile_of(tmp_path / f"b.{target}") == expected
    assert notes == ()


@pytest.mark.parametrize("case", PRECEDENCE)
def test_a_png_states_what_its_source_states(upscaler: Upscaler, tmp_path: Path, case: str) -> None:
    chunks, _ = PRECEDENCE[case]
    result = Job(save(tmp_path, RGB, *chunks), upscaler).run()
    assert result.notes == ()
    with open(result.destination, "rb") as file:
        contents = png.read_contents(file)
    assert {each[4:8]: each[8:-4] for each in contents.carried} == dict(c for c in chunks if c[0] != b"iCCP")
    assert ("iCCP" in contents.names) == any(kind == b"iCCP" for kind, _ in chunks)


def in_srgb(path: Path) -> NDArray[Any]:
    """The pixels as a viewer that knows profiles shows them."""
    with Image.open(path) as file:
        image, profile = file.copy(), file.info.get("icc_profile")
    if profile is None:
        return np.asarray(image.convert("RGB")).astype(int)
    pair = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    result = ImageCms.profileToProfile(image if image.mode == "L" else image.convert("RGB"), *pair, outputMode="RGB")
    assert result is not None
    return np.asarray(result).astype(int)


@pytest.mark.parametrize("pixels", [RGB, GRAY], ids=["RGB", "gray"])
@pytest.mark.parametrize("target", ["tif", "webp", "gif"])
def test_it_looks_the_same(tmp_path: Path, pixels: NDArray[Any], target: str) -> None:
    notes = write(read(save(tmp_path, pixels, gamma(55_556))), tmp_path / f"b.{target}")
    assert len(notes) == (2 if target == "gif" else 0)  # colours are converted and dithered
    light = (pixels / 255) ** (100_000 / 55_556)
    expected = 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    shown = in_srgb(tmp_path / f"b.{target}")
    difference = np.abs(shown - (expected if pixels.ndim == 3 else expected[..., None]))
    assert difference.mean() < (4 if target == "gif" else 1)


def test_srgb_needs_no_conversion_in_a_gif(tmp_path: Path) -> None:
    for chunks in ([(b"sRGB", b"\0")], [cicp(1, 13, 0, 1)]):
        notes = write(read(save(tmp_path, RGB, *chunks)), tmp_path / "b.gif", overwrite=True)
        assert len(notes) == 1
        assert "256 colours" in notes[0]


@pytest.mark.parametrize("pixels", [RGB, RGB.astype(np.uint16)[..., 0] * 257], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("target", ["png", "tif", "webp", "avif"])
def test_hdr_is_kept_or_named(
    upscaler: Upscaler, tmp_path: Path, pixels: NDArray[Any], transfer: int, name: str, target: str
) -> None:
    if target == "webp" and pixels.dtype == np.uint16:
        return
    path = save(tmp_path, pixels, cicp(9, transfer, 0, 1), (b"cLLI", bytes(8)))
    result = Job(path, upscaler, tmp_path / f"b.{target}").run()
    hdr = [note for note in result.notes if f"HDR ({name}, code points 9/{transfer})" in note]
    assert len(hdr) == (target not in ("png", "avif"))
    assert profile_of(result.destination) is None
    assert any("content light level (cLLI)" in note for note in result.notes) == (target != "png")
    if target == "png":
        assert cicp(9, transfer, 0, 1)[1] in result.destination.read_bytes()
    if target == "avif":
        with open(result.destination, "rb") as file:
            points = isobmff.nclx_of(isobmff.read_contents(file).main)
        assert points is not None
        assert points[:2] == (9, transfer)


def test_an_avif_states_what_precedes_the_profile(tmp_path: Path) -> None:
    assert write(read(save(tmp_path, RGB, profile_chunk(OTHER), cicp(9, 16, 0, 1))), tmp_path / "b.avif") == ()
    assert profile_of(tmp_path / "b.avif") is None


def test_an_hdr_image_falls_back_to_its_profile(tmp_path: Path) -> None:
    notes = write(read(save(tmp_path, RGB, profile_chunk(OTHER), cicp(9, 16, 0, 1))), tmp_path / "b.webp")
    assert any("HDR" in note for note in notes)
    assert profile_of(tmp_path / "b.webp") == OTHER


@pytest.mark.parametrize(
    ("chunk", "note"),
    [
        (cicp(9, 1, 0, 0), "the samples are in narrow range, which WebP cannot state; png keeps it"),
        (cicp(77, 1, 0, 1), "the code points 77/1 of the colours are not known: they are not kept"),
        (gamma(0), "the stated colours are not kept: a gamma of 0 is impossible"),
        (
            (b"cHRM", bytes(32)),
            "the stated colours are not kept: these chromaticities of red, green, blue and white are impossible",
        ),
    ],
)
def test_numbers_that_no_profile_can_state(tmp_path: Path, chunk: tuple[bytes, bytes], note: str) -> None:
    image = read(save(tmp_path, RGB, chunk))
    assert write(image, tmp_path / "b.webp") == (note,)
    assert profile_of(tmp_path / "b.webp") is None
    assert write(image, tmp_path / "b.png") == ()
    assert chunk[1] in (tmp_path / "b.png").read_bytes()


def test_code_points_of_any_source_are_stated_by_a_png(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.jpg")
    image = read(tmp_path / "a.jpg")
    assert image.header is not None
    image.header.set_type(pyvips.GValue.array_int_type, CODE_POINTS, [9, 16, 9, 1])
    write(image, tmp_path / "b.png")
    with open(tmp_path / "b.png", "rb") as file:
        assert png.read_contents(file).carried == (png.chunk(*cicp(9, 16, 0, 1)),)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_backgrounds_of_any_depth(tmp_path: Path, depth: int) -> None:
    """bKGD is as deep as the samples, which become 8 or 16 bits."""
    most = (1 << depth) - 1
    row = np.zeros(4, ">u2" if depth == 16 else np.uint8)
    head = struct.pack(">IIBBBBB", 4, 1, depth, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" + row.tobytes()[: (4 * depth + 7) // 8])
    body = [(b"IHDR", head), (b"bKGD", struct.pack(">H", most // 3)), (b"IDAT", pixels), (b"IEND", b"")]
    (tmp_path / "a.png").write_bytes(png.SIGNATURE + b"".join(png.chunk(*each) for each in body))
    write(read(tmp_path / "a.png"), tmp_path / "b.png")
    with open(tmp_path / "b.png", "rb") as file:
        (chunk,) = png.read_contents(file).carried
    (value,) = struct.unpack(">H", chunk[8:-4])
    assert abs(value / (65535 if depth == 16 else 255) - most // 3 / most) < 0.003


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "LA"])
def test_backgrounds_of_any_kind(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(GRAY)
    if mode == "P":
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    palette = np.array(image.getpalette() or [0] * 768).reshape(-1, 3)
    target = io.BytesIO()
    image.convert(mode).save(target, "PNG") if mode != "P" else image.save(target, "PNG")
    content = target.getvalue()
    data = {"P": b"\x07", "RGB": struct.pack(">3H", 1, 2, 3)}.get(mode, struct.pack(">H", 9))
    at = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + png.chunk(b"bKGD", data) + content[at:])
    write(read(tmp_path / "a.png"), tmp_path / "b.png")
    with open(tmp_path / "b.png", "rb") as file:
        (chunk,) = png.read_contents(file).carried
    expected = struct.pack(">3H", *palette[7]) if mode == "P" else data
    assert chunk[8:-4] == expected


def test_a_background_that_does_not_fit_is_left_out() -> None:
    assert png.background(b"\7", struct.pack(">IIBBBBB", 1, 1, 8, 3, 0, 0, 0), bytes(6)) is None
    assert png.background(b"\0\7", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), b"") is None
