"""``subpixel upscale``: formats, quality, provenance and the limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from malformed.images import png_header
from subpixel.image.files.provenance import read_provenance
from subpixel.storage.digest import digest_of

Run = Callable[..., Any]


def test_a_format_and_a_quality(run: Run, photo: Path) -> None:
    assert run("upscale", photo, "-n", "bicubic", "-f", "jpg", "-q", 60).code == 0
    with Image.open(photo.parent / "photo_x2.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (24, 16))
        Image.new("RGB", (8, 8)).save(photo.parent / "reference.jpg", quality=60)
        with Image.open(photo.parent / "reference.jpg") as reference:
            assert image.quantization == reference.quantization  # type: ignore[attr-defined]


def test_provenance_unless_it_is_switched_off(run: Run, photo: Path, tmp_path: Path) -> None:
    assert run("upscale", photo, "-n", "bicubic", "-o", tmp_path / "a.png").code == 0
    result = read_provenance(tmp_path / "a.png")
    assert result is not None
    assert (result.model, result.source) == ("bicubic", digest_of(photo))
    assert run("upscale", photo, "-n", "bicubic", "-o", tmp_path / "b.png", "--no-provenance").code == 0
    assert read_provenance(tmp_path / "b.png") is None


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "gif"])
def test_a_result_of_any_format_is_recognised(run: Run, photo: Path, suffix: str) -> None:
    options = ("-n", "bicubic", "-f", suffix)
    assert run("upscale", photo, *options).code == 0
    result = photo.parent / f"photo_x2.{suffix}"
    before = (result.stat().st_ino, result.stat().st_mtime_ns, result.read_bytes())
    done = run("upscale", photo, *options)
    assert done.code == 0
    assert "done before" in done.out + done.err
    assert (result.stat().st_ino, result.stat().st_mtime_ns, result.read_bytes()) == before
    if suffix == "jpg":
        done = run("upscale", photo, *options, "-q", 50)
        assert done.code == 1
        assert "with other settings" in done.err


def test_an_animation_keeps_its_format(run: Run, photo: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for suffix in ("gif", "webp"):
        frames[0].save(photo.parent / f"a.{suffix}", save_all=True, append_images=frames[1:], duration=100, loop=0)
        done = run("upscale", photo.parent / f"a.{suffix}", "-n", "bicubic")
        assert done.code == 0
        with Image.open(photo.parent / f"a_x2.{suffix}") as image:
            assert (image.size, image.n_frames) == ((16, 16), 2)  # type: ignore[attr-defined]


def test_the_limit(run: Run, photo: Path) -> None:
    done = run("upscale", photo, "-n", "bicubic", "--limit", "0.00009")
    assert done.code == 1
    assert "--limit" in done.err
    assert run("upscale", photo, "-n", "bicubic", "--limit", "0.000096").code == 0
    (photo.parent / "vast.png").write_bytes(png_header(40000, 40000))
    done = run("upscale", photo.parent / "vast.png", "-n", "bicubic")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "1,600 megapixels, the limit is 1,000; --limit 1600" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["-f", "jxl"], ["-f", "none"], ["-q", "0"], ["-q", "101"], ["-q", "best"], ["-q", "90"], ["--limit", "many"]],
    ids=" ".join,
)
def test_wrong_use(run: Run, photo: Path, arguments: list[str]) -> None:
    done = run("upscale", "-n", "bicubic", photo, *arguments)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert [p.name for p in photo.parent.iterdir()] == ["photo.png"]
