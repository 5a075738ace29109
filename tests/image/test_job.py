"""One image from file to file: the file that is written, and what a failure leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from malformed.images import NOT_IMAGES
from subpixel import Upscaler
from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument, SubpixelError
from subpixel.image import Job, read
from subpixel.image.estimate import estimate_job
from subpixel.image.files.provenance import read_provenance

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]
Look = Callable[[], dict[str, Any]]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_the_result_is_the_upscaled_image(
    upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path, suffix: str
) -> None:
    source = saved("a.png", pixels(5, 7))
    result = Job(source, upscaler, destination=tmp_path / f"b{suffix}").run()
    assert result.destination == tmp_path / f"b{suffix}"
    assert (result.size_in, result.size_out) == ((7, 5), (14, 10))
    assert result.notes == ()
    assert set(result.seconds) == {"read", "upscale", "write"}
    output = read(result.destination).pixels.astype(int)
    assert np.abs(output - upscaler(pixels(5, 7))).max() <= (12 if suffix == ".jpg" else 0)


@pytest.mark.parametrize(
    ("name", "channels", "dtype", "expected"),
    [
        ("photo.jpg", 3, np.uint8, "photo_x2.png"),
        ("photo.v2.png", 4, np.uint16, "photo.v2_x2.png"),
        ("gray.png", 1, np.uint8, "gray_x2.png"),
        ("measured.tif", 1, np.float32, "measured_x2.tif"),
    ],
)
def test_without_a_name_the_result_loses_nothing(
    upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path, name: str, channels: int, dtype: Any, expected: str
) -> None:
    source = saved(name, pixels(channels=channels, dtype=dtype))
    result = Job(source, upscaler).run()
    assert result.destination == tmp_path / expected
    output = read(result.destination).pixels
    assert (output.shape[2], output.dtype) == (channels, dtype)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert Job(source, upscaler, folder=folder).run().destination == folder / expected


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_rotated_photograph_is_written_upright(
    upscaler: Upscaler, pixels: Make, tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x0132] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769).update({0xA002: 36, 0xA003: 24})
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=exif, dpi=(240, 240))
    result = Job(tmp_path / "a.jpg", upscaler, destination=tmp_path / "b.jpg").run()
    upright = (24, 36) if orientation in (6, 8) else (36, 24)
    assert result.size_in == upright
    assert result.size_out == (upright[0] * 2, upright[1] * 2)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.size == result.size_out
        tags = image.getexif()
        assert tags.get(0x0112, 1) == 1
        assert tags[0x0132] == "2024:05:06 07:08:09"
        # EXIF has the size of the new image.
        size = tags.get_ifd(0x8769)
        assert (size[0xA002], size[0xA003]) == result.size_out


def test_notes_of_reading_are_passed_on(upscaler: Upscaler, tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 200, 0, 0)).save(tmp_path / "c.jpg")
    assert "cmyk" in Job(tmp_path / "c.jpg", upscaler).run().notes[0]


@pytest.mark.parametrize("name", NOT_IMAGES)
@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_is_not_an_image_leaves_nothing_behind(
    upscaler: Upscaler, look: Look, tmp_path: Path, name: str, named: bool
) -> None:
    file, content = NOT_IMAGES[name]
    (tmp_path / file).write_bytes(content)
    before = look()
    with pytest.raises(ImageReadError):
        Job(tmp_path / file, upscaler, destination=tmp_path / "out.png" if named else None).run()
    assert look() == before


def test_a_damaged_image_does_not_replace_the_old_result(
    upscaler: Upscaler, saved: Saved, look: Look, tmp_path: Path
) -> None:
    source = saved("a.png")
    source.write_bytes(source.read_bytes()[:-60])
    (tmp_path / "out.png").write_bytes(b"the result of yesterday")
    before = look()
    with pytest.raises(ImageReadError, match="damaged or truncated"):
        Job(source, upscaler, destination=tmp_path / "out.png", overwrite=True).run()
    assert look() == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("way", ["same", "symbolic link", "hard link", "around"])
def test_the_source_is_never_replaced(
    upscaler: Upscaler, saved: Saved, look: Look, tmp_path: Path, way: str, overwrite: bool
) -> None:
    source = saved("a.png")
    target = {"same": source, "around": tmp_path / "folder" / ".." / "a.png"}.get(way, tmp_path / "b.png")
    (tmp_path / "folder").mkdir()
    if way == "symbolic link":
        target.symlink_to(source)
    elif way == "hard link":
        os.link(source, target)
    before = look()
    with pytest.raises(ImageWriteError, match="the output is the input file"):
        Job(source, upscaler, destination=target, overwrite=overwrite).run()
    assert look() == before


def test_a_result_that_exists_is_untouched_unless_asked(
    upscaler: Upscaler, saved: Saved, look: Look, tmp_path: Path
) -> None:
    source = saved("a.png")
    for destination in (None, tmp_path / "a_x2.png"):
        (tmp_path / "a_x2.png").write_bytes(b"precious")
        before = look()
        with pytest.raises(ImageWriteError, match="exists already"):
            Job(source, upscaler, destination=destination).run()
        assert look() == before
        Job(source, upscaler, destination=destination, overwrite=True).run()
        assert read(tmp_path / "a_x2.png").pixels.shape == (48, 72, 3)


@pytest.mark.parametrize(
    ("channels", "dtype", "target", "text"),
    [
        (4, np.uint8, "out.jpg", "transparency"),
        (3, np.uint16, "out.jpg", "uint16"),
        (3, np.uint8, "out.jxl", "cannot write JPEG XL"),
        (3, np.uint8, "out", "must end in"),
        (3, np.uint8, "none/out.png", "does not exist"),
        (3, np.uint8, "a.png/out.png", "is not a folder"),
        (3, np.uint8, "n" * 300 + ".png", "too long"),
    ],
)
def test_an_impossible_destination_leaves_nothing_behind(
    upscaler: Upscaler,
    pixels: Make,
    saved: Saved,
    look: Look,
    tmp_path: Path,
    channels: int,
    dtype: Any,
    target: str,
    text: str,
) -> None:
    source = saved("a.png", pixels(channels=channels, dtype=dtype))
    before = look()
    with pytest.raises((InvalidArgument, ImageWriteError), match=text):
        Job(source, upscaler, destination=tmp_path / target).run()
    assert look() == before


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("exists", [False, True])
def test_a_writer_that_fails_midway_leaves_the_old_result(
    monkeypatch: pytest.MonkeyPatch,
    upscaler: Upscaler,
    saved: Saved,
    look: Look,
    tmp_path: Path,
    failure: BaseException,
    exists: bool,
) -> None:
    source = saved("a.png")
    if exists:
        (tmp_path / "a_x2.png").write_bytes(b"the result of yesterday")
    before = look()

    def half(image: pyvips.Image, *_: Any, **options: Any) -> None:
        (scratch,) = tmp_path.glob(".*.png")
        scratch.write_bytes(b"half of")
        raise failure

    monkeypatch.setattr(pyvips.Image, "write_to_target", half)
    with pytest.raises((SubpixelError, KeyboardInterrupt, MemoryError)):
        Job(source, upscaler, overwrite=exists).run()
    assert look() == before


def test_a_failure_of_the_network_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, upscaler: Upscaler, saved: Saved, look: Look
) -> None:
    source = saved("a.png")
    before = look()

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(upscaler, "_network", fail)
    with pytest.raises(MemoryError):
        Job(source, upscaler).run()
    assert look() == before


def test_a_file_that_changed_is_read_anew(upscaler: Upscaler, pixels: Make, saved: Saved, tmp_path: Path) -> None:
    """libvips caches what it opened; a long-lived program must not get an old image."""
    for number, shape in enumerate([(5, 7), (9, 3)]):
        source = saved("a.png", pixels(*shape))
        result = Job(source, upscaler, destination=tmp_path / f"{number}.png").run()
        np.testing.assert_array_equal(read(result.destination).pixels, upscaler(pixels(*shape)))


@pytest.mark.parametrize(("width", "model"), [(30, "resize"), (128, "fast")])
def test_what_ran_is_what_is_recorded(
    monkeypatch: pytest.MonkeyPatch, pixels: Make, saved: Saved, tmp_path: Path, width: int, model: str
) -> None:
    source = saved("a.png", pixels(32, 64))
    job = Job(source, Upscaler(width=width, threads=1), tmp_path / "b.png")
    estimate = estimate_job(job)
    assert estimate.choice is None or estimate.choice.model == model
    result = job.run()
    assert (result.choice.model, result.upscaled) == (model, model == "fast")
    provenance = read_provenance(result.destination)
    assert provenance is not None
    assert provenance.model == model
    monkeypatch.setattr("subpixel.image.job.HUGE", 0)  # row by row
    again = Job(source, Upscaler(width=width, threads=1), tmp_path / "c.png").run()
    assert again.choice.model == model
    assert read_provenance(again.destination) == provenance


def with_alpha(pixels: NDArray[Any], alpha: NDArray[Any] | int) -> NDArray[Any]:
    return np.dstack([pixels, np.full(pixels.shape[:2], alpha, pixels.dtype) if isinstance(alpha, int) else alpha])


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "avif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_opaque_alpha_is_left_out_of_a_jpeg(
    upscaler: Upscaler, pixels: Make, tmp_path: Path, suffix: str, orientation: int
) -> None:
    """Nothing is lost, so nothing is said; one pixel that is not opaque is an error. The dry run agrees."""
    path, plain = tmp_path / f"a.{suffix}", tmp_path / "plain.png"
    Image.fromarray(pixels()).save(plain)
    image = Image.fromarray(with_alpha(pixels(), 255))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    job = Job(path, upscaler, tmp_path / "b.jpg", provenance=False)
    estimate = estimate_job(job)
    assert (estimate.problems, estimate.notes) == ((), ())
    result = job.run()
    assert result.notes == ()
    with Image.open(result.destination) as written:
        assert written.mode == "RGB"
        assert written.size == estimate.size_out == result.size_out
        shown = np.asarray(written)
    if suffix != "avif" and orientation == 1:
        Job(plain, upscaler, tmp_path / "c.jpg", provenance=False).run()
        np.testing.assert_array_equal(shown, np.asarray(Image.open(tmp_path / "c.jpg")))
    alpha = np.full(pixels().shape[:2], 255, np.uint8)
    alpha[-1, -1] = 254 if suffix != "avif" else 0
    image = Image.fromarray(with_alpha(pixels(), alpha))
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    again = Job(path, upscaler, tmp_path / "d.jpg")
    with pytest.raises(InvalidArgument, match=r"JPEG has no transparency, the image does.*background='white'"):
        again.run()
    assert len(estimate_job(again).problems) == 1
    assert not (tmp_path / "d.jpg").exists()


def test_opaque_alpha_of_a_large_image(
    upscaler: Upscaler, pixels: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(with_alpha(pixels(), 255)).save(tmp_path / "a.png")
    Job(tmp_path / "a.png", upscaler, tmp_path / "b.jpg", provenance=False).run()
    monkeypatch.setattr("subpixel.image.job.HUGE", 1)
    Job(tmp_path / "a.png", upscaler, tmp_path / "c.jpg", provenance=False).run()
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "c.jpg").read_bytes()


def test_opaque_alpha_of_other_depths(upscaler: Upscaler, tmp_path: Path) -> None:
    gray = np.full((6, 8, 2), 65535, np.uint16)
    pyvips.Image.new_from_array(gray).copy(interpretation="grey16").write_to_file(str(tmp_path / "a.png"))
    result = Job(tmp_path / "a.png", upscaler, tmp_path / "b.jpg", depth=8).run()
    with Image.open(result.destination) as written:
        assert written.mode == "L"
    with pytest.raises(InvalidArgument, match="uint16"):
        Job(tmp_path / "a.png", upscaler, tmp_path / "c.jpg").run()
