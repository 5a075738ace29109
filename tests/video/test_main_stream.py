"""Which of several video streams is the video, and what becomes of the others."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from subpixel.errors import InvalidArgument, VideoReadError, VideoWriteError
from subpixel.video import upscale_file
from subpixel.video.containers import is_cover
from subpixel.video.video_file import open_video, probe
from video import clips, stream_clips
from video.tracks import select

SMALL, LARGE = (16, 16), (48, 32)
DEFAULT = av.stream.Disposition.default


@pytest.mark.parametrize(
    ("flags", "sizes", "main"),
    [
        ((0, 1), (SMALL, LARGE), 1),
        ((1, 0), (SMALL, LARGE), 0),
        ((0, 0), (SMALL, LARGE), 1),
        ((0, 0), (LARGE, SMALL), 0),
        ((1, 1), (SMALL, LARGE), 1),
        ((0, 1), (LARGE, SMALL), 1),
    ],
)
def test_the_default_one_then_the_largest(
    tmp_path: Path, flags: tuple[int, int], sizes: tuple[tuple[int, int], tuple[int, int]], main: int
) -> None:
    assert probe(stream_clips.big_second(tmp_path / "in.mkv", flags, sizes)).main == main


def test_then_the_longest(tmp_path: Path) -> None:
    assert probe(stream_clips.big_second(tmp_path / "in.mp4", (1, 1), (LARGE, LARGE))).main == 1


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "nut"])
@pytest.mark.parametrize("flags", [(0, 1), (0, 0)])
def test_the_others_are_copied(tmp_path: Path, suffix: str, flags: tuple[int, int]) -> None:
    source = stream_clips.big_second(tmp_path / "in.mkv", flags)
    result = upscale_file(source, tmp_path / f"out.{suffix}", model="bicubic")
    assert (result.size_in, result.size_out, result.frames) == (LARGE, (96, 64), 4)
    assert result.notes == (
        "of 2 video streams, stream 1 (h264, 48×32) is upscaled; copied as it is: video stream 0 (h264); "
        "stream=0 would upscale another",
    )
    written = probe(result.destination)
    assert (written.main, written.stream.size) == (1, (96, 64))  # the next program finds the same one
    with open_video(source) as before, open_video(result.destination) as after:
        assert [bytes(p) for p in before.demux(video=0) if p.size] == [bytes(p) for p in after.demux(video=0) if p.size]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "mpeg2video", "libvpx-vp9"])
@pytest.mark.parametrize("source", ["ts", "mp4", "avi"])
def test_the_others_are_copied_whatever_frames_their_packets(tmp_path: Path, codec: str, source: str) -> None:
    """Transport streams and AVI separate NAL units otherwise than MP4 and Matroska, and their clocks are others."""
    path = tmp_path / f"in.{source}"
    try:
        stream_clips.two_alike(path, codec)
    except ValueError:
        assert (source, codec) in {("ts", "libsvtav1"), ("ts", "libvpx-vp9"), ("avi", "libx265")}
        return
    for suffix in ("mkv", "mp4", "mov"):
        try:
            video = probe(path)
        except VideoReadError:
            assert source == "ts"  # libavformat writes AV1 and VP9 there, but does not read them
            return
        kept = len(select(video, f"x.{suffix}", "libx264").streams) == len(video.others)
        result = upscale_file(path, tmp_path / f"out.{suffix}", model="bicubic")
        assert result.size_out == (192, 128)
        assert len(probe(result.destination).streams) == 1 + kept


def test_one_that_the_container_does_not_hold_is_left_out(tmp_path: Path) -> None:
    source = stream_clips.big_second(tmp_path / "in.mkv")
    result = upscale_file(source, tmp_path / "out.webm", model="bicubic", preset="8")
    assert result.size_out == (96, 64)
    assert result.notes[0].startswith("video stream 0 (h264) is left out: WebM cannot hold it")
    assert result.notes[1] == "of 2 video streams, stream 1 (h264, 48×32) is upscaled; stream=0 would upscale another"


def test_a_cover_is_none(tmp_path: Path) -> None:
    with pytest.raises(VideoReadError, match="has no video stream"):
        probe(clips.cover_alone(tmp_path / "in.m4a"))


def test_covers_of_every_format_are_kept(tmp_path: Path) -> None:
    source = stream_clips.attached(tmp_path / "in.mkv")
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    assert result.notes == ()
    video = probe(result.destination)
    assert [(stream.codec, is_cover(stream)) for stream in video.others] == [
        ("mjpeg", True),
        ("png", True),
        ("tiff", True),
        ("gif", True),
        ("unknown", False),
    ]
    with open_video(result.destination) as container:
        contents = {packet.stream_index: bytes(packet) for packet in container.demux() if packet.size}
        assert container.streams[5].data == stream_clips.picture("WEBP")
    assert [contents[index] for index in (1, 2, 3, 4)] == [
        stream_clips.picture(form) for form in ("JPEG", "PNG", "TIFF", "GIF")
    ]


def test_covers_that_mp4_does_not_have_are_named(tmp_path: Path) -> None:
    video = probe(stream_clips.attached(tmp_path / "in.mkv"))
    found = select(video, "x.mp4", "libx264")
    assert [stream.codec for stream in found.streams] == ["mjpeg", "png"]
    for codec in ("tiff", "gif"):
        assert [f"({codec}) is left out: MP4" in note for note in found.notes].count(True) == 1


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        ("webm", "libvpx-vp9", "yuva420p"),
        ("webm", "libvpx", "yuva420p"),
        ("mov", "prores_ks", "yuva444p10le"),
        ("mov", "png", "rgba"),
        ("mov", "qtrle", "argb"),
        ("mkv", "ffv1", "yuva420p"),
        ("mkv", "ffv1", "bgra"),
        ("apng", "apng", "rgba"),
        ("gif", "gif", "rgb8"),
    ],
)
def test_transparency_is_named(tmp_path: Path, suffix: str, codec: str, pix_fmt: str) -> None:
    source = stream_clips.transparent(tmp_path / f"in.{suffix}", codec, pix_fmt)
    assert probe(source).stream.alpha
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    if suffix in ("apng", "gif"):
        hint = "subpixel upscale keeps the animation with it"
    else:
        hint = "save the frames as PNG files to keep it, and use subpixel upscale on their folder"
    assert f"transparency is not kept: the alpha channel is left out; {hint}" in result.notes
    with open_video(result.destination) as container:
        assert "alpha_mode" not in {key.lower() for key in container.streams.video[0].metadata}
    assert not probe(result.destination).stream.alpha


def test_the_layout_of_two_views_stays_where_it_is_understood(tmp_path: Path) -> None:
    source = clips.make_clip(
        tmp_path / "in.mkv", times=range(3), set_up=lambda stream: stream.metadata.update(stereo_mode="left_right")
    )
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic")
    assert result.notes == ()
    assert probe(result.destination).losses == ("not kept: the layout of stereoscopic views",)
    assert "not kept: the layout of stereoscopic views" in upscale_file(source, tmp_path / "out.mp4").notes


@pytest.mark.parametrize(("suffix", "said"), [("mp4", False), ("mkv", True)])
def test_hidden_frames_of_a_copied_stream_are_named(tmp_path: Path, suffix: str, said: bool) -> None:
    source = stream_clips.big_second(tmp_path / "in.mp4", (0, 1), (SMALL, LARGE))
    content = source.read_bytes()
    # The edit list of the first track begins a frame later: its first number is the length, the second the beginning.
    at = content.index(b"elst") + 12
    begin = int.from_bytes(content[at + 4 : at + 8], "big") + 512
    source.write_bytes(content[: at + 4] + begin.to_bytes(4, "big") + content[at + 8 :])
    video = probe(source)
    assert video.main == 1
    notes = select(video, f"x.{suffix}", "libx264").notes
    assert any("frames that an edit list hides become visible" in note for note in notes) == said


def animation(path: Path, *, count: int = 3) -> Path:
    frames = [Image.new("RGBA", (48, 32), (60 * n, 100, 200, 255 if n else 90)) for n in range(count)]
    if path.suffix == ".avif":
        frames = [each.convert("RGB") for each in frames]
    form = "PNG" if path.suffix == ".apng" else None
    frames[0].save(path, form, save_all=count > 1, append_images=frames[1:], duration=100)
    return path


@pytest.mark.parametrize("suffix", ["gif", "apng", "avif"])
def test_animated_images_are_videos(tmp_path: Path, suffix: str) -> None:
    source = animation(tmp_path / f"in.{suffix}")
    result = upscale_file(source, model="bicubic")
    assert (result.destination.name, result.size_out, result.frames) == ("in_x2.mkv", (96, 64), 3)
    with open_video(result.destination) as container:
        stream = container.streams.video[0]
        assert [each.pts * stream.time_base for each in container.decode(stream)] == [
            0,
            Fraction(1, 10),
            Fraction(1, 5),
        ]
    assert len(probe(result.destination).streams) == 1
    if suffix == "avif":
        assert "video stream 0 (av1) is left out" in result.notes[0]


@pytest.mark.parametrize("name", ["in.webp", "one.webp", "one.gif", "one.apng", "one.avif"])
def test_images_are_left_to_upscale(tmp_path: Path, name: str) -> None:
    source = animation(tmp_path / name, count=1 if name.startswith("one") else 3)
    with pytest.raises(VideoReadError, match=r"this is an image; use subpixel upscale$"):
        probe(source)


@pytest.mark.parametrize(("chosen", "size"), [(0, SMALL), (1, LARGE)])
def test_another_stream_can_be_chosen(tmp_path: Path, chosen: int, size: tuple[int, int]) -> None:
    source = stream_clips.big_second(tmp_path / "in.mkv")
    result = upscale_file(source, tmp_path / "out.mkv", model="bicubic", stream=chosen, encoder="x264")
    assert result.size_in == size
    assert "would upscale" not in result.notes[0]
    assert f"stream {chosen} (h264, {size[0]}×{size[1]}) is upscaled" in result.notes[0]
    # The choice is part of what a result was made from; naming the default one changes nothing.
    assert upscale_file(source, tmp_path / "out.mkv", model="bicubic", stream=chosen, encoder="x264").done_before
    if chosen == 1:
        assert upscale_file(source, tmp_path / "out.mkv", model="bicubic", encoder="x264").done_before
    with pytest.raises(VideoWriteError, match="with other settings"):
        upscale_file(source, tmp_path / "out.mkv", model="bicubic", stream=1 - chosen, encoder="x264")


def test_a_wrong_stream_lists_what_there_is(tmp_path: Path) -> None:
    source = stream_clips.big_second(tmp_path / "in.mkv")
    for number in (2, -1):
        with pytest.raises(InvalidArgument) as caught:
            upscale_file(source, tmp_path / "out.mkv", model="bicubic", stream=number)
        assert str(caught.value) == (
            f"stream={number}: {source} has no such video stream; it has 0 (h264, 16×16), 1 (h264, 48×32)"
        )
    assert [each.name for each in tmp_path.iterdir()] == ["in.mkv"]
