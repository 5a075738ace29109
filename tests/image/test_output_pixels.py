"""A background instead of transparency, and 8 bits: what is asked of a result's pixels besides their size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import subpixel
from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.image import Job, read
from subpixel.image.estimate import estimate_job
from subpixel.image.output_pixels import OutputPixels, parse_colour

Make = Callable[..., NDArray[Any]]
Saved = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("white", (255, 255, 255)),
        ("Grey", (128, 128, 128)),
        ("#ff8000", (255, 128, 0)),
        ("ff8000", (255, 128, 0)),
        ("#f80", (255, 136, 0)),
        ((1, 2, 3), (1, 2, 3)),
    ],
)
def test_colours(text: Any, expected: tuple[int, int, int]) -> None:
    assert parse_colour(text) == expected


@pytest.mark.parametrize("text", ["", "whitish", "#12345", "#gggggg", "#1234567890", (1, 2), (1, 2, 256), (1, 2, 3.0)])
def test_other_colours_are_refused(text: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"background=.*: a name such as white, #rrggbb, or three numbers"):
        parse_colour(text)


@pytest.mark.parametrize("depth", [16, 1, True, "8"])
def test_other_depths_are_refused(depth: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"depth=.*: 8 is needed"):
        OutputPixels.of(None, depth)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("colour", [None, (255, 255, 255), (200, 100, 0)])
@pytest.mark.parametrize("depth", [None, 8])
def test_pixels(
    pixels: Make, dtype: Any, channels: int, colour: tuple[int, int, int] | None, depth: int | None
) -> None:
    image = pixels(6, 9, channels, dtype)
    wanted = OutputPixels(colour, depth)
    result = wanted.convert(image)
    assert (result.shape[2], result.dtype) == wanted.form(channels, image.dtype)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = image.astype(float) / top
    if colour is not None and channels in (2, 4):
        alpha = values[..., -1:]
        values = values[..., :-1] * alpha + np.array(colour) / 255 * (1 - alpha)
        if channels == 2 and len(set(colour)) == 1:
            values = values[..., :1]
    most = 1 if result.dtype == np.float32 else np.iinfo(result.dtype).max
    tolerance = 1e-6 if result.dtype == np.float32 else 0.51
    np.testing.assert_allclose(result / most, values, atol=tolerance / most)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_into_a_jpeg(
    monkeypatch: pytest.MonkeyPatch,
    upscaler: Upscaler,
    saved: Saved,
    pixels: Make,
    tmp_path: Path,
    dtype: Any,
    channels: int,
    rows: bool,
) -> None:
    if rows:
        monkeypatch.setattr("subpixel.image.job.HUGE", 0)
    source = saved("a.png", pixels(12, 16, channels, dtype))
    plain = Job(source, upscaler, tmp_path / "b.jpg")
    problem = (
        "depth=8 rounds to 8 bits" if dtype == np.uint16 else "background='white' lays transparent pixels on white"
    )
    with pytest.raises(InvalidArgument, match=problem):
        plain.run()
    job = Job(source, upscaler, tmp_path / "b.jpg", background="white", depth=8, quality=100)
    assert estimate_job(job).problems == ()
    result = job.run()
    assert result.notes == ()
    expected = OutputPixels((255, 255, 255), 8).convert(
        subpixel.upscale(pixels(12, 16, channels, dtype), 2, model="bicubic")
    )
    found = read(result.destination).pixels
    assert np.abs(found.astype(int) - expected).max() <= 6


def test_a_default_destination_fits_the_converted_pixels(
    upscaler: Upscaler, saved: Saved, pixels: Make, tmp_path: Path
) -> None:
    source = saved("a.tif", pixels(6, 8, 3, np.float32))
    assert Job(source, upscaler).run().destination.suffix == ".tif"
    assert Job(source, upscaler, depth=8).run().destination.suffix == ".png"


def test_one_call(saved: Saved, pixels: Make, tmp_path: Path) -> None:
    source = saved("a.png", pixels(6, 8, 4))
    options = {"model": "bicubic", "background": (0, 0, 255)}
    result = subpixel.image.upscale_file(source, tmp_path / "b.jpg", 2, **options)
    assert read(result.destination).pixels.shape == (12, 16, 3)
    with pytest.raises(InvalidArgument, match="background"):
        subpixel.image.upscale_file(source, tmp_path / "c.jpg", 2, background="no colour")


def test_transparency_of_an_animation(upscaler: Upscaler, tmp_path: Path) -> None:
    frames = np.zeros((3, 8, 8, 4), np.uint8)
    frames[..., 0] = 255
    frames[:, :, 4:, 3] = 255
    first, *others = (Image.fromarray(np.roll(frame, k, 1)) for k, frame in enumerate(frames))
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, lossless=True)
    result = Job(tmp_path / "a.webp", upscaler, tmp_path / "b.webp", background="lime").run()
    image = read(result.destination)
    assert image.pages == 3
    assert image.pixels.shape[2] == 3 or (image.pixels[..., 3] == 255).all()
    np.testing.assert_array_equal(image.frames[0][8, 2, :3], [0, 255, 0])
