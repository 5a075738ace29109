"""What a video is found to consist of."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import VideoReadError
from subpixel.video.packets import read_packets
from subpixel.video.video_file import open_video, probe
from video import clips

Clip = Callable[[str], Path]


@pytest.mark.parametrize("name", clips.CLIPS)
def test_every_video_has_an_image(clip: Clip, name: str) -> None:
    video = probe(clip(name))
    assert video.streams[video.main].kind == "video"
    assert len(video.others) == len(video.streams) - 1
    assert video.stream.size[0] in (45, 47, 48, 64)
    assert video.stream.time_base > 0


@pytest.mark.parametrize("name", clips.NOT_VIDEOS)
def test_what_is_no_video_is_refused_in_one_sentence(clip: Clip, name: str) -> None:
    with pytest.raises(VideoReadError) as caught:
        probe(clip(name))
    assert str(caught.value).startswith(str(clip(name)))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(VideoReadError, match="no such file"):
        probe(tmp_path / "none.mp4")


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_the_image_is_described(clip: Clip, suffix: str) -> None:
    hdr = probe(clip(f"hdr.{suffix}")).stream
    assert hdr.pix_fmt == "yuv420p10le"
    assert (hdr.tags.primaries, hdr.tags.transfer, hdr.tags.matrix, hdr.tags.full_range) == (9, 16, 9, False)
    assert hdr.tags.siting == "topleft"
    assert probe(clip(f"rotated.{suffix}")).stream.matrix == clips.QUARTER
    assert probe(clip(f"plain.{suffix}")).stream.matrix is None
    assert probe(clip(f"anamorphic.{suffix}")).stream.aspect == Fraction(16, 11)


def test_full_range_and_siting(clip: Clip) -> None:
    tags = probe(clip("tagged.mp4")).stream.tags
    assert (tags.primaries, tags.transfer, tags.matrix, tags.full_range, tags.siting) == (6, 6, 6, True, "topleft")


def test_streams_chapters_and_metadata(clip: Clip) -> None:
    video = probe(clip("rich.mkv"))
    assert [(stream.kind, stream.codec) for stream in video.streams] == [
        ("video", "h264"),
        ("audio", "aac"),
        ("audio", "flac"),
        ("subtitle", "subrip"),
        ("subtitle", "subrip"),
        ("attachment", "unknown"),
    ]
    assert [stream.metadata.get("language") for stream in video.streams[1:5]] == ["eng", "jpn", "eng", "deu"]
    assert [chapter.metadata["title"] for chapter in video.chapters] == ["Begin", "End"]
    assert video.chapters[1].start * video.chapters[1].time_base == Fraction(1, 4)
    assert video.metadata["title"] == "Everything"
    assert str(video.streams[4]) == "subtitle stream 4 (subrip, deu)"


def test_a_stream_without_a_decoder(clip: Clip) -> None:
    assert probe(clip("timecode.mov")).streams[2].metadata["timecode"] == "01:00:00:00"


def test_a_cover_is_not_the_video(clip: Clip) -> None:
    for name in ("cover.mp4", "cover.mkv"):
        video = probe(clip(name))
        assert video.main == 0
        assert [stream.codec for stream in video.others if stream.kind == "video"] == ["mjpeg"]


def test_metadata_that_are_not_utf8_keep_their_bytes(clip: Clip) -> None:
    title = probe(clip("nameless.mkv")).metadata["title"]
    assert title.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize("name", ["rich.mkv", "sound.mp4", "transport.ts", "video.avi", "timecode.mov"])
def test_damaged_files_are_read_or_refused(clip: Clip, tmp_path: Path, name: str) -> None:
    content = clip(name).read_bytes()
    random = np.random.default_rng(7)
    path = tmp_path / name
    for attempt in range(30):
        damaged = np.frombuffer(content, np.uint8).copy()
        if attempt % 2:
            damaged = damaged[: random.integers(len(content))]
        else:
            damaged[random.integers(len(content), size=20)] = random.integers(256, size=20)
        path.write_bytes(damaged.tobytes())
        try:
            video = probe(path)
        except VideoReadError:
            continue
        with open_video(path) as container:
            assert all(packet is not None for packet in read_packets(container, {each.index for each in video.streams}))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bin"])
def test_a_single_image_is_no_video(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    Image.new("RGB", (32, 16)).save(path, "JPEG" if suffix == ".jpg" else "PNG")
    with pytest.raises(VideoReadError, match=r"this is an image; use subpixel upscale$"):
        probe(path)


def test_images_one_after_another_are_a_video(tmp_path: Path) -> None:
    one, path = io.BytesIO(), tmp_path / "frames.bin"
    Image.new("RGB", (32, 16)).save(one, "JPEG")
    path.write_bytes(one.getvalue() * 3)
    assert probe(path).stream.size == (32, 16)
