"""Animated GIF and WebP: each frame is upscaled separately; delays and repetitions are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

import subpixel
from subpixel import Upscaler
from subpixel.errors import InvalidArgument
from subpixel.image import ImageData, Job, read, write

Frames = list[NDArray[np.uint8]]
Look = Callable[[], dict[str, Any]]


@pytest.fixture
def frames() -> Frames:
    """Three of 14×10 that move, in few colours."""
    y, x = np.mgrid[:10, :14]
    return [np.dstack([(x + 3 * k) // 3 * 40, y // 2 * 50, (x + y) // 4 * 40]).astype(np.uint8) for k in range(3)]


def save(path: Path, frames: Frames, delays: list[int], loop: int = 0, **options: Any) -> None:
    first, *rest = (Image.fromarray(frame) for frame in frames)
    if path.suffix == ".webp":
        options.setdefault("lossless", True)
    first.save(path, save_all=True, append_images=rest, duration=delays, loop=loop, **options)


def decode(path: Path) -> tuple[Frames, list[int], int]:
    """Frames as RGB, their delays and the repetitions, by Pillow."""
    found, delays = [], []
    with Image.open(path) as image:
        for k in range(getattr(image, "n_frames", 1)):
            image.seek(k)
            found.append(np.asarray(image.convert("RGB")))
            delays.append(image.info["duration"])
        return found, delays, image.info.get("loop", -1)


@pytest.mark.parametrize("loop", [0, 3])
@pytest.mark.parametrize("target", ["gif", "webp"])
@pytest.mark.parametrize("source", ["gif", "webp"])
def test_frames_delays_and_repetitions_are_kept(
    upscaler: Upscaler, frames: Frames, tmp_path: Path, source: str, target: str, loop: int
) -> None:
    path = tmp_path / f"a.{source}"
    save(path, frames, [100, 40, 1000], loop)
    decoded, delays, repeated = decode(path)
    output = Job(path, upscaler, tmp_path / f"b.{target}").run()
    assert (output.size_in, output.size_out) == ((14, 10), (28, 20))
    again, kept, times = decode(output.destination)
    assert kept == delays == [100, 40, 1000]
    # A GIF counts repetitions after the first time, a WebP all of them.
    difference = {"gifwebp": 1, "webpgif": -1}.get(source + target, 0)
    assert times == (repeated + difference if loop else 0)
    for frame, result in zip(decoded, again, strict=True):
        expected = subpixel.upscale(frame, 2, model="bicubic").astype(int)
        assert np.abs(result - expected).mean() <= (4 if target == "gif" else 0)


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_an_animation_keeps_its_format_and_frames_are_independent(
    upscaler: Upscaler, tmp_path: Path, suffix: str
) -> None:
    plain = [np.full((8, 8, 3), level, np.uint8) for level in (0, 255, 0)]
    save(tmp_path / f"a.{suffix}", plain, [100, 100, 100])
    result = Job(tmp_path / f"a.{suffix}", upscaler).run()
    assert result.destination.name == f"a_x2.{suffix}"
    for frame, level in zip(decode(result.destination)[0], (0, 255, 0), strict=True):
        assert (frame == level).all()


def test_equal_frames_stay_in_a_gif_and_are_merged_in_a_webp(
    upscaler: Upscaler, frames: Frames, tmp_path: Path
) -> None:
    image = pyvips.Image.new_from_array(np.concatenate([frames[0], frames[1], frames[1]])).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, "page-height", 10)
    image.set_type(pyvips.GValue.array_int_type, "delay", [100, 200, 300])
    image.write_to_file(str(tmp_path / "a.gif"), keep_duplicate_frames=True)
    result = Job(tmp_path / "a.gif", upscaler).run()
    assert decode(result.destination)[1] == [100, 200, 300]
    result = Job(tmp_path / "a.gif", upscaler, tmp_path / "b.webp").run()
    assert decode(result.destination)[1] == [100, 500]
    assert any("1 frame equal" in note for note in result.notes)


def test_a_webp_that_leaves_pixels_unchanged_from_frame_to_frame(tmp_path: Path) -> None:
    y, x = np.mgrid[:24, :32]
    scene = np.dstack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256]).astype(np.uint8)
    path = tmp_path / "a.gif"
    save(path, [np.roll(scene, 3 * k, 1) for k in range(4)], [30, 70, 100, 250])
    output = Job(path, Upscaler(2, model="fast"), tmp_path / "b.webp").run()
    _, delays, _ = decode(output.destination)
    assert delays == [30, 70, 100, 250]


def test_delays_that_a_gif_cannot_store(upscaler: Upscaler, frames: Frames, tmp_path: Path) -> None:
    save(tmp_path / "a.webp", frames, [33, 33, 40])
    result = Job(tmp_path / "a.webp", upscaler, tmp_path / "b.gif").run()
    assert any("hundredths" in note for note in result.notes)
    assert decode(result.destination)[1] == [30, 30, 40]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_frame_is_turned_upright(upscaler: Upscaler, frames: Frames, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path / "a.webp", frames, [100, 100, 100], exif=exif)
    Image.fromarray(frames[1]).save(tmp_path / "still.webp", exif=exif, lossless=True)
    data = read(tmp_path / "a.webp")
    assert data.pages == 3
    np.testing.assert_array_equal(data.frames[1], read(tmp_path / "still.webp").pixels)
    result = Job(tmp_path / "a.webp", upscaler).run()
    np.testing.assert_array_equal(
        decode(result.destination)[0][1], subpixel.upscale(data.frames[1], 2, model="bicubic")
    )
    with Image.open(result.destination) as image:
        assert image.getexif().get(0x0112, 1) == 1


def test_exif_states_the_size_of_a_frame(upscaler: Upscaler, frames: Frames, tmp_path: Path) -> None:
    exif = Image.Exif()
    inner = exif.get_ifd(0x8769)
    inner[0xA002], inner[0xA003], inner[0x9286] = 14, 10, b"ASCII\0\0\0a comment"
    save(tmp_path / "a.webp", frames, [100, 100, 100], exif=exif)
    result = Job(tmp_path / "a.webp", upscaler).run()
    with Image.open(result.destination) as image:
        kept = image.getexif().get_ifd(0x8769)
        assert (image.n_frames, image.size) == (3, (28, 20))
    assert (kept[0xA002], kept[0xA003]) == (28, 20)
    assert bytes(kept[0x9286]).endswith(b"a comment")


def test_transparency_of_a_gif(upscaler: Upscaler, tmp_path: Path) -> None:
    y, x = np.mgrid[:12, :12]
    rgba = np.dstack([np.full_like(x, 250), x * 0, y * 0, np.where(x < 6, 255, 0)]).astype(np.uint8)
    pyvips.Image.new_from_array(rgba).copy(interpretation="srgb").write_to_file(str(tmp_path / "a.gif"))
    data = read(tmp_path / "a.gif")
    assert data.pixels.shape == (12, 12, 4)
    result = Job(tmp_path / "a.gif", upscaler, tmp_path / "b.gif").run()
    with Image.open(result.destination) as image:
        alpha = np.asarray(image.convert("RGBA"))[..., 3]
    assert (alpha[:, :11] == 255).all()
    assert (alpha[:, 13:] == 0).all()


def test_an_animation_into_a_format_of_still_images(
    upscaler: Upscaler, look: Look, frames: Frames, tmp_path: Path
) -> None:
    save(tmp_path / "a.gif", frames, [100, 100, 100])
    before = look()
    for suffix in ("jpg", "tif", "avif"):
        text = r"no (animation|animated AVIF), the image has 3 frames; png, webp can hold it"
        with pytest.raises(InvalidArgument, match=text):
            Job(tmp_path / "a.gif", upscaler, format=suffix).run()
    assert look() == before


def test_pages_that_do_not_divide_the_rows(frames: Frames, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="pages=3: 10 rows"):
        ImageData(frames[0], pages=3)
    stacked = ImageData(np.concatenate(frames), pages=3)
    write(stacked, tmp_path / "a.webp")  # not from a file: no delays
    assert len(decode(tmp_path / "a.webp")[0]) == 3
    np.testing.assert_array_equal(read(tmp_path / "a.webp").pixels, stacked.pixels)
