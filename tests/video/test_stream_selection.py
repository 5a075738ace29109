"""The streams that each container can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from subpixel.errors import InvalidArgument
from subpixel.upscaler import Upscaler
from subpixel.video import Job, Settings
from subpixel.video.time_range import TimeRange
from subpixel.video.video_file import probe
from video.clips import make_clip, sound
from video.tracks import select

Clip = Callable[[str], Path]


@pytest.mark.parametrize(
    ("suffix", "codec", "other"),
    [
        (".webm", "prores_ks", "QuickTime"),
        (".webm", "libx264", "MP4"),
        (".mp4", "prores_ks", "Matroska"),
        (".webm", "ffv1", "Matroska"),
    ],
)
def test_an_image_that_is_not_held_is_refused(clip: Clip, suffix: str, codec: str, other: str) -> None:
    with pytest.raises(InvalidArgument, match=f"cannot hold an image encoded by {codec}; .*{other}.* can"):
        select(probe(clip("plain.mp4")), "x" + suffix, codec)


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
    assert select(probe(clip("plain.mkv")), "x" + suffix, codec).streams == ()


def test_matroska_holds_all_of_it(clip: Clip) -> None:
    video = probe(clip("rich.mkv"))
    found = select(video, "x.mkv", "libx264")
    assert found.streams == video.others
    assert found.notes == ()


def test_streams_that_mp4_cannot_hold_are_notes(clip: Clip) -> None:
    video = probe(clip("rich.mkv"))
    found = select(video, "x.mp4", "libx264")
    assert [stream.index for stream in found.streams] == [1, 2, 3, 4]
    assert found.texts == {3: "mov_text", 4: "mov_text"}
    for number, name in ((3, "subtitle"), (4, "subtitle"), (5, "attachment")):
        notes = [note for note in found.notes if note.startswith(f"{name} stream {number} ")]
        assert len(notes) == 1
        assert "Matroska can hold it" in notes[0]


def test_timed_text_stays_in_mp4(clip: Clip) -> None:
    video = probe(clip("subtitled.mp4"))
    assert select(video, "x.mp4", "libx264").streams == video.others
    found = select(video, "x.mkv", "libx264")
    assert (found.streams, found.texts) == (video.others, {2: "subrip"})
    assert found.notes == (
        "subtitle stream 2 (mov_text) is converted to subrip, since Matroska cannot hold it: words, times, bold, "
        "italics and underlines are kept, boxes and karaoke are not; MP4, QuickTime can hold it",
    )
    assert select(video, "x.nut", "libx264").texts == {}


def test_webm_holds_few_codecs(clip: Clip) -> None:
    found = select(probe(clip("sound.mp4")), "x.webm", "libvpx-vp9")
    assert found.streams == ()
    assert found.notes[0].startswith("audio stream 1 (aac, eng) is left out: WebM cannot hold it")


def test_covers(clip: Clip) -> None:
    for name in ("cover.mp4", "cover.mkv"):
        video = probe(clip(name))
        for suffix in ("mp4", "mkv"):
            assert select(video, "x." + suffix, "libx264").streams == video.others
        assert "no cover images" in " ".join(select(video, "x.mov", "libx264").notes)


def test_a_timecode_becomes_metadata(clip: Clip) -> None:
    video = probe(clip("timecode.mov"))
    assert len(select(video, "x.mov", "libx264").streams) == 2
    found = select(video, "x.mkv", "libx264")
    assert len(found.streams) == 1
    assert "timecode 01:00:00:00" in found.notes[0]
    part = select(video, "x.mov", "libx264", TimeRange(Fraction(1, 4), Fraction(1, 2)))
    assert len(part.streams) == 1
    assert "left out of this part" in part.notes[-1]


def test_the_display_matrix(clip: Clip) -> None:
    video = probe(clip("rotated.mp4"))
    assert select(video, "x.mkv", "libx264").notes == ()
    assert "rotated" in " ".join(select(video, "x.nut", "libx264").notes)


FLAGS = [flag for flag in av.stream.Disposition if flag & (flag.hearing_impaired | flag.visual_impaired)]


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".nut"])
def test_a_disposition_is_kept_or_named_and_never_found_after_the_work(
    tmp_path: Path, suffix: str, flag: av.stream.Disposition
) -> None:
    """libavformat reads a sound for blind people as two flags, of which Matroska stores one for a sound."""

    def tone(out: Any) -> Callable[[Any], None]:
        write = sound(out, "mp2")
        out.streams[1].disposition = flag
        return lambda _: write()

    source = make_clip(tmp_path / "clip.ts", format_name="mpegts", others=tone)
    flags = probe(source).streams[1].flags
    assert flags & flag
    job = Job(source, Upscaler(2, model="bicubic", threads=1), tmp_path / f"out{suffix}", Settings("ffv1"))
    if suffix == ".mp4":
        job = replace(job, settings=Settings("x264"))
    result = job.run()
    lost = flags & ~probe(result.destination).streams[1].flags
    named = [note for note in result.notes if "no place for the disposition of audio stream 1" in note]
    assert [note[note.rindex("(") + 1 : -1] for note in named] == (
        [", ".join(each.name or "" for each in av.stream.Disposition if each & lost)] if lost else []
    )
