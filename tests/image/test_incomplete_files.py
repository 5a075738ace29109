"""Files that lack parts: seen when they are opened, so that a dry run says what a run says."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers import save_image
from image.heif_files import Item, coded, heif
from image.tiff_files import image, tiff
from subpixel.errors import ImageReadError
from subpixel.image import Job
from subpixel.image.estimate import estimate_job
from subpixel.image.files.containers.png import chunk
from subpixel.image.files.reading import read
from subpixel.upscaler import Upscaler

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)


def saved(kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(PIXELS).save(target, kind, **options)
    return target.getvalue()


def avif() -> bytes:
    data, kinds = coded(PIXELS.astype(np.uint16) * 0 + PIXELS)
    return heif([Item(b"av01", data, tuple(kinds))])


def animation() -> bytes:
    return saved("GIF", save_all=True, append_images=[Image.fromarray(PIXELS[::-1].copy())])


CUT = {
    "jpeg": (lambda: saved("JPEG")[:-2], "the JPEG has no end"),
    "progressive jpeg": (lambda: saved("JPEG", progressive=True)[:-700], "the JPEG has no end"),
    "bmp": (lambda: saved("BMP")[:-1], "2879 of 2880 bytes of pixels are there"),
    "ppm": (lambda: saved("PPM")[:-5], "2875 of 2880 bytes of samples are there"),
    "plain pgm": (lambda: b"P2\n9 9\n255\n" + b"7 " * 70, "140 of 161 bytes of samples are there"),
    "png": (lambda: saved("PNG")[:-400], r"its pixels lack \d+ bytes"),
    "avif": (lambda: avif()[:-3], "its box mdat lacks 3 bytes at the end of the file"),
    "tiff": (lambda: tiff(image(PIXELS))[:100], "the directory of the TIFF is missing"),
    "tiff without a directory": (lambda: b"II*\0" + struct.pack("<I", 5000) + bytes(99), "the directory of the TIFF"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_short_is_refused_by_a_dry_run(tmp_path: Path, name: str) -> None:
    make, message = CUT[name]
    (tmp_path / "a").write_bytes(make())
    job = Job(tmp_path / "a", Upscaler(2, model="bicubic"), tmp_path / "b.png")
    with pytest.raises(ImageReadError, match=f"the image is damaged or truncated .*{message}") as raised:
        job.run()
    assert [str(problem) for problem in estimate_job(job).problems] == [str(raised.value)]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (saved("GIF")[:-1], "the GIF may be damaged: it has no end, and what followed its last frame is missing"),
        (animation()[:-1], "the GIF may be damaged: it has no end, and what followed its last frame is missing"),
        (saved("PNG")[:-12], "the PNG may be damaged: it has no end, and what followed its pixels is missing"),
        (saved("PNG")[:-12] + chunk(b"IEND", b"more"), "the PNG chunk IEND should be empty: what it holds is not kept"),
    ],
    ids=["gif", "animation", "png", "png with a wrong end"],
)
def test_an_end_that_is_missing_or_wrong_is_noted(tmp_path: Path, content: bytes, note: str) -> None:
    (tmp_path / "a").write_bytes(content)
    assert note in read(tmp_path / "a").notes


def test_a_jpeg_whose_list_of_segments_breaks_off_has_its_end(tmp_path: Path) -> None:
    content = saved("JPEG")
    (tmp_path / "a.jpg").write_bytes(content[:20] + bytes(5) + content[20:])  # bytes that libjpeg passes
    assert any("5 extraneous bytes before marker" in note for note in read(tmp_path / "a.jpg").notes)


def test_a_main_image_that_is_not_there(tmp_path: Path) -> None:
    content = avif()
    at = content.index(b"pitm")
    (tmp_path / "a.avif").write_bytes(content[: at + 8] + struct.pack(">H", 119) + content[at + 10 :])
    with pytest.raises(ImageReadError, match="its main image is item 119, which is not among its 1 items"):
        read(tmp_path / "a.avif")


def test_an_item_behind_the_end_of_an_avif(tmp_path: Path) -> None:
    content = avif()
    at = content.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", content, at)
    # The box says what is there, and the item says more.
    (tmp_path / "a.avif").write_bytes(content[:at] + struct.pack(">I", size - 9) + content[at + 4 : -9])
    with pytest.raises(ImageReadError, match="the data of its item 1 end 9 bytes behind the end of the file"):
        read(tmp_path / "a.avif")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_resolution_of_an_unknown_unit_is_not_kept(tmp_path: Path, order: str, suffix: str) -> None:
    tags = {282: (5, [300, 1]), 283: (5, [300, 1]), 296: (3, [9])}
    (tmp_path / "a.tif").write_bytes(tiff(image(PIXELS, tags), order=order))
    job = Job(tmp_path / "a.tif", Upscaler(2, model="bicubic"), tmp_path / f"b{suffix}")
    note = "the unit of the resolution (9) is not known: it is not kept"
    assert note in estimate_job(job).notes
    assert note in job.run().notes
    assert read(tmp_path / "a.tif").pixels.tobytes() == PIXELS.tobytes()
    with Image.open(tmp_path / f"b{suffix}") as result:
        assert result.info.get("dpi", (1, 1)) in ((1, 1), (72, 72))


def test_bytes_behind_the_data_of_a_tiff(tmp_path: Path) -> None:
    for options in ({}, {"compression": "lzw", "tile": True, "tile_width": 16, "tile_height": 16}, {"bigtiff": True}):
        save_image(tmp_path / "a.tif", PIXELS, **options)
        content = (tmp_path / "a.tif").read_bytes()
        for added, notes in (
            (b"", ()),
            (bytes(5000), ()),  # padding
            (b"\1" * 9, ()),
            (b"PK\3\4" + b"x" * 96, ("100 bytes after the end of the image (a ZIP archive) are not kept",)),
        ):
            (tmp_path / "a.tif").write_bytes(content + added)
            assert read(tmp_path / "a.tif").notes == notes


def test_strips_behind_the_end_of_a_tiff(tmp_path: Path) -> None:
    content = tiff(image(PIXELS))
    at = content.index(struct.pack("<HHI", 273, 4, 1)) + 8
    (tmp_path / "a.tif").write_bytes(content[:at] + struct.pack("<I", 10**6) + content[at + 4 :])
    job = Job(tmp_path / "a.tif", Upscaler(2, model="bicubic"), tmp_path / "b.png")
    (problem,) = estimate_job(job).problems
    assert str(problem).endswith("the image is damaged or truncated (strip 1 lies behind the end of the file)")
