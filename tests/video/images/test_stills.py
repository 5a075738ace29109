"""Sequences of images as videos."""

from __future__ import annotations

import shutil
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import subpixel
from helpers import save_image
from subpixel import video
from subpixel.errors import ImageReadError, InvalidArgument, SubpixelError, VideoReadError, VideoWriteError
from subpixel.image.yuv import rgb_to_yuv, shrink_chroma
from subpixel.video.formats import layout_of, planes_of
from subpixel.video.source import probe_source

SIZE = (40, 24)


def pixels_of(number: int, dtype: Any = np.uint8, channels: int = 3) -> NDArray[Any]:
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    bands = [x * 5 + number, y * 9, 255 - x * 4 - number, 200 + x][:channels]
    result = np.dstack(bands).astype(np.uint8)
    return result if dtype == np.uint8 else result.astype(np.uint16) * np.uint16(257) + np.uint16(number)


def sequence(folder: Path, count: int = 5, suffix: str = ".png", dtype: Any = np.uint8, channels: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(1, count + 1):
        path = folder / f"{number:04d}{suffix}"
        if suffix in (".bmp", ".ppm"):
            Image.fromarray(pixels_of(number)).save(path)
        else:
            save_image(path, pixels_of(number, dtype, channels), **({"lossless": True} if suffix == ".webp" else {}))
    return folder


def frames(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def upscale(source: object, destination: Path, **options: Any) -> video.Result:
    options = {"scale": 2, "model": "bicubic", "frame_rate": 24, **options}
    return video.upscale_file(str(source), destination, **options)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm", ".webp"])
def test_frames_are_the_images_upscaled(tmp_path: Path, suffix: str) -> None:
    folder = sequence(tmp_path / "in", suffix=suffix)
    result = upscale(f"{folder}/%04d{suffix}", tmp_path / "out.mkv", encoder="ffv1")
    found = frames(tmp_path / "out.mkv")
    assert (result.frames, result.size_out, len(found)) == (5, (80, 48), 5)
    for number, frame in enumerate(found, 1):
        wanted = subpixel.upscale(video_pixels(folder / f"{number:04d}{suffix}"), 2, model="bicubic")
        assert np.array_equal(frame.to_ndarray(format="rgb24"), wanted)
    assert not any("become" in note for note in result.notes)


def video_pixels(path: Path) -> NDArray[Any]:
    return subpixel.image.read(path).pixels


@pytest.mark.parametrize(("name", "dtype", "bits"), [("yuv420p", np.uint8, 8), ("yuv420p10le", np.uint16, 10)])
def test_by_default_players_show_the_video(tmp_path: Path, name: str, dtype: Any, bits: int) -> None:
    folder = sequence(tmp_path / "in", dtype=dtype)
    options = "crf=0" if bits == 8 else "x265-params=lossless=1"
    result = upscale(folder, tmp_path / "out.mp4", encoder_options=options)
    made = video.probe(tmp_path / "out.mp4")
    tags = made.stream.tags
    assert (made.codec, made.stream.pix_fmt) == ("h264" if bits == 8 else "hevc", name)
    assert (tags.matrix, tags.full_range, tags.primaries, tags.transfer) == (1, False, 2, 2)
    assert any(f"become {name}" in note for note in result.notes)
    assert any("16 bits become 10" in note for note in result.notes) == (bits == 10)
    for number, frame in enumerate(frames(tmp_path / "out.mp4"), 1):
        large = subpixel.upscale(pixels_of(number, dtype), 2, model="bicubic")
        luma, *chroma = rgb_to_yuv(large, "bt709", False, bits)
        planes = planes_of(frame, layout_of(name, ""))
        for plane, codes in zip(planes, [luma, *(shrink_chroma(each, "left") for each in chroma)], strict=True):
            assert np.abs(plane - codes).max() < (1.1 if bits == 8 else 0.6)


@pytest.mark.parametrize("rate", ["24", "24000/1001", "12.5"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
def test_rates_are_kept(tmp_path: Path, rate: str, suffix: str) -> None:
    folder = sequence(tmp_path / "in", 7)
    upscale(folder, tmp_path / f"out{suffix}", frame_rate=Fraction(rate))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.video[0].average_rate == Fraction(rate)
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    tick = Fraction(1, 1000) if suffix == ".mkv" else 0
    assert all(abs(time - times[0] - n / Fraction(rate)) <= tick for n, time in enumerate(times))


def test_a_rate_is_for_images(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in")
    result = upscale(folder, tmp_path / "out.mkv", frame_rate=None)
    assert any(note.startswith("no rate is given, so 25 frames a second") for note in result.notes)
    with pytest.raises(InvalidArgument, match="has times of its own"):
        upscale(tmp_path / "out.mkv", tmp_path / "again.mkv")
    assert not (tmp_path / "again.mkv").exists()


def test_gray_and_deep_images_go_together(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 3)
    save_image(folder / "0002.png", pixels_of(2)[..., 0])
    save_image(folder / "0003.png", pixels_of(3, np.uint16))
    upscale(folder, tmp_path / "out.mkv", encoder="ffv1", model="bicubic", scale=None, width=SIZE[0])
    first, second, third = (frame.to_ndarray(format="rgb48le") for frame in frames(tmp_path / "out.mkv"))
    assert np.array_equal(first, pixels_of(1).astype(np.uint16) * 257)
    assert np.array_equal(second, np.dstack([pixels_of(2)[..., 0]] * 3).astype(np.uint16) * 257)
    assert np.array_equal(third, pixels_of(3, np.uint16))


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def with_chunk(path: Path, kind: bytes, content: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk(kind, content) + data[33:])


@pytest.mark.parametrize(
    ("kind", "content", "primaries", "transfer", "note"),
    [
        (b"cICP", bytes([9, 16, 0, 1]), 9, 16, ""),
        (b"sRGB", b"\0", 1, 13, ""),
        (b"gAMA", (45455).to_bytes(4, "big"), 1, 13, ""),
        (b"gAMA", (100000).to_bytes(4, "big"), 2, 2, "gamma and primaries"),
        (b"iCCP", b"wide\0\0" + zlib.compress(b"\0" * 200), 2, 2, "profile"),
    ],
)
def test_colours_that_images_state(
    tmp_path: Path, kind: bytes, content: bytes, primaries: int, transfer: int, note: str
) -> None:
    folder = sequence(tmp_path / "in", 2)
    for path in folder.iterdir():
        with_chunk(path, kind, content)
    result = upscale(folder, tmp_path / "out.mkv")
    tags = video.probe(tmp_path / "out.mkv").stream.tags
    assert (tags.primaries, tags.transfer) == (primaries, transfer)
    assert any(note in each for each in result.notes)
    if not note:
        assert not any("not kept" in each and "EXIF" not in each for each in result.notes)


def test_what_a_video_has_no_place_for_is_named(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 3, channels=4)
    with_chunk(folder / "0001.png", b"tEXt", b"Title\0a photo")
    notes = upscale(folder, tmp_path / "out.mkv").notes
    assert any("transparency is not kept" in note for note in notes)
    assert any(note.startswith("metadata of the images is not kept: ") and "text" in note for note in notes)


def test_images_of_several_sizes_are_refused(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 3)
    save_image(folder / "0003.png", np.zeros((24, 42, 3), np.uint8))
    with pytest.raises(VideoReadError, match=r"0003\.png: this image has 42×24 pixels, and 0001\.png has 40×24"):
        upscale(folder, tmp_path / "out.mkv")
    (folder / "0003.png").write_bytes(b"no image")
    with pytest.raises(ImageReadError, match=r"0003\.png"):
        upscale(folder, tmp_path / "out.mkv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_the_same_sequence_is_not_made_again_and_another_is(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in")
    assert not upscale(folder, tmp_path / "out.mkv").done_before
    assert upscale(folder, tmp_path / "out.mkv").done_before
    assert upscale(folder / "%04d.png", tmp_path / "out.mkv").done_before
    with pytest.raises(VideoWriteError, match="other settings"):
        upscale(folder, tmp_path / "out.mkv", frame_rate=25)
    save_image(folder / "0003.png", pixels_of(9))
    with pytest.raises(VideoWriteError, match="another video"):
        upscale(folder, tmp_path / "out.mkv")


def test_a_run_goes_on_after_the_last_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.video.encode_segments.SEGMENT_FRAMES", 3)
    folder = sequence(tmp_path / "in", 10)
    whole = upscale(folder, tmp_path / "whole.mkv", encoder="ffv1")

    def stop(done: int, total: int | None) -> None:
        if done == 8:
            raise VideoWriteError("the disk is full")

    with pytest.raises(VideoWriteError, match="full"):
        upscale(folder, tmp_path / "parts.mkv", encoder="ffv1", progress=stop)
    result = upscale(folder, tmp_path / "parts.mkv", encoder="ffv1")
    assert (result.frames, result.resumed, whole.resumed) == (10, 6, 0)
    one, other = ([bytes(f.planes[0]) for f in frames(tmp_path / n)] for n in ("whole.mkv", "parts.mkv"))
    assert one == other


def test_a_part_of_a_sequence(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 10)
    result = upscale(folder, tmp_path / "out.mkv", encoder="ffv1", frame_rate=10, start=0.3, end=0.6)
    found = frames(tmp_path / "out.mkv")
    assert (result.frames, found[0].pts) == (3, 0)
    assert np.array_equal(found[0].to_ndarray(format="rgb24"), subpixel.upscale(pixels_of(4), 2, model="bicubic"))


def test_default_names(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "shot.one")
    result = video.upscale_file(folder, scale=2, model="bicubic")
    assert result.destination == tmp_path / "shot.one_x2.mkv"
    result = video.upscale_file(folder / "%04d.png", scale=2, model="bicubic")
    assert result.destination == folder / "frames_x2.mkv"


def test_results_do_not_go_among_the_images(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in")
    for name in ("out.mkv", "out%04d.png"):
        with pytest.raises(VideoWriteError, match="lie among"):
            upscale(folder, folder / name, frame_rate=None)
    assert len(list(folder.iterdir())) == 5


def test_images_that_change_meanwhile_are_noticed(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 4)

    def change(done: int, total: int | None) -> None:
        shutil.copy(folder / "0001.png", folder / "0004.png")

    with pytest.raises(SubpixelError, match="changed while it was read"):
        upscale(folder, tmp_path / "out.mkv", progress=change)
    assert not (tmp_path / "out.mkv").exists()


def test_the_default_model_depends_on_the_format(tmp_path: Path) -> None:
    clean = probe_source(sequence(tmp_path / "png", 2))
    lossy = probe_source(sequence(tmp_path / "webp", 2, ".jpg"))
    assert clean.compression is None
    assert lossy.compression in (None, "jpeg")
