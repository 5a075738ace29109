"""Damage of coded pixels that decoders accept: an error or a note, and neither for files that are right."""

from __future__ import annotations

import io
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from subpixel.errors import ImageReadError
from subpixel.image import Job
from subpixel.image.files.containers.gif_pixels import count_pixels
from subpixel.image.files.containers.jpeg_segments import read_segments
from subpixel.image.files.jpeg_warnings import decoder_warning
from subpixel.image.files.reading import read
from subpixel.image.synthetic import photograph
from subpixel.upscaler import Upscaler

PHOTOGRAPH = np.asarray(photograph(160, 160))[:120]
GRAY = Image.fromarray(PHOTOGRAPH).convert("L")
_SCAN = 0xDA


def saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """A file of Pillow's."""
    target = io.BytesIO()
    (image or Image.fromarray(PHOTOGRAPH)).save(target, kind, **options)
    return target.getvalue()


def gif(frames: int = 1) -> bytes:
    images = [Image.fromarray(np.roll(PHOTOGRAPH, 9 * k, axis=0)).quantize(64) for k in range(frames)]
    return saved("GIF", images[0], save_all=True, append_images=images[1:])


def told(path: Path) -> str:
    """The notes about a file, or the error."""
    try:
        return "; ".join(read(path).notes)
    except ImageReadError as error:
        return str(error)


JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {"quality": 85},
    "restarts": {"quality": 85, "restart_marker_rows": 1},
    "progressive": {"quality": 85, "progressive": True},
    "full colour": {"quality": 95, "subsampling": 0},
}


def scan_of(content: bytes) -> tuple[int, int]:
    """Offsets of the data of the last scan and of the end marker."""
    segments = [*read_segments(io.BytesIO(content))]
    return [one.end for one in segments if one.marker == _SCAN][-1], segments[-1].end - 2


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_jpeg_whose_scan_ends_early_is_an_error(tmp_path: Path, options: dict[str, Any], share: float) -> None:
    content = saved("JPEG", **options)
    start, end = scan_of(content)
    (tmp_path / "a.jpg").write_bytes(content[: start + int(share * (end - start))] + content[end:])
    with pytest.raises(ImageReadError, match="the image is damaged or truncated"):
        read(tmp_path / "a.jpg")
    with pytest.raises(ImageReadError, match="the image is damaged or truncated"):
        Job(tmp_path / "a.jpg", Upscaler(2, model="bicubic"), tmp_path / "b.png").run()
    assert [each.name for each in tmp_path.iterdir()] == ["a.jpg"]


def test_a_jpeg_in_rows_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.image.job.HUGE", 0)
    content = saved("JPEG")
    start, end = scan_of(content)
    (tmp_path / "a.jpg").write_bytes(content[: (start + end) // 2] + content[end:])
    with pytest.raises(ImageReadError, match="premature end of data segment"):
        Job(tmp_path / "a.jpg", Upscaler(2, model="bicubic"), tmp_path / "b.png").run()
    (tmp_path / "a.jpg").write_bytes(content[:end] + content[end - 40 : end] + content[end:])
    (note,) = Job(tmp_path / "a.jpg", Upscaler(2, model="bicubic"), tmp_path / "b.png").run().notes
    assert note.startswith("the JPEG may be damaged: its last pixel comes before the end of its data")


def test_a_long_jpeg_is_checked_as_a_short_one(tmp_path: Path) -> None:
    content = saved("JPEG", Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)))
    _, end = scan_of(content)
    assert len(content) > 1 << 20  # libvips gets it in pieces
    for data, notes in ((content, 0), (content[:end] + bytes(range(1, 60)) + content[end:], 1)):
        (tmp_path / "a.jpg").write_bytes(data)
        assert len(read(tmp_path / "a.jpg").notes) == notes


def test_bytes_before_a_marker_are_a_note(tmp_path: Path) -> None:
    content = saved("JPEG", progressive=True)
    _, end = scan_of(content)
    (tmp_path / "a.jpg").write_bytes(content[:end] + b"\xff\xfe\0\3a" + bytes([0x55]) * 40 + content[end:])
    shown = read(tmp_path / "a.jpg")
    assert "the JPEG may be damaged: its decoder warns of 40 extraneous bytes before marker 0xd9" in shown.notes
    np.testing.assert_array_equal(shown.pixels, np.asarray(Image.open(io.BytesIO(content))))


def test_a_warning_belongs_to_its_own_file() -> None:
    content = saved("JPEG")
    start, end = scan_of(content)
    damaged = content[: (start + end) // 2] + content[end:]

    def warned(number: int) -> bool:
        data = damaged if number % 2 else content
        return decoder_warning(lambda: pyvips.Source.new_from_memory(data), 120) is not None

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(warned, range(200))] == [False, True] * 100


WEBPS = {
    "lossy": saved("WEBP"),
    "lossless": saved("WEBP", lossless=True),
    "alpha": saved("WEBP", Image.merge("LA", (GRAY, GRAY.rotate(90).resize(GRAY.size))).convert("RGBA")),
    "animated": saved("WEBP", save_all=True, append_images=[Image.fromarray(PHOTOGRAPH[::-1].copy())]),
}


def chunk_of(content: bytes, name: bytes) -> tuple[int, int]:
    """Start and end of the content of a chunk."""
    start = content.index(name) + 8
    return start, start + int.from_bytes(content[start - 4 : start], "little")


@pytest.mark.parametrize("name", WEBPS)
def test_a_webp_whose_codes_end_early_is_noted(tmp_path: Path, name: str) -> None:
    path, content = tmp_path / "a.webp", WEBPS[name]
    path.write_bytes(content)
    assert not [note for note in read(path).notes if "damaged" in note]
    start, end = chunk_of(content, {"lossless": b"VP8L", "alpha": b"ALPH"}.get(name, b"VP8 "))
    middle, size = (start + end) // 2, min(400, (end - start) // 3)
    found = 0
    for seed in range(12):
        wrong = bytes(size) if seed == 0 else random.Random(seed).randbytes(size)
        path.write_bytes(content[:middle] + wrong + content[middle + size :])
        found += "damaged" in told(path)
    assert found >= 11  # some noise consists of codes that end where the right ones do


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("wrong", ["zeros", "noise"])
def test_a_damaged_gif_is_told(tmp_path: Path, frames: int, wrong: str) -> None:
    path, content = tmp_path / "a.gif", gif(frames)
    path.write_bytes(content)
    assert not read(path).notes
    for place in (0.3, 0.5, 0.8):
        at = int(place * len(content))
        part = bytes(200) if wrong == "zeros" else random.Random(at).randbytes(200)
        path.write_bytes(content[:at] + part + content[at + 200 :])
        assert "damaged" in told(path)


def lzw(codes: list[tuple[int, int]]) -> bytes:
    """Codes of given widths, with the first in the lowest bits."""
    value = at = 0
    for code, width in codes:
        value |= code << at
        at += width
    return value.to_bytes(-(-at // 8), "little")


def small_gif(data: bytes) -> bytes:
    """A GIF of 3×2 pixels and 4 colours."""
    head = b"GIF89a" + bytes([3, 0, 2, 0, 0xF1, 0, 0]) + bytes(range(12))
    return head + b"," + bytes([0, 0, 0, 0, 3, 0, 2, 0, 0]) + b"\2" + bytes([len(data)]) + data + b"\0;"


@pytest.mark.parametrize(
    ("codes", "held"),
    [
        ([(4, 3), (1, 3), (6, 3), (6, 3), (1, 4), (5, 4)], 6),  # 1, 11, 11, 1
        ([(4, 3), (1, 3), (6, 3), (5, 3)], 3),  # an end before
        ([(4, 3), (1, 3), (6, 3)], 5),  # no end: bits that fill the last byte are codes, too
        ([(4, 3), (1, 3), (7, 3)], 1),  # a code that means nothing yet
        ([(4, 3), (1, 3), (6, 3), (7, 3), (5, 4)], 6),
        ([(4, 3), (1, 3), (6, 3), (7, 3), (7, 4)], 6),  # what follows the last pixel is not looked at
    ],
)
def test_pixels_of_codes(codes: list[tuple[int, int]], held: int) -> None:
    (frame,) = count_pixels(io.BytesIO(small_gif(lzw(codes))))
    assert (frame.wanted, frame.held) == (6, held)


@pytest.mark.parametrize("interlace", [False, True])
def test_gifs_of_any_size_hold_their_pixels(interlace: bool) -> None:
    rng = np.random.default_rng(3)
    for _ in range(12):
        height, width = (int(side) for side in rng.integers(1, 150, 2))
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        content = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").gifsave_buffer(interlace=interlace)
        (frame,) = count_pixels(io.BytesIO(content))
        assert frame.held == frame.wanted == height * width
        assert frame.rest <= 2
