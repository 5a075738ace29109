"""Every codec and pixel format that can be made here: the default output works, and its notes are true."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from subpixel.errors import SubpixelError, Unsupported
from subpixel.video import upscale_file
from subpixel.video.containers import CONTAINERS
from subpixel.video.formats import layout_of
from subpixel.video.video_file import VideoFile, open_video, probe
from video import clips

HARDWARE = ("_amf", "_nvenc", "_qsv", "_v4l2m2m", "_vaapi", "_videotoolbox", "_mf", "_vulkan")
# They write no frames, or the same as another does.
OTHERS = {"vnull", "wrapped_avframe", "a64multi", "a64multi5", "h264", "hevc", "av1", "vp8", "vp9", "libwebp"}
SIZES = {"dvvideo": (720, 480), "h261": (176, 144), "h263": (176, 144), "cfhd": (96, 64), "libx265": (96, 64)}
RATES = {"dvvideo": Fraction(1001, 30000), "cfhd": Fraction(1, 25)}
FAST = {
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime", "auto-alt-ref": "0"},
    "libvpx": {"cpu-used": "8", "deadline": "realtime", "auto-alt-ref": "0"},
    "libsvtav1": {"preset": "12"},
}
# True of what some codecs and containers make of a plain clip.
TRUE = (
    "frames had no time",  # MPEG program streams, AVI
    "its colour matrix is unspecified",  # DV, which is larger than the other clips
    "NUT cannot store the matrix",  # JPEG-LS, whose decoder states one
)
TRANSPARENT = "transparency is not kept: the alpha channel is left out"


def codecs() -> Iterator[str]:
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "w")
        except ValueError:
            continue
        if codec.type == "video" and not name.endswith(HARDWARE) and name not in OTHERS and codec.name == name:
            yield name


def made(path: Path, codec: str, pix_fmt: str) -> VideoFile | None:
    """A clip of three frames; None if the container does not hold it, or libavformat does not read it back."""
    try:
        clips.make_clip(
            path,
            codec=codec,
            pix_fmt=pix_fmt,
            size=SIZES.get(codec, (48, 32)),
            times=range(3),
            time_base=RATES.get(codec, clips.RATE),
            options=FAST.get(codec),
        )
        return probe(path)
    except (SubpixelError, ValueError, OSError, av.error.FFmpegError):
        return None


def check_default(source: Path, video: VideoFile) -> None:
    """The default output is written, next to the source, with true notes only."""
    try:
        layout_of(video.stream.pix_fmt, source)
    except Unsupported:  # a pixel format that cannot be upscaled at all
        return
    result = upscale_file(source, model="bicubic", deinterlace=video.codec == "dvvideo", overwrite=True)
    width, height = video.stream.size
    assert (result.size_out, result.frames) == ((2 * width, 2 * height), 3)
    assert result.destination.parent == source.parent
    notes = [note for note in result.notes if not any(words in note for words in TRUE)]
    assert [note.split(";")[0] for note in notes] == ([TRANSPARENT] if video.stream.alpha else [])
    stream, written = video.stream, probe(result.destination).stream
    # What the source does not say, the result does not say either: VP9 and AV1 always state a range.
    tagged = any("so the result is tagged" in note for note in result.notes)
    if not tagged and written.pix_fmt == stream.pix_fmt and not av.VideoFormat(stream.pix_fmt).is_rgb:
        assert written.tags.primaries == stream.tags.primaries
        assert written.tags.transfer == stream.tags.transfer
        assert bool(written.tags.full_range) == bool(stream.tags.full_range)


@pytest.mark.parametrize("codec", list(codecs()))
def test_the_default_output_works(tmp_path: Path, codec: str) -> None:
    formats = [each.name for each in av.Codec(codec, "w").video_formats or ()] or ["yuv420p"]
    for pix_fmt in formats[:8]:
        for suffix in ("mkv", "mov", "nut", "avi"):
            video = made(tmp_path / f"{pix_fmt}.{suffix}", codec, pix_fmt)
            if video is not None:
                check_default(video.path, video)
                break


PIXELS = (
    "yuv420p",
    "yuv411p",
    "yuv440p",
    "yuv420p9le",
    "yuv420p16le",
    "gray",
    "gray16le",
    "rgb24",
    "gbrp10le",
    "gbrap",
)


@pytest.mark.parametrize(("pix_fmt", "container"), list(itertools.product(PIXELS, CONTAINERS)), ids=str)
def test_the_default_output_works_in_every_container(tmp_path: Path, pix_fmt: str, container: object) -> None:
    """The names of the source decide only where the result goes: these are NUT files of every suffix."""
    assert isinstance(container, type(CONTAINERS[0]))
    source = tmp_path / f"video{container.suffixes[0]}"
    clips.make_clip(source, codec="ffvhuff", pix_fmt=pix_fmt, times=range(3), format_name="nut")
    check_default(source, probe(source))


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("size", [(45, 33), (30, 20)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_default_output_works_at_every_size(
    tmp_path: Path, scale: int, size: tuple[int, int], pix_fmt: str, suffix: str
) -> None:
    source = clips.make_clip(
        tmp_path / f"video{suffix}", codec="ffv1", pix_fmt=pix_fmt, size=size, times=range(2), format_name="nut"
    )
    result = upscale_file(source, scale=scale, model="bicubic")
    assert result.size_out == (scale * size[0], scale * size[1])


def test_what_nobody_said_is_not_written(tmp_path: Path) -> None:
    """No pixel aspect, no range, no colours, no language, no handler, no vendor: neither in streams nor in metadata."""
    source = clips.make_clip(tmp_path / "in.mov", others=lambda out: clips._written(clips.sound(out)))
    for suffix in ("mkv", "mov", "mp4"):
        result = upscale_file(source, tmp_path / f"out.{suffix}", model="bicubic")
        stream = probe(result.destination).stream
        assert (stream.aspect, stream.tags.primaries, stream.tags.transfer, stream.tags.matrix) == (None, 2, 2, 2)
        assert stream.tags.full_range is None
    with open_video(tmp_path / "out.mkv") as container:
        for each in container.streams:
            assert {key.lower() for key in each.metadata} <= {"duration", "encoder"}


def test_notes_are_true_of_every_clip(tmp_path: Path) -> None:
    """The notes of all clips of the tests, into Matroska: none, but for those that are true."""
    said = {}
    for name in clips.CLIPS:
        source = tmp_path / name
        clips.CLIPS[name](source)
        if name in ("interlaced.mp4", "long.mkv"):
            continue
        result = upscale_file(source, tmp_path / f"out_{name}.mkv", model="bicubic")
        said[name] = [note.split(" (")[0] for note in result.notes]
    damaged = {name: said.pop(name) for name in ("truncated.mkv", "garbage.mp4", "video.avi")}
    assert all("frame" in note or "cut off" in note for notes in damaged.values() for note in notes)
    found = {name: notes for name, notes in said.items() if notes}
    assert found == {
        "two_images.mp4": ["of 2 video streams, stream 0"],
        "two_images.mkv": ["of 2 video streams, stream 0"],
        "subtitled.mp4": ["subtitle stream 2"],
        "timecode.mov": ["data stream 2"],
        "timecode.mp4": ["data stream 2"],
    }
