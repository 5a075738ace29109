"""Frames of videos as images."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import subpixel
from helpers import save_image
from subpixel import video
from subpixel.errors import ImageWriteError, InvalidArgument, SubpixelError, VideoWriteError
from subpixel.image.files.source_metadata import CODE_POINTS, pixel_aspect
from subpixel.upscaler import Upscaler
from subpixel.video.formats import layout_of
from subpixel.video.images.image_output import ImageOutput
from subpixel.video.rgb_conversion import rgb_pixels
from subpixel.video.time_range import TimeRange
from video import clips
from video.images.test_stills import pixels_of, sequence

Clip = Callable[[str], Path]


def write(source: Path, folder: Path, name: str = "%04d.png", **options: Any) -> video.Result:
    upscaler = Upscaler(options.pop("scale", 2), model=options.pop("model", "bicubic"), threads=2)
    return ImageOutput(source, upscaler, folder / name, **options).run(options.pop("progress", None))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["plain.mp4", "yuv422_10.mp4", "yuv444.mp4", "gray.mkv"])
def test_images_are_the_frames_upscaled(clip: Clip, tmp_path: Path, name: str) -> None:
    source = clip(name)
    video.upscale_file(source, tmp_path / "large.mkv", 2, model="bicubic", encoder="ffv1")
    result = write(source, tmp_path / "out")
    found = video.probe(source).stream
    layout = layout_of(found.pix_fmt, "")
    with av.open(str(tmp_path / "large.mkv")) as container:
        for number, frame in enumerate(container.decode(video=0), 1):
            pixels = subpixel.image.read(tmp_path / "out" / f"{number:04d}.png").pixels
            wanted = rgb_pixels(frame, layout, "bt601", bool(found.tags.full_range), found.tags.siting or "left")
            assert pixels.dtype == (np.uint8 if layout.bits == 8 else np.uint16)
            assert np.array_equal(pixels, wanted)
    assert number == result.frames == len(names(tmp_path / "out"))


def test_rgb_goes_to_video_and_back_unchanged(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", dtype=np.uint16)
    same = {"width": 40, "model": "bicubic"}
    video.upscale_file(folder, tmp_path / "film.mkv", encoder="ffv1", frame_rate=24, **same)  # type: ignore[arg-type]
    result = video.upscale_file(tmp_path / "film.mkv", tmp_path / "out" / "%d.png", **same)  # type: ignore[arg-type]
    for number in range(1, 6):
        assert np.array_equal(subpixel.image.read(tmp_path / f"out/{number}.png").pixels, pixels_of(number, np.uint16))
    assert any(note.startswith("24 frames a second: frame_rate=24") for note in result.notes)


@pytest.mark.parametrize(("suffix", "deep"), [(".tif", True), (".jpg", False), (".webp", False)])
def test_formats(clip: Clip, tmp_path: Path, suffix: str, deep: bool) -> None:
    result = write(clip("yuv422_10.mp4"), tmp_path / "out", f"%d{suffix}")
    image = subpixel.image.read(tmp_path / "out" / f"1{suffix}")
    assert image.pixels.dtype == (np.uint16 if deep else np.uint8)
    assert any("holds 8 bits, and the frames have 10" in note for note in result.notes) != deep


def test_what_images_do_not_hold_is_named(clip: Clip, tmp_path: Path) -> None:
    notes: list[str] = []
    write(clip("rich.mkv"), tmp_path / "out", on_note=notes.append)
    (left,) = (note for note in notes if note.startswith("left out"))
    assert all(word in left for word in ("audio", "subtitle", "chapter", "attachment", "title"))


def test_a_second_run_keeps_what_is_there(clip: Clip, tmp_path: Path) -> None:
    source, out = clip("plain.mp4"), tmp_path / "out"
    write(source, out)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.iterdir()}
    again = write(source, out)
    assert (again.done_before, again.frames, again.resumed) == (True, 12, 12)
    (out / "0003.png").unlink()
    (out / "0012.png").unlink()
    resumed = write(source, out)
    assert (resumed.done_before, resumed.frames, resumed.resumed) == (False, 12, 10)
    for path, (content, time) in before.items():
        assert path.read_bytes() == content
        assert path.name in ("0003.png", "0012.png") or path.stat().st_mtime_ns == time


@pytest.mark.parametrize("model", ["recurrent", "vespcn"])
def test_networks_that_use_motion_go_on_to_the_same_images(clip: Clip, tmp_path: Path, model: str) -> None:
    source, out = clip("plain.mp4"), tmp_path / "out"
    write(source, out, model=model, scale=3)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for name in ("0002.png", "0007.png"):
        (out / name).unlink()
    assert write(source, out, model=model, scale=3).resumed == 10
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_failure_leaves_whole_images_and_is_resumed(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = clip("plain.mp4"), tmp_path / "out"
    from subpixel.video.images import frame_files

    real, count = frame_files.write, 0

    def fails(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == 6:
            raise ImageWriteError("no space left")
        return real(*arguments, **options)

    monkeypatch.setattr(frame_files, "write", fails)
    with pytest.raises(ImageWriteError, match="no space"):
        write(source, out)
    monkeypatch.undo()
    left = names(out)
    assert left
    assert all(name.endswith(".png") and not name.startswith(".") for name in left)
    for name in left:
        assert subpixel.image.read(out / name).pixels.shape == (64, 96, 3)
    assert write(source, out).resumed == len(left)
    assert len(names(out)) == 12


def test_other_files_are_not_replaced(clip: Clip, tmp_path: Path) -> None:
    source, out = clip("plain.mp4"), tmp_path / "out"
    out.mkdir()
    other = save_image(out / "0005.png", np.zeros((4, 4, 3), np.uint8))
    content = other.read_bytes()
    with pytest.raises(VideoWriteError, match=r"0005\.png: exists already; overwrite=True"):
        write(source, out)
    assert (names(out), other.read_bytes()) == (["0005.png"], content)
    assert write(source, out, overwrite=True).frames == 12
    with pytest.raises(VideoWriteError, match=r"0001\.png: exists already, made from this video with other settings"):
        write(source, out, scale=3)
    beyond = save_image(out / "0040.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(VideoWriteError, match=r"0040\.png: exists already"):
        write(source, out)
    notes = write(source, out, overwrite=True).notes
    assert any("0040.png: of another run" in note for note in notes)
    assert beyond.exists()


def test_numbers_begin_where_they_are_asked_to(clip: Clip, tmp_path: Path) -> None:
    write(clip("plain.mp4"), tmp_path / "out", "a_%02d.png", start_number=98)
    assert names(tmp_path / "out") == sorted(f"a_{number}.png" for number in range(98, 110))
    with pytest.raises(InvalidArgument, match="start_number=-1"):
        write(clip("plain.mp4"), tmp_path / "other", start_number=-1)


def test_times_that_are_uneven_are_written(tmp_path: Path) -> None:
    source = clips.make_clip(tmp_path / "a.mkv", times=[0, 40, 100, 240], time_base=Fraction(1, 1000))
    result = write(source, tmp_path / "out")
    lines = (tmp_path / "out" / "timestamps.txt").read_text().splitlines()
    assert lines == ["# timestamp format v2", "0", "40", "100", "240"]
    assert any("timestamps.txt" in note for note in result.notes)
    assert write(source, tmp_path / "out").done_before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "timestamps.txt").write_text("mine")
    with pytest.raises(VideoWriteError, match=r"timestamps\.txt: exists already"):
        write(source, tmp_path / "other")
    assert (tmp_path / "other" / "timestamps.txt").read_text() == "mine"


def test_turned_frames_are_upright(clip: Clip, tmp_path: Path) -> None:
    flat = clips.make_clip(tmp_path / "flat.mp4", times=range(2))
    turned = clips.make_clip(tmp_path / "turned.mp4", times=range(2), matrix=clips.QUARTER)
    result = write(turned, tmp_path / "turned")
    write(flat, tmp_path / "flat")
    one, other = (subpixel.image.read(tmp_path / n / "0001.png").pixels for n in ("flat", "turned"))
    assert result.size_out == (64, 96)
    # QUARTER sends what points to the right downwards: a turn to the right.
    assert np.array_equal(other, np.rot90(one, -1))


def test_colours_and_shape_are_stated(clip: Clip, tmp_path: Path) -> None:
    write(clip("hdr.mp4"), tmp_path / "hdr")
    header = subpixel.image.read(tmp_path / "hdr" / "0001.png").header
    assert header is not None
    assert list(header.get(CODE_POINTS)) == [9, 16, 0, 1]
    source = clips.anamorphic(tmp_path / "a.mp4")
    write(source, tmp_path / "wide")
    stated = pixel_aspect(subpixel.image.read(tmp_path / "wide" / "0001.png").header)
    aspect = video.probe(source).stream.aspect
    assert stated is not None
    assert aspect is not None
    assert Fraction(stated[1], stated[0]) == aspect


def test_images_to_images_go_the_way_of_images(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "in", 4, channels=4)
    for path in folder.iterdir():
        path.rename(folder / f"{int(path.stem) + 6:04d}.png")
    result = write(folder / "%04d.png", tmp_path / "out", "n%d.tif")
    assert (result.frames, result.size_out) == (4, (80, 48))
    assert names(tmp_path / "out") == sorted(f"n{number}.tif" for number in range(7, 11))
    for number in range(1, 5):
        wanted = subpixel.upscale(pixels_of(number, channels=4), 2, model="bicubic")
        assert np.array_equal(subpixel.image.read(tmp_path / "out" / f"n{number + 6}.tif").pixels, wanted)
    assert write(folder / "%04d.png", tmp_path / "out", "n%d.tif").done_before
    (tmp_path / "out" / "n8.tif").unlink()
    assert write(folder / "%04d.png", tmp_path / "out", "n%d.tif").resumed == 3
    part = write(
        folder, tmp_path / "part", time_range=TimeRange(Fraction(1, 5), Fraction(2, 5)), frame_rate=Fraction(5)
    )
    assert (part.frames, names(tmp_path / "part")) == (1, ["0002.png"])
    with pytest.raises(VideoWriteError, match="the output is an input"):
        write(folder / "%04d.png", folder)


def test_options_that_do_not_fit_are_refused(clip: Clip, tmp_path: Path) -> None:
    source, out = clip("plain.mp4"), tmp_path / "out" / "%d.png"
    for options in ({"crf": 18}, {"encoder": "x264"}, {"pix_fmt": "yuv420p"}, {"encoder_options": "tune=grain"}):
        with pytest.raises(InvalidArgument, match="is for videos"):
            video.upscale_file(source, out, 2, model="bicubic", **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="start_number=3: this is for images"):
        video.upscale_file(source, tmp_path / "out.mkv", 2, model="bicubic", start_number=3)
    with pytest.raises(SubpixelError, match="frame_rate=24"):
        video.upscale_file(source, out, 2, model="bicubic", frame_rate=24)
    with pytest.raises(InvalidArgument, match="cannot write BMP"):
        video.upscale_file(source, tmp_path / "out" / "%d.bmp", 2, model="bicubic")
    assert names(tmp_path) == []


def test_an_estimate_writes_nothing(clip: Clip, tmp_path: Path) -> None:
    job = ImageOutput(clip("plain.mp4"), Upscaler(2, model="bicubic"), tmp_path / "out" / "%d.png")
    estimate = job.estimate()
    assert (estimate.frames, estimate.size_out, estimate.done_before) == (12, (96, 64), False)
    assert estimate.seconds is not None
    assert names(tmp_path) == []
    job.run()
    assert job.estimate().done_before
