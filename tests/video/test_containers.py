"""What goes along into which container."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from subpixel.errors import InvalidArgument
from subpixel.video.containers import CONTAINERS, container_of, content_metadata
from subpixel.video.stream_selection import select_streams
from subpixel.video.video_file import probe

Clip = Callable[[str], Path]


def test_a_suffix_says_the_container() -> None:
    assert container_of("a/b.MKV").format == "matroska"
    assert container_of(Path("video.mov")).format == "mov"
    assert len({suffix for each in CONTAINERS for suffix in each.suffixes}) == sum(len(e.suffixes) for e in CONTAINERS)
    with pytest.raises(InvalidArgument, match=r"written as \.mp4.* not as \.gif"):
        container_of("video.gif")
    with pytest.raises(InvalidArgument, match="without a suffix"):
        container_of("video")


@pytest.mark.parametrize(
    ("suffix", "codec", "would"),
    [
        (".webm", "prores_ks", "QuickTime"),
        (".webm", "libx264", "MP4"),
        (".mp4", "prores_ks", "Matroska"),
        (".webm", "ffv1", "Matroska"),
    ],
)
def test_an_image_that_is_not_held_is_refused(clip: Clip, suffix: str, codec: str, would: str) -> None:
    with pytest.raises(InvalidArgument, match=f"does not hold an image encoded by {codec}; .*{would}"):
        select_streams(probe(clip("plain.mp4")), container_of("x" + suffix), codec)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "libx264"),
        (".mp4", "libx265"),
        (".mp4", "libsvtav1"),
        (".mp4", "libvpx-vp9"),
        (".mov", "prores_ks"),
        (".mkv", "ffv1"),
        (".mkv", "libx264"),
        (".mkv", "libx265"),
        (".mkv", "libsvtav1"),
        (".mkv", "prores_ks"),
        (".webm", "libvpx-vp9"),
        (".webm", "libsvtav1"),
        (".nut", "rawvideo"),
    ],
)
def test_an_image_that_is_held(clip: Clip, suffix: str, codec: str) -> None:
    assert select_streams(probe(clip("plain.mkv")), container_of("x" + suffix), codec).streams == ()


def test_matroska_holds_all_of_it(clip: Clip) -> None:
    video = probe(clip("rich.mkv"))
    found = select_streams(video, container_of("x.mkv"), "libx264")
    assert found.streams == video.others
    assert found.notes == ()


def test_what_mp4_cannot_hold_is_said(clip: Clip) -> None:
    video = probe(clip("rich.mkv"))
    found = select_streams(video, container_of("x.mp4"), "libx264")
    assert [stream.index for stream in found.streams] == [1, 2]
    for number, name in ((3, "subtitle"), (4, "subtitle"), (5, "attachment")):
        notes = [note for note in found.notes if note.startswith(f"{name} stream {number} ")]
        assert len(notes) == 1
        assert "Matroska would hold it" in notes[0]


def test_timed_text_stays_in_mp4(clip: Clip) -> None:
    video = probe(clip("subtitled.mp4"))
    assert select_streams(video, container_of("x.mp4"), "libx264").streams == video.others
    found = select_streams(video, container_of("x.mkv"), "libx264")
    assert [stream.kind for stream in found.streams] == ["audio"]
    assert "subtitle stream 2 (mov_text, und) cannot go into Matroska" in found.notes[0]
    assert "MP4" in found.notes[0]


def test_webm_holds_few_codecs(clip: Clip) -> None:
    found = select_streams(probe(clip("sound.mp4")), container_of("x.webm"), "libvpx-vp9")
    assert found.streams == ()
    assert found.notes[0].startswith("audio stream 1 (aac, eng) cannot go into WebM")


def test_covers(clip: Clip) -> None:
    for name in ("cover.mp4", "cover.mkv"):
        video = probe(clip(name))
        for suffix in ("mp4", "mkv"):
            assert select_streams(video, container_of("x." + suffix), "libx264").streams == video.others
        assert "no covers" in " ".join(select_streams(video, container_of("x.mov"), "libx264").notes)


def test_a_timecode_becomes_metadata(clip: Clip) -> None:
    video = probe(clip("timecode.mov"))
    assert len(select_streams(video, container_of("x.mov"), "libx264").streams) == 2
    found = select_streams(video, container_of("x.mkv"), "libx264")
    assert len(found.streams) == 1
    assert "timecode 01:00:00:00" in found.notes[0]
    part = select_streams(video, container_of("x.mov"), "libx264", (Fraction(1, 4), Fraction(1, 2)))
    assert len(part.streams) == 1
    assert "left out of a part" in part.notes[-1]


def test_the_display_matrix(clip: Clip) -> None:
    video = probe(clip("rotated.mp4"))
    assert select_streams(video, container_of("x.mkv"), "libx264").notes == ()
    assert "turned" in " ".join(select_streams(video, container_of("x.nut"), "libx264").notes)


def test_what_would_be_false_is_not_told() -> None:
    values = {
        "title": "A",
        "ENCODER": "Lavf",
        "DURATION": "00:00:01",
        "BPS": "1",
        "BPS-eng": "1",
        "NUMBER_OF_FRAMES-eng": "3",
        "_STATISTICS_WRITING_APP": "x",
        "major_brand": "isom",
        "comment": "B",
    }
    assert content_metadata(values) == {"title": "A", "comment": "B"}
